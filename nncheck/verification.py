"""The result of verify, derive and check_backward: frozen records; their JSON is schema nncheck/verify/1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nncheck.language import current, phrase
from nncheck.listing import Listing
from nncheck.record import SHOWN_ALONE, jsonable
from nncheck.shown import Shown
from nncheck.verdicts import Verdict

SCHEMA = "nncheck/verify/1"

#: Kinds of findings, in the order in which they are looked for.
Kind = Literal["code", "missing", "shape", "dtype", "aliasing", "mutated", "state", "value", "convention"]
VerifyFault = Literal["derivation", "loss", "code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The worst element of all points."""

    index: tuple[int, ...]
    got: float
    expected: float
    error: float
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Verdict on one quantity, over all points at which it was compared.

    Attributes
    ----------
    name : str
        As the derivation lines name it: Y, E, dY, dZ2, dW2, ..., and W' for an updated parameter.
    ratio : float
        Error / bound of the worst element; above 1 is more than rounding explains.
    worst : Worst or None
        Where elements differ the one with the largest error, measured by the tensor's largest element, else the one
        with the largest error / bound. None where nothing was compared element by element.
    wrong, of : int
        How many elements of the tensor differ at some point, of how many.
    rule : str
        ``bound``, ``fixed tolerance``, ``drift`` (a free run beside numbers that are not whole) or ``not covered``.
    why : str
        Why it cannot be told, where it cannot.
    number : str
        Of a formula that was judged as a step from true values: the verdict on its number, computed from the person's
        own lines. Empty where nothing else was judged.
    """

    name: str
    verdict: Verdict
    ratio: float
    worst: Worst | None
    wrong: int
    of: int
    rule: str = "bound"
    why: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a wrong value equals, at every point at which it was compared.

    Attributes
    ----------
    id : str
        Of the mistake, such as ``act.missing``; ``edit`` for a small edit of a line, ``relation`` for a factor,
        a transpose or a permutation.
    text : str
        In a sentence: "equals what one gets by leaving out the derivative of the activation".
    equals : str
        The line or the relation itself: ``dZ = dH``, ``2 dW``.
    """

    id: str
    text: str
    equals: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, with what explains it.

    Attributes
    ----------
    kind : str
        What was held against what is expected: see `Kind`.
    quantity : str or None
        None if the code stopped before it gave one.
    index : tuple of int or None
        The worst element, where single elements differ.
    line : int or None
        Of the person's file, as far as it is known; of a notebook, in the code cell ``cell``, counted from 1.
    text : str
        Evidence in a sentence or two.
    explanations : tuple of Explanation
        Each fits at every point; several where the points cannot tell them apart; none where nothing known fits.
    convention : bool
        Whether it is a difference to declare rather than a mistake: gradient and loss agree with each other.
    """

    kind: Kind
    quantity: str | None
    index: tuple[int, ...] | None
    line: int | None
    text: str
    explanations: tuple[Explanation, ...] = ()
    convention: bool = False
    cell: int | None = None

    @property
    def place(self) -> str:
        """Where in the person's file it is, in words; empty if that is not known."""
        if self.line is None:
            return ""
        if self.cell is None:
            return phrase("line {line} of your file", line=self.line)
        return phrase("code cell {cell}, line {line}", cell=self.cell, line=self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult(Shown):
    """Everything that verifying one file (or one pair of functions) gave.

    Attributes
    ----------
    case : str
        Name of the case; for `check_backward` of the function.
    file : str
        As it was given.
    form : str
        ``functions``, ``script``, ``numbers``, ``formulas`` or ``layer``.
    read_as : tuple of str
        How it was read, a sentence for each thing that was not as the contract says.
    judged_by : str
        ``autograd``, ``certified derivation``, ``complex step`` or ``central differences``.
    quantities : tuple of Checked
        In the order of the chain: forward, loss, backward from the output, update.
    findings : tuple of Finding
        The first is the first wrong quantity of the chain.
    notes : tuple of str
        What is worth knowing and no finding: kinks, what could not be told.
    hints : tuple of str
        As many as were asked for: where, a question, the mistake with its evidence, the formula.
    level : int
        How many were asked for; below 3 a report for people says no more of any finding than they do.
    listing : Listing or None
        The person's file, to be shown with the lines in question; it stands in no JSON.
    language : str
        Of its texts; it stands in no JSON either.
    """

    schema: str = SCHEMA
    versions: Mapping[str, str]
    case: str
    file: str
    form: str
    read_as: tuple[str, ...]
    judged_by: str
    verdict: Verdict
    faults: tuple[VerifyFault, ...]
    quantities: tuple[Checked, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    level: int = 3
    listing: Listing | None = field(default=None, repr=False, compare=False, metadata=SHOWN_ALONE)
    language: str = field(default_factory=current, repr=False, compare=False, metadata=SHOWN_ALONE)

    @property
    def differs(self) -> bool:
        """Whether anything is wrong."""
        return self.verdict == "differ"

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and text, ready for JSON (schema nncheck/verify/1)."""
        result: dict[str, Any] = jsonable(self)
        return result
