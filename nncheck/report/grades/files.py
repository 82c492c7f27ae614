"""Files that grow while results come in, and stand in their places whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from nncheck.files import put_in_place


class Stream:
    """A text file that is written beside its place, and put there by `finish`.

    Parameters
    ----------
    path : Path
    encoding : str
    private : bool
        Whether only its owner may read it, whatever stood there before.
    """

    def __init__(self, path: Path, encoding: str = "utf-8", private: bool = False) -> None:
        self.path = path
        self._encoding, self._private = encoding, private
        self._new = _beside(path)
        opener = _closed_to_others if private else None
        self._file = open(self._new, "x", encoding=encoding, newline="", opener=opener)  # noqa: SIM115  (see finish)

    def write(self, text: str) -> None:
        """Add to it."""
        self._file.write(text)

    def append(self, other: Stream) -> None:
        """Add the whole text of another, and drop that."""
        other._file.close()
        with open(other._new, encoding=other._encoding, newline="") as source:
            shutil.copyfileobj(source, self._file, 1 << 16)
        other.drop()

    def finish(self) -> Path:
        """Put it in its place."""
        self._file.close()
        target = self.path.resolve()  # a link stays a link
        if os.name == "posix" and target.exists() and not self._private:
            os.chmod(self._new, target.stat().st_mode & 0o777)
        put_in_place(self._new, target)
        return self.path

    def drop(self) -> None:
        """Leave nothing of it."""
        self._file.close()
        self._new.unlink(missing_ok=True)


class Pages:
    """A folder with one file for each student, written beside its place and put there by `finish`.

    Files of the same ending that stood there before are gone then: they are of an earlier run. A folder that holds
    anything else keeps it, and the new files are put among it.
    """

    def __init__(self, folder: Path, ending: str) -> None:
        self.folder, self._ending = folder, ending
        self._new = _beside(folder)
        self._new.mkdir()

    def write(self, page: str, text: str) -> None:
        """Add the file of a student."""
        (self._new / f"{page}{self._ending}").write_text(text, encoding="utf-8", newline="\n")

    def finish(self) -> Path:
        """Put all of them in their place."""
        if self.folder.is_dir() and not self._ours():
            self._put_among()
        elif self.folder.is_dir():
            old = self._new.with_suffix(".old")
            try:
                put_in_place(self.folder, old)
            except PermissionError:  # a folder that a program of Windows is in cannot be renamed, its files can
                earlier = {path.name for path in self.folder.iterdir()}
                for name in earlier - self._put_among():
                    (self.folder / name).unlink()
                return self.folder
            put_in_place(self._new, self.folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            put_in_place(self._new, self.folder)
        return self.folder

    def _put_among(self) -> set[str]:
        """Put the files among those that the folder holds, and return their names."""
        names = {path.name for path in self._new.iterdir()}
        for name in names:
            put_in_place(self._new / name, self.folder / name)
        self._new.rmdir()
        return names

    def drop(self) -> None:
        """Leave nothing of it."""
        shutil.rmtree(self._new, ignore_errors=True)

    def _ours(self) -> bool:
        """Whether the folder holds nothing but what an earlier run wrote."""
        if self.folder.is_symlink():
            return False
        with os.scandir(self.folder) as entries:
            return all(one.is_file(follow_symlinks=False) and one.name.endswith(self._ending) for one in entries)


def _closed_to_others(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _beside(path: Path) -> Path:
    """Return a new name in the same folder; made with the caller's own rights, unlike those of tempfile."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
