"""Any number of different submissions of relu_sigmoid: right, wrong in known ways, and a few that crash or hang."""

from __future__ import annotations

import random
import re
from pathlib import Path

from nncheck import case as cases
from nncheck.grading import mutants
from nncheck.grading.assignment import default_points
from tests.grading.classroom import MISTAKES, correct, wrong

CASE = "relu_sigmoid"
#: One in so many crashes, and one in so many hangs: two percent together.
CRASHES, HANGS = 53, 1000
_CRASHES = (
    "import ctypes\nctypes.string_at(0)\n",
    "import os\nos._exit(0)\n",
    "raise SystemExit(3)\n",
    "print('x' * 5_000_000)\n",
    "undefined_name\n",
)


class Class:
    """Submissions by their numbers, no two with the same content."""

    def __init__(self) -> None:
        case = cases.find(CASE)
        self._mutants = [one.source for one in mutants.named(case, tuple(default_points(case)))]

    def kind(self, number: int) -> str:
        """Return ``hangs``, ``crashes``, ``wrong`` or ``right``."""
        if number % HANGS == HANGS // 2:
            return "hangs"
        if number % CRASHES == CRASHES // 2:
            return "crashes"
        return "wrong" if number % 5 in (1, 3) else "right"

    def source(self, number: int) -> str:
        """Return the file of one student."""
        kind = self.kind(number)
        if kind == "right":
            return correct(number)
        if kind == "hangs":
            return re.sub(r"(def backward.*:\n)", r"\1    while True:\n        pass\n", correct(number))
        if kind == "crashes":
            return correct(number) + _CRASHES[number // CRASHES % len(_CRASHES)]
        if number % 2:
            return wrong(number, list(MISTAKES)[number // 2 % len(MISTAKES)])
        chosen = self._mutants[number // 10 % len(self._mutants)]
        own = random.Random(number).choice(("d2", "delta", "grad_out", "g_2", "err2"))
        return f"# student {number}\n" + re.sub(r"(?<![\w'])dZ2(?![\w'])", own, chosen)

    def write(self, folder: Path, count: int) -> None:
        """Write so many files, a hundred folders deep where there are many."""
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (folder / f"student{number:06d}.py").write_text(self.source(number), encoding="utf-8")
