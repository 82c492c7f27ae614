"""What a process of our own answers, checked before it is believed: a driver or a person's code runs beside it."""

from __future__ import annotations

import re
from typing import Any

from nncheck.language import phrase

#: C0 and C1 but tab and newline, surrogates, and signs that turn the direction of writing.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def taken(reply: dict[str, Any]) -> dict[str, Any]:
    """Return what a process sent, its texts harmless.

    Raises
    ------
    ValueError
        If it is neither a sign of life nor an answer nor an error: whatever else got into the stream.
    """
    notes = reply.get("notes")
    if "stage" in reply:
        whole = all(isinstance(text, str) for text in (reply["stage"], reply.get("device", "")))
        whole = whole and isinstance(reply.get("part", {}), dict)
    elif "error" in reply:
        whole = all(isinstance(text, str) for text in (reply["error"], reply.get("kind")))
    else:
        whole = isinstance(reply.get("answer"), dict) and isinstance(notes, list)
        whole = whole and all(isinstance(note, str) for note in notes or [])
    if not whole:
        raise ValueError(phrase("no answer in it"))
    try:
        return {name: harmless(value) for name, value in reply.items()}
    except RecursionError:
        raise ValueError(phrase("no answer in it")) from None


def harmless(value: Any) -> Any:
    """Return a JSON value whose texts have spaces for what would steer a terminal."""
    if isinstance(value, str):
        return UNPRINTABLE.sub(" ", value.rstrip("\0"))  # with which texts of C may end
    if isinstance(value, list):
        return [harmless(item) for item in value]
    if isinstance(value, dict):
        return {harmless(key): harmless(item) for key, item in value.items()}
    return value
