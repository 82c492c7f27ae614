"""What the HTML report of a 100,000-step run weighs, and how long it takes once the run is there.

``python -m tests.benchmarks.bench_report [--steps N] [CASE ...]`` (all six cases by default, the last of which has
100,000 steps) prints:

size
    Bytes of the page, and of what is left without plotly's JavaScript.
time
    Seconds to make it, the first time (imports and templates among them) and again, and over the time that Python's own
    json takes to write the run's record; the run's own time beside it.
worked
    Seconds of the run in which the kept steps are worked out, and over the whole run.
picture
    Seconds for the same run as SVG and as PNG, where matplotlib is there.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from nncheck import runner
from nncheck.record import RunResult
from nncheck.report import FORMATS

MOST_BYTES, MOST_BARE_BYTES, MOST_SECONDS = 6_000_000, 1_000_000, 1.0
_AGAIN = 5


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that something took, and what it gave."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def trained(cases: Sequence[str], steps: int | None) -> RunResult:
    """Run the cases; print how long that took, and what part of it the kept steps took."""
    spent, work_out = [0.0], runner.work_out

    def watched(*arguments: Any, **options: Any) -> Any:
        seconds, worked = timed(lambda: work_out(*arguments, **options))
        spent[0] += seconds
        return worked

    runner.work_out = watched
    try:
        seconds, result = timed(lambda: runner.run(*cases, steps=steps, device="cpu"))
    finally:
        runner.work_out = work_out
    most = max(case.steps for case in result.cases)
    curves = sum(len(case.curves) for case in result.cases)
    kept = sum(len(case.worked) for case in result.cases)
    print(f"run: {seconds:.2f} s, {len(result.cases)} cases, up to {most:,} steps, {curves} curves, {kept} kept steps")
    print(f"worked: {spent[0]:.3f} s, {spent[0] / seconds:.3f} of the run")
    return result


def page(result: RunResult) -> None:
    """Print the size of the page, and the time it takes."""
    from nncheck.report.html.plotly import javascript

    first, html = timed(lambda: FORMATS["html"](result))
    again = statistics.median(timed(lambda: FORMATS["html"](result))[0] for _ in range(_AGAIN))
    record = result.to_dict()
    dumped = statistics.median(timed(lambda: json.dumps(record))[0] for _ in range(_AGAIN))
    size, bare = len(html.encode()), len(html.replace(javascript(), "").encode())
    assert bare < size, "plotly's JavaScript was not found in the page"
    print(f"size: {size:,} bytes (at most {MOST_BYTES:,}), {bare:,} without plotly (at most {MOST_BARE_BYTES:,})")
    print(
        f"time: {first:.3f} s the first time (at most {MOST_SECONDS:g}), {again:.3f} s again, "
        f"{again / dumped:.1f} times json.dumps of the record ({dumped:.4f} s)"
    )


def pictures(result: RunResult) -> None:
    """Print the time and the size of the pictures."""
    if importlib.util.find_spec("matplotlib") is None:
        print("picture: matplotlib is not there")
        return
    for form in ("svg", "png"):
        FORMATS[form](result)  # imports
        seconds, content = timed(lambda form=form: FORMATS[form](result))  # type: ignore[misc]
        print(f"picture: {form} {seconds:.2f} s, {len(content):,} bytes")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--steps", type=int)
    chosen = parser.parse_args(arguments)
    result = trained(chosen.cases, chosen.steps)
    page(result)
    pictures(result)


if __name__ == "__main__":
    main()
