"""Names of files from anywhere, made safe and equal: composed Korean, one separator, nothing that leads elsewhere."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from zipfile import ZipInfo

from nncheck.language import phrase

_PLAIN = re.compile(r"(?![./]|[A-Za-z]:)[\w\-. ()\[\],+=@/]{1,200}", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:")
# of one part in bytes, as file systems have it; of the whole path
_PART, _PATH = 255, 1000
_KEPT = 80
_UTF8 = 0x800  # flag of a zip's entry


def clean(raw: str) -> tuple[str, str]:
    """Return a name as a relative path, and why it is not one, or an empty text.

    Whatever leads out of the folder is taken away, so that the rest still tells whose file it is. Signs that control
    a terminal or turn the direction of writing become U+FFFD.
    """
    if _PLAIN.fullmatch(raw) and "//" not in raw and "./" not in raw and raw[-1] not in "./":
        return raw, ""
    text = unicodedata.normalize("NFC", _decoded(raw))
    problem = ""
    text = text.replace("\\", "/")
    drive = _DRIVE.match(text)
    if "\0" in text:
        problem = phrase(
            "The file name {file} holds a NUL; expected a plain name. Pack the files again with plain names.",
            file=_short(visible(text)),
        )
    elif drive or text.startswith("/"):
        problem = phrase(
            "The file name {file} is absolute; expected a name inside the submission. Pack the files again from inside "
            "their folder.",
            file=_short(visible(text)),
        )
    parts = [part for part in text[2 if drive else 0 :].split("/") if part not in ("", ".")]
    if ".." in parts:
        problem = problem or phrase(
            "The file name {file} leads out of its folder; expected a name inside the submission. Pack the files again "
            "from inside their folder.",
            file=_short(visible(text)),
        )
        parts = [part for part in parts if part != ".."]
    if len(text) > _PATH or any(len(part) > 80 and len(part.encode()) > _PART for part in parts):
        problem = problem or phrase(
            "The file name {file} is too long: {got} characters; expected at most {limit} bytes for each part. "
            "Shorten it and hand it in again.",
            file=_short(visible(text)),
            got=len(text),
            limit=_PART,
        )
        parts = [_short(part) for part in parts][-8:]
    return "/".join(map(visible, parts)) or "_", problem


def apart(path: str, taken: set[str]) -> str:
    """Return a cleaned name that is not taken yet, and take it.

    What a file system tells apart may be one name when it is cleaned: composed and decomposed letters, for example.
    """
    folder, slash, last = path.rpartition("/")
    stem, dot, ending = last.rpartition(".") if "." in last[1:] else (last, "", "")
    name, count = path, 1
    while name in taken:
        count += 1
        name = f"{folder}{slash}{stem}~{count}{dot}{ending}"
    taken.add(name)
    return name


def visible(text: str) -> str:
    """Return a text with every sign that cannot be seen or turns the others around replaced by U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\ufffd" if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign for sign in text)


def zip_name(entry: ZipInfo) -> str:
    """Return the name in a zip as it was meant.

    Without the flag for UTF-8 the bytes are of the system that packed them: UTF-8 from macOS, cp949 from Korean
    Windows, else cp437, as the format says (APPNOTE.TXT, appendix D).
    """
    name = entry.orig_filename  # `filename` is cut at a NUL
    if entry.flag_bits & _UTF8 or name.isascii():
        return name
    try:
        raw = name.encode("cp437")
    except UnicodeEncodeError:
        return name
    for encoding in ("utf-8", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts ``hw2`` before ``hw10``."""
    pieces = re.split(r"([0-9]{1,18})", text.casefold())
    return tuple((0, int(piece), "") if at % 2 else (1, 0, piece) for at, piece in enumerate(pieces) if piece)


def _decoded(raw: str) -> str:
    """Bytes of a name that are no UTF-8 come as lone surrogates; they are Korean, or nothing that can be shown."""
    try:
        raw.encode()
        return raw
    except UnicodeEncodeError:
        pass
    try:
        return os.fsencode(raw).decode("cp949")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return raw.encode("utf-8", "replace").decode()


def _short(text: str) -> str:
    if len(text) <= _KEPT:
        return text
    return text[: _KEPT - 9] + "~" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
