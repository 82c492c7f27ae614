"""check_backward: one hand-written forward and backward, held against a reference or against its own forward."""

from __future__ import annotations

import linecache
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nncheck.errors import InputError
from nncheck.language import phrase, use
from nncheck.layers.calling import Code, functions_of
from nncheck.layers.given import Given, read_inputs
from nncheck.layers.held import own_parameters
from nncheck.layers.reference import Witness, own_forward, witness_of
from nncheck.layers.trial import Stopped, Trial, run
from nncheck.layers.weighing import weigh
from nncheck.listing import Listing
from nncheck.verdicts import Verdict
from nncheck.verification import Checked, Finding, VerifyFault, VerifyResult
from nncheck.versions import versions

#: What each kind of finding is the fault of; of values it depends on the quantity.
_CODE = ("code", "missing", "shape", "dtype", "aliasing", "mutated", "state")


def check_backward(
    forward: Any,
    backward: Any = None,
    *,
    inputs: Mapping[str, Any] | Sequence[Any],
    reference: Any = None,
    wrt: Sequence[str] | None = None,
    seed: int = 0,
    language: str = "en",
) -> VerifyResult:
    """Hold a hand-written backward against autograd, or against the complex step of its own forward.

    With a random upstream gradient dout, backward must give sum dout * d out / d x for every input x. The code runs
    in this process; the inputs are handed in as copies, in float64.

    Parameters
    ----------
    forward : callable, or object
        ``out, cache = forward(x, w, b)``, ``out = forward(x, w, b)``, a loss, or an object (of a class) with
        ``forward`` and ``backward`` that keeps its cache and leaves ``dW``, ``db`` or ``grads`` on itself.
    backward : callable, optional
        ``backward(dout, cache)``, or ``backward(dout, x, w, b)``; a loss may leave dout out. It gives the gradients
        in the order of the inputs, in a dict by name, or one array. None for an object, and for a function that
        returns loss and gradients.
    inputs : dict of str to array, or sequence of arrays
        In the order of forward. Integer arrays (labels) and plain numbers (a stride) have no gradient; parameters
        that the object holds go by the name of its attribute.
    reference : callable or nn.Module, optional
        A torch function, a module whose parameters are set from the inputs of their names, or a function of tensors
        or NumPy arrays, with the same inputs in the same order.
    wrt : sequence of str, optional
        Which inputs have a gradient; all arrays of floating-point numbers if it is left out, but for targets and
        masks whose gradient is not returned.
    seed : int
        For dout.
    language : str
        Of what is said: ``en`` or ``ko``.

    Returns
    -------
    VerifyResult
        ``form`` is ``layer``; every slip of the code is a finding, the first thing that is wrong is the first.

    Raises
    ------
    InputError
        If the inputs or the reference cannot be used, nothing is left to judge by, or nncheck does not speak the
        language.

    Examples
    --------
    >>> import numpy as np
    >>> result = check_backward(
    ...     lambda x, w: x @ w,
    ...     lambda dout, x, w: (dout @ w.T, x.T @ dout),
    ...     inputs={"x": np.array([[1.0, 2.0], [3.0, 5.0]]), "w": np.array([[0.5, -1.0], [2.0, 0.7]])},
    ... )
    >>> result.verdict, result.judged_by
    ('agree', 'complex step')
    """
    with use(language):
        return _checked(forward, backward, inputs, reference, wrt, seed)


def _checked(
    forward: Any,
    backward: Any,
    inputs: Mapping[str, Any] | Sequence[Any],
    reference: Any,
    wrt: Sequence[str] | None,
    seed: int,
) -> VerifyResult:
    owner, function, _ = functions_of(forward, backward)
    given = read_inputs(inputs, function, wrt)
    read_as = []
    if owner is not None:
        added = own_parameters(forward, backward, given)
        if added:
            names = ", ".join(g.name for g in added)
            read_as.append(phrase("parameters of the object, with the values it holds: {names}.", names=names))
        given = (*given, *added)
    code = Code(forward, backward, given)
    try:
        trial = run(code, given, seed, chosen=wrt is not None)
    except Stopped as stopped:
        return _result(
            code, read_as, "autograd" if reference is not None else "complex step", [], [stopped.finding], []
        )
    given = tuple(_constant(g) if g.name in trial.gradients.constant else g for g in given)
    read_as += [*(_layout(code)), *trial.gradients.read_as]
    witness = _witness(code, given, reference, trial)
    weighed = weigh(trial, given, witness, lambda: own_forward(code, given) if reference is not None else None)
    findings = _in_order([*trial.findings, *weighed.findings])
    notes = [*trial.notes, *witness.notes, *weighed.notes]
    return _result(code, read_as, witness.judged_by, weighed.checked, findings, notes)


def _constant(given: Given) -> Given:
    return Given(given.name, given.value, False)


def _layout(code: Code) -> list[str]:
    if code.layout is None:
        return [phrase("loss and gradients in one call.")]
    return [phrase("called as {call}.", call=code.layout.words())]


def _witness(code: Code, given: Sequence[Given], reference: Any, trial: Trial) -> Witness:
    if reference is not None:
        return witness_of(reference, given)
    try:
        return own_forward(code, given)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            phrase(
                "forward cannot be called at other values than the inputs ({kind}: {error}); hand in a reference.",
                kind=type(error).__name__,
                error=error,
            )
        ) from None


def _in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Sort findings by kind, each kind in the order in which it was found."""
    order = {kind: place for place, kind in enumerate((*_CODE, "value", "convention"))}
    return sorted(findings, key=lambda finding: order[finding.kind])


def _result(
    code: Code,
    read_as: Sequence[str],
    judged_by: str,
    checked: Sequence[Checked],
    findings: Sequence[Finding],
    notes: Sequence[str],
) -> VerifyResult:
    verdict: Verdict = "agree"
    if findings:
        verdict = "differ"
    elif not checked or any(c.verdict != "agree" for c in checked):
        verdict = "cannot-tell"
    return VerifyResult(
        versions=versions(),
        case=code.name,
        file=Path(code.files[0]).name if code.files else "",
        form="layer",
        read_as=tuple(read_as),
        judged_by=judged_by,
        verdict=verdict,
        faults=_faults(findings),
        quantities=tuple(checked),
        findings=tuple(findings),
        notes=tuple(dict.fromkeys(notes)),
        listing=_listing(code.files[0]) if len({*code.files}) == 1 else None,
    )


def _listing(file: str) -> Listing | None:
    text = "".join(linecache.getlines(file))  # a notebook's cells are known to it too
    return Listing(text=text, excerpt=True) if text else None


def _faults(findings: Sequence[Finding]) -> tuple[VerifyFault, ...]:
    faults: set[VerifyFault] = set()
    for finding in findings:
        if finding.kind in _CODE:
            faults.add("code")
        elif finding.quantity == "loss":
            faults.add("loss")
        else:
            faults.add("derivation")
    order: tuple[VerifyFault, ...] = ("derivation", "loss", "code")
    return tuple(fault for fault in order if fault in faults)
