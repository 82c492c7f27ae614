"""The folder of a new case: a small network that certifies as it stands, or a copy of a case that is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from nncheck import case as cases
from nncheck import source
from nncheck.errors import CaseError, InputError
from nncheck.files import is_device_of_windows, write_whole
from nncheck.language import phrase, reason_of
from nncheck.scaffold.templates import template


def write_case(wanted: str | Path, like: str | Path | None = None, *, force: bool = False) -> Path:
    """Make the folder of a new case, in the language that is spoken now.

    Parameters
    ----------
    wanted : str or Path
        The folder; its name is the name of the case.
    like : str or Path, optional
        A case whose files to start from.
    force : bool
        Whether files of a case that stand there may be lost.

    Returns
    -------
    folder : Path

    Raises
    ------
    CaseError
        If the name cannot be one of a case, or there is no case to copy.
    InputError
        If files of a case stand there, or they cannot be written.
    """
    folder = Path(wanted).expanduser()
    _check_name(folder, str(wanted))
    files = _copied(like) if like is not None else {name: template("case", name) for name in cases.FILES}
    if folder.exists() and not folder.is_dir():
        raise InputError(phrase("{folder} is a file; choose another name for the folder of the case.", folder=folder))
    standing = [name for name in cases.FILES if (folder / name).exists()]
    if standing and not force:
        raise InputError(
            phrase(
                "{folder} holds {files} already; choose another name, or give --force to lose them.",
                folder=folder,
                files=", ".join(standing),
            )
        )
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise InputError(
            phrase("{folder}: the folder {parent} does not exist; make it first.", folder=folder, parent=folder.parent)
        ) from None
    except OSError as error:
        raise InputError(
            phrase("{folder}: cannot be made ({reason}).", folder=folder, reason=reason_of(error))
        ) from None
    for name, text in files.items():
        write_whole(folder / name, text)
    return folder


def _copied(like: str | Path) -> Mapping[str, str]:
    """Return the files of a case that is there; its place in the document is not copied."""
    folder = cases.find(like).folder
    files = {name: source.read_text(folder / name) for name in cases.FILES if (folder / name).is_file()}
    return {**files, "case.toml": re.sub(r"\Aorder\s*=.*\n+", "", files["case.toml"])}


def _check_name(folder: Path, wanted: str) -> None:
    """Refuse a name that some system cannot hold, or that would mean another case.

    Raises
    ------
    CaseError
    """
    name = folder.name
    odd = re.search(r'[<>:"|?*\\\x00-\x1f]', name)
    if not name or name == "..":
        problem = phrase("names no new folder")
    elif odd:
        problem = phrase("holds {sign!r}, which Windows does not take", sign=odd.group())
    elif name != name.strip() or name.endswith("."):
        problem = phrase("begins or ends with a blank, or ends with a full stop")
    elif is_device_of_windows(name):
        problem = phrase("is what Windows calls a device")
    elif name.startswith("-"):
        problem = phrase("begins with -, as an option does")
    elif wanted == name and name.lower().replace("-", "_") in cases.names():
        problem = phrase("is a case that comes with nncheck, and the name would mean that one")
    else:
        return
    raise CaseError(
        phrase(
            "The name {wanted!r} {problem}; give the new case another, such as my_case.", wanted=wanted, problem=problem
        )
    )
