"""A person's file run, and the functions found in it: those of the module, or of the one object that has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from nncheck import source
from nncheck.errors import InputError
from nncheck.language import N_, phrase
from nncheck.manual.person import FUNCTIONS, Person
from nncheck.manual.scripts.standins import standing_in


def load(path: Path, text: str, raised: list[str] | None = None) -> Person:
    """Run a file and return its functions.

    Parameters
    ----------
    path : Path
        What it is called.
    text : str
    raised : list of str, optional
        With it, statements of the file itself that raise are left out as long as one of the functions is there.

    Raises
    ------
    InputError
        If it cannot be run, or has none of forward, loss and backward; one that is missing is missed when it is called.
    """
    with standing_in():
        module = source.run_module(text, path, "nncheck_person", may_exit=True, go_on=raised)
    try:
        return Person(functions_of(holder_of(module), str(path), whole=False), path)
    except InputError:
        if raised:
            raise InputError(raised[0]) from None
        raise


def holder_of(module: ModuleType | SimpleNamespace) -> object:
    """Return what holds the functions: the module, else the one object in it that does, else one of its class."""
    if all(callable(getattr(module, name, None)) for name in FUNCTIONS[:3]):
        return module
    own = [value for name, value in vars(module).items() if not name.startswith("_")]
    holding = [v for v in own if all(callable(getattr(v, name, None)) for name in FUNCTIONS[:3])]
    objects = [value for value in holding if not isinstance(value, type)]
    if len(objects) == 1:
        return objects[0]
    if len(holding) == 1 and isinstance(holding[0], type):
        try:
            made: object = holding[0]()
            return made
        except Exception:  # it asks for something that is not ours to give
            return module
    return module


def functions_of(holder: ModuleType | object, name: str, whole: bool = True) -> dict[str, Callable[..., Any]]:
    """Return forward, loss, backward and perhaps update of a module or an object.

    Parameters
    ----------
    holder : module or object
    name : str
        What errors call it.
    whole : bool
        Whether all of them have to be there; else one will do.

    Raises
    ------
    InputError
        Naming what is missing.
    """
    functions = {f: getattr(holder, f) for f in FUNCTIONS if callable(getattr(holder, f, None))}
    missing = [f for f in FUNCTIONS[:3] if f not in functions]
    if missing and (whole or len(missing) == 3):
        contract = "forward(params, X) -> Y, cache; loss(Y, YT) -> float; backward(params, cache, YT) -> {'W': dW, ...}"
        said = N_("{name}: {missing} missing; expected {contract}.")
        raise InputError(phrase(said, name=name, missing=", ".join(missing), contract=contract))
    return functions
