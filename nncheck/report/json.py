"""A result as JSON, schema nncheck/run/1 (described in nncheck/schemas/run-1.md)."""

from __future__ import annotations

import json

from nncheck.record import RunResult


def render(result: RunResult) -> str:
    """Return the result as JSON, ASCII only, so that every console and file takes it."""
    return json.dumps(result.to_dict(), indent=1, allow_nan=False) + "\n"
