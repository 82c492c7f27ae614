"""Tar archives, plain and compressed: members with what is wrong with each, and the bytes of one, up to a limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from nncheck.grading.submissions import caps, folders, names
from nncheck.grading.submissions.caps import Unreadable
from nncheck.grading.submissions.members import Member, broken
from nncheck.language import phrase

BLOCK = 512


class Tar:
    """Files of a tar on disk; the key is (offset, size, time), or (compressed content, time) if the tar is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, key: object, limit: int) -> bytes:
        """Return at most ``limit`` bytes of a member."""
        parts = cast("tuple[object, ...]", key)
        if isinstance(parts[0], bytes):
            return zlib.decompressobj().decompress(parts[0], limit)
        offset, size, _ = cast("tuple[int, int, float]", parts)
        try:
            with open(self.path, "rb") as stream:
                stream.seek(offset)
                content = stream.read(min(size, limit))
        except (OSError, ValueError, OverflowError) as error:
            raise broken(self.path.name, error) from None
        if len(content) < min(size, limit):
            raise broken(self.path.name, EOFError(phrase("cut off")))
        return content

    def modified(self, key: object) -> float | None:
        """Return the time that the archive gives."""
        return cast("tuple[float, ...]", key)[-1]


def members(stream: IO[bytes], kind: str, name: str, ratio: bool = False) -> Iterator[Member]:
    """Yield the members; the stream of one can be read until the next is asked for.

    Parameters
    ----------
    stream : binary stream
    kind : str
        ``tar``, ``gz``, ``bz2`` or ``xz``.
    name : str
        For the sentences.
    ratio : bool
        Whether a large archive may unpack to `caps.RATIO` times its size; else to no more than `caps.SLACK`.

    Raises
    ------
    Unreadable
        If it is broken or grows too large; members that came before are to be thrown away.
    """
    if kind == "tar":
        plain: IO[bytes] = stream
    else:
        plain = cast("IO[bytes]", _Unpacked(stream, kind, ratio))
    last = -1
    try:
        with tarfile.open(fileobj=plain, mode="r|" if kind != "tar" else "r:", tarinfo=_Header) as archive:
            while (info := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it keeps every header it has seen
                if info.offset <= last or info.size < 0:  # a negative size leads back: it would never end
                    raise tarfile.ReadError(phrase("headers out of order"))
                last = info.offset
                yield _member(archive, info)
        while kind != "tar" and plain.read(caps.MEGABYTE):
            pass  # the checksum of all stands at the end
    except (Unreadable, GeneratorExit):
        raise
    except Exception as error:  # tarfile, zlib and lzma raise almost anything for broken bytes
        raise broken(name, error) from None


def read(stream: IO[bytes], name: str) -> bytes:
    """Return a member's bytes, one more than a file may have at most.

    Raises
    ------
    Unreadable
        If they cannot be unpacked.
    """
    try:
        return stream.read(caps.FILE + 1)
    except Unreadable:
        raise
    except Exception as error:
        raise broken(name, error) from None


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    path, problem = names.clean(info.name)
    if info.issym() or info.islnk():
        problem = folders.link(path)
    elif not info.isfile() and not info.isdir():
        problem = folders.not_a_file(path)
    elif info.issparse():
        problem = problem or phrase(
            "{file} is stored with holes (sparse); expected a plain file. Pack the files again as zip.", file=path
        )
    stream = archive.extractfile(info) if info.isfile() and not problem else None
    modified = float(info.mtime) if math.isfinite(info.mtime) else 0.0
    key = (info.offset_data, info.size, modified)
    return Member(path, problem, info.isdir() and not problem, key, modified, stream)


class _Header(tarfile.TarInfo):
    """A header that is wrong ends the reading loudly; tarfile takes it for the end, and what follows would be lost."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        """Return the header of 512 bytes.

        Raises
        ------
        tarfile.ReadError
            If it is no header, and not the end either.
        """
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf) and len(buf) == BLOCK:
                raise tarfile.ReadError(str(error)) from None
            raise


class _Unpacked(io.RawIOBase):
    """A compressed stream that stops where it grows beyond all reason."""

    def __init__(self, stream: IO[bytes], kind: str, ratio: bool) -> None:
        opened: dict[str, type] = {"gz": gzip.GzipFile, "bz2": bz2.BZ2File, "xz": lzma.LZMAFile}
        self._stream = stream
        # the name is given so that gzip does not ask the stream for one
        self._plain = gzip.GzipFile(fileobj=stream, mode="rb") if kind == "gz" else opened[kind](stream)
        self._ratio = caps.RATIO if ratio else 0
        self._given = 0

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        Raises
        ------
        Unreadable
            If there have been more than the slack and more than the ratio allows.
        """
        content: bytes = self._plain.read(min(size, caps.MEGABYTE) if size >= 0 else caps.MEGABYTE)
        self._given += len(content)
        if self._given > max(caps.SLACK, self._ratio * self._stream.tell()):
            raise Unreadable(
                phrase(
                    "The archive grows beyond {limit} MB when it is unpacked; expected a few files of code. Leave "
                    "large data out.",
                    limit=caps.SLACK // caps.MEGABYTE,
                )
            )
        return content
