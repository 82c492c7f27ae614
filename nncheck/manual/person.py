"""A person's functions, called at one point in one layout: what they returned, and what they did besides.

Runs in the process of the person's code (`child`); of what it returns nothing is judged here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nncheck import source
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.layouts import Layout
from nncheck.manual.naming import CannotBind, bound, canonical, parameter_of

FUNCTIONS = ("forward", "loss", "backward", "update")
_SIGNATURES = {
    "forward": "params, X",
    "loss": "Y, YT",
    "backward": "params, cache, YT",
    "update": "params, grads, lr",
}
#: Update's steps are given the gradients times these: if all were alike, Adam's average of them would be any of them.
SCALES = (1.0, -0.625, 1.75)
#: What backward may return: no net has so many parameters, and no parameter at a probe so many elements.
MOST_THINGS = 200
MOST_ELEMENTS = 1 << 22


@dataclass
class Given:
    """What one call of the functions gave.

    Attributes
    ----------
    arrays : dict
        ``Y``, ``E``, then each thing that backward returned under its own key (``g:W``) or place (``g:0``), as
        float64, and ``p:W`` for each parameter after an update.
    described : dict
        dtype and shape of each as it was returned, ``read`` how it was, and what is no array of numbers at all.
    flags : list of str
        ``mutated NAME``, ``aliasing NAME OTHER``, ``state NAME``.
    problem : dict
        Kind and text of what stopped it: ``code``, ``missing`` or ``form``; empty if nothing did.
    """

    arrays: dict[str, Array] = field(default_factory=dict)
    described: dict[str, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    problem: dict[str, str] = field(default_factory=dict)
    read_as: list[str] = field(default_factory=list)


#: Told what is called next, and what there is until then.
Tell = Callable[[str, Given], None]


class Stopped(Exception):
    """The person's code cannot go on; holds the kind and the text."""


class Aliases(dict[str, Any]):
    """Parameters that also answer to other names for them: ``W1`` and ``b1`` for W and B."""

    def __missing__(self, key: str) -> Any:
        name = parameter_of(key, self)
        if name is None:
            raise KeyError(key)
        return self[name]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or parameter_of(key, self) is not None

    def __setitem__(self, key: str, value: Any) -> None:
        name = canonical(str(key))  # not dW: who keeps it here does not mean W
        super().__setitem__(name if name is not None and super().__contains__(name) else key, value)

    def get(self, key: str, default: Any = None) -> Any:
        """As of any dict, by any of the names."""
        try:
            return self[key]
        except KeyError:
            return default

    def copy(self) -> Aliases:
        """Return a copy that answers to the other names too."""
        return Aliases(self)


class Person:
    """One person's functions.

    Parameters
    ----------
    functions : mapping
        forward, loss, backward and perhaps update.
    path : Path
        Of the file they come from, for the words of what they raise.
    called : str
        What a reader knows it as, if that is not its path.
    """

    def __init__(self, functions: Mapping[str, Callable[..., Any]], path: Path, called: str = "") -> None:
        self._functions = dict(functions)
        self._path = path
        self._called = called

    @property
    def has_update(self) -> bool:
        """Whether there is an update of the person's own."""
        return "update" in self._functions

    def step(
        self,
        X: Array,
        YT: Array,
        params: Mapping[str, Array],
        layout: Layout,
        tell: Tell | None = None,
        skip: Collection[str] = (),
    ) -> Given:
        """Call forward, loss and backward, twice, on copies.

        Parameters
        ----------
        X, YT : arrays
        params : mapping of str to array
        layout : Layout
            How the person's arrays lie.
        tell : callable, optional
            Called before loss and before backward with the name of what comes and with what there is until then.
        skip : collection of str
            ``loss`` or ``backward``: what is not to be called, as it is known not to come to an end.
        """
        given = Given()
        with np.errstate(all="ignore"):
            try:
                self.once(given, X, YT, params, layout, tell, skip)
                again = Given()
                self.once(again, X, YT, params, layout, skip=skip)
                given.flags += [f"state {name}" for name in given.arrays if not _same(given, again, name)]
            except Stopped as stop:
                given.problem = {"kind": stop.args[0], "text": stop.args[1]}
        return given

    def loss(self, Y: Array, YT: Array, layout: Layout) -> Given:
        """Call loss alone, at an output that is not the person's own."""
        given = Given()
        with np.errstate(all="ignore"):
            try:
                self._loss(given, layout.data(Y.copy()), layout.data(YT.copy()), {})
            except Stopped as stop:
                given.problem = {"kind": stop.args[0], "text": stop.args[1]}
        return given

    def update(self, params: Mapping[str, Array], grads: Mapping[str, Array], lr: float, times: int) -> Given:
        """Call update so many times in a row with the gradients times `SCALES`; ``p:W:0`` is W after the first."""
        given = Given()
        state: dict[str, Any] = {}
        now = Aliases({name: array.copy() for name, array in params.items()})
        with np.errstate(all="ignore"):
            try:
                for t in range(times):
                    passed = {name: SCALES[t % len(SCALES)] * array for name, array in grads.items()}
                    now = self.updated(given, now, passed, lr, state)
                    for name in params:
                        _keep(given, f"p:{name}:{t}", now[name])
            except Stopped as stop:
                given.problem = {"kind": stop.args[0], "text": stop.args[1]}
        return given

    def updated(
        self, given: Given, now: Aliases, grads: Mapping[str, Array], lr: float, state: dict[str, Any]
    ) -> Aliases:
        """Call update once and return the parameters after it, whether they are returned or changed in place."""
        result = self._call("update", {"params": now, "grads": Aliases(grads), "lr": lr, "state": state}, now)
        if isinstance(result, (tuple, list)) and result and isinstance(result[0], Mapping):
            result = result[0]  # new parameters, new state
        if result is None:
            _read(given, phrase("update changes the parameters in place"))
            return now
        if not isinstance(result, Mapping):
            kind = type(result).__name__
            raise Stopped("code", phrase("update returned {kind}, expected a dict of the new parameters.", kind=kind))
        named = {parameter_of(key, now): value for key, value in result.items()}
        missing = [name for name in now if name not in named]
        if missing:
            keys = ", ".join(map(str, result))
            said = phrase("update returned no {missing}; its keys are {keys}.", missing=", ".join(missing), keys=keys)
            raise Stopped("missing", said)
        return Aliases({name: named[name] for name in now})

    def once(
        self,
        given: Given,
        X: Array,
        YT: Array,
        params: Mapping[str, Array],
        layout: Layout,
        tell: Tell | None = None,
        skip: Collection[str] = (),
    ) -> None:
        """Call forward, loss and backward once, on copies; what stops loss is raised after backward, which needs none.

        Parameters
        ----------
        given : Given
            To be filled in.
        X, YT, params, layout, tell, skip
            As of `step`.

        Raises
        ------
        Stopped
            If one of them cannot go on.
        """
        inputs = Aliases({name: layout.parameter(array.copy()) for name, array in params.items()})
        own = {"X": layout.data(X.copy()), "YT": layout.data(YT.copy()), **inputs}
        before = {name: array.copy() for name, array in own.items()}
        result = self._call("forward", {"params": inputs, "X": own["X"]}, inputs)
        if result is None:
            raise Stopped("missing", phrase("{function} returned None; is a return missing?", function="forward"))
        Y, cache = result if isinstance(result, (tuple, list)) and len(result) == 2 else (result, result)
        if isinstance(result, (tuple, list)) and len(result) > 2:
            Y, cache = result[0], tuple(result[1:])
            _read(given, phrase("forward returns Y and then what backward needs, one by one"))
        elif cache is result:
            _read(given, phrase("forward returns Y alone"))
        _keep(given, "Y", Y)
        calls: dict[str, Callable[[], None]] = {
            "loss": lambda: self._loss(given, Y, own["YT"], inputs),
            "backward": lambda: self._back(given, own, inputs, cache, Y, params, before),
        }
        stops = []
        for name in [name for name in calls if name not in skip]:
            if tell:
                tell(name, given)
            try:
                calls[name]()
            except Stopped as stop:
                stops.append(stop)
        if stops:
            raise stops[0]

    def _loss(self, given: Given, Y: Any, YT: Array, parameters: Mapping[str, Any]) -> None:
        E = self._call("loss", {"Y": Y, "YT": YT}, parameters)
        if E is None:
            raise Stopped("missing", phrase("{function} returned None; is a return missing?", function="loss"))
        _keep(given, "E", E)

    def _back(
        self,
        given: Given,
        own: Mapping[str, Any],
        inputs: Aliases,
        cache: Any,
        Y: Any,
        params: Mapping[str, Array],
        before: Mapping[str, Array],
    ) -> None:
        offered = {"params": inputs, "cache": cache, "YT": own["YT"]}
        gradients = self._call("backward", offered, {**inputs, "X": own["X"], "Y": Y})
        self._gradients(given, gradients, own)
        for name, array in {**own, **{name: inputs.get(name) for name in params}}.items():
            if not np.array_equal(array, before[name]):
                given.flags.append(f"mutated {name}")

    def _gradients(self, given: Given, gradients: Any, own: Mapping[str, Array]) -> None:
        if isinstance(gradients, Mapping):
            items = [("".join(str(key).split()), value) for key, value in gradients.items()]
        elif isinstance(gradients, (tuple, list)):
            items = [(str(place), value) for place, value in enumerate(gradients)]
            _read(given, phrase("backward returns a tuple"))
        elif gradients is None:
            raise Stopped("missing", phrase("{function} returned None; is a return missing?", function="backward"))
        else:
            kind = type(gradients).__name__
            raise Stopped("code", phrase("backward returned {kind}, expected a dict with the gradients.", kind=kind))
        if len(items) > MOST_THINGS:
            count = len(items)
            raise Stopped("code", phrase("backward returned {count} things, expected the gradients.", count=count))
        items = [(key, value) for key, value in items if value is not None]  # nothing is missing, and no array
        arrays = [(key, value) for key, value in items if isinstance(value, np.ndarray)]
        for i, (key, value) in enumerate(arrays):
            others = [(f"g:{k}", v) for k, v in arrays[:i]] + list(own.items())
            given.flags += [f"aliasing g:{key} {name}" for name, other in others if np.shares_memory(value, other)]
        for key, value in items:
            _keep(given, f"g:{key}", value)

    def _call(self, name: str, offered: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        function = self._functions.get(name)
        if function is None:
            raise Stopped(
                "missing", phrase("there is no function {function}.", function=f"{name}({_SIGNATURES[name]})")
            )
        try:
            return function(*bound(function, offered, parameters))
        except CannotBind as error:
            raise Stopped("code", str(error)) from None
        except KeyboardInterrupt:
            raise
        except NotImplementedError as error:
            said = str(error) or phrase("{function} is not written yet.", function=name)
            said = said if name in said else f"{name}: {said}"
            raise Stopped("missing", said) from None
        except BaseException as error:  # exit() and its like are findings too
            raise Stopped("code", source.describe(error, self._path, self._called)) from None


def _read(given: Given, sentence: str) -> None:
    if sentence not in given.read_as:
        given.read_as.append(sentence)


def _keep(given: Given, name: str, value: Any) -> None:
    """Keep a value as float64 with what it was; an array is copied, for the person's code may change it yet."""
    try:
        array = np.asarray(value)
    except Exception as error:
        given.described[name] = phrase("not an array but {kind} ({error})", kind=type(value).__name__, error=error)
        return
    if array.dtype.kind not in "fiub":
        kind = type(value).__name__
        given.described[name] = phrase(
            "not an array of real numbers but {dtype} ({kind})", dtype=array.dtype, kind=kind
        )
        return
    if array.size > MOST_ELEMENTS:
        given.described[name] = phrase("an array of shape {shape}, too large to be right", shape=array.shape)
        return
    given.described[name] = str(array.dtype)
    given.arrays[name] = copy.deepcopy(np.array(array, dtype=np.float64))


def _same(a: Given, b: Given, name: str) -> bool:
    return name in b.arrays and np.array_equal(a.arrays[name], b.arrays[name], equal_nan=True)
