"""What two runs of one case must have in common where only the device may differ."""

from __future__ import annotations

from typing import Any

from nncheck.record import CaseResult, jsonable


def told(result: CaseResult) -> dict[str, Any]:
    """Return everything that a result holds, pictures and worked steps too, but for its device and its notes."""
    everything: dict[str, Any] = jsonable(result) | {"curves": repr(result.curves), "worked": repr(result.worked)}
    return {name: value for name, value in everything.items() if name not in ("device", "notes")}


def computed(result: CaseResult) -> dict[str, Any]:
    """Return the same without how near the device came to its bound, which each kind of device has its own of.

    So are the steps that are worked out: those where it came nearest are among them.
    """
    everything = told(result)
    everything["local"] = {**everything["local"], "device": None}
    everything["quantities"] = [
        {**quantity, "ratio": None, "step": None} if quantity["side"] == "device" else quantity
        for quantity in everything["quantities"]
    ]
    curves = [curve for curve in result.curves if (curve.kind, curve.name) != ("ratio", "device")]
    assert len(curves) == len(result.curves) - 1
    return {name: value for name, value in everything.items() if name != "worked"} | {"curves": repr(curves)}
