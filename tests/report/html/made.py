"""Records as a run makes them, made here from a few numbers, so that a page's tests need neither torch nor a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from nncheck.curves import Curve
from nncheck.network import Layer, Network
from nncheck.record import (
    AtStep,
    CaseResult,
    DeviceUsed,
    Finding,
    Local,
    LossRow,
    ParamRow,
    Quantity,
    Row,
    RunResult,
)
from nncheck.worked import WorkedLine, WorkedStep

PARAMS = {
    "W": np.array([[0.15, 0.20], [0.25, 0.30]]),
    "B": np.array([0.35, 0.35]),
    "W2": np.array([[0.40, 0.45], [0.50, 0.55]]),
    "B2": np.array([0.60, 0.60]),
}
X, YT = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
FORMULAS = {
    "Z": "X @ W.T + B",
    "H": "maximum(Z, 0)",
    "Z2": "H @ W2.T + B2",
    "Y": "sigmoid(Z2)",
    "E": "((Y - YT) ** 2).mean()",
    "dY": "2 * (Y - YT) / Y.size",
    "dZ2": "dY * Y * (1 - Y)",
    "dW2": "dZ2.T @ H",
    "dB2": "dZ2.sum(axis=0)",
    "dH": "dZ2 @ W2",
    "dZ": "dH * (Z > 0)",
    "dW": "dZ.T @ X",
    "dB": "dZ.sum(axis=0)",
    "W'": "W - lr * dW",
}
NETWORK = Network(
    sizes=(2, 2, 2),
    layers=(
        Layer(weight="W", bias="B", source="X", pre="Z", out="H", activation="relu"),
        Layer(weight="W2", bias="B2", source="H", pre="Z2", out="Y", activation="sigmoid"),
    ),
)


def values(params: Mapping[str, Any]) -> dict[str, Any]:
    """Work out the document's network of two layers."""
    v: dict[str, Any] = dict(params)
    v["Z"] = X @ v["W"].T + v["B"]
    v["H"] = np.maximum(v["Z"], 0)
    v["Z2"] = v["H"] @ v["W2"].T + v["B2"]
    v["Y"] = 1 / (1 + np.exp(-v["Z2"]))
    v["E"] = ((v["Y"] - YT) ** 2).mean()
    v["dY"] = (v["Y"] - YT) * 2 / v["Y"].size
    v["dZ2"] = v["dY"] * v["Y"] * (1 - v["Y"])
    v["dW2"], v["dB2"], v["dH"] = v["dZ2"].T @ v["H"], v["dZ2"].sum(axis=0), v["dZ2"] @ v["W2"]
    v["dZ"] = v["dH"] * (v["Z"] > 0)
    v["dW"], v["dB"] = v["dZ"].T @ X, v["dZ"].sum(axis=0)
    v["W'"] = v["W"] - 0.01 * v["dW"]
    return v


def step(at: int, *why: str, wrong: str = "") -> WorkedStep:
    """Return a step with its numbers; ``wrong`` names a quantity that the hand gave twice as large."""
    params = {name: array * (1 - at / 20_000) for name, array in PARAMS.items()}
    v = values(params)
    lines = []
    for name, formula in FORMULAS.items():
        hand = 2 * v[name] if name == wrong else v[name]
        lines.append(
            WorkedLine(
                name=name,
                part="update" if name.endswith("'") else "backward" if name.startswith("d") else "forward",
                formula=f"{name} = {formula}",
                latex=rf"{name} = {formula.replace('@', chr(92) + 'cdot')}",
                filled="[[0.05, 0.1]] @ [[0.15, 0.25], [0.2, 0.3]] + [0.35, 0.35]",
                filled_latex="",
                value=v[name].tolist(),
                hand=np.asarray(hand).tolist() if name.startswith("d") or name == "E" else None,
                autograd=v[name].tolist(),
                difference=float(np.abs(hand - v[name]).max()),
                bound=1e-17,
                index=(0, 1) if name == wrong else None,
                verdict="differ" if name == wrong else "agree",
            )
        )
    inputs = {"X": X.tolist(), "YT": YT.tolist(), **{name: array.tolist() for name, array in params.items()}}
    return WorkedStep(step=at, why=why, differs=bool(wrong), inputs=inputs, lines=tuple(lines))


def curves(steps: int, spike: int | None = None, points: int = 800) -> tuple[Curve, ...]:
    """Return curves as a run thins them, with a spike at one step."""
    at = sorted({*np.linspace(0, steps - 1, min(steps, points)).astype(int).tolist(), *([spike] if spike else [])})

    def curve(kind: Any, name: str, value: Any) -> Curve:
        own = [float(value(t)) for t in at]
        zeros = sum(one == 0 for one in own)
        return Curve(kind=kind, name=name, steps=tuple(at), values=tuple(own), zeros=zeros, of=steps)

    def noise(t: int, k: int) -> float:
        return abs(math.sin(t * 12.9898 + k) * 43758.5453) % 1

    found = [curve("loss", side, lambda t: 0.3 * math.exp(-t / steps * 6) + 1e-3) for side in ("autograd", "manual")]
    for k, name in enumerate(("loss", *PARAMS)):
        found.append(curve("difference", name, lambda t, k=k: 0.0 if noise(t, k) < 0.2 else 1e-16 * (1 + noise(t, k))))
    for side in ("derivation", "loss", "device"):
        found.append(curve("ratio", side, lambda t: 4e4 if t == spike else 0.02 + 0.3 * noise(t, 7)))
    return tuple(found)


def case(
    name: str = "relu_sigmoid", steps: int = 1000, wrong: str = "", every: int = 100, **changes: Any
) -> CaseResult:
    """Return what a run of a case gave; ``wrong`` names a quantity that differs at step 120."""
    rows = tuple(
        Row(
            step=t,
            loss=LossRow(autograd=0.29837110876 - t * 1e-9, manual=0.29837110876 - t * 1e-9, diff=0.0),
            params={p: ParamRow(diff=1.11e-16, index=(0,) * array.ndim) for p, array in PARAMS.items()},
        )
        for t in range(every - 1, steps, every)
    )
    kept = [step(t, "checkpoint") for t in (1, 10, 100, steps // 2)]
    kept = [step(0, "first step"), *kept, step(steps - 1, "last step")]
    if wrong:
        kept = sorted([*kept, step(120, f"first difference: {wrong}", wrong=wrong)], key=lambda one: one.step)
    finding = Finding(
        fault="derivation",
        quantity=wrong,
        first_step=120,
        step=120,
        steps=1,
        index=(0, 1),
        got=0.25,
        expected=0.125,
        error=0.125,
        bound=1e-17,
        text=f"{wrong} is 2 times what autograd gives.",
    )
    given: dict[str, Any] = {
        "case": name,
        "title": "Activation functions (ReLU, sigmoid)",
        "steps": steps,
        "device": DeviceUsed(kind="cpu", name="", fallback=None),
        "verdict": "differ" if wrong else "agree",
        "faults": ("derivation",) if wrong else (),
        "findings": (finding,) if wrong else (),
        "notes": (),
        "seed": 0,
        "dtypes": {"autograd": "float64", "manual": "float64"},
        "drift": {},
        "rows": rows,
        "worst": {p: AtStep(step=5, diff=1.11e-16) for p in ("loss", *PARAMS)},
        "local": {
            side: Local(ratio=4e4 if wrong else 0.31, step=120, name=wrong or "dW")
            for side in ("derivation", "loss", "device")
        },
        "quantities": tuple(
            Quantity(
                side="derivation",
                name=q,
                verdict="differ" if q == wrong else "agree",
                rule="bound",
                ratio=4e4 if q == wrong else 0.31,
                step=120,
                steps=steps,
                differing=int(q == wrong),
                resolved=4,
                elements=4,
            )
            for q in ("dW", "dB", "dW2", "dB2", "W", "B")
        ),
        "final": {side: {p: array.tolist() for p, array in PARAMS.items()} for side in ("autograd", "manual")},
        "curves": curves(steps, 120 if wrong else None),
        "worked": tuple(kept),
        "network": NETWORK,
    }
    return CaseResult(**{**given, **changes})


def result(*cases: CaseResult) -> RunResult:
    """Return a run of some cases."""
    return RunResult(
        schema="nncheck/run/1",
        versions={"nncheck": "0.1.0", "numpy": "2.0", "torch": "2.4.1"},
        cases=cases or (case(),),
    )
