"""Runs a layer several times over and notes what it does beside its answer: what it changes, keeps and shares."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import N_, phrase
from nncheck.layers.calling import BadOutput, Code, Pass
from nncheck.layers.effects import (
    changed_inputs,
    changed_parameters,
    handed_out_again,
    inputs_shared,
    same,
    views,
)
from nncheck.layers.given import Given
from nncheck.layers.returned import Gradients, assign
from nncheck.layers.signature import Misfit
from nncheck.verification import Finding, Kind

_CHANGES = N_("{who} changes {name} in place")
_CHANGES_WHAT_IT_KEEPS = N_("{who} changes {name}, which it keeps in place")
_SECOND_CALLS = {
    "backward": N_("backward, called again with the same numbers, gives another {gradient}: {why}"),
    "both": N_("forward and backward, called again with the same numbers, gives another {gradient}: {why}"),
}


class Stopped(Exception):
    """The person's code raised, or asked for what it is not known how to give; holds the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


@dataclass
class Trial:
    """What the code gave, and what it did besides.

    Attributes
    ----------
    outputs : list of array
        Copies of what forward returned.
    douts : list of list of array
        The sets of upstream gradients that backward was tried with.
    gradients : Gradients
        Of the first call.
    got : list of dict
        Copies of the gradients, one dict for each set of upstream gradients.
    findings : list of Finding
        Of kinds aliasing, mutated and state.
    """

    outputs: list[Array]
    douts: list[list[Array]]
    gradients: Gradients
    got: list[dict[str, Any]]
    scalar: bool
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def run(code: Code, given: Sequence[Given], seed: int, chosen: bool = False) -> Trial:
    """Call forward and backward: once, backward again, both again, and with another upstream gradient.

    Raises
    ------
    Stopped
        If the first forward or backward raises.
    """
    twin = _twin(code)
    values = {g.name: g.fresh() for g in given}
    done = _called("forward", code, lambda: code.forward(values))
    outputs = [np.array(out) for out in done.outputs]
    changed = [("forward", name, _CHANGES) for name in changed_inputs(values, given)]
    generator = np.random.default_rng(seed)
    scalar = done.scalar
    douts = [[_upstream(out, scalar, generator) for out in outputs] for _ in range(1 if scalar else 2)]
    handed = [d.copy() for d in douts[0]]
    raw = _called("backward", code, lambda: code.backward(done, handed))
    gradients = assign(raw, given, code.object, chosen)
    got = _copied(gradients)
    before = [name for _, name, _ in changed]
    changed += [("backward", name, _CHANGES) for name in changed_inputs(values, given) if name not in before]
    changed += [("backward", name, _CHANGES_WHAT_IT_KEEPS) for name in changed_parameters(code, given)]
    if not all(same(a, b) for a, b in zip(handed, douts[0])):
        changed.append(("backward", "dout", _CHANGES))
    trial = Trial(outputs, douts, gradients, [got], scalar)
    shared: list[tuple[Kind, str]] = [("aliasing", text) for text in inputs_shared(gradients, values)]
    trial.notes += views(gradients, handed)
    shared += _again(code, given, done, trial, chosen)
    trial.findings += [_finding(kind, text) for kind, text in shared if kind == "aliasing"]
    trial.findings += [_finding("mutated", phrase(words, who=who, name=name), name) for who, name, words in changed]
    trial.findings += [_finding(kind, text) for kind, text in shared if kind == "state"]
    if not scalar and twin is not None:
        other = _quietly(lambda: _both(twin, given, douts[1], chosen))
        if other is not None:
            trial.got.append(_copied(other[1]))
    trial.douts = trial.douts[: len(trial.got)]
    return trial


# the calls that follow the first ------------------------------------------------------------------------------------


def _again(code: Code, given: Sequence[Given], done: Pass, trial: Trial, chosen: bool) -> list[tuple[Kind, str]]:
    """Call backward again, then both again, and say what has changed."""
    first, dout = trial.got[0], trial.douts[0]
    twice = None
    if not code.at_once:
        again = _quietly(lambda: assign(code.backward(done, _fresh(dout)), given, code.object, chosen))
        twice = None if again is None else _copied(again)
    fresh = _quietly(lambda: _both(code, given, dout, chosen))
    if fresh is None:
        text = phrase("a second forward and backward with the same inputs raises, where the first did not")
        return [("state", text)]
    outputs, later = fresh
    if not all(same(a, b) for a, b in zip(outputs, trial.outputs)):
        text = phrase(
            "forward gives another output for the same inputs; hand in what is random, such as a mask, as an input"
        )
        return [("state", text)]
    found: list[tuple[Kind, str]] = [("aliasing", text) for text in handed_out_again(trial.gradients, later)]
    for gradients, call in ((_copied(later), "both"), (twice or {}, "backward")):
        text = _otherwise(gradients, first, call)
        if text:
            return [*found, ("state", text)]
    return found


def _otherwise(again: Mapping[str, Any], first: Mapping[str, Any], call: str) -> str:
    """Say which gradient a later call gives otherwise; empty if none."""
    for name in first:
        if name not in again or same(again[name], first[name]):
            continue
        why = phrase("something is kept, or changed, by the first call")
        # the third time where backward was called twice before
        if any(same(again[name], times * first[name]) for times in (2, 3) if np.any(first[name])):
            why = phrase("it is added to what stood there before")
        return phrase(_SECOND_CALLS[call], gradient=f"d{name}", why=why)
    return ""


def _both(code: Code, given: Sequence[Given], dout: Sequence[Array], chosen: bool) -> tuple[list[Array], Gradients]:
    done = code.forward({g.name: g.fresh() for g in given})
    outputs = [np.array(out) for out in done.outputs]
    return outputs, assign(code.backward(done, _fresh(dout)), given, code.object, chosen)


def _quietly(call: Callable[[], Any]) -> Any:
    """Return what a later call gives, None if it raises."""
    try:
        return call()
    except KeyboardInterrupt:
        raise
    except BaseException:  # exit() too
        return None


def _twin(code: Code) -> Code | None:
    twin: Code | None = _quietly(code.apart)
    return twin


def _upstream(out: Array, scalar: bool, generator: np.random.Generator) -> Array:
    """Draw an upstream gradient: no zeros, both signs; 1 for a loss."""
    if scalar:
        return np.ones(())
    return np.asarray(generator.choice((-1.0, 1.0), out.shape) * generator.uniform(0.2, 1.5, out.shape))


def _fresh(arrays: Sequence[Array]) -> list[Array]:
    return [array.copy() for array in arrays]


def _copied(gradients: Gradients) -> dict[str, Any]:
    return {name: _copy(value) for name, value in gradients.values.items()}


def _copy(value: Any) -> Any:
    try:
        return np.array(value)
    except (TypeError, ValueError):  # lists of unequal lengths
        return value


# findings -----------------------------------------------------------------------------------------------------------


def _called(which: str, code: Code, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except KeyboardInterrupt:
        raise
    except (BadOutput, Misfit) as error:
        raise Stopped(_finding("code", str(error))) from None
    except BaseException as error:  # exit() stops the code, not the check
        line = _line_of(error, code.files)
        facts = {"which": which, "error": type(error).__name__, "said": error, "line": line}
        text = (
            phrase("{which} raises {error} (line {line}): {said}", **facts)
            if line
            else phrase("{which} raises {error}: {said}", **facts)
        )
        raise Stopped(Finding(kind="code", quantity=None, index=None, line=line, text=text)) from None


def _line_of(error: BaseException, files: Sequence[str]) -> int | None:
    """Return the last line of the person's files on the way to the error."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    return lines[-1] if lines else None


def _finding(kind: Kind, text: str, quantity: str | None = None) -> Finding:
    return Finding(kind=kind, quantity=quantity, index=None, line=None, text=f"{text}.")
