"""The file that a student starts from: signatures, shapes and what to write; no formula of the backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

from nncheck import case as cases
from nncheck.case import Case
from nncheck.errors import InputError
from nncheck.files import check_writable, write_whole
from nncheck.language import current, phrase
from nncheck.scaffold.network import axis_names, forward_lines, in_words, parameter_axes
from nncheck.scaffold.templates import template


def write_student_file(wanted: str | Path, output: Path | None = None, *, force: bool = False) -> Path:
    """Write the file that a student of a case starts from, in the language that is spoken now.

    Parameters
    ----------
    wanted : str or Path
        Name of the case, or path of its folder.
    output : Path, optional
        Where to; ``./CASE.py`` by default.
    force : bool
        Whether a file that stands there may be lost.

    Returns
    -------
    path : Path

    Raises
    ------
    CaseError, FormulaError
        If the case, or its derivation.txt, cannot be read.
    InputError
        If a file stands there, or it cannot be written.
    """
    case = cases.find(wanted)
    path = output if output is not None else Path(f"{case.name}.py")
    if path.suffix.lower() != ".py" and (path.is_file() or not path.exists()):
        raise InputError(
            phrase(
                "{path}: got a name that ends in {suffix!r}, expected one in .py.",
                path=path,
                suffix=path.suffix or phrase("nothing"),
            )
        )
    if path.is_file() and not force:
        raise InputError(
            phrase(
                "{path} is there already; name another file with -o, or give --force to lose what is in it.", path=path
            )
        )
    check_writable(path)
    write_whole(path, student_text(case, path.name, str(wanted)))
    return path


def student_text(case: Case, file: str, wanted: str) -> str:
    """Return the text of the file.

    Parameters
    ----------
    case : Case
    file, wanted : str
        Name of the file and of the case in the command that the text ends on.
    """
    quantities, axes, names = in_words(case), parameter_axes(case), axis_names(case)
    wide = max(len(quantity.name) for quantity in quantities)
    broad = max(len(quantity.axes) for quantity in quantities)
    network = [f"    {q.name:<{wide}}  {q.axes:<{broad}}  {q.words}" for q in quantities]
    inner = [line.name for line in forward_lines(case) if f"d{line.name}" in case.derivation().names]
    return Template(template("student", "student.py")).substitute(
        title=_harmless(case.title(current())),
        network=_harmless("\n".join(network)),
        sizes=", ".join(f"{name} = {size}" for name, size in zip(names, case.sizes)),
        n_in=names[0],
        file=_harmless(as_typed(file)),
        case=_harmless(as_typed(wanted)),
        parameters=_listed(axes),
        gradients=_listed(axes),
        inner=", ".join(reversed(inner)),
        keys=", ".join(axes),
    )


def _listed(axes: Mapping[str, str]) -> str:
    wide = max(map(len, axes))
    return "\n".join(f'        "{name}"{"":<{wide - len(name)}}  {shape}' for name, shape in axes.items())


def as_typed(text: str) -> str:
    """Return an argument of a command as it is typed in a shell, PowerShell and cmd among them."""
    return f'"{text}"' if any(sign.isspace() or sign in "&();'" for sign in text) else text


def _harmless(text: str) -> str:
    """Return text that means itself inside a docstring: no escape of a Windows path, no end of the string."""
    return text.replace("\\", "\\\\").replace('"""', "'''")
