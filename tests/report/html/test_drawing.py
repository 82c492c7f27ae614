"""The picture of a network: every number where it belongs, none over another, nothing where it could not be read."""

from __future__ import annotations

import dataclasses

import pytest

from nncheck.network import Layer, Network
from nncheck.report.html.drawing import MOST_UNITS, Drawing, drawing_of, texts_of
from tests.report.html import made


def _network(*sizes: int) -> Network:
    layer = made.NETWORK.layers[0]
    layers = [dataclasses.replace(layer, weight=f"W{k}") for k in range(len(sizes) - 1)]
    return Network(sizes=sizes, layers=tuple(layers))


def _drawing(*sizes: int) -> Drawing:
    drawing = drawing_of(_network(*sizes), made.step(0))
    assert drawing is not None
    return drawing


@pytest.mark.parametrize("sizes", [(1, 1), (2, 2, 2), (3, 2), (2, 3), (2, 4, 1), (1, 8, 1), (3, 3), (8, 8)])
def test_no_number_covers_another_or_a_unit(sizes: tuple[int, ...]) -> None:
    drawing = _drawing(*sizes)
    boxes = [(text.x - 55, text.y - 11, text.x + 55, text.y + 3) for edge in drawing.edges for text in edge.texts]
    width, height = drawing.node
    units = [(node.x, node.y, node.x + width, node.y + height) for node in drawing.nodes]
    for k, (left, top, right, bottom) in enumerate(boxes):
        for a, b, c, d in boxes[k + 1 :] + units:
            assert right <= a or c <= left or bottom <= b or d <= top
        assert left >= 0
        assert right <= drawing.width
        assert bottom <= drawing.height


def test_every_edge_has_its_numbers_where_there_is_room_and_a_sentence_where_not() -> None:
    assert all(len(edge.texts) == 2 for edge in _drawing(2, 2, 2).edges)
    assert not _drawing(2, 2, 2).notes
    crowded = _drawing(3, 3)
    assert not any(edge.texts for edge in crowded.edges)
    assert any("numbers of the edges are left out" in note for note in crowded.notes)


def test_a_layer_too_wide_has_no_picture() -> None:
    assert drawing_of(_network(2, MOST_UNITS), made.step(0)) is not None
    assert drawing_of(_network(2, MOST_UNITS + 1), made.step(0)) is None


def test_the_texts_are_those_of_the_step_by_hand() -> None:
    said, marks = texts_of(made.NETWORK, made.step(0, wrong="dW"))
    # Z = 0.05 * 0.15 + 0.10 * 0.20 + 0.35 = 0.3775 and 0.05 * 0.25 + 0.10 * 0.30 + 0.35 = 0.3925
    assert (said["node-1-0-0"], said["node-1-1-0"]) == ("H 0.3775", "H 0.3925")
    assert said["node-0-1-0"] == "X 0.1"
    assert said["edge-1-0-1-0"] == "W 0.2", "of X[1] to H[0]"
    assert said["node-2-0-2"] == "B2 0.6"
    assert said["edge-1-0-1-1"].startswith("✗ dW 0.0")
    assert {key for key, mark in marks.items() if mark} == {f"edge-1-{i}-{j}" for i in (0, 1) for j in (0, 1)}


def test_only_the_elements_that_differ_are_marked() -> None:
    step = made.step(0)
    (line,) = [line for line in step.lines if line.name == "dW2"]
    hand = [[line.value[0][0], line.value[0][1] * 1.000001], line.value[1]]
    spoilt = dataclasses.replace(line, hand=hand, verdict="differ", index=(0, 1))
    lines = tuple(spoilt if one is line else one for one in step.lines)
    _, marks = texts_of(made.NETWORK, dataclasses.replace(step, lines=lines, differs=True))
    assert [key for key, mark in marks.items() if mark] == ["edge-2-0-1"]


def test_several_samples_are_spoken_of() -> None:
    step = made.step(0)
    batch = dataclasses.replace(step, inputs={**step.inputs, "X": [[1.0, 2.0], [3.0, 4.0]]})
    drawing = drawing_of(made.NETWORK, batch)
    assert drawing is not None
    assert drawing.notes[0].startswith("The units show the first of 2 samples")


def test_without_bias_or_activation() -> None:
    layer = Layer(weight="W", bias=None, source="X", pre="Y", out="Y", activation="")
    network = Network(sizes=(2, 2), layers=(layer,))
    said, _ = texts_of(network, made.step(0))
    assert (said["node-1-0-2"], said["node-1-0-3"]) == ("", "")
    drawing = drawing_of(network, made.step(0))
    assert drawing is not None
    assert drawing.nodes[2].name == "Y[0]"
