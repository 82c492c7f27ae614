"""The TOML file of an assignment, every field explained, with a secret of its own."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from string import Template

from nncheck import case as cases
from nncheck.case import Case
from nncheck.errors import InputError
from nncheck.files import check_writable, write_whole
from nncheck.language import phrase, reason_of
from nncheck.scaffold.templates import template

FILE = "assignment.toml"


def write_assignment(
    case: Case, points: Mapping[str, float], output: Path | None = None, *, force: bool = False
) -> Path:
    """Write an assignment that works as it stands, in the language that is spoken now.

    Nobody but its owner may read the file, where the system knows owners: it holds a fresh secret.

    Parameters
    ----------
    case : Case
    points : mapping of check to float
        As they are to stand in the file.
    output : Path, optional
        Where to; ``./assignment.toml`` by default.
    force : bool
        Whether a file that stands there may be lost, and its secret with it.

    Returns
    -------
    path : Path

    Raises
    ------
    InputError
        If a file stands there, or it cannot be written.
    """
    path = output if output is not None else Path(FILE)
    if path.suffix.lower() != ".toml" and (path.is_file() or not path.exists()):
        raise InputError(
            phrase(
                "{path}: got a name that ends in {suffix!r}, expected one in .toml.",
                path=path,
                suffix=path.suffix or phrase("nothing"),
            )
        )
    if path.is_file() and not force:
        raise InputError(
            phrase(
                "{path} is there already; name another file with -o, or give --force to lose what is in it and its "
                "secret.",
                path=path,
            )
        )
    check_writable(path)
    text = assignment_text(case, points, path.parent)
    fresh = not path.exists()
    if fresh or path.is_file():
        _keep_private(path)  # first, as a file that is replaced keeps its mode: at no moment can others read it
    try:
        write_whole(path, text)
    except BaseException:
        if fresh:
            path.unlink(missing_ok=True)
        raise
    return path


def assignment_text(case: Case, points: Mapping[str, float], folder: Path) -> str:
    """Return the text of the file, with another secret each time.

    Parameters
    ----------
    case : Case
    points : mapping of check to float
    folder : Path
        Where the file is to stand; a case of one's own is named by its path from there.
    """
    return Template(template("assignment", FILE)).substitute(
        case=json.dumps(_named(case, folder), ensure_ascii=False),
        points="\n".join(f"{check} = {of:g}" for check, of in points.items()),
        total=f"{sum(points.values()):g}",
        lines=", ".join(name for name in case.derivation().names if name not in {"Y", "E", *points}),
        seed=secrets.token_hex(32),
    )


def _named(case: Case, folder: Path) -> str:
    """Return what a case is called in a file of a folder: its name if it comes with nncheck, else its path."""
    if case.name in cases.names() and cases.find(case.name).folder == case.folder:
        return case.name
    try:
        way = Path(os.path.relpath(case.folder, folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return case.folder.as_posix()
    return way if way.startswith(".") else f"./{way}"


def _keep_private(path: Path) -> None:
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
    except OSError as error:
        raise InputError(phrase("{path}: cannot be written ({reason}).", path=path, reason=reason_of(error))) from None
