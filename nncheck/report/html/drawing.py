"""A picture of a network with one step's numbers: where its nodes and edges stand, and what stands in them.

Forward values and, below each, the gradient: of a node that of its pre-activation, of an edge that of its weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from nncheck.language import phrase
from nncheck.network import Layer, Network
from nncheck.report.html.said import index, number, shape_of
from nncheck.worked import Nested, WorkedLine, WorkedStep

#: Of wider layers a picture would show nothing but lines.
MOST_UNITS = 8
#: Of more edges than these nobody tells whose a number is.
_MOST_LABELLED = 9

_NODE_WIDTH, _NODE_HEIGHT = 132, 62
_COLUMN, _ROW = 314, 138
# What the two texts of an edge take, and how far along it they may stand, the likeliest first.
_LABEL_WIDTH, _LABEL_HEIGHT = 116, 36
_ALONG = (0.66, 0.34, 0.5, 0.58, 0.42)
_MARGIN, _TOP = 8, 30


@dataclass(frozen=True, kw_only=True)
class Text:
    """One text of the picture: where it stands, and the key of what it says."""

    x: float
    y: float
    key: str


@dataclass(frozen=True, kw_only=True)
class Node:
    """A unit: its name above it, its rectangle, its texts, and the key of its mark."""

    name: str
    x: float
    y: float
    texts: tuple[Text, ...]
    mark: str


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A weight: its line, its texts, and the key of its mark."""

    x1: float
    y1: float
    x2: float
    y2: float
    texts: tuple[Text, ...]
    mark: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The picture: its size, that of a node and of an edge's texts, and a sentence where some numbers are left out."""

    width: float
    height: float
    node: tuple[int, int]
    label: tuple[int, int]
    edges: tuple[Edge, ...]
    nodes: tuple[Node, ...]
    notes: tuple[str, ...]


def drawing_of(network: Network, step: WorkedStep) -> Drawing | None:
    """Return the picture of a network; None where it is too wide to be one."""
    if max(network.sizes) > MOST_UNITS:
        return None
    place = _Places(network.sizes)
    notes = []
    samples = shape_of(step.inputs.get("X"))[:1] or (1,)
    if samples[0] > 1:
        notes.append(
            phrase("The units show the first of {count} samples; gradients of weights are of all.", count=samples[0])
        )
    if not all(map(_labels, network.sizes, network.sizes[1:])):
        notes.append(phrase("Between wide layers the numbers of the edges are left out; they stand in the table."))
    return Drawing(
        width=place.width,
        height=place.height,
        node=(_NODE_WIDTH, _NODE_HEIGHT),
        label=(_LABEL_WIDTH - 8, _LABEL_HEIGHT - 2),
        edges=tuple(edge for k in range(len(network.layers)) for edge in place.edges(k)),
        nodes=tuple(node for k in range(len(network.sizes)) for node in place.nodes(k, network)),
        notes=tuple(notes),
    )


def texts_of(network: Network, step: WorkedStep) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the texts of the picture say at a step, and the verdicts of its marks, by their keys."""
    said, marks = dict[str, str](), dict[str, str]()
    numbers = _Numbers(step)
    for i in range(network.sizes[0]):
        said[f"node-0-{i}-0"] = numbers.said("X", (0, i))
        marks[f"node-0-{i}"] = ""
    for k, layer in enumerate(network.layers, start=1):
        delta = _delta(layer, step)
        for i in range(network.sizes[k]):
            said[f"node-{k}-{i}-0"] = numbers.said(layer.out, (0, i))
            said[f"node-{k}-{i}-1"] = numbers.said(delta, (0, i)) if delta else ""
            said[f"node-{k}-{i}-2"] = numbers.said(layer.bias, (i,)) if layer.bias else ""
            said[f"node-{k}-{i}-3"] = numbers.said(f"d{layer.bias}", (i,)) if layer.bias else ""
            own = {0: (layer.out, (0, i)), 1: (delta, (0, i)), 3: (f"d{layer.bias}", (i,))}
            wrong = {n: numbers.differs(*one) for n, one in own.items()}
            marks[f"node-{k}-{i}"] = "differ" if any(wrong.values()) else ""
            marks |= {f"node-{k}-{i}-{n}": "differ" if differs else "" for n, differs in wrong.items()}
            for j in range(network.sizes[k - 1]):
                key = f"edge-{k}-{i}-{j}"
                if _labels(network.sizes[k - 1], network.sizes[k]):
                    said[f"{key}-0"] = numbers.said(layer.weight, (i, j))
                    said[f"{key}-1"] = numbers.said(f"d{layer.weight}", (i, j))
                marks[key] = "differ" if numbers.differs(f"d{layer.weight}", (i, j)) else ""
    return said, marks


@dataclass(frozen=True)
class _Places:
    """Where everything stands: a column for each layer, its units in the middle of the height."""

    sizes: Sequence[int]

    @property
    def width(self) -> float:
        return 2 * _MARGIN + _COLUMN * (len(self.sizes) - 1) + _NODE_WIDTH

    @property
    def height(self) -> float:
        return _TOP + _ROW * max(self.sizes) - 30  # nothing stands below the last row

    def _at(self, k: int, i: int) -> tuple[float, float]:
        """Return the left upper corner of a unit."""
        spare = _ROW * (max(self.sizes) - self.sizes[k]) / 2
        return _MARGIN + _COLUMN * k, _TOP + spare + _ROW * i

    def nodes(self, k: int, network: Network) -> Iterator[Node]:
        """Yield the units of a layer."""
        layer = network.layers[k - 1] if k else None
        for i in range(self.sizes[k]):
            x, y = self._at(k, i)
            middle, key = x + _NODE_WIDTH / 2, f"node-{k}-{i}"
            name = f"{layer.out}{index((i,))}" if layer else f"X{index((i,))}"
            if layer and layer.activation:
                name += f" = {layer.activation}({layer.pre})"
            heights = (26, 48, _NODE_HEIGHT + 18, _NODE_HEIGHT + 36) if layer else (37,)
            texts = tuple(Text(x=middle, y=y + height, key=f"{key}-{n}") for n, height in enumerate(heights))
            yield Node(name=name, x=x, y=y, texts=texts, mark=key)

    def edges(self, k: int) -> Iterator[Edge]:
        """Yield the edges into the layer after column k."""
        labels = _labels(self.sizes[k], self.sizes[k + 1])
        for i in range(self.sizes[k + 1]):
            for j in range(self.sizes[k]):
                (left, top), (x2, end) = self._at(k, j), self._at(k + 1, i)
                x1, y1, y2 = left + _NODE_WIDTH, top + _NODE_HEIGHT / 2, end + _NODE_HEIGHT / 2
                along = labels.get((i, j), 0.5)
                x, y = x1 + along * (x2 - x1), y1 + along * (y2 - y1)
                key = f"edge-{k + 1}-{i}-{j}"
                texts = tuple(Text(x=x, y=y + shift, key=f"{key}-{n}") for n, shift in enumerate((-3, 14)))
                yield Edge(x1=x1, y1=y1, x2=x2, y2=y2, texts=texts if labels else (), mark=key)


@dataclass(frozen=True)
class _Numbers:
    """A step's quantities, element by element: the hand's where it gave any, else those of the lines."""

    step: WorkedStep

    def said(self, name: str, at: tuple[int, ...]) -> str:
        """Return name and number, marked by a sign where it differs."""
        line = _line(self.step, name)
        value = _element(_given(line) if line else self.step.inputs.get(name), at)
        sign = "✗ " if self.differs(name, at) else ""
        return f"{sign}{name} {number(value, 4)}"

    def differs(self, name: str, at: tuple[int, ...]) -> bool:
        """Whether an element is further from autograd's than rounding explains at the worst one, or is that one."""
        line = _line(self.step, name)
        if line is None or line.verdict != "differ":
            return False
        if line.index is not None and tuple(line.index) == at:
            return True
        ours, theirs = _element(_given(line), at), _element(line.autograd, at)
        if not isinstance(ours, (int, float)) or not isinstance(theirs, (int, float)):
            return False
        return not abs(ours - theirs) <= (line.bound or 0.0)


def _given(line: WorkedLine) -> Nested:
    return line.value if line.hand is None else line.hand


def _line(step: WorkedStep, name: str) -> WorkedLine | None:
    return next((line for line in step.lines if line.name == name), None)


def _delta(layer: Layer, step: WorkedStep) -> str:
    """Return the line that holds the gradient of a layer's pre-activation, else of its output; empty if none does."""
    names = {line.name for line in step.lines}
    return next((name for name in (f"d{layer.pre}", f"d{layer.out}") if name in names), "")


def _element(value: Nested, at: tuple[int, ...]) -> Nested:
    """Return one element of nested lists, None where there is none."""
    for k in at:
        if isinstance(value, Mapping) or not isinstance(value, Sequence) or k >= len(value):
            return None
        value = value[k]
    return value


@lru_cache
def _labels(before: int, after: int) -> Mapping[tuple[int, int], float]:
    """Return how far along each edge its numbers stand so that none covers another; empty where there is no such way.

    Edges are (i, j), from unit j of a layer of ``before`` units to unit i of one of ``after``.
    """
    edges = [(i, j) for i in range(after) for j in range(before)]
    if len(edges) > _MOST_LABELLED:
        return {}
    left = [_ROW * (2 * j - before) / 2 for j in range(before)]
    right = [_ROW * (2 * i - after) / 2 for i in range(after)]
    placed: list[tuple[float, float]] = []
    chosen: list[float] = []

    def free(x: float, y: float) -> bool:
        return all(abs(x - a) >= _LABEL_WIDTH or abs(y - b) >= _LABEL_HEIGHT for a, b in placed)

    def place(k: int) -> bool:
        if k == len(edges):
            return True
        i, j = edges[k]
        for along in _ALONG:
            x, y = along * (_COLUMN - _NODE_WIDTH), left[j] + along * (right[i] - left[j])
            if free(x, y):
                placed.append((x, y))
                chosen.append(along)
                if place(k + 1):
                    return True
                placed.pop()
                chosen.pop()
        return False

    return dict(zip(edges, chosen)) if place(0) else {}
