"""The parent's end of a person's code: in a process of its own with a time limit, or an object of the caller's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from nncheck.formula.plain import Array
from nncheck.frames import MAX_ARRAYS, FrameError
from nncheck.language import current, phrase
from nncheck.manual.functions import prints_to_stderr
from nncheck.manual.layouts import Layout
from nncheck.manual.loading import functions_of
from nncheck.manual.loop import Training, train
from nncheck.manual.person import Given, Person
from nncheck.manual.scripts.watched import Watched
from nncheck.process import Process, ProcessFailure

#: Seconds for one request: importing the file, or one forward and backward pass at one probe.
LIMIT = 10.0
#: Of one answer; a person's code must not fill our memory.
MAX_BYTES = 1 << 28
#: What a process says that its code did besides.
_FLAG = re.compile(r"(?:mutated|state) \S+|aliasing \S+ \S+")
#: X, YT and the parameters of a point.
Inputs = tuple[Array, Array, Mapping[str, Array]]
#: How a process ends before its time.
Kind = Literal["crashed", "timed-out", "too-much-memory", "too-much-output"]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a process that ran a person's code came to its end before its time.

    Attributes
    ----------
    kind : str
        ``crashed``, ``timed-out``, ``too-much-memory`` or ``too-much-output``.
    stage : str
        ``open``, ``watch``, ``forward``, ``loss``, ``backward``, ``update`` or another request.
    reason : str
        A sentence for the person.
    """

    kind: Kind
    stage: str
    reason: str


class Ended(ProcessFailure):
    """As a `ProcessFailure`, with its kind and with what had come of the answer until then."""

    def __init__(self, kind: Kind, stage: str, reason: str, part: dict[str, Any], arrays: dict[str, Array]) -> None:
        super().__init__(stage, reason)
        self.kind = kind
        self.part = part
        self.arrays = arrays


class Transport(Protocol):
    """What reaches a process that answers as `nncheck.manual.child` does: `Process`, or a seat of the sandbox."""

    def ask(
        self, request: str, arrays: Mapping[str, Array] | None = None, limit: float = LIMIT, **header: Any
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """Ask for something and wait for the answer; raises ProcessFailure."""
        ...

    def close(self) -> None:
        """End the process."""
        ...


class Guest:
    """A person's file in a process of its own.

    Parameters
    ----------
    path : Path
    text : str
        What the file holds (of a notebook, its code).
    limit : float
        Seconds for one request.
    transport : Transport, optional
        What reaches the process; a new process without walls if it is left out.
    files : mapping of str to bytes
        Other files that are to lie in the working folder; only a seat of the sandbox takes them.

    Attributes
    ----------
    ended : bool
        Whether the process is no more: it crashed, or was ended at a limit.
    failure : Failure or None
        Why.
    raised : list of str
        What statements of the file raised that were left out.
    careful : bool
        Whether every `step` says which function it has come to, and keeps what there is until then; else the first.
    """

    def __init__(
        self,
        path: Path,
        text: str,
        limit: float = LIMIT,
        transport: Transport | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self._path, self._text, self._limit = path, text, limit
        what = phrase("the process of your code")
        self._process: Transport = transport or Process("nncheck.manual.child", what, True, MAX_BYTES)
        self._files: dict[str, Any] = {"files": dict(files)} if files else {}
        self.has_update = False
        self.ended = False
        self.failure: Failure | None = None
        self.careful = True
        self.raised: list[str] = []
        self._heard = False
        self._last: dict[str, Any] = {}

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    @property
    def seconds(self) -> float:
        """Seconds that were spent on waiting for it, where the process has walls."""
        return float(getattr(self._process, "seconds", 0.0))

    @property
    def output(self) -> str:
        """Head and tail of what was printed, where the process has walls."""
        return str(getattr(self._process, "output", ""))

    def open(self, go_on: bool = False) -> dict[str, str]:
        """Load the functions; return the problem (kind and text), empty if there is none.

        With ``go_on`` statements that raise are left out if the functions are there; ``raised`` says what they raised.
        """
        header: dict[str, Any] = {"path": str(self._path), "text": self._text, "go_on": go_on, **self._files}
        reply, _ = self._ask("open", language=current(), **header)
        self.has_update = bool(reply.get("update"))
        self.raised = [str(said) for said in _listed(reply.get("raised"))]
        return _problem(reply)

    def step(self, X: Array, YT: Array, params: Mapping[str, Array], layout: Layout, skip: Sequence[str] = ()) -> Given:
        """As `Person.step`."""
        tell, self._heard = self.careful or not self._heard, True
        return _given(*self._ask("step", _arrays(X, YT, params), layout=_laid(layout), skip=[*skip], tell=tell))

    def steps(self, points: Sequence[Inputs], layout: Layout, skip: Sequence[str] = ()) -> list[Given]:
        """Return what `step` gives at each of some points, asked for at once; fewer if the process ends."""
        most = max(1, MAX_ARRAYS // max((len(params) + 2 for _, _, params in points), default=1))
        givens: list[Given] = []
        for first in range(0, len(points), most):
            arrays: dict[str, Array] = {}
            for place, (X, YT, params) in enumerate(chunk := points[first : first + most]):
                arrays.update((f"{place}:{name}", array) for name, array in _arrays(X, YT, params).items())
            reply, there = self._ask("steps", arrays, layout=_laid(layout), skip=[*skip], points=len(chunk))
            for place in range(len(chunk)):
                part = reply.get(str(place))
                if not isinstance(part, dict):
                    return givens
                start = f"{place}:"
                own = {name[len(start) :]: array for name, array in there.items() if name.startswith(start)}
                givens.append(_given(part, own))
        return givens

    def loss(self, Y: Array, YT: Array, layout: Layout) -> Given:
        """As `Person.loss`."""
        return _given(*self._ask("loss", {"Y": Y, "YT": YT}, layout=_laid(layout)))

    def train(self, training: Training) -> Given:
        """As `loop.train`."""
        header = {"names": dict(training.names), "lr": training.lr, "steps": training.steps, "most": training.most}
        arrays = _arrays(training.X, training.YT, training.params)
        return _given(*self._ask("train", arrays, layout=_laid(training.layout), **header))

    def update(self, params: Mapping[str, Array], grads: Mapping[str, Array], lr: float, times: int) -> Given:
        """As `Person.update`."""
        arrays = {f"p:{name}": array for name, array in params.items()}
        arrays.update((f"g:{name}", array) for name, array in grads.items())
        return _given(*self._ask("update", arrays, lr=lr, times=times))

    def watch(
        self,
        literals: Mapping[tuple[int, int], float] | None = None,
        loop: int | None = None,
        most: int | None = None,
        also: int | None = None,
    ) -> Watched:
        """Run a script once, as `script.watch` does, within the limit."""
        listed = [[line, column, value] for (line, column), value in (literals or {}).items()]
        options: dict[str, Any] = {
            "literals": listed,
            "loop": loop,
            "most": most,
            "also": also,
            "seconds": self._limit / 2,
        }
        options["language"] = current()
        reply, arrays = self._ask("watch", path=str(self._path), text=self._text, **options, **self._files)
        if "problem" in reply:
            return Watched(loops=(), failure=_problem(reply).get("text", ""), lines={})
        try:
            return Watched.from_frame(reply, arrays)
        except FrameError as error:
            reason = phrase("the process of your code sent something that is not an answer ({error}).", error=error)
            self._end(Failure(kind="crashed", stage="watch", reason=reason))
            return Watched(loops=(), failure=reason, lines={})

    def _ask(
        self, request: str, arrays: Mapping[str, Array] | None = None, **header: Any
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        if self.ended:
            return self._last, {}
        try:
            return self._process.ask(request, arrays, limit=self._limit, **header)
        except Ended as ended:
            self._end(Failure(kind=ended.kind, stage=ended.stage, reason=ended.reason))
            return {**ended.part, **self._last}, ended.arrays
        except ProcessFailure as failure:
            kind: Kind = "crashed"
            reason = failure.reason
            if failure.silent:
                kind = "timed-out"
                reason = phrase(
                    "{path} did not come to an end within {limit:g} seconds: an endless loop?",
                    path=self._path,
                    limit=self._limit,
                )
            self._end(Failure(kind=kind, stage=request, reason=reason))
            return self._last, {}

    def _end(self, failure: Failure) -> None:
        self.ended = True
        self.failure = failure
        self._last = {"problem": {"kind": "code", "text": failure.reason}}


class Local:
    """A module's or an object's functions, called where the caller is.

    Parameters
    ----------
    holder : object
        With forward, loss, backward and perhaps update.
    path : Path
        What errors call it.
    called : str
        What they call it instead, where the functions come from a cell of a notebook that runs.
    """

    def __init__(self, holder: object, path: Path, called: str = "") -> None:
        self.path = path
        self._person = Person(functions_of(holder, called or str(path)), path, called)
        self.has_update = self._person.has_update
        self.ended = False
        self.careful = True
        self.raised: list[str] = []
        self.failure: Failure | None = None
        self.output, self.seconds = "", 0.0

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def open(self, go_on: bool = False) -> dict[str, str]:
        """Return no problem: it is loaded."""
        return {}

    def step(self, X: Array, YT: Array, params: Mapping[str, Array], layout: Layout, skip: Sequence[str] = ()) -> Given:
        """As `Person.step`."""
        with prints_to_stderr():
            return self._person.step(X, YT, params, layout, skip=skip)

    def steps(self, points: Sequence[Inputs], layout: Layout, skip: Sequence[str] = ()) -> list[Given]:
        """Return what `step` gives at each of some points."""
        return [self.step(X, YT, params, layout, skip) for X, YT, params in points]

    def loss(self, Y: Array, YT: Array, layout: Layout) -> Given:
        """As `Person.loss`."""
        with prints_to_stderr():
            return self._person.loss(Y, YT, layout)

    def train(self, training: Training) -> Given:
        """As `loop.train`."""
        with prints_to_stderr():
            return train(self._person, training)

    def update(self, params: Mapping[str, Array], grads: Mapping[str, Array], lr: float, times: int) -> Given:
        """As `Person.update`."""
        with prints_to_stderr():
            return self._person.update(params, grads, lr, times)


def _arrays(X: Array, YT: Array, params: Mapping[str, Array]) -> dict[str, Array]:
    """Return a point as the arrays of a frame."""
    return {"X": X, "YT": YT, **{f"p:{name}": array for name, array in params.items()}}


def _laid(layout: Layout) -> list[Any]:
    return [layout.columns, layout.bias, layout.transposed]


def _problem(reply: Mapping[str, Any]) -> dict[str, str]:
    problem = reply.get("problem")
    if not isinstance(problem, dict):
        return {}
    return {key: str(problem[key]) for key in ("kind", "text") if key in problem}


def _given(reply: Mapping[str, Any], arrays: dict[str, Array]) -> Given:
    """Return what a reply holds, taking nothing for granted of what came out of the person's process."""
    described = reply.get("described")
    said = {str(k): str(v) for k, v in described.items()} if isinstance(described, dict) else {}
    return Given(
        {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()},
        {**{name: str(array.dtype) for name, array in arrays.items()}, **said},
        [str(flag) for flag in _listed(reply.get("flags")) if _FLAG.fullmatch(str(flag))],
        _problem(reply),
        [str(sentence) for sentence in _listed(reply.get("read_as"))],
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
