"""Runs a plain training script unmodified and watches its loops, inside the process of the person's code.

Of each loop the numbers of all variables are copied where an iteration begins and where it ends normally; one that
``break`` leaves is dropped, since it may be incomplete, unless there is no other.
Nothing seen here is trusted: the parent judges it.
"""

from __future__ import annotations

import io
import re
import sys
import time
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nncheck import source
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts import syntax
from nncheck.manual.scripts.instrument import LOCALS, WATCHER, instrument
from nncheck.manual.scripts.standins import standing_in
from nncheck.manual.scripts.values import Snapshot
from nncheck.manual.scripts.watched import Seen, Watched

#: Iterations that are recorded: consecutive ones for what an update carries along, later ones for what comes late.
STEPS = (*range(12), 20, 50, 99, 100, 199, 200, 499, 500, 999, 1000, 2000, 5000, 9999, 10_000, 50_000, 99_999)
_RECORDED = frozenset(STEPS)
MAX_LOOPS = 24
MAX_STACK = 250_000  # numbers kept of one loop
_CALLS = 4  # of one function in one iteration
_LAST_LINES = 20
_HOME = "__main__"  # the script's own name, so that its main guard lets it run


class _Stop(BaseException):
    """Ends a script of which enough was seen; no ``except Exception`` holds it up."""


def watch(
    text: str,
    path: str | Path,
    literals: Mapping[tuple[int, int], float] | None = None,
    loop: int | None = None,
    most: int | None = None,
    seconds: float = 10.0,
    also: int | None = None,
) -> Watched:
    """Run a script and return what its loops did.

    Parameters
    ----------
    text : str
    path : str or Path
        What tracebacks call it; its folder is where its own imports are looked for.
    literals : mapping of (line, column) to float
        Numbers to put in place of those in the text.
    loop, most : int
        End the script after ``most`` iterations of this loop, or, if none is given, of any loop with none around it.
    seconds : float
        End it after this time.
    also : int, optional
        An iteration to record besides `STEPS`.
    """
    path = Path(path)
    try:
        changed, lines = instrument(syntax.parse(text, str(path)), literals)
        code = compile(changed, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Watched(loops=(), failure=source.describe(error, path), lines={})
    watcher = _Watcher(loop, most, time.monotonic() + seconds, also)
    module = ModuleType(_HOME)
    module.__dict__.update({"__file__": str(path), WATCHER: watcher, LOCALS: locals})
    watcher.shared = module.__dict__
    output = _LastLines()
    failure = ""
    with _as_a_program(module, path, output):
        try:
            exec(code, module.__dict__)
        except _Stop:
            pass
        except SystemExit as error:
            failure = "" if error.code in (None, 0) else source.describe(error, path)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            failure = "" if watcher.stopped else source.describe(error, path)
            if isinstance(error, EOFError):
                asked = phrase("nobody is there to answer: give the number in the file itself")
                failure = f"{failure}; {asked}"
    return Watched(loops=watcher.seen(), printed=output.last(), failure=failure, stopped=watcher.stopped, lines=lines)


class _Record:
    """The kept iterations of one loop."""

    def __init__(self, under: tuple[int, ...]) -> None:
        self.under = under
        self.steps: list[int] = []
        self.before: list[dict[str, Array]] = []
        self.after: list[dict[str, Array]] = []
        self.kinds: dict[str, str] = {}
        self.size = 0
        self.broken = False


class _Watcher:
    """What the calls put into the script reach.

    Attributes
    ----------
    shared : dict
        The module's variables.
    stopped : str
        Why the script was ended.
    """

    def __init__(self, loop: int | None, most: int | None, deadline: float, also: int | None = None) -> None:
        self._loop, self._most, self._deadline = loop, most, deadline
        self._also = also
        self._begun: dict[int, int] = {}
        self._running: list[int] = []
        self._open: dict[int, tuple[int, int, dict[str, Array]]] = {}  # loop: iteration, tick, values at its begin
        self._tick = 0
        self._aside: dict[str, tuple[int, Array]] = {}  # what is in no variable of the loop's scope, with its tick
        self._calls: dict[str, int] = {}
        self._records: dict[int, _Record] = {}
        self.shared: dict[str, Any] = {}
        self.stopped = ""

    def begin(self, loop: int) -> bool:
        """Note that an iteration begins; whether it is to be kept."""
        number = self._begun.get(loop, 0)
        self._begun[loop] = number + 1
        self._enter(loop)
        counts = loop == self._loop if self._loop is not None else len(self._running) == 1
        if self._most is not None and counts and number >= self._most:
            self.stopped = "steps"
        elif time.monotonic() > self._deadline:
            self.stopped = "time"
        if self.stopped:
            raise _Stop
        self._open.pop(loop, None)
        return (number in _RECORDED or number == self._also) and (
            loop in self._records or len(self._records) < MAX_LOOPS
        )

    def _enter(self, loop: int) -> None:
        if loop in self._running:
            del self._running[self._running.index(loop) + 1 :]
        else:
            self._running.append(loop)

    def before(self, loop: int, local: Mapping[str, Any]) -> None:
        """Copy what there is as an iteration begins."""
        if not self._open:
            self._calls.clear()
        record = self._records.setdefault(loop, _Record(tuple(self._running[:-1])))
        values = self._copy(local, record)
        self._tick += 1
        self._open[loop] = (self._begun[loop] - 1, self._tick, values)

    def end(self, loop: int) -> bool:
        """Note that an iteration ends normally; whether its begin was kept."""
        self._enter(loop)
        return loop in self._open

    def after(self, loop: int, local: Mapping[str, Any]) -> None:
        """Copy what there is as an iteration ends."""
        number, tick, values = self._open.pop(loop)
        record = self._records[loop]
        last = self._copy(local, record)
        last.update({name: value for name, (when, value) in self._aside.items() if when >= tick})
        record.size += sum(array.size for array in (*values.values(), *last.values()))
        if record.size > MAX_STACK and record.steps and number != self._also:
            return
        record.steps.append(number)
        record.before.append(values)
        record.after.append(last)

    def leave(self, loop: int, local: Mapping[str, Any]) -> None:
        """Note that a loop is done; one that was left in its first iteration shows at least that."""
        if loop in self._open and not self._records[loop].steps:
            self._records[loop].broken = True
            self.after(loop, local)
        if loop in self._running:
            del self._running[self._running.index(loop) :]

    def returned(self, function: str, local: Mapping[str, Any], value: Any) -> Any:
        """Keep what a function held and returned, if an iteration that is kept called it."""
        if self._open:
            call = self._calls[function] = self._calls.get(function, 0) + 1
            if call <= _CALLS:
                nth = "" if call == 1 else f" (call {call})"
                self._put_aside({f"{function}.{name}{nth}": part for name, part in local.items()})
                if value is not None:
                    self._put_aside({f"{function}(){nth}": value})
        return value

    def shown(self, text: str, value: Any) -> Any:
        """Keep a value that is printed or put in a list."""
        if self._open:
            self._put_aside({text: value})
        return value

    def _put_aside(self, values: Mapping[str, Any]) -> None:
        snapshot = Snapshot(_HOME)
        snapshot.take(values, objects=False)
        self._tick += 1
        self._aside.update({name: (self._tick, value) for name, value in snapshot.values.items()})

    def _copy(self, local: Mapping[str, Any], record: _Record) -> dict[str, Array]:
        snapshot = Snapshot(_HOME)
        snapshot.take(local)
        if local is not self.shared:
            snapshot.take({name: value for name, value in self.shared.items() if name not in local})
        for name, kind in snapshot.kinds.items():
            record.kinds.setdefault(name, kind)
        return snapshot.values

    def seen(self) -> tuple[Seen, ...]:
        """Return the iterations that were kept, stacked by variable."""
        return tuple(
            Seen(
                loop=loop,
                steps=tuple(record.steps),
                iterations=self._begun[loop],
                under=record.under,
                broken=record.broken,
                before=_stacked(record.before, 0),
                after=_stacked(record.after, -1),
                kinds={name: kind for name, kind in record.kinds.items() if name in record.before[0]},
            )
            for loop, record in sorted(self._records.items())
            if record.steps
        )


def _stacked(rows: list[dict[str, Array]], typical: int) -> dict[str, Array]:
    """Stack each variable over the iterations; NaN where it is missing or of another size than in the typical row."""
    names: dict[str, None] = {}
    for row in (rows[typical], *rows):
        names.update(dict.fromkeys(row))
    stacks = {}
    for name in names:
        known = [row[name] for row in rows if name in row]
        if len({array.size for array in known}) > 2:  # a list that grows: the history of the loss
            continue
        model = rows[typical].get(name, known[-1])
        stack = np.full((len(rows), *model.shape), np.nan)
        for place, row in enumerate(rows):
            value = row.get(name)
            if value is not None and value.size == model.size:
                stack[place] = value.reshape(model.shape)
        stacks[name] = stack
    return stacks


class _LastLines(io.TextIOBase):
    """Standard output of the script: its last lines."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._part = ""

    def write(self, text: str) -> int:
        *whole, part = re.split(r"\r?\n", self._part + str(text))
        self._lines.extend(line[:200] for line in whole)
        self._part = part[-10_000:]
        return len(text)

    def last(self) -> tuple[str, ...]:
        return (*self._lines, self._part[:200])[-_LAST_LINES:] if self._part else tuple(self._lines)


@contextmanager
def _as_a_program(module: ModuleType, path: Path, output: _LastLines) -> Iterator[None]:
    """Let the file run as ``python file.py`` would: its own main module, folder and arguments; quiet, and not asked."""
    kept = sys.modules.get(_HOME), sys.argv, sys.path[:], sys.stdin, np.geterr()
    sys.modules[_HOME] = module  # dataclasses look their module up there
    sys.argv, sys.stdin = [str(path)], io.StringIO()
    sys.path.insert(0, str(path.resolve().parent))
    try:
        with standing_in(), warnings.catch_warnings(), redirect_stdout(output), redirect_stderr(_LastLines()):
            warnings.simplefilter("ignore")
            np.seterr(all="ignore")  # overflow is judged by its result
            yield
    finally:
        if kept[0] is not None:
            sys.modules[_HOME] = kept[0]
        sys.argv, sys.path[:], sys.stdin = kept[1], kept[2], kept[3]
        np.seterr(**kept[4])
