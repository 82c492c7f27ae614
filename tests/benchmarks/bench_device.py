"""What a step costs on the simulated DirectML device and on the CPU, and how often numbers cross over to it and back.

``python -m tests.benchmarks.bench_device`` trains the document's last program (softmax and cross-entropy) by its own
loop, moved to the device as one would, and by nncheck's, which also records the loss and all parameters of every step.
Repetitions are interleaved, each in a torch process of its own, and medians are printed:

us/step
    Microseconds of one step of each loop on each device, and the ratios of the two loops and of the two devices.
copies
    From host to device, from device to host, and ``.item()``, which is one too: of each loop, per 1,000 steps.

The simulated device computes by torch's kernels of the CPU, behind torch's fallback: its times are those of Python and
of that, a real one has its own. What does not depend on it are the copies, and what a loop costs beside the operators.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.simulated import NATIVE, PACKAGES, Simulated, building

STEPS = 5_000
ROUNDS = 5
LOOPS = ("plain", "nncheck")
PLACES = ("cpu", "directml")
COPIES = ("h2d", "d2h", "item")


def main() -> None:
    """Print the costs of all four, and the copies of the two on the device."""
    runs = {(loop, place): [] for loop in LOOPS for place in PLACES}
    for _ in range(ROUNDS):
        for (loop, place), spent in runs.items():
            spent.append(_measured(loop, place, STEPS)[0])
    for (loop, place), spent in runs.items():
        print(f"us/step: {loop:7} on {place:8} {statistics.median(spent):6.1f}  ({min(spent):.1f} to {max(spent):.1f})")
    for place in PLACES:
        _print_ratio(f"plain / nncheck on {place}", runs["plain", place], runs["nncheck", place])
    for loop in LOOPS:
        _print_ratio(f"{loop} on directml / on cpu", runs[loop, "directml"], runs[loop, "cpu"])
    for loop in LOOPS:
        # what comes before the first step and after the last is in both
        few, many = (_measured(loop, "directml", steps)[1] for steps in (STEPS, 2 * STEPS))
        grows = ", ".join(f"{1000 * (many[name] - few[name]) / STEPS:g} {name}" for name in COPIES)
        whole = ", ".join(f"{few[name]} {name}" for name in COPIES)
        print(f"copies: {loop:7} per 1,000 steps {grows}; {whole} in all {STEPS:,} with what comes before and after")


def _print_ratio(what: str, above: list[float], below: list[float]) -> None:
    ratios = sorted(a / b for a, b in zip(above, below))
    print(f"ratio: {what}: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def _measured(loop: str, place: str, steps: int) -> tuple[float, Counter[str]]:
    """Run one loop in a process of its own; return its microseconds per step and what the device counted."""
    with tempfile.TemporaryDirectory() as logs:
        told = {"LIBRARY": building.library(), "NATIVE": NATIVE, "LOG": logs, "FAULTS": ""}
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.device_loops", loop, place, str(steps)],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
            env={
                **os.environ,
                "PYTHONPATH": str(PACKAGES),
                **{f"SIMULATED_{name}": str(value) for name, value in told.items()},
            },
        )
        return float(json.loads(done.stdout.splitlines()[-1])), Simulated(Path(logs)).counts


if __name__ == "__main__":
    main()
