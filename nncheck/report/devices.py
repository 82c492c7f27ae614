"""The devices of this machine and what a check of them found: for the terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from tabulate import tabulate

from nncheck.device_check import STATES, CheckedDevice, DeviceCheck, Example, Input, OperatorCheck
from nncheck.language import N_, phrase, translate
from nncheck.record import Nested, jsonable
from nncheck.report.html.clean import clean
from nncheck.report.markdown import plain
from nncheck.report.table import aligned
from nncheck.report.words import SIGNS
from nncheck.report.wrapping import wrapped


class Found(Protocol):
    """How a kind of device was found; `nncheck.autograd.survey.DeviceState` is one."""

    @property
    def kind(self) -> str:
        """Return directml, cuda, xpu, mps or cpu."""
        ...

    @property
    def state(self) -> str:
        """Return a key of `_STATES`."""
        ...

    @property
    def name(self) -> str:
        """Return what the device calls itself."""
        ...

    @property
    def reason(self) -> str:
        """Return what is missing, fails or is wrong."""
        ...


#: How a device is, and how an operator is on it, in words.
_STATES = {"works": N_("works"), "wrong": N_("wrong"), "fails": N_("fails"), "missing": N_("missing")}
_ROWS = {
    **{"right": N_("right"), "wrong": N_("wrong"), "falls back": N_("falls back"), "refuses": N_("refuses")},
    "not checked": N_("not checked"),
}

#: What stands first in Markdown.
_ORDER = ("wrong", "refuses", "falls back", "right", "not checked")

#: More signs of operands or of a reason are not shown in the terminal; Markdown and JSON have all of them.
_MOST = 120

# the list ----------------------------------------------------------------------------------------------------------


def _list_rows(states: Sequence[Found]) -> list[list[str]]:
    return [[state.kind, translate(_STATES[state.state]), clean(state.name), clean(state.reason)] for state in states]


def _list_head() -> list[str]:
    return [phrase("device"), phrase("state"), phrase("name"), phrase("why")]


def _choice(states: Sequence[Found]) -> str:
    chosen = next((state.kind for state in states if state.state in ("works", "wrong")), "")
    return phrase("--device auto takes {device}.", device=chosen) if chosen else phrase("No device works.")


def list_text(states: Sequence[Found]) -> str:
    """Return the devices as a table for the terminal."""
    return f"{aligned(_list_rows(states), _list_head())}\n\n{_choice(states)}\n"


def list_markdown(states: Sequence[Found]) -> str:
    """Return the devices as a table in Markdown."""
    return f"{_pipes(_list_rows(states), _list_head())}\n\n{plain(_choice(states))}\n"


def list_json(states: Sequence[Found]) -> str:
    """Return the devices as JSON."""
    return json.dumps(jsonable(tuple(states)), indent=1) + "\n"


LISTS: Mapping[str, Callable[[Sequence[Found]], str]] = {
    "table": list_text,
    "markdown": list_markdown,
    "json": list_json,
}

# the check ---------------------------------------------------------------------------------------------------------


def check_text(result: DeviceCheck) -> str:
    """Return a check as text for the terminal: what is wrong first, what is right as names alone."""
    parts = [_device_text(device) for device in result.devices]
    parts += [wrapped(f"- {line}", rest="  ") for line in _not_opened(result)]
    return clean("\n\n".join([*parts, wrapped(_made_with(result), rest="  ")])) + "\n"


def check_markdown(result: DeviceCheck) -> str:
    """Return a check as Markdown: every row, and for each that is wrong a program that shows it."""
    parts = ["# nncheck devices --check", *(_device_markdown(device) for device in result.devices)]
    not_opened = _not_opened(result)
    if not_opened:
        parts.append("\n".join(f"- {plain(line)}" for line in not_opened))
    return clean("\n\n".join([*parts, plain(_made_with(result))])) + "\n"


def check_json(result: DeviceCheck) -> str:
    """Return a check as JSON, schema nncheck/device-check/1, ASCII only."""
    return json.dumps(result.to_dict(), indent=1, allow_nan=False) + "\n"


CHECKS: Mapping[str, Callable[[DeviceCheck], str]] = {
    "table": check_text,
    "markdown": check_markdown,
    "json": check_json,
}


def _device_text(device: CheckedDevice) -> str:
    parts = [wrapped(f"{_sign(device)} {_sentence(device)}", rest="  ")]
    if device.driver:
        parts[0] += "\n" + wrapped(_facts(device), "  ", "  ")
    for row in device.of("wrong"):
        assert row.example is not None
        said = [f"✗ {row.name}: {_count(row)}", *(wrapped(line, "    ", "      ") for line in _evidence(row.example))]
        parts.append("\n".join(said))
    others = [
        wrapped(f"{row.name}: {translate(_ROWS[row.state])}: {_cut(_what(row))}", rest="    ")
        for row in device.operators
        if _is_other(row)
    ]
    if others:
        parts.append("\n".join(others))
    right = device.of("right")
    if right:
        names = phrase("right: {names}", names="; ".join(row.name for row in right))
        parts.append(wrapped(names, rest="  "))
    unchecked = device.of("not checked")
    if unchecked:
        names = phrase("not checked: {names}", names="; ".join(row.name for row in unchecked))
        parts.append(wrapped(names, rest="  "))
    parts += [wrapped(f"- {note}", rest="  ") for note in device.notes]
    return "\n\n".join(parts)


def _device_markdown(device: CheckedDevice) -> str:
    parts = [f"## {_sign(device)} {plain(_sentence(device))}"]
    facts = [*(f"{name}: {value}" for name, value in device.driver.items()), *device.notes]
    if facts:
        parts.append("\n".join(f"- {plain(fact)}" for fact in facts))
    for row in device.of("wrong"):
        assert row.example is not None
        evidence = f"**{plain(row.name)}**: {plain(_count(row))}. {plain(row.example.text)}"
        parts += [evidence, f"```python\n{row.example.code}\n```"]
    ordered = sorted(device.operators, key=lambda row: _ORDER.index(row.state))
    rows = [[row.name, translate(_ROWS[row.state]), str(row.samples), _ratio(row), _what(row)] for row in ordered]
    head = _head()
    parts.append(_pipes(rows, [*head[:2], phrase("calls"), phrase("error / bound"), *head[2:]]))
    return "\n\n".join(parts)


def _sentence(device: CheckedDevice) -> str:
    counts = {state.replace(" ", "_"): len(device.of(state)) for state in STATES}
    said = phrase(
        "{device} ({name}): of {count} operators {wrong} are wrong, {falls_back} fall back to the CPU, {refuses} are "
        "refused and {right} are right.",
        device=device.device,
        name=device.name,
        count=len(device.operators),
        **counts,
    )
    if not counts["not_checked"]:
        return said
    rest = phrase("{count} could not be checked.", count=counts["not_checked"])
    return f"{said} {rest}"


def _sign(device: CheckedDevice) -> str:
    if device.of("wrong"):
        return SIGNS["differ"]
    answered = device.of("right") or device.of("falls back")  # it may refuse everything
    return SIGNS["agree" if answered and not device.of("not checked") else "cannot-tell"]


def _facts(device: CheckedDevice) -> str:
    return "; ".join(f"{name} {value}" for name, value in device.driver.items())


def _count(row: OperatorCheck) -> str:
    return phrase("{wrong} of {count} calls are wrong", wrong=row.wrong, count=row.samples)


def _evidence(example: Example) -> list[str]:
    """Return the sentence, the call, and its operands in short."""
    given = [f"{name} = {_short(own)}" for name, own in example.inputs.items()]
    return [example.text, example.call, *([phrase("with {values}", values=", ".join(given))] if given else [])]


def _short(own: Input) -> str:
    text = _numbers(own.values, own.dtype in ("int64", "bool")) if own.values is not None else ""
    return text if 0 < len(text) <= _MOST else phrase("numbers of shape {shape}", shape=own.shape)


def _numbers(values: Nested, whole: bool) -> str:
    if isinstance(values, list):
        return f"[{', '.join(_numbers(part, whole) for part in values)}]"
    return str(int(values)) if whole else f"{values:.6g}"


def _is_other(row: OperatorCheck) -> bool:
    return row.state in ("falls back", "refuses")


def _what(row: OperatorCheck) -> str:
    if row.state == "falls back":
        return ", ".join(row.fallbacks)
    if row.state == "wrong":
        return row.example.text if row.example is not None else ""
    return row.reason if row.state == "refuses" else ""  # why nothing could be asked is a note of the device


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


def _ratio(row: OperatorCheck) -> str:
    return "" if row.ratio is None else f"{row.ratio:.2g}"


def _head() -> list[str]:
    return [phrase("operator"), phrase("state"), phrase("what")]


def _not_opened(result: DeviceCheck) -> list[str]:
    return [
        phrase("{device} could not be checked: {reason}", device=device, reason=reason)
        for device, reason in result.failed.items()
    ]


def _made_with(result: DeviceCheck) -> str:
    used = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    return phrase("Made with {used}.", used=used)


def _pipes(rows: list[list[str]], head: list[str]) -> str:
    return tabulate([[plain(cell) for cell in row] for row in rows], head, tablefmt="pipe", disable_numparse=True)
