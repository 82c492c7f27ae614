"""A judging process without judge and sandbox: what a submission's first line says is what happens to it.

It is found by PYTHONPATH, see `acted` in conftest.py. A line for every submission graded goes to NNCHECK_FAKE_LOG.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nncheck.errors import InputError
from nncheck.grades import Grade, GroundFacts, Mark, PartGrade
from nncheck.grading import judging_process
from nncheck.grading.carried import Unpacked
from nncheck.grading.submissions import Submission

GROUND = GroundFacts(name="process", held=("endless loop",), open=("network",), words="A process.")


class FakeBench:
    """Grades by the number of letters."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        if os.environ.get("NNCHECK_FAKE_OPEN") == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if os.environ.get("NNCHECK_FAKE_OPEN") == "refuse":
            raise InputError("The network is open here; add --trust.")
        self._held = Unpacked(request["assignment"])
        self.ground = GROUND

    def grade(self, submission: Submission) -> Grade:
        text = submission.files[0].content.decode() if submission.files else ""
        command, _, rest = text.partition("\n")[0].removeprefix("# ").partition(" ")
        if log := os.environ.get("NNCHECK_FAKE_LOG"):
            with open(log, "a", encoding="utf-8") as stream:
                stream.write(f"{submission.label}\n")
        output = ""
        if command == "sleep":
            time.sleep(float(rest))
        elif command == "die" or (command == "die-once" and not Path(rest).exists()):
            if command == "die-once":
                Path(rest).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        elif command == "raise":
            raise ValueError("a planted fault")
        elif command == "hang":
            time.sleep(600)
        elif command == "print":
            output = "é" * int(rest)
        (part,) = self._held.assignment.parts
        earned = len(text) % 4  # 3 is everything
        marks = [
            Mark(check=check, verdict="pass" if k < earned else "wrong", points=float(k < earned), of=1.0)
            for k, check in enumerate(part.points)
        ]
        return Grade(
            key="",
            content=submission.content_digest,
            ground=self.ground.name,
            parts=(
                PartGrade(
                    case=part.case.name,
                    file=submission.files[0].name if submission.files else "",
                    form="functions",
                    status="unreadable" if submission.problem else "graded",
                    reason=submission.problem,
                    marks=tuple(marks),
                    output=output,
                    seed=self._held.assignment.probe_seed(submission.content_digest),
                    seconds=time.perf_counter() % 1,
                ),
            ),
        )

    def close(self) -> None:
        self._held.close()


def main() -> None:
    judging_process.run(FakeBench)
