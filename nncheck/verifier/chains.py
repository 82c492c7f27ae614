"""Updates along a chain of steps: gradients that are never reset, decimals cut off, an optimizer that keeps states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncheck.case import Case
from nncheck.diagnosis.steps import explain_update
from nncheck.formula.plain import Array
from nncheck.language import N_, phrase, translate
from nncheck.manual.scripts.observed import Observed
from nncheck.updates import Updates
from nncheck.verification import Explanation, Finding
from nncheck.verifier import words
from nncheck.verifier.assess import Assessment
from nncheck.verifier.checking import Judged, Pair, judge
from nncheck.verifier.optimizing import other_optimizer
from nncheck.verifier.truth import EXACT, Truth

_ACCUMULATED = N_("adding each step's gradient to those before it, and never resetting it")
_TRUNCATED = N_("keeping the parameters as whole numbers, which cuts off every update's decimals")
_MATCH = 1e-7


def update_explanations(
    case: Case, observed: Observed, truth: Truth, lr: float, wrong: Sequence[str], text: str
) -> tuple[Explanation, ...]:
    """Return what explains every update of every chain of steps that begins with the first.

    Parameters
    ----------
    case : Case
    observed : Observed
    truth : Truth
        With the true gradients at the observed steps.
    lr : float
    wrong : sequence of str
        Gradients that differ.
    text : str
        The script.
    """
    names = [name for name in case.params if name in observed.before and f"d{name}" in truth.value]
    if not wrong or any(name == "E" for name in wrong):
        return ()
    chains = [chain for chain in _chains(observed) if len(chain) > 1]
    if not chains:
        return ()
    true = {name: truth.value[f"d{name}"] for name in names}
    befores, afters, trues = (
        [[_flat(arrays, names, s) for s in chain] for chain in chains]
        for arrays in (observed.before, observed.after, true)
    )
    if case.optimizer.is_plain:
        other = other_optimizer(text, befores, afters, trues, lr)
        if other:
            return (other,)
    found: dict[str, tuple[str, str]] | None = None
    for before, after, gradients in zip(befores, afters, trues):
        here = {
            edit.id: (edit.text, edit.equals)
            for edit in explain_update(case.optimizer, before, after, gradients, lr)
            if edit.text
        }
        if _adds_up(before, after, gradients, lr):
            here["upd.accum"] = (_ACCUMULATED, "dW += ...")
        found = here if found is None else {id: words for id, words in found.items() if id in here}
    # from other numbers, with decimals, nothing is cut off: only where all are whole does it show
    whole = [chain for chain in zip(befores, afters, trues) if _is_whole(chain[0]) and _is_whole(chain[1])]
    if whole and all(_truncates(*chain, lr) for chain in whole):
        found = {**(found or {}), "upd.trunc": (_TRUNCATED, "W_ = trunc(W - lr * dW)")}
    return tuple(
        Explanation(
            id=id,
            text=phrase("The updates equal, at all steps, what one gets by {mistake}.", mistake=translate(text)),
            equals=equals,
        )
        for id, (text, equals) in (found or {}).items()
    )


def check_updates(case: Case, observed: Observed, truth: Truth, lr: float, text: str, result: Assessment) -> None:
    """Judge the updates of a run under an optimizer that keeps states, along every chain from the first step on.

    The gradients themselves do not show in such an update: what is wrong with them, or with the states, shows in the
    parameters alone, and is explained by the optimizer's lines as far as these can.
    """
    judged: dict[str, Judged] = {}
    for name in [name for name in case.params if f"d{name}" in truth.value]:
        pairs = []
        for chain in _chains(observed):
            updates = Updates(case.optimizer, lr, EXACT)
            steps, before = observed.step[chain], observed.before[name][chain]
            gradient, radius = truth.value[f"d{name}"][chain], truth.radius[f"d{name}"][chain]
            expected = updates.add(name, steps, before, gradient, radius)
            allowed = EXACT.bound(np.zeros_like(before) if expected.radius is None else expected.radius)
            after = observed.after[name][chain]
            pairs += [Pair(after[t], expected.after[t], allowed[t], place) for t, place in enumerate(chain)]
        if pairs:
            judged[name] = judge(f"{name}'", pairs)
            result.quantities.append(judged[name].checked)
    wrong = [name for name, found in judged.items() if found.checked.verdict == "differ"]
    if not wrong:
        return
    found = judged[wrong[0]]
    explanations = update_explanations(case, observed, truth, lr, [f"d{name}" for name in wrong], text)
    line = line_of(observed, observed.sources[wrong[0]])
    place = phrase("step {step}", step=int(observed.step[found.place]))
    result.findings.append(
        Finding(
            kind="value",
            quantity=f"{wrong[0]}'",
            index=found.checked.worst.index if found.checked.worst else None,
            line=line,
            text=words.value(found.checked, found.differing, found.points, place),
            explanations=explanations,
        )
    )
    result.faults.add("derivation")


def line_of(observed: Observed, names: Sequence[str]) -> int | None:
    """Return the line that last assigns the first of some variables, ``W1[0, 0]`` being W1."""
    return next(
        (observed.lines[base] for base in (name.split("[")[0] for name in names) if base in observed.lines), None
    )


def _chains(observed: Observed) -> list[list[int]]:
    """Return, for each run, the observed steps from its first on without a gap."""
    chains: list[list[int]] = []
    for run in np.unique(observed.run):
        places = np.flatnonzero(observed.run == run)
        chain: list[int] = []
        for place in places:
            if observed.step[place] != len(chain) or (chain and not observed.chain[place]):
                break
            chain.append(int(place))
        chains.append(chain)
    return chains


def _flat(arrays: object, names: Sequence[str], s: int) -> Array:
    return np.concatenate([np.ravel(arrays[name][s]) for name in names])  # type: ignore[index]


def _adds_up(before: Sequence[Array], after: Sequence[Array], gradients: Sequence[Array], lr: float) -> bool:
    total = np.zeros_like(gradients[0])
    for W, W_, dW in zip(before, after, gradients):
        total = total + dW
        moved = W - W_
        with np.errstate(all="ignore"):
            if not (np.abs(moved - lr * total) <= _MATCH * np.abs(moved).max(initial=0.0) + 1e-15).all():
                return False
    return True


def _truncates(before: Sequence[Array], after: Sequence[Array], gradients: Sequence[Array], lr: float) -> bool:
    return all(np.array_equal(W_, np.trunc(W - lr * dW)) for W, W_, dW in zip(before, after, gradients))


def _is_whole(arrays: Sequence[Array]) -> bool:
    return all(np.array_equal(array, np.trunc(array)) for array in arrays)
