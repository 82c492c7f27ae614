"""Verifies functions: forward, loss, backward and perhaps update, at probes of other sizes than the case's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nncheck.case import Case
from nncheck.formula import Derivation
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.client import Guest, Local
from nncheck.manual.layouts import LAYOUTS, Layout
from nncheck.manual.person import Given
from nncheck.probes import Probe, draw, widths
from nncheck.rounding import has_probability_targets
from nncheck.verifier.returned import quantities
from nncheck.verifier.truth import EXACT, Truth, by_lines

LR = 0.07


@dataclass(frozen=True)
class Point:
    """A probe, and what is true there."""

    probe: Probe
    truth: Truth


@dataclass(frozen=True)
class Sight:
    """What a person's functions gave at one probe, by the names of the derivation's lines, beside what is true.

    Attributes
    ----------
    got : dict of name to array
        Laid out as nncheck has it; of any shape.
    described : dict of name to str
        dtype, or why it is no array of numbers.
    """

    probe: Probe
    truth: Truth
    got: Mapping[str, Array]
    described: Mapping[str, str]
    flags: tuple[str, ...]


@dataclass
class Seen:
    """Everything that was seen of a person's functions.

    Attributes
    ----------
    sights : list of Sight
        Where all of the functions were heard; where that was nowhere, what there was.
    partial : list of Sight
        Where one of them failed: what the others gave.
    problem : dict
        Kind and text of what stopped them, and the probe at which; empty if nothing did.
    names : dict
        Which quantity each returned thing is.
    layout : Layout
        How the arrays lie.
    missing : tuple of str
        Gradients that backward did not return.
    keys : tuple of str
        What it returned.
    complete : int
        At how many points all of the functions were heard.
    """

    sights: list[Sight] = field(default_factory=list)
    partial: list[Sight] = field(default_factory=list)
    read_as: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    layout: Layout = LAYOUTS[0]
    missing: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    complete: int = 0

    @property
    def every(self) -> list[Sight]:
        """The sights, then the partial ones."""
        return [*self.sights, *self.partial]


def _heard(
    guest: Guest | Local, points: Sequence[Point], layout: Layout, first: Given, skip: Sequence[str]
) -> Iterator[Given]:
    """Yield what is heard at each point, the first known already; carefully one by one, else asked for at once."""
    yield first
    inputs = [(point.probe.X, point.probe.YT, point.probe.params) for point in points[1:]]
    if not guest.careful and not guest.ended:
        yield from guest.steps(inputs, layout, skip)
        return
    for X, YT, params in inputs:
        if guest.ended:
            return
        yield guest.step(X, YT, params, layout, skip)


def points_of(case: Case, derivation: Derivation, probes: Iterable[Probe]) -> tuple[Point, ...]:
    """Return probes with what is true there by the lines."""
    return tuple(Point(probe, by_lines(case, derivation, data_of(probe))) for probe in probes)


def look(
    case: Case,
    derivation: Derivation,
    guest: Guest | Local,
    names: Sequence[str],
    points: Sequence[Point],
    progress: Callable[[int, int], None] | None = None,
    skip: Sequence[str] = (),
) -> Seen:
    """Call a person's functions at every point.

    Parameters
    ----------
    case, derivation : Case, Derivation
    guest : Guest or Local
        Already open.
    names : sequence of str
        How backward's return statement names what it returns: `returned.return_names`.
    points : sequence of Point
    progress : callable, optional
        Called with the number of points done and in all.
    skip : sequence of str
        As of `Person.step`.
    """
    seen = Seen(names={"Y": "Y", "E": "E"})
    layout, first = _layout(guest, points[0], skip)
    seen.layout = layout
    seen.read_as += layout.words()
    settled = False
    for done, (point, given) in enumerate(zip(points, _heard(guest, points, layout, first, skip))):
        if progress:
            progress(done, len(points))
        probe = point.probe
        if given.problem:
            seen.problem = seen.problem or {**given.problem, "place": place_of(probe)}
        if not settled and (not given.problem or any(key.startswith("g:") for key in given.described)):
            settled = True
            _read(seen, case, derivation, given, names, layout)
        if given.problem:
            if given.arrays:
                seen.partial.append(_sight(case, point, given, seen.names, layout))
        else:
            seen.sights.append(_sight(case, point, given, seen.names, layout))
    seen.complete = len(seen.sights)
    if not seen.sights:
        seen.sights, seen.partial = seen.partial, []
    _flat_biases(case, seen)
    return seen


def probes_of(case: Case, derivation: Derivation, seed: int) -> Iterator[Probe]:
    """Yield the probes: six of other widths, then two of the case's own."""
    one_hot = has_labels(case, derivation)
    for probe in draw(case, derivation, seed, one_hot=one_hot):
        yield probe
    for probe in draw(case, derivation, seed + 1, shapes=(case.sizes,), batches=(5,), one_hot=one_hot):
        yield probe
    yield Probe(case.sizes, case.X, case.YT, case.params)


def soft_probes(case: Case, derivation: Derivation, seed: int) -> Iterator[Probe]:
    """Yield probes whose targets are no labels, for a case whose own are."""
    yield from draw(case, derivation, seed + 2, shapes=widths(case)[:1], batches=(5,))


def has_labels(case: Case, derivation: Derivation) -> bool:
    """Whether the targets are labels: one 1 in a row, the rest 0."""
    labels = bool(np.isin(case.YT, (0.0, 1.0)).all() and (case.YT.sum(axis=1) == 1).all())
    return labels and has_probability_targets(case, derivation)


def place_of(probe: Probe) -> str:
    """Name a probe."""
    return phrase("sizes {sizes}, N = {batch}", sizes="-".join(map(str, probe.sizes)), batch=len(probe.X))


def data_of(probe: Probe) -> dict[str, Array]:
    """Return X, YT and the parameters of a probe."""
    return {"X": probe.X, "YT": probe.YT, **probe.params}


def _layout(guest: Guest | Local, point: Point, skip: Sequence[str]) -> tuple[Layout, Given]:
    """Return how the person's arrays lie, the first layout in which forward gives the true output, and what it gave.

    If there is none, the first that gives an output of the right shape and raises nothing, else nncheck's own.
    """
    probe, truth = point.probe, point.truth
    heard: dict[Layout, Given] = {}
    fitting = None
    for layout in LAYOUTS:
        given = heard[layout] = guest.step(probe.X, probe.YT, probe.params, layout, skip)
        if given.problem.get("kind") == "missing" or guest.ended:
            break
        Y = given.arrays.get("Y")
        if Y is None:
            continue
        Y = layout.back_data(Y)
        if Y.shape != truth.value["Y"].shape:
            continue
        if not given.problem and fitting is None:
            fitting = layout
        if (np.abs(Y - truth.value["Y"]) <= EXACT.bound(truth.radius["Y"])).all():
            fitting = layout
            break
    chosen = fitting or LAYOUTS[0]
    return chosen, heard[chosen]


def _read(seen: Seen, case: Case, derivation: Derivation, given: Given, names: Sequence[str], layout: Layout) -> None:
    """Settle, at the first probe, what is what among the things that backward returned."""
    shapes = {}
    for key in given.described:
        if key.startswith("g:"):
            array = given.arrays.get(key)
            shapes[key[2:]] = () if array is None else layout.back_weight(array).shape
    found, sentences = quantities(case, derivation, shapes, names)
    seen.read_as += [sentence for sentence in (*given.read_as, *sentences) if sentence not in seen.read_as]
    seen.names = {"Y": "Y", "E": "E", **{f"g:{key}": name for key, name in found.items()}}
    seen.keys = tuple(shapes)
    seen.missing = tuple(f"d{name}" for name in case.params if f"d{name}" not in found.values())


def _sight(case: Case, point: Point, given: Given, names: Mapping[str, str], layout: Layout) -> Sight:
    described = {names[key]: text for key, text in given.described.items() if key in names}
    got = {
        names[key]: _laid_out(array, names[key], case, layout) for key, array in given.arrays.items() if key in names
    }
    flags = tuple(" ".join(names.get(word, word) for word in flag.split(" ")) for flag in given.flags)
    return Sight(point.probe, point.truth, got, described, flags)


def _laid_out(array: Array, name: str, case: Case, layout: Layout) -> Array:
    if name == "E":
        return array.reshape(()) if array.size == 1 else array
    if name[1:] in case.params and name != "Y":
        return layout.back_weight(array) if case.params[name[1:]].ndim == 2 else array
    return layout.back_data(array)


def _flat_biases(case: Case, seen: Seen) -> None:
    """Read the gradient of a bias that is a row or a column at every probe as the vector it stands for.

    One that is a row with one sample alone has its sum over the batch missing; one that would turn the bias of the
    person's own layout into a matrix, (n, 1) - (n,), is no gradient of it.
    """
    for name in [f"d{name}" for name, array in case.params.items() if array.ndim == 1]:
        if any(_makes_a_matrix(s.got[name].shape, seen.layout) for s in seen.sights if name in s.got):
            seen.sights = [_unfit(s, name) if name in s.got else s for s in seen.sights]
            continue
        arrays = [(s.got[name], s.truth.value[name]) for s in seen.sights if name in s.got and name in s.truth.value]
        if arrays and all(
            got.size == right.size and got.ndim <= 2 and max(got.shape, default=0) == right.size
            for got, right in arrays
        ):
            seen.sights = [
                replace(s, got={**s.got, name: s.got[name].reshape(-1)}) if name in s.got else s for s in seen.sights
            ]


def _makes_a_matrix(shape: tuple[int, ...], layout: Layout) -> bool:
    """Whether a vector of n elements in that shape, taken from a bias as the person has it, makes n times n."""
    n = max(shape, default=0)
    if layout.bias != "(n, 1)" or n < 2 or int(np.prod(shape)) != n:
        return False
    return np.broadcast_shapes((n, 1), shape) != (n, 1)


def _unfit(sight: Sight, name: str) -> Sight:
    shape = sight.got[name].shape
    n = max(shape, default=0)
    said = phrase("of shape {shape}, and taken from a bias of shape {own} it makes a matrix", shape=shape, own=(n, 1))
    got = {key: array for key, array in sight.got.items() if key != name}
    return replace(sight, got=got, described={**sight.described, name: said})
