"""An assignment as plain JSON, with its case files: how it reaches judging processes and other machines."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from nncheck.case import FILES, Case, read_folder
from nncheck.errors import InputError
from nncheck.grades import GroundFacts
from nncheck.grading.assignment import Assignment, Late, Part
from nncheck.language import phrase
from nncheck.sandbox.limits import Limits

_FILES = (*FILES, "certificate.json")
_PLAIN = tuple(f.name for f in fields(Assignment) if f.name not in ("path", "parts", "late", "limits"))


def packed(assignment: Assignment) -> dict[str, Any]:
    """Return an assignment as JSON values; of its cases also the files, so that they need not lie where it is read."""
    late = {**asdict(assignment.late), "due": assignment.late.due and assignment.late.due.isoformat()}
    return {
        **{name: getattr(assignment, name) for name in _PLAIN},
        "path": str(assignment.path),
        "parts": [_packed_part(part) for part in assignment.parts],
        "late": late,
        "limits": asdict(assignment.limits),
        "digest": assignment.digest,
    }


class Unpacked:
    """An assignment that `packed` wrote, read again; a context manager, for its temporary case folders.

    A case whose folder is not here as it was packed is written to a temporary folder.

    Parameters
    ----------
    record : mapping
        As `packed` returned it.

    Attributes
    ----------
    assignment : Assignment

    Raises
    ------
    InputError
        If what is read has another digest than what was packed: this nncheck is another one.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # only where one is needed
        plain: dict[str, Any] = {n: tuple(record[n]) if isinstance(record[n], list) else record[n] for n in _PLAIN}
        late = {**record["late"], "due": record["late"]["due"] and datetime.fromisoformat(record["late"]["due"])}
        self.assignment = Assignment(
            **plain,
            path=Path(record["path"]),
            parts=tuple(self._part(part, k) for k, part in enumerate(record["parts"])),
            late=Late(**late),
            limits=Limits(**record["limits"]),
        )
        if self.assignment.digest != record["digest"]:
            self.close()
            raise InputError(
                phrase(
                    "{path}: the assignment reads differently here than where grading was started; the same nncheck "
                    "must be installed in both places.",
                    path=record["path"],
                )
            )

    def __enter__(self) -> Unpacked:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary case folders."""
        if self._folder is not None:
            self._folder.cleanup()

    def _part(self, record: Mapping[str, Any], index: int) -> Part:
        rest = {name: record[name] for name in ("points", "file", "steps")}
        return Part(case=self._case(record, index), **rest)

    def _case(self, record: Mapping[str, Any], index: int) -> Case:
        folder = Path(record["folder"])
        if (folder / "case.toml").is_file():
            case = read_folder(folder)
            if case.digest() == record["digest"]:
                return case
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="nncheck-cases-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name) / str(index) / record["case"]
        folder.mkdir(parents=True)
        for name, body in record["files"].items():
            (folder / name).write_bytes(base64.b64decode(body))
        return read_folder(folder)


def ground_facts(record: Mapping[str, Any]) -> GroundFacts:
    """Return facts that went through JSON."""
    plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in record.items()}
    return GroundFacts(**plain)


def _packed_part(part: Part) -> dict[str, Any]:
    folder = part.case.folder
    bodies = {name: (folder / name).read_bytes() for name in _FILES if (folder / name).is_file()}
    return {
        "case": part.case.name,
        "folder": str(folder),
        "digest": part.case.digest(),
        "files": {name: base64.b64encode(body).decode() for name, body in bodies.items()},
        "points": dict(part.points),
        "file": part.file,
        "steps": part.steps,
    }
