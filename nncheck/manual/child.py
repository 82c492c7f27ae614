"""The process in which a person's code runs: answers requests over its standard streams until its input ends.

======== ============================================================= ===============================================
request  header and arrays                                             answer
======== ============================================================= ===============================================
open     path, text: the file; go_on; language of what is said         update (whether there is one), raised (what was
                                                                       left out with go_on), or a problem
step     layout: its fields; skip, tell; X, YT, p:W, ...               what `person.Given` holds; with tell, a frame
                                                                       with stage, part and arrays so far for each
steps    layout, skip; points: how many; 0:X, 0:YT, 0:p:W, ..., 1:X    nothing; before it, a frame with stage and part
                                                                       for each point: 0:Y, 0:E, ...
loss     layout; Y, YT                                                 what `person.Given` holds
train    layout, names, lr, steps, most; X, YT, p:W, ...               the same
update   lr, times; p:W, ..., g:W, ...                                 the same
watch    path, text, literals, loop, most, seconds: a script, once;    what `watched.Watched` holds
         language of what is said
======== ============================================================= ===============================================
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from nncheck import frames
from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.language import LANGUAGES, use
from nncheck.manual.layouts import Layout
from nncheck.manual.loading import load
from nncheck.manual.loop import Training, train
from nncheck.manual.person import Given, Person

Answer = tuple[dict[str, Any], dict[str, Array]]


class Child:
    """State of the process: the person's functions, once they are loaded.

    Parameters
    ----------
    send : callable
        Sends a frame that is no answer yet.
    """

    def __init__(self, send: Callable[[dict[str, Any], dict[str, Array]], None]) -> None:
        self._send = send
        self._person: Person | None = None
        self._language = LANGUAGES[0]

    def answer(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        """Do one request."""
        handler = getattr(self, f"_{request['request']}")
        self._language = request.get("language", self._language)
        with use(self._language):
            reply: Answer = handler(request, arrays)
        return reply

    def _open(self, request: dict[str, Any], _: dict[str, Array]) -> Answer:
        path = Path(request["path"])
        sys.path.append(str(path.resolve().parent))  # a file may import what lies beside it, but hide nothing by it
        try:
            raised: list[str] | None = [] if request.get("go_on") else None
            self._person = load(path, request["text"], raised)
        except InputError as error:
            return {"problem": {"kind": "code", "text": str(error)}}, {}
        return {"update": self._person.has_update, "raised": raised or []}, {}

    def _step(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        assert self._person is not None
        layout, params = Layout(*request["layout"]), _starting(arrays, "p:")
        skip = request["skip"]
        told: set[str] = set()

        def tell(stage: str, given: Given) -> None:
            header, there = _packed(given)
            self._send({"stage": stage, "part": header}, {n: a for n, a in there.items() if n not in told})
            told.update(there)

        own = tell if request["tell"] else None
        header, there = _packed(self._person.step(arrays["X"], arrays["YT"], params, layout, own, skip))
        return header, {name: array for name, array in there.items() if name not in told}

    def _steps(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        assert self._person is not None
        layout = Layout(*request["layout"])
        for place in range(request["points"]):
            own = _starting(arrays, f"{place}:")
            given = self._person.step(own["X"], own["YT"], _starting(own, "p:"), layout, skip=request["skip"])
            header, there = _packed(given)
            self._send({"stage": "step", "part": {str(place): header}}, {f"{place}:{n}": a for n, a in there.items()})
        return {}, {}

    def _loss(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        assert self._person is not None
        return _packed(self._person.loss(arrays["Y"], arrays["YT"], Layout(*request["layout"])))

    def _train(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        assert self._person is not None
        options: dict[str, Any] = {name: request[name] for name in ("names", "lr", "steps", "most")}
        options |= {"X": arrays["X"], "YT": arrays["YT"], "params": _starting(arrays, "p:")}
        return _packed(train(self._person, Training(layout=Layout(*request["layout"]), **options)))

    def _update(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        assert self._person is not None
        grads = _starting(arrays, "g:")
        return _packed(self._person.update(_starting(arrays, "p:"), grads, request["lr"], request["times"]))

    def _watch(self, request: dict[str, Any], _: dict[str, Array]) -> Answer:
        from nncheck.manual.scripts.script import watch

        path = Path(request["path"])
        sys.path.append(str(path.resolve().parent))
        literals = {(line, column): value for line, column, value in request["literals"]}
        options: dict[str, Any] = {name: request.get(name) for name in ("loop", "most", "seconds", "also")}
        return watch(request["text"], path, literals, **options).to_frame()


def _starting(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def _packed(given: Given) -> Answer:
    header = {
        "described": given.described,
        "flags": given.flags,
        "problem": given.problem,
        "read_as": given.read_as,
    }
    return header, given.arrays


def serve(source: BinaryIO, output: BinaryIO) -> None:
    """Answer requests until the input ends."""
    child = Child(partial(frames.write, output))
    while True:
        try:
            request, arrays = frames.read(source)
        except frames.FrameError:
            return
        header, replies = child.answer(request, arrays)
        frames.write(output, {"answer": header, "notes": []}, replies)


def main() -> None:
    """Run the process: frames on streams that the person's code does not find; what it prints goes nowhere."""
    source = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, sys.stdout.fileno())  # an endless print must not fill the disk
    os.dup2(nothing, sys.stdin.fileno())  # input() of a script must not eat our requests
    serve(source, output)


if __name__ == "__main__":
    main()
