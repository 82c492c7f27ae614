"""What a person says of the variables: ``--map W=w1,w2,w3,w4``, read against those that the loop has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from nncheck.case import Case
from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts.candidates import Choices, Group
from nncheck.manual.scripts.pool import Source, layouts, natural
from nncheck.manual.scripts.roles import Training


def as_mapped(training: Training, mapping: Mapping[str, Sequence[str]], case: Case) -> tuple[Training, dict[str, str]]:
    """Put what a person said in place of what was found.

    Parameters
    ----------
    mapping : mapping of str to sequence of str
        Variables or elements of variables (``W1``, ``W1.T``, ``w[0]``) of a parameter, X, YT, E or lr, row by row.

    Returns
    -------
    training, others : the roles, and the variables given for E and lr

    Raises
    ------
    InputError
        If it names what is not there, or the sizes do not fit; with the nearest name.
    """
    sources, others = _sources(training, mapping, case)
    data = training.data
    if "X" in sources:
        data = replace(data, X=sources.pop("X")[0], X_shape=case.X.shape)
    if "YT" in sources:
        data = replace(data, YT=sources.pop("YT")[0], YT_shape=case.YT.shape)
    old = training.choices
    taken = {element for found in sources.values() for source in found for element in source}
    groups = tuple(_without(group, set(sources), taken) for group in old.groups)
    missing = {name for name in old.missing if name not in sources}
    missing |= {name for group in groups if not group.elements for name, _ in group.slots}
    choices = Choices(
        {**{n: s for n, s in old.arrays.items() if n not in sources}, **sources},
        tuple(group for group in groups if group.slots and group.elements),
        tuple(name for name in case.params if name in missing),
        tuple(word for word in old.words if not any(name in word for name in sources)),
        old.matched,
        old.names,
    )
    return replace(training, choices=choices, data=data), others


def _without(group: Group, names: set[str], taken: set[tuple[str, int]]) -> Group:
    slots = tuple(slot for slot in group.slots if slot[0] not in names)
    return replace(group, slots=slots, elements=tuple(e for e in group.elements if e not in taken))


def _sources(
    training: Training, mapping: Mapping[str, Sequence[str]], case: Case
) -> tuple[dict[str, tuple[Source, ...]], dict[str, str]]:
    known = dict(training.pool.first)
    for name, stack in training.pool.seen.before.items():
        known.setdefault(name, stack[0])
    for name, stack in training.pool.seen.after.items():
        known.setdefault(name, stack[0])
    sources: dict[str, tuple[Source, ...]] = {}
    others: dict[str, str] = {}
    for quantity, names in mapping.items():
        if quantity not in (*case.params, "X", "YT", "E", "lr"):
            hint = _near(quantity, [*case.params, "X", "YT", "E", "lr"])
            raise InputError(
                phrase(
                    "--map {quantity}=...: there is no {quantity} in case {name}{hint} Expected one of {names}.",
                    quantity=quantity,
                    name=case.name,
                    hint=hint,
                    names=", ".join([*case.params, "X", "YT", "E", "lr"]),
                )
            )
        elements = [_named(quantity, text.strip(), known) for text in names]
        if quantity in ("E", "lr"):
            others[quantity] = elements[0][0][0]
            continue
        shape = {"X": case.X.shape, "YT": case.YT.shape}.get(quantity) or case.params[quantity].shape
        sources[quantity] = _fitted(quantity, names, elements, shape, known)
    return sources, others


def _named(quantity: str, text: str, known: Mapping[str, Array]) -> list[tuple[str, int]]:
    transposed = text.endswith(".T") and text not in known
    base = text[:-2] if transposed else text
    if base in known:
        places = np.arange(known[base].size).reshape(known[base].shape)
        return [(base, int(place)) for place in (places.T if transposed else places).ravel()]
    indexed = re.fullmatch(r"(.+?)((?:\[\d+(?:\s*,\s*\d+)*\])+)", base)
    if indexed and indexed[1] in known:
        index = tuple(int(n) for n in re.findall(r"\d+", indexed[2]))
        array = known[indexed[1]]
        if len(index) <= array.ndim and all(i < n for i, n in zip(index, array.shape)):
            places = np.arange(array.size).reshape(array.shape)[index]
            return [(indexed[1], int(place)) for place in np.ravel(places)]
    raise InputError(
        phrase(
            "--map {quantity}={text}: the loop has no variable {text}{hint} It has {known}.",
            quantity=quantity,
            text=text,
            hint=_near(text, list(known)),
            known=", ".join(sorted(known, key=natural)[:40]),
        )
    )


def _fitted(
    quantity: str,
    names: Sequence[str],
    elements: list[list[tuple[str, int]]],
    shape: tuple[int, ...],
    known: Mapping[str, Array],
) -> tuple[Source, ...]:
    flat = tuple(element for part in elements for element in part)
    size = int(np.prod(shape))
    if len(flat) == 1 and size > 1 and len(names) == 1 and len(shape) == 1:
        flat = flat * size  # one bias for the whole layer
    if len(flat) != size:
        raise InputError(
            phrase(
                "--map {quantity}={names}: got {count} number(s), expected {size} for {quantity} {shape}, row by row.",
                quantity=quantity,
                names=",".join(names),
                count=len(flat),
                size=size,
                shape=shape,
            )
        )
    if len(names) == 1 and names[0].strip() in known and size > 1:
        stored = known[names[0].strip()].shape
        fitting = [tuple((names[0].strip(), p) for p in places) for _, places in layouts(shape, stored)]
        if fitting:
            return tuple(dict.fromkeys(fitting))
    return (flat,)


def _near(name: str, known: Sequence[str]) -> str:
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return phrase("; did you mean {match}?", match=match[0]) if match else "."
