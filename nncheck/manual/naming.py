"""How people name things: which parameter ``dW1``, ``grad_b2`` or ``weight`` is, and which argument ``x`` or ``t``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from nncheck.language import phrase

#: What the arguments of the contract are called elsewhere; compared without underscores and in lower case.
SYNONYMS = {
    "params": ("params", "parameters", "param", "theta", "weights", "p", "net", "model"),
    "X": ("x", "xs", "input", "inputs", "data", "xtrain", "batch"),
    "Y": (
        "y",
        "ys",
        "ypred",
        "pred",
        "preds",
        "prediction",
        "predictions",
        "yhat",
        "out",
        "output",
        "outputs",
        "logits",
    ),
    "YT": ("yt", "ytrue", "target", "targets", "t", "label", "labels", "truth", "ytarget", "expected", "gt"),
    "cache": ("cache", "ctx", "context", "memo", "saved", "caches", "memory"),
    "grads": ("grads", "gradients", "grad", "gradient", "g", "dparams"),
    "lr": ("lr", "learningrate", "eta", "alpha", "rate", "stepsize"),
    "state": ("state", "states", "optimizerstate", "optstate"),
}


def parameter_of(key: object, names: Iterable[str]) -> str | None:
    """Return which of the parameters ``W, B, W2, B2, ...`` a person's name means, None if it is none of them.

    ``W1`` is W, ``b2`` is B2, ``dW2``, ``grad_W2`` and ``W2_grad`` are W2, ``weight`` is W.
    """
    known = tuple(names)
    text = str(key)
    if text in known:
        return text
    plain = re.sub(r"[\s_.\[\]'\"]", "", text)
    for prefix in ("", "d", "D", "grad", "Grad", "delta", "g", "dE", "dL", "dLd", "dEd"):
        for suffix in ("", "grad", "gradient", "g"):
            if plain.startswith(prefix) and plain.endswith(suffix) and len(plain) > len(prefix) + len(suffix):
                name = canonical(plain[len(prefix) : len(plain) - len(suffix) or None])
                if name in known:
                    return name
    return None


def canonical(text: str) -> str | None:
    """Return the parameter's name that a plain one stands for: W for ``W1`` and ``weight``, B2 for ``b2``."""
    match = re.fullmatch(r"(?i)(w|b|weights?|bias(?:es)?)(\d*)", text)
    if not match:
        return None
    letter = match[1][0].upper()
    return letter if match[2] in ("", "1") else f"{letter}{match[2]}"


def quantity_of(key: object, names: Sequence[str]) -> str | None:
    """Return which gradient line (``dZ2``) a key means besides the parameters': ``Z2``, ``dZ2``, ``dz2``."""
    text = re.sub(r"[\s_]", "", str(key))
    for name in names:
        if text in (name, name[1:]) or text.lower() in (name.lower(), name[1:].lower()):
            return name
    # Z1 and H1 are Z and H, as W1 is W
    if text.endswith("1"):
        return quantity_of(text[:-1], names)
    return None


class CannotBind(Exception):
    """The arguments that a function takes are not those of the contract; the text says both."""


def bound(function: Callable[..., Any], offered: Mapping[str, Any], parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the arguments for a function, by their names if these are known, else in the contract's order.

    Parameters
    ----------
    function : callable
    offered : mapping
        What the contract hands over, in its order: ``{"params": ..., "X": ...}``.
    parameters : mapping
        W, B, ...: a function may also take them one by one.

    Raises
    ------
    CannotBind
    """
    try:
        handed = _handed(function, tuple(offered), tuple(parameters))
    except TypeError:  # something callable that cannot be remembered
        handed = _handed.__wrapped__(function, tuple(offered), tuple(parameters))
    return tuple(offered[name] if name in offered else parameters[name] for name in handed)


@lru_cache(maxsize=256)
def _handed(function: Callable[..., Any], offered: tuple[str, ...], parameters: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of what a function is to be called with, in its order."""
    wanted = _wanted(function)
    contract = tuple(name for name in offered if name != "state")
    if wanted is None:
        return contract
    required = [name for name, needed in wanted if needed]
    for extras in (False, True):
        roles = _roles([name for name, _ in wanted], offered, parameters, extras)
        used = [role for role in roles if role is not None]
        if None not in roles[: len(required)] and len(set(used)) == len(used):
            chosen = roles[: len(required)] if None in roles else roles
            return tuple(role for role in chosen if role is not None)
        in_order = all(role in (None, own) for role, own in zip(roles, contract))
        if len(required) <= len(contract) <= len(wanted) and (in_order or extras):
            return contract
    if len(wanted) == len(offered):
        return offered
    name = getattr(function, "__name__", None) or phrase("the function")
    own = ", ".join(argument for argument, _ in wanted)
    raise CannotBind(phrase("{name} takes ({own}), expected ({all}).", name=name, own=own, all=", ".join(contract)))


def _wanted(function: Callable[..., Any]) -> list[tuple[str, bool]] | None:
    """Return the positional arguments of a function and whether each is required, None if it takes any."""
    try:
        arguments = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(a.kind is a.VAR_POSITIONAL for a in arguments):
        return None
    return [(a.name, a.default is a.empty) for a in arguments if a.kind in (a.POSITIONAL_ONLY, a.POSITIONAL_OR_KEYWORD)]


def _roles(
    names: Sequence[str], offered: Collection[str], parameters: Collection[str], extras: bool
) -> list[str | None]:
    """Return what each argument is; ``y`` is the output or the target, whichever no other argument is."""
    known = [*offered, *(name for name in ("X", "Y") if extras and name in parameters)]
    roles = [None if _plain(name) == "y" else _role(name, known, parameters) for name in names]
    for place, name in enumerate(names):
        if _plain(name) == "y":
            meant = ("Y", "YT") if "Y" in offered else ("YT", "Y")
            free = [role for role in meant if (role in offered or role in parameters) and role not in roles]
            roles[place] = free[0] if free else None
    return roles


def _role(name: str, known: Sequence[str], parameters: Collection[str]) -> str | None:
    plain = _plain(name)
    for role in known:
        if name == role or plain in SYNONYMS[role]:
            return role
    return parameter_of(name, parameters) if len(plain) <= 8 and not plain.startswith("d") else None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
