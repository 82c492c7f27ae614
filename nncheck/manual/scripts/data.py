"""Which variables of a script are its input and its target: by value, then by name and shape."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from nncheck.formula.plain import Array
from nncheck.manual.scripts.candidates import RATE_NAME, is_start
from nncheck.manual.scripts.pool import Element, Pool, Source, natural

_X_NAME = re.compile(r"(?i)^(.*[._])?(x|i|in|input|inputs|x_?train|x_?data|data|train_?x|입력|features)[_\d\[\]]*$")
_T_NAME = re.compile(
    r"(?i)^(.*[._])?(y_?t|t|target|targets|label|labels|y_?true|y_?train|y_?data|d|expected|ans|answer|정답|목표|yt|y|true)"
    r"[_\d\[\]]*$"
)


def data_source(
    pool: Pool, wanted: Array, target: bool, taken: set[str], used: set[Element]
) -> tuple[Source, tuple[int, int]] | None:
    """Find X (N, n_in) or YT (N, n_out): by value among what the loop does not change, then by name and shape.

    Parameters
    ----------
    taken : set of str
        Variables of the parameters.
    used : set of Element
        What is the other of the two.

    Returns
    -------
    source, (N, n) : its elements row by row
    """
    taken = taken | pool.state | pool.counters
    still = {n: v for n, v in pool.first.items() if n not in taken and not RATE_NAME.match(n)}
    before = set(still)
    computed = set()
    for name, stack in pool.seen.after.items():  # what functions were given, the samples of an inner loop
        if name not in pool.first and name not in taken and not np.isnan(stack).any():
            still.setdefault(name, stack[0])
            if (stack != stack[0]).any():
                computed.add(name)  # data by its numbers at most: the d of a loop is a difference, not what is desired
    pattern = _T_NAME if target else _X_NAME
    order = sorted(
        still, key=lambda n: (not pattern.match(n), n not in before, sum(n.count(s) for s in ".[("), natural(n))
    )
    for name in order:
        for places in _matrix_places(wanted.shape, still[name].shape):
            source = tuple((name, place) for place in places)
            if is_start(still[name].ravel()[list(places)], wanted.ravel()).all() and not used & set(source):
                return source, (wanted.shape[0], wanted.shape[1])
    named = [name for name in order if name not in computed]
    larger = [
        name for name in named if pattern.match(name) and still[name].ndim == 2 and len(still[name]) > len(wanted)
    ]
    for name in larger:  # a batch of the person's own
        if still[name].shape[1] == wanted.shape[1] and (name, 0) not in used:
            return tuple((name, place) for place in range(still[name].size)), (len(still[name]), wanted.shape[1])
    elements = _single_numbers(still, order, wanted, used)
    if elements:
        return elements, (wanted.shape[0], wanted.shape[1])
    for name in named:
        shape = still[name].shape
        if (name, 0) in used:
            continue
        if pattern.match(name) and len(shape) == 2 and shape[1] == wanted.shape[1]:
            return tuple((name, place) for place in range(still[name].size)), (shape[0], shape[1])
        if pattern.match(name) and shape == (wanted.shape[1],) and shape[0] > 1:
            return tuple((name, place) for place in range(shape[0])), (1, shape[0])
    return None


def _matrix_places(shape: tuple[int, ...], stored: tuple[int, ...]) -> list[tuple[int, ...]]:
    size = int(np.prod(shape))
    if int(np.prod(stored)) != size:
        return []
    if size == 1:
        return [(0,)]
    places = np.arange(size)
    if stored == shape or 1 in shape:
        return [tuple(places)]
    return [tuple(places.reshape(stored).T.ravel())] if stored == shape[::-1] else []


def _single_numbers(
    still: Mapping[str, Array], order: Sequence[str], wanted: Array, used: set[Element]
) -> Source | None:
    chosen: list[Element] = []
    for value in wanted.ravel():
        for name in order:
            flat = still[name].ravel()
            places = [(name, i) for i in range(min(flat.size, 64)) if bool(is_start(flat[i], value))]
            place = next((element for element in places if element not in chosen and element not in used), None)
            if place is not None:
                chosen.append(place)
                break
        else:
            return None
    return tuple(chosen)
