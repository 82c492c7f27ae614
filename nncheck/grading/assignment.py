"""An assignment: which cases, what each check is worth, and how submissions are treated."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from nncheck.case import Case
from nncheck.grades import AssignmentFacts
from nncheck.sandbox.limits import Limits

FORMS = ("functions", "script", "notebook", "numbers", "formulas")

#: Checks that have a word of their own; of the derivation's lines, Y and E are judged as the first two.
BEFORE, AFTER = ("forward", "loss"), ("update", "trajectory")


def checks_of(case: Case) -> tuple[str, ...]:
    """Return every check that points can be given for, in the order of the chain.

    ``forward`` (the line Y), ``loss`` (E), every other line of the derivation, ``update``, ``trajectory``.

    Raises
    ------
    FormulaError
        If derivation.txt is missing or cannot be read.
    """
    return (*BEFORE, *(name for name in case.derivation().names if name not in ("Y", "E")), *AFTER)


def default_points(case: Case) -> dict[str, float]:
    """Return the points of a case for which none are given: forward 2, loss 1, the gradient of each parameter 2.

    Nothing for ``update``, which a submission may leave out, nor for ``trajectory``.

    Raises
    ------
    FormulaError
        As `checks_of`.
    """
    worth = {"forward": 2.0, "loss": 1.0, **{f"d{name}": 2.0 for name in case.params}}
    return {check: worth[check] for check in checks_of(case) if check in worth}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One case of an assignment.

    Attributes
    ----------
    case : Case
        Certified.
    points : mapping of check to float
        ``forward``, ``loss``, ``dW2`` and the like, ``update``, ``trajectory``, or a derivation line's name; in the
        order of the chain.
    file : str
        Which of the files of a submission holds it, as a glob without regard to case; empty takes any.
    steps : int
        How many steps of training the check ``trajectory`` takes.
    """

    case: Case
    points: Mapping[str, float]
    file: str = ""
    steps: int = 100


@dataclass(frozen=True, kw_only=True)
class Late:
    """What happens to submissions after the due time.

    Attributes
    ----------
    due : datetime or None
        With a time zone.
    policy : str
        ``accept``, ``penalty`` or ``refuse`` (scores 0); see `nncheck.grading.late`.
    penalty : float
        Share of the assignment's points that is taken off for each day begun, 0 to 1.
    """

    due: datetime | None = None
    policy: Literal["accept", "penalty", "refuse"] = "accept"
    penalty: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What an instructor hands out.

    Attributes
    ----------
    path : Path
        Of the TOML file.
    title : str
    parts : tuple of Part
    follow_through : bool
        Whether a step that is right for a wrong value before it earns its points.
    convention_cost : float
        Points off where gradient and loss agree with each other by another convention (sum for mean).
    hints : int
        Level of the feedback, 1 to 4; 0 says only which checks passed.
    language : str
    forms : tuple of str
        Which forms are accepted.
    imports : tuple of str
        Modules beside the standard library and NumPy that a submission may import.
    student : str
        Regular expression with the group ``student`` for the file names; empty leaves it to the layout.
    multiple : str
        Which of one student's submissions counts: ``last``, ``first`` or ``best``.
    late : Late
    limits : Limits
    seed : str
        The secret from which probes are drawn; no representation shows it.
    """

    path: Path
    title: str
    parts: tuple[Part, ...]
    seed: str = field(repr=False)
    follow_through: bool = True
    convention_cost: float = 0.0
    hints: int = 2
    language: str = "en"
    forms: tuple[str, ...] = ("functions", "notebook")
    imports: tuple[str, ...] = ()
    student: str = ""
    multiple: Literal["last", "first", "best"] = "last"
    late: Late = Late()
    limits: Limits = field(default_factory=Limits)

    @property
    def of(self) -> float:
        """Points there are."""
        return round(sum(sum(part.points.values()) for part in self.parts), 6)

    def facts(self) -> AssignmentFacts:
        """Return what reports need to know."""
        checks = tuple((part.case.name, check, of) for part in self.parts for check, of in part.points.items())
        return AssignmentFacts(
            title=self.title, language=self.language, hints=self.hints, digest=self.digest, checks=checks
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that the grade of a content depends on, the case folders among it.

        Not of the title, nor of which submission counts and what being late costs: they apply to grades. Taken once,
        so that a case folder that is changed while grading does not give one run two assignments.
        """
        said = {
            "parts": [_said(part) for part in self.parts],
            "seed": self.seed,
            "follow_through": self.follow_through,
            "convention_cost": float(self.convention_cost),
            "hints": self.hints,
            "language": self.language,
            "forms": sorted(self.forms),
            "imports": sorted(self.imports),
            "limits": {name: float(limit) for name, limit in asdict(self.limits).items()},
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def probe_seed(self, purpose: str) -> int:
        """Return HMAC-SHA256(secret, purpose) as a seed of 63 bits.

        Parameters
        ----------
        purpose : str
            ``diagnosis`` and the case, or ``marking`` and the hash of a submission's content.
        """
        code = hmac.new(self.seed.encode(), purpose.encode(), hashlib.sha256).digest()
        return int.from_bytes(code[:8], "big") >> 1


def _said(part: Part) -> list[object]:
    """Return what a grade depends on of one part; the number of steps only where a trajectory is marked."""
    points = sorted((check, float(of)) for check, of in part.points.items())
    steps = part.steps if "trajectory" in part.points else None
    return [part.case.name, part.case.digest(), points, part.file.casefold(), steps]
