"""The network is found in the formulas, however a layer is written; what is no chain of layers is none."""

from __future__ import annotations

import pytest

from nncheck import case as cases
from nncheck.formula import read
from nncheck.network import Layer, Network, network_of


def _layer(weight: str, bias: str | None, source: str, pre: str, out: str, activation: str = "") -> Layer:
    return Layer(weight=weight, bias=bias, source=source, pre=pre, out=out, activation=activation)


ONE = (_layer("W", "B", "X", "Y", "Y"),)
NETWORKS = {
    "one_to_one": ((1, 1), ONE),
    "two_to_one": ((2, 1), ONE),
    "two_to_two": ((2, 2), ONE),
    "hidden": ((2, 2, 2), (_layer("W", "B", "X", "H", "H"), _layer("W2", "B2", "H", "Y", "Y"))),
    "relu_sigmoid": (
        (2, 2, 2),
        (_layer("W", "B", "X", "Z", "H", "relu"), _layer("W2", "B2", "H", "Z2", "Y", "sigmoid")),
    ),
    # Y are the logits: the softmax is in the loss
    "softmax_cross_entropy": (
        (2, 2, 2),
        (_layer("W", "B", "X", "Z", "H", "relu"), _layer("W2", "B2", "H", "Y", "Y")),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_of_a_case(name: str) -> None:
    case = cases.find(name)
    sizes, layers = NETWORKS[name]
    assert network_of(case, case.derivation()) == Network(sizes=sizes, layers=layers)


LAYERS = "Z = X @ W.T + B\nH = {act}\nZ2 = {second}\nY = sigmoid(Z2)\nE = ((Y - YT) ** 2).mean()\n"


@pytest.mark.parametrize(
    ("act", "second", "activation"),
    [
        ("maximum(0, Z)", "H @ W2.T + B2", "relu"),
        ("relu(Z)", "B2 + H @ W2.T", "relu"),
        ("where(Z > 0, Z, 0)", "dot(H, W2.T) + B2", "relu"),
        ("Z * (Z >= 0)", "(W2 @ H.T).T + B2", "relu"),
        ("1 / (1 + exp(-Z))", "H @ W2.T + B2", "sigmoid"),
        ("tanh(Z)", "H @ W2.T + B2", "tanh"),
        ("where(Z > 0, Z, 0.1 * Z)", "H @ W2.T + B2", "other"),
        ("maximum(Z, 0)\nmask = Z > 0", "H @ W2.T + B2", "relu"),
        ("maximum(Z, 0)", "H @ W2.T + B2\nP = sigmoid(Z2) * 1", "relu"),
    ],
)
def test_a_layer_in_other_words(act: str, second: str, activation: str) -> None:
    found = network_of(cases.find("relu_sigmoid"), read(LAYERS.format(act=act, second=second)))
    assert found is not None
    assert [layer.activation for layer in found.layers] == [activation, "sigmoid"]
    assert [layer.out for layer in found.layers] == ["H", "Y"]


@pytest.mark.parametrize(
    ("act", "second"),
    [
        ("maximum(Z, 0)", "H @ W2 + B2"),  # no transpose: no layer as torch has it
        ("maximum(Z, 0)", "H @ W2.T"),  # its bias is nowhere
        ("maximum(Z, 0)", "X @ W2.T + B2"),  # two layers side by side
        ("Z / Z.sum()", "H @ W2.T + B2"),  # not element by element
        ("maximum(Z, 0)", "H @ W2.T + B2 + X"),
    ],
)
def test_what_is_no_chain_of_layers(act: str, second: str) -> None:
    assert network_of(cases.find("relu_sigmoid"), read(LAYERS.format(act=act, second=second))) is None
