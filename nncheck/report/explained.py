"""A step worked out as text for the terminal, as Markdown with LaTeX, as JSON and as a page."""

from __future__ import annotations

import json as json_
from collections.abc import Callable, Iterator

import numpy as np

from nncheck.explained import Explained
from nncheck.formula.filled import latex_numbers
from nncheck.language import phrase, translate
from nncheck.report import explained_words as words
from nncheck.report.grades.clean import clean, escaped
from nncheck.report.words import SIGNS
from nncheck.report.wrapping import columns, wrapped
from nncheck.worked import WorkedLine


def text(result: Explained) -> str:
    """Return the step as lines for a terminal: the sentence, the network with its numbers, then every line."""
    parts = [wrapped(f"{SIGNS[result.verdict]} {clean(words.sentence(result))}", rest="  ")]
    about = (words.about(result), *result.read_as)
    parts.append("\n".join(wrapped(clean(said), "  ", "    ") for said in about))
    parts += ["\n".join([heading, *_pairs(rows, "  ")]) for heading, rows in words.network(result)]
    for part, name in words.PARTS.items():
        lines = [_line(line) for line in result.worked.lines if line.part == part]
        if lines:
            parts.append("\n".join([translate(name), *lines]))
    parts += [wrapped(clean(phrase("Note: {note}", note=note)), rest="  ") for note in result.notes]
    return "\n\n".join(parts) + "\n"


def markdown(result: Explained) -> str:
    """Return the step as Markdown, its formulas as LaTeX between two dollar signs."""
    step = phrase("step {step}", step=result.worked.step)
    parts = [
        f"# {_plain(result.case)}: {_plain(step)}",
        f"**{SIGNS[result.verdict]} {_plain(words.sentence(result))}**",
        _plain(words.about(result)),
    ]
    if result.read_as:
        parts.append("\n".join(f"- {_plain(said)}" for said in result.read_as))
    parts.append("\n".join(_network(result)))
    for part, name in words.PARTS.items():
        lines = [_block(line) for line in result.worked.lines if line.part == part]
        if lines:
            parts += [f"## {translate(name)}", *lines]
    if result.notes:
        parts.append("\n".join(f"- {_plain(note)}" for note in result.notes))
    return "\n\n".join(parts) + "\n"


def json(result: Explained) -> str:
    """Return the step as JSON, schema nncheck/explain/1, ASCII only."""
    return json_.dumps(result.to_dict(), indent=1, allow_nan=False) + "\n"


def html(result: Explained) -> str:
    """Return the step as a page."""
    from nncheck.report.html import explained

    return explained.render(result)


FORMATS: dict[str, Callable[[Explained], str]] = {"table": text, "markdown": markdown, "json": json, "html": html}


def _line(line: WorkedLine) -> str:
    """Return one line of the derivation: formula, with its numbers, value, and whose else it is."""
    lead = "      = "
    filled = line.filled.partition(" = ")[2]
    value = words.shown(line.value)
    rows = [wrapped(line.formula, f"  {SIGNS[line.verdict]} ", lead)]
    rows += [wrapped(said, lead, "        ") for said in dict.fromkeys((filled, value))]
    rows += _pairs(list(words.values(line)), "      ")
    compared = words.compared(line)
    return "\n".join([*rows, *([f"      {compared}"] if compared else [])])


def _pairs(rows: list[tuple[str, str]], indent: str) -> Iterator[str]:
    """Yield names and values, the values below each other."""
    width = max((columns(name) for name, _ in rows), default=0)
    for name, value in rows:
        first = f"{indent}{name}{' ' * (width - columns(name))}  "
        yield wrapped(value, first, " " * columns(first))


def _network(result: Explained) -> Iterator[str]:
    """Yield the network as a list of lists."""
    for heading, rows in words.network(result):
        yield f"- {_plain(heading)}"
        yield from (f"  - {name} = `{value}`" for name, value in rows)


def _plain(text: str) -> str:
    """Return text of others as one line of Markdown that is shown as it is."""
    return escaped(clean(text))


def _block(line: WorkedLine) -> str:
    """Return one line of the derivation as a formula set in steps, and below it what else is known of its value."""
    formula = line.latex.replace(" = ", " &= ", 1)
    filled = line.filled_latex.partition(" = ")[2]
    value = latex_numbers(np.asarray(line.value, dtype=np.float64))
    steps = [formula, *(f"&= {said}" for said in dict.fromkeys((filled, value)))]
    body = " \\\\\n".join(steps)
    compared = words.compared(line)
    said = [f"{name} `{own}`" for name, own in words.values(line)] + ([compared] if compared else [])
    return "\n\n".join(
        [
            f"{SIGNS[line.verdict]} `{line.formula}`",
            f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$",
            ", ".join(said),
        ]
    ).rstrip()
