"""Mistakes of the catalogue, planted one by one and in pairs, are named; nothing else is."""

from __future__ import annotations

import random

import pytest

from nncheck import case as cases
from nncheck.diagnosis.catalogue import MISTAKES, TOGETHER
from nncheck.formula import read_line
from nncheck.verifier.assess import Assessment

from .planted import CASES, SIZES, Field, shares
from .programs import Judge, program


@pytest.mark.parametrize(
    "name, sizes",
    [
        pytest.param(name, sizes, marks=[] if (name, sizes) == ("relu_sigmoid", (3, 4, 5)) else pytest.mark.slow)
        for name in CASES
        for sizes in SIZES
    ],
)
def test_single_mistakes_are_named_first(name: str, sizes: tuple[int, ...]) -> None:
    field = Field(name, sizes)
    counted, share = shares([field.outcome((edit,)) for edit in field.index.named])
    assert share["named"] >= 0.95, counted
    assert counted["wrong"] == 0, counted
    assert counted["undetected"] == 0, counted


def test_a_sample_of_pairs_is_named() -> None:
    field = Field("hidden", (3, 4, 5))
    chosen = random.Random(4).sample(field.pairs, 100)
    counted, share = shares([field.outcome(pair) for pair in chosen])
    assert share["named"] >= 0.85, counted
    assert share["wrong"] <= 0.005, counted


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_pairs_are_named(name: str) -> None:
    for sizes in SIZES:
        field = Field(name, sizes)
        chosen = random.Random(5).sample(field.pairs, 1500)
        counted, share = shares([field.outcome(pair) for pair in chosen])
        assert share["named"] >= 0.85, counted
        assert share["wrong"] <= 0.005, counted


def _assessed(name: str, *formulas: str, steps: bool = False) -> Assessment:
    case = cases.find(name)
    derivation = case.derivation()
    lines = {line.name: line for line in (read_line(formula) for formula in formulas)}
    return Judge(case, derivation).assess(program(derivation, tuple(case.params), lines, steps))


def _said(assessment: Assessment) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for finding in assessment.findings:
        said.setdefault(str(finding.quantity), []).extend(e.id for e in finding.explanations[:1])
    return said


def test_a_convention_and_a_mistake_on_top_of_it_are_both_named() -> None:
    assessment = _assessed("relu_sigmoid", "E = ((Y - YT) ** 2).mean() / 2", "dY = (Y - YT) / Y.size", "dZ = dH")
    assert _said(assessment) == {"dW": ["act.missing"], "E": ["conv.half"]}
    assert [finding.convention for finding in assessment.findings] == [False, True]
    assert assessment.faults == {"derivation"}  # the convention is none


def test_a_convention_and_two_mistakes() -> None:
    lines = ("E = ((Y - YT) ** 2).mean() / 2", "dY = (Y - YT) / Y.size", "dZ = dH", "dB2 = dZ2.mean(axis=0)")
    assert _said(_assessed("relu_sigmoid", *lines)) == {"dB2": ["db.mean"], "dW": ["act.missing"], "E": ["conv.half"]}


def test_two_mistakes_above_the_first_quantity_that_is_seen_and_two_below() -> None:
    lines = ("dY = Y - YT", "dZ2 = dY * (1 - Y)", "dZ = dH", "dB = dZ.mean(axis=0)")
    said = _said(_assessed("relu_sigmoid", *lines))
    assert said == {"dW2": ["mse.plain", "act.one_minus"], "dW": ["act.missing"], "dB": ["db.mean"]}


def test_a_slip_and_a_named_mistake() -> None:
    assessment = _assessed("relu_sigmoid", "dZ2 = dY * Y * (1 - YT)", "dZ = dH")
    assert _said(assessment) == {"dW2": ["edit"], "dW": ["act.missing"]}
    assert assessment.findings[0].explanations[0].equals == "dZ2 = dY * Y * (1 - YT)"


def test_a_line_that_nothing_explains_is_not_blamed_for_what_follows() -> None:
    lines = ("dZ2 = dY * Y * (1 - YT) ** 3 + 1", "dZ = dH", "dB2 = dZ2.mean(axis=0)")
    said = _said(_assessed("relu_sigmoid", *lines, steps=True))
    assert said == {"dZ2": [], "dB2": ["db.mean"], "dZ": ["act.missing"]}


def test_of_equals_the_most_common_is_told_first() -> None:
    ids = [e.id for e in _assessed("softmax_cross_entropy", "dB2 = dY.sum() + 0 * B2").findings[0].explanations]
    assert ids[0] == "db.zero" and "db.sum_all" in ids  # both are zero after a softmax


class _HandedOverWrong:
    """Right but for what backward hands over as the gradient of Z2."""

    def __init__(self, factor: float) -> None:
        case = cases.find("relu_sigmoid")
        self._right = program(case.derivation(), tuple(case.params), {}, steps=True)
        self.forward, self.loss = self._right.forward, self._right.loss  # type: ignore[attr-defined]
        self._factor = factor

    def backward(self, params: object, cache: object, YT: object) -> object:
        gradients = self._right.backward(params, cache, YT)  # type: ignore[attr-defined]
        return {**gradients, "Z2": self._factor * gradients["Z2"]}


@pytest.mark.parametrize("factor, ids", [(-1.0, ["act.sign"]), (0.3, [])])
def test_what_is_only_handed_over_wrong_is_not_taken_for_a_mistake_in_what_follows(
    factor: float, ids: list[str]
) -> None:
    case = cases.find("relu_sigmoid")
    assessment = Judge(case, case.derivation()).assess(_HandedOverWrong(factor))
    (finding,) = assessment.findings
    assert finding.quantity == "dZ2"
    assert "What follows from it is right: only what is handed over as dZ2 is wrong." in finding.text
    assert [e.id for e in finding.explanations if e.id != "relation"] == ids


def test_every_mistake_of_the_table_is_in_the_catalogue() -> None:
    ids = {mistake.id for mistake in MISTAKES} | {id for id, _, _ in TOGETHER} | {"batch.divN_again"}
    table = """
    mse.no2 conv.half mse.sumN ce.noN mse.sumO mse.plain mse.plainN batch.divN_again dW.divN loss.gsign
    mse.bc_row mse.avg_first act.missing act.on_output act.pre_as_post act.one_minus act.kind_sigmoid
    act.kind_relu act.kind_tanh act.no_upstream relu.mask_grad dW.transposed dW.X_in dW.preact_in dW.own_output
    dW.last_only db.mean db.nosum db.sum_all db.dW_sum db.dW_col0 db.zero prop.WT prop.dW prop.updatedW
    ce.jac_elem ce.times_pq ce.double_softmax ce.softmax_all ce.softmax_axis0 ce.mse_nojac ce.mse_elem
    ce.mse_jac ce.fancy ce.off_by_one ce.label_value loss.sign
    """
    assert set(table.split()) <= ids
