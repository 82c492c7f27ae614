"""File names for students' ids: safe on every system, and never one name for two of them."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from nncheck.files import is_device_of_windows

#: A name with its ending stays below 255 bytes, the least that file systems take.
_BYTES = 120
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


def safe(student: str) -> str:
    """Return an id as a file name: NFC, no separators, no name that Windows keeps for itself, not too long."""
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", student)).strip(" .")
    if not name or name.startswith("-") or is_device_of_windows(name):
        name = f"_{name}"
    if len(name.encode()) > _BYTES:
        name = f"{name.encode()[:_BYTES].decode(errors='ignore').rstrip(' .')}-{_digest(student)}"
    return name


class Names:
    """Hands out one file name for each id, in the order of asking; case does not tell two names apart."""

    def __init__(self) -> None:
        self._taken: set[int] = set()  # hashes of 100,000 names take 8 MB, the names themselves four times that

    def take(self, student: str) -> str:
        """Return a name that was not given before, with a suffix made from the id where the plain one was."""
        plain = safe(student)
        name, count = plain, 1
        while _fold(name) in self._taken:
            name = f"{plain}-{_digest(student)}" + (f"-{count}" if count > 1 else "")
            count += 1
        self._taken.add(_fold(name))
        return name


def _fold(name: str) -> int:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", name).casefold()).casefold()
    return int.from_bytes(hashlib.sha256(folded.encode()).digest()[:7], "big")


def _digest(student: str) -> str:
    return hashlib.sha256(student.encode(errors="surrogatepass")).hexdigest()[:8]
