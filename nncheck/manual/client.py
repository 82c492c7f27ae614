"""The parent's end of a person's code: in a process of its own with a time limit, or an object of the caller's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nncheck.formula.plain import Array
from nncheck.language import current, phrase
from nncheck.manual.functions import prints_to_stderr
from nncheck.manual.layouts import Layout
from nncheck.manual.person import Given, Person, functions_of
from nncheck.manual.scripts.watched import Watched
from nncheck.process import Process, ProcessFailure

#: Seconds for one request: importing the file, or one forward and backward pass at one probe.
LIMIT = 10.0
#: Of one answer; a person's code must not fill our memory.
MAX_BYTES = 1 << 28


class Guest:
    """A person's file in a process of its own.

    Parameters
    ----------
    path : Path
    text : str
        What the file holds (of a notebook, its code).
    limit : float
        Seconds for one request.

    Attributes
    ----------
    ended : bool
        Whether the process is no more: it crashed, or was ended at the limit.
    """

    def __init__(self, path: Path, text: str, limit: float = LIMIT) -> None:
        self._path, self._text, self._limit = path, text, limit
        self._process = Process("nncheck.manual.child", phrase("the process of your code"), True, MAX_BYTES)
        self.has_update = False
        self.ended = False
        self._last: dict[str, Any] = {}

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    def open(self) -> dict[str, str]:
        """Load the functions; return the problem (kind and text), empty if there is none."""
        reply, _ = self._ask("open", path=str(self._path), text=self._text, language=current())
        self.has_update = bool(reply.get("update"))
        return _problem(reply)

    def step(self, X: Array, YT: Array, params: Mapping[str, Array], layout: Layout) -> Given:
        """As `Person.step`."""
        arrays = {"X": X, "YT": YT, **{f"p:{name}": array for name, array in params.items()}}
        header = {"columns": layout.columns, "bias": layout.bias, "transposed": layout.transposed}
        return _given(*self._ask("step", arrays, **header))

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
    ) -> Watched:
        """Run a script once, as `script.watch` does, within the limit."""
        listed = [[line, column, value] for (line, column), value in (literals or {}).items()]
        options: dict[str, Any] = {"literals": listed, "loop": loop, "most": most, "seconds": self._limit / 2}
        options["language"] = current()
        reply, arrays = self._ask("watch", path=str(self._path), text=self._text, **options)
        if "problem" in reply:
            return Watched(loops=(), failure=_problem(reply).get("text", ""), lines={})
        return Watched.from_frame(reply, arrays)

    def _ask(
        self, request: str, arrays: Mapping[str, Array] | None = None, **header: Any
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        if self.ended:
            return self._last, {}
        try:
            return self._process.ask(request, arrays, limit=self._limit, **header)
        except ProcessFailure as failure:
            self.ended = True
            reason = failure.reason
            if "no sign of life" in reason:
                reason = phrase(
                    "{path} did not come to an end within {limit:g} seconds: an endless loop?",
                    path=self._path,
                    limit=self._limit,
                )
            self._last = {"problem": {"kind": "code", "text": reason}}
            return self._last, {}


class Local:
    """A module's or an object's functions, called where the caller is.

    Parameters
    ----------
    holder : object
        With forward, loss, backward and perhaps update.
    path : Path
        What errors call it.
    """

    def __init__(self, holder: object, path: Path) -> None:
        self.path = path
        self._person = Person(functions_of(holder, str(path)), path)
        self.has_update = self._person.has_update
        self.ended = False

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def open(self) -> dict[str, str]:
        """Return no problem: it is loaded."""
        return {}

    def step(self, X: Array, YT: Array, params: Mapping[str, Array], layout: Layout) -> Given:
        """As `Person.step`."""
        with prints_to_stderr():
            return self._person.step(X, YT, params, layout)

    def update(self, params: Mapping[str, Array], grads: Mapping[str, Array], lr: float, times: int) -> Given:
        """As `Person.update`."""
        with prints_to_stderr():
            return self._person.update(params, grads, lr, times)


def _problem(reply: Mapping[str, Any]) -> dict[str, str]:
    problem = reply.get("problem")
    if not isinstance(problem, dict):
        return {}
    return {key: str(problem[key]) for key in ("kind", "text") if key in problem}


def _given(reply: Mapping[str, Any], arrays: dict[str, Array]) -> Given:
    """Return what a reply holds, taking nothing for granted of what came out of the person's process."""
    described = reply.get("described")
    return Given(
        arrays,
        {str(k): str(v) for k, v in described.items()} if isinstance(described, dict) else {},
        [str(flag) for flag in _listed(reply.get("flags"))],
        _problem(reply),
        [str(sentence) for sentence in _listed(reply.get("read_as"))],
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
