"""Kinds of files, told from their names: work, archives, documents, and what systems and editors leave behind."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

#: Endings of each accepted form.
SUFFIXES: dict[str, tuple[str, ...]] = {
    "functions": (".py",),
    "script": (".py",),
    "notebook": (".ipynb",),
    "formulas": (".txt",),
    "numbers": (".csv", ".tsv", ".dat", ".txt", ".log", ".npz", ".npy"),
}
CODE = (".py", ".ipynb")
WORK = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
_FOREIGN = (".rar", ".7z", ".egg", ".alz", ".gz", ".bz2", ".xz", ".zst")
#: What students hand in by mistake: in a folder with a file for each student such a one is somebody's submission.
_DOCUMENTS = frozenset(
    (
        ".pdf",
        ".doc",
        ".docx",
        ".hwp",
        ".hwpx",
        ".odt",
        ".rtf",
        ".ppt",
        ".pptx",
        ".pages",
        ".htm",
        ".html",
        ".png",
        ".jpg",
        ".jpeg",
        ".heic",
        ".m",
        ".mlx",
        ".r",
        ".java",
        ".c",
        ".cpp",
        ".js",
        ".jl",
        ".pyc",
        ".exe",
        # no roster and no notes: arrays, handed in where the assignment may not take numbers
        ".npz",
        ".npy",
    )
)
#: Nothing that a program of this course imports or reads; left out, however many there are.
_MEDIA = frozenset(
    (
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".bmp",
        ".svg",
        ".heic",
        ".webp",
        ".ico",
        ".mp3",
        ".mp4",
        ".mov",
        ".avi",
        ".mkv",
        ".wav",
        ".pdf",
        ".ppt",
        ".pptx",
        ".doc",
        ".docx",
        ".hwp",
        ".hwpx",
        ".exe",
        ".dll",
        ".so",
        ".pyd",
        ".dylib",
        ".pyc",
        ".pyo",
        ".o",
        ".a",
        ".class",
        ".jar",
        ".whl",
        ".lib",
        ".iso",
        ".dmg",
        ".pt",
        ".pth",
        ".onnx",
        ".ttf",
        ".otf",
    )
)
_JUNK = frozenset(("__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini", "venv", "site-packages", "node_modules"))
_LEFTOVER = re.compile(r"^(?:\..*|~\$.*|#.*#|.*~|.*\.(?:swp|swo|tmp))$", re.IGNORECASE)


def suffix(path: str) -> str:
    """Return the ending of a file's name, in small letters: ``.py``, ``.tar.gz``."""
    name = path.rpartition("/")[2].lower()
    base, ending = posixpath.splitext(name)
    return ".tar" + ending if ending in (".gz", ".bz2", ".xz") and base.endswith(".tar") else ending


def stem(path: str) -> str:
    """Return the name of a file without its folder and its ending."""
    name = path.rpartition("/")[2]
    ending = suffix(name)
    return name[: len(name) - len(ending)] if ending else name


def accepted(forms: Sequence[str]) -> tuple[str, ...]:
    """Return the endings that the accepted forms have, code first."""
    return tuple(dict.fromkeys(ending for form in forms for ending in SUFFIXES.get(form, ())))


def is_archive(path: str) -> bool:
    """Whether the name says zip or tar."""
    return suffix(path) in ARCHIVES


def is_foreign_archive(path: str) -> bool:
    """Whether the name says an archive that is not read here."""
    return suffix(path) in _FOREIGN


def is_work(path: str, forms: Sequence[str]) -> bool:
    """Whether a file may be somebody's work: code always, tables and formulas where they are accepted, archives."""
    ending = suffix(path)
    return ending in CODE or ending in accepted(forms) or ending in ARCHIVES or ending in _FOREIGN


def is_document(path: str) -> bool:
    """Whether a file is what a student may have handed in instead of code."""
    return suffix(path) in _DOCUMENTS


def is_media(path: str) -> bool:
    """Whether a file is left out of a submission."""
    return suffix(path) in _MEDIA


def is_junk(name: str) -> bool:
    """Whether one part of a path is what a system, a tool or an editor left there, or hidden."""
    return name in _JUNK or _LEFTOVER.match(name) is not None
