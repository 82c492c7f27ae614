"""The same submissions graded by others: a fresh pytest for each, otter-grader, nbgrader; all of them trust the code.

Each gets the six checks of the assignment at one point, the case's own: fewer than nncheck tries.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from nncheck import case as cases
from nncheck.verifier.truth import by_lines
from tests.benchmarks.handed_in import CASE

#: Seconds for one submission.
LIMIT = 60.0
_CHECKS = ("forward", "loss", "W2", "B2", "W", "B")
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def pytest_rate(texts: Sequence[str], folder: Path, jobs: int) -> float:
    """Return submissions a second of a fresh pytest process for each, so many at once."""
    tests = _given() + "".join(
        f"\n\ndef test_{name}():\n    import submission\n    _check(submission, {name!r})\n" for name in _CHECKS
    )

    def one(number: int) -> None:
        own = folder / f"pytest-{number}"
        own.mkdir()
        (own / "submission.py").write_text(texts[number], encoding="utf-8")
        (own / "test_submission.py").write_text(tests, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=result.xml", str(own)]
        _run([*command, "-c", os.devnull, f"--rootdir={own}"], own)
        if not (own / "result.xml").is_file():
            raise SystemExit(f"pytest gave no result for {own}")

    return _rate(one, len(texts), jobs)


def otter_rate(texts: Sequence[str], folder: Path, jobs: int, python: str) -> float | str:
    """Return submissions a second of ``otter run`` for each, or why there is none."""
    if not _has(python, "otter"):
        return "not installed"
    made = folder / "otter"
    (made / "tests").mkdir(parents=True)
    lines = _given().splitlines()
    setup = "\n".join(
        (">>> " if line[:1].strip() and not line.startswith(")") else "... ") + line for line in lines if line
    )
    for name in _CHECKS:
        code = f"{setup}\n>>> import types\n>>> _check(types.SimpleNamespace(**globals()), {name!r})\n"
        suite = {"cases": [{"code": code, "hidden": False, "locked": False}], "scored": True, "type": "doctest"}
        test = {"name": name, "points": 2, "suites": [{**suite, "setup": "", "teardown": ""}]}
        (made / "tests" / f"{name}.py").write_text(f"OK_FORMAT = True\n\ntest = {test!r}\n", encoding="utf-8")
    # the environment is made for a container, which is not built here
    done = _run([python, "-m", "otter", "generate", "-t", "tests", "-o", "autograder.zip", "--no-environment"], made)
    archive = made / "autograder.zip"
    if not archive.is_file():
        return f"otter generate failed: {done}"

    def one(number: int) -> None:
        own = made / f"{number}"
        own.mkdir()
        (own / "submission.py").write_text(texts[number], encoding="utf-8")
        _run([python, "-m", "otter", "run", "-a", str(archive), "-o", str(own), str(own / "submission.py")], own)

    return _rate(one, len(texts), jobs, lambda: len(list(made.glob("*/results.json"))))


def nbgrader_rate(texts: Sequence[str], folder: Path, python: str) -> float | str:
    """Return submissions a second of ``nbgrader autograde`` over all of them, or why there is none."""
    if not _has(python, "nbgrader"):
        return "not installed"
    course = folder / "course"
    nbgrader = [python, "-m", "nbgrader"]
    source = course / "source" / "hw" / "hw.ipynb"
    source.parent.mkdir(parents=True)
    (course / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'bench'\nc.ExecutePreprocessor.timeout = 30\n",
        encoding="utf-8",
    )
    source.write_text(_notebook("### BEGIN SOLUTION\n### END SOLUTION\n"), encoding="utf-8")
    said = _run([*nbgrader, "generate_assignment", "hw"], course)
    if not (course / "release" / "hw" / "hw.ipynb").is_file():
        return f"nbgrader generate_assignment failed: {said}"
    for number, text in enumerate(texts):
        own = course / "submitted" / f"student{number}" / "hw" / "hw.ipynb"
        own.parent.mkdir(parents=True)
        own.write_text(_notebook(text), encoding="utf-8")
    began = time.perf_counter()
    said = _run([*nbgrader, "autograde", "hw"], course, LIMIT * len(texts))
    seconds = time.perf_counter() - began
    done = len(list((course / "autograded").glob("*/hw/hw.ipynb")))
    return done / seconds if done else f"nbgrader autograde failed: {said}"


def _notebook(solution: str) -> str:
    def cell(name: str, text: str, **own: object) -> dict[str, object]:
        marks = {"grade_id": name, "schema_version": 3, "locked": False, "task": False, **own}
        return {
            "cell_type": "code",
            "execution_count": None,
            "id": name,
            "metadata": {"nbgrader": marks},
            "outputs": [],
            "source": text,
        }

    cells = [cell("solution", solution, grade=False, solution=True)]
    for name in _CHECKS:
        code = f"{_given()}\nimport types\n_check(types.SimpleNamespace(**globals()), {name!r})\n"
        cells.append(cell(f"check_{name}", code, grade=True, solution=False, points=2, locked=True))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


def _given() -> str:
    """Return what each test starts with: the data, what is right there, and how it is compared."""
    case = cases.find(CASE)
    data = {"X": case.X, "YT": case.YT, **case.params}
    truth = by_lines(case, case.derivation(), data).value
    expected = {"forward": truth["Y"], "loss": truth["E"], **{name: truth[f"d{name}"] for name in case.params}}
    return "\n".join(
        [
            "import numpy as np",
            f"_data = {_literal(data)}",
            f"_expected = {_literal(expected)}",
            "def _check(module, name):",
            "    given = {k: np.array(v) for k, v in _data.items()}",
            "    X, YT = given.pop('X'), given.pop('YT')",
            "    Y, cache = module.forward(given, X)",
            "    got = Y if name == 'forward' else module.loss(Y, YT) if name == 'loss' else None",
            "    if got is None:",
            "        grads = module.backward(given, cache, YT)",
            "        got = grads[name] if isinstance(grads, dict) else dict(zip(('W', 'B', 'W2', 'B2'), grads))[name]",
            "    assert np.allclose(got, _expected[name], rtol=1e-9)",
            "",
        ]
    )


def _literal(arrays: dict[str, np.ndarray]) -> str:
    return repr({name: np.asarray(array).tolist() for name, array in arrays.items()})


def _has(python: str, module: str) -> bool:
    if python == sys.executable:
        return importlib.util.find_spec(module) is not None
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


def _run(command: Sequence[str], folder: Path, limit: float = LIMIT) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **_ENVIRONMENT, "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return "timed out"
    return done.stdout[-500:]


def _rate(one: Callable[[int], None], count: int, jobs: int, done: Callable[[], int] | None = None) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, range(count)))
    return (done() if done else count) / (time.perf_counter() - began)
