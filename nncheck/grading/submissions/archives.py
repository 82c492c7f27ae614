"""Archives, read in memory: all that one on disk holds, or what a student's holds."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from nncheck.grading.submissions import caps, names, tars, zips
from nncheck.grading.submissions.caps import Unreadable
from nncheck.grading.submissions.folders import Found
from nncheck.grading.submissions.kinds import is_junk, is_media
from nncheck.grading.submissions.members import Member, broken, foreign, too_many
from nncheck.grading.submissions.record import Entry
from nncheck.language import phrase

_ENTRY = b"PK\x01\x02"  # begins each entry of a zip's directory
_ENVIRONMENT = "pyvenv.cfg"  # stands in the folder of a virtual environment


def index(path: Path) -> Found:
    """Find what an archive on disk holds, without unpacking it.

    Raises
    ------
    Unreadable
        If it is broken, or not an archive that is read here.
    """
    found = Found()
    try:
        with open(path, "rb") as stream:
            kind = _kind(stream, path.name)
            if kind == "zip":
                source = zips.Zip(path)
                for member in zips.members(source.opened()):
                    _add(found, member, Entry(member.path, source, member.key, member.problem))
            else:
                tar = tars.Tar(path)
                for member in tars.members(stream, kind, path.name, ratio=True):
                    key = member.key
                    if member.stream and kind != "tar" and not _unwanted(member.path) and not is_media(member.path):
                        # one pass: a compressed tar has no way back, and its files packed again are small
                        key = (zlib.compress(tars.read(member.stream, path.name), 1), member.modified)
                    _add(found, member, Entry(member.path, tar, key, member.problem))
    except OSError as error:
        raise broken(path.name, error) from None
    environments = tuple(_environments(entry.path for entry in found.entries))
    if environments:
        found.entries = [entry for entry in found.entries if not entry.path.startswith(environments)]
    return found


def unpack(content: bytes, name: str, budget: caps.Budget, depth: int = 1) -> Iterator[tuple[str, bytes | None]]:
    """Yield name and content of what a student's archive holds; pictures and the like without their content.

    Parameters
    ----------
    content : bytes
        Of the archive.
    name : str
        For the sentences.
    budget : Budget
        Of the submission; everything read counts.
    depth : int
        How many archives this one lies in, itself included.

    Raises
    ------
    Unreadable
        If it is broken, encrypted, too large, or holds a link, a device or a name that leads elsewhere.
    """
    if depth > caps.NESTED:
        raise Unreadable(
            phrase(
                "{file} is an archive in an archive in an archive; expected the files themselves. Unpack them, then "
                "pack them once.",
                file=name,
            )
        )
    stream = io.BytesIO(content)
    kind = _kind(stream, name)
    if kind == "zip" and content.count(_ENTRY) > caps.ENTRIES:  # before anything is built for each
        raise too_many(name)
    archive = zips.opened(stream, name) if kind == "zip" else None
    members = zips.members(archive) if archive else tars.members(stream, kind, name)
    environments = _environments(map(names.zip_name, archive.infolist())) if archive else []
    for count, member in enumerate(members):
        if count > caps.ENTRIES:
            raise too_many(name)
        if _unwanted(member.path) or member.folder or member.path.startswith(tuple(environments)):
            continue
        if member.path.endswith("/" + _ENVIRONMENT):
            environments.append(member.path[: -len(_ENVIRONMENT)])
            continue
        if member.problem:
            raise Unreadable(member.problem)
        inside: bytes | None = None
        if is_media(member.path):
            pass
        elif archive:
            inside = zips.read(archive, cast(zipfile.ZipInfo, member.key), caps.FILE + 1)
        else:
            inside = tars.read(cast("IO[bytes]", member.stream), name)
        yield member.path, inside


def _add(found: Found, member: Member, entry: Entry) -> None:
    if "/.git/" in f"/{member.path}/":
        found.repositories.add(f"/{member.path}/".partition("/.git/")[0].strip("/"))
    if _unwanted(member.path):
        return
    found.entries.append(Entry(entry.path, entry.source, None, "", True) if member.folder else entry)


def _environments(paths: Iterable[str]) -> list[str]:
    """Return the folders that are virtual environments, each with its slash."""
    return [path[: -len(_ENVIRONMENT)] for path in paths if path.endswith("/" + _ENVIRONMENT)]


def _unwanted(path: str) -> bool:
    return any(map(is_junk, path.split("/")))


def _kind(stream: IO[bytes], name: str) -> str:
    """Tell from its first bytes what an archive is; names lie."""
    head = stream.read(tars.BLOCK)
    stream.seek(0)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    for magic, kind in ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "xz")):
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar" or (name.lower().endswith(".tar") and len(head) == tars.BLOCK):
        return "tar"
    for magic, kind in ((b"Rar!", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"ALZ\x01", "ALZ"), (b"EGGA", "EGG")):
        if head.startswith(magic):
            raise Unreadable(foreign(name, kind))
    if name.lower().endswith(".zip"):
        return "zip"  # with something before it, or broken
    raise broken(name, EOFError(phrase("neither zip nor tar") if head else phrase("empty")))
