"""Printing on any console, those of Korean Windows among them: text, complaints, a progress bar."""

from __future__ import annotations

import errno
import locale
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nncheck.language import N_, translate

# Signs that a console may lack, such as cp949's or a plain ASCII one, and what stands in for them.
_STAND_INS = {
    **{"✓": "[ok]", "✗": "[!!]", "…": "...", "—": "-", "–": "-", "·": "-", "×": "x", "−": "-", "′": "'", "²": "^2"},
    **{bar: str(height) for height, bar in enumerate("▁▂▃▄▅▆▇█", start=1)},
}


def say(text: str) -> None:
    """Print to standard output; that nobody reads it any more ends nothing, so the exit code still tells."""
    with _read_or_not(sys.stdout):
        _print(text, sys.stdout)


def hand_over(content: bytes) -> None:
    """Write bytes to standard output as they are."""
    with _read_or_not(sys.stdout):
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def complain(text: str) -> None:
    """Print to standard error; that nobody reads it any more ends nothing."""
    with _read_or_not(sys.stderr):
        _print(text, sys.stderr)


@contextmanager
def _read_or_not(stream: Any) -> Iterator[None]:
    """Go on where the reader of a stream has seen enough, as ``head`` has."""
    try:
        yield
    except OSError as error:
        if not closed_by_reader(error):
            raise
        with suppress(OSError, ValueError, AttributeError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())  # what is left in its buffer would fail at the exit again


def closed_by_reader(error: OSError) -> bool:
    """Whether a pipe could not be written to because nobody reads it any more.

    Windows says EINVAL of such a pipe, and of a file whose name it does not take: that one has a name.
    """
    return error.errno in (errno.EPIPE, errno.EINVAL) and error.filename is None


def printable(text: str, stream: Any) -> str:
    """Return a text with plain signs in place of those that a stream's encoding lacks."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_encodable(sign, encoding) for sign in text)
    return text


def _print(text: str, stream: Any) -> None:
    print(printable(text, stream), file=stream, flush=True)


def _encodable(sign: str, encoding: str) -> str:
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        return _STAND_INS.get(sign, "?")
    return sign


def default_language() -> str:
    """Return the language that NNCHECK_LANG, else the locale asks for: ko or en.

    Korean by the locale alone is English on a console that has no Korean signs, where nobody could read it.
    """
    chosen = os.environ.get("NNCHECK_LANG")
    if chosen:
        return _korean_or_english(chosen)
    wanted = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), None)
    if not wanted:
        try:
            wanted = locale.getlocale()[0]
        except ValueError:
            wanted = None
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return _korean_or_english(wanted or "") if _encodable("가", encoding) == "가" else "en"


def _korean_or_english(name: str) -> str:
    return "ko" if name.lower().startswith("ko") else "en"


class Bar:
    """A progress bar on standard error, there only on a terminal.

    Parameters
    ----------
    unit : str
        What is counted, as the catalogue has it.
    """

    def __init__(self, unit: str = N_("steps")) -> None:
        self._unit = unit
        self._bar: Any = None
        self._case = ""

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def update(self) -> Callable[[str, int, int], None] | None:
        """What `run` is to call, None where nobody watches."""
        return self._update if sys.stderr is not None and sys.stderr.isatty() else None

    def _update(self, case: str, done: int, steps: int) -> None:
        from tqdm import tqdm

        if self._bar is None or case != self._case or done == 0:
            self.__exit__()
            self._case = case
            size = shutil.get_terminal_size()  # 80 by 24 on a terminal that tells none, where tqdm would show nothing
            self._bar = tqdm(
                total=steps,
                desc=case,
                unit=f" {translate(self._unit)}",
                unit_scale=True,
                leave=False,
                file=sys.stderr,
                ncols=size.columns,
                nrows=size.lines,
            )
        self._bar.update(done - self._bar.n)
