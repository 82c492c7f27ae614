"""Zip archives: members with what is wrong with each, and the bytes of one, up to a limit."""

from __future__ import annotations

import stat
import threading
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from nncheck.grading.submissions import folders, names
from nncheck.grading.submissions.members import Member, broken
from nncheck.language import phrase

_ENCRYPTED = 0x1  # flag of a zip's entry


class Zip:
    """Files of a zip on disk, opened once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive: zipfile.ZipFile | None = None
        self._lock = threading.Lock()

    def opened(self) -> zipfile.ZipFile:
        """Return the archive; it stays open, for reading its directory again for every file costs more than the file.

        Raises
        ------
        Unreadable
            If it is broken.
        """
        with self._lock:
            if self._archive is None:
                try:
                    self._archive = zipfile.ZipFile(self.path)
                except Exception as error:  # zipfile raises almost anything for broken bytes
                    raise broken(self.path.name, error) from None
            return self._archive

    def read(self, key: object, limit: int) -> bytes:
        """Return at most ``limit`` bytes of a member, whatever its header says."""
        return read(self.opened(), cast(zipfile.ZipInfo, key), limit)

    def modified(self, key: object) -> float | None:
        """Return the time that the archive gives, which has no time zone."""
        return _time(cast(zipfile.ZipInfo, key))


def opened(stream: IO[bytes], name: str) -> zipfile.ZipFile:
    """Return the archive in a stream.

    Raises
    ------
    Unreadable
        If it is broken.
    """
    try:
        return zipfile.ZipFile(stream)
    except Exception as error:  # zipfile raises almost anything for broken bytes
        raise broken(name, error) from None


def members(archive: zipfile.ZipFile) -> Iterator[Member]:
    """Yield the members with what is wrong with each."""
    for info in archive.infolist():
        raw = names.zip_name(info)
        path, problem = names.clean(raw)
        kind = stat.S_IFMT(info.external_attr >> 16)  # Unix packs its mode in here, others leave zeros
        folder = raw.endswith(("/", "\\")) and not problem
        if kind == stat.S_IFLNK:
            problem = folders.link(path)
        elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            problem = folders.not_a_file(path)
        elif info.flag_bits & _ENCRYPTED:
            problem = problem or phrase(
                "{file} is packed with a password; expected a plain archive. Pack the files again without one.",
                file=path,
            )
        yield Member(path, problem, folder and not problem, info, None)


def read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    """Return at most ``limit`` bytes of a member, whatever its header says.

    Raises
    ------
    Unreadable
        If it cannot be unpacked.
    """
    try:
        with archive.open(info) as stream:
            return stream.read(limit)
    except Exception as error:  # zlib.error, BadZipFile, NotImplementedError (method), EOFError, OSError ...
        raise broken(names.clean(names.zip_name(info))[0], error) from None


def _time(info: zipfile.ZipInfo) -> float | None:
    try:
        return datetime(*info.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
