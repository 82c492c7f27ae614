"""A call of torch by its text: operands as they are to lie in memory, its results, and gradients from given numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nncheck.autograd.operators import LAYOUTS, called, upstream


def _called(call: str, results: tuple[str, ...] = ("y",), dtype: str = "float32", **operands: Any) -> Any:
    described, arrays = [], {"upstream": np.array([2.0, 3.0, 5.0])}
    for name, (values, facts) in operands.items():
        described.append({"name": name, "dtype": "", "grad": False, "layout": "plain", **facts})
        arrays[name] = np.asarray(values, dtype=np.float64)
    request = {"call": call, "dtype": dtype, "operands": described, "results": list(results)}
    return called(request, arrays, torch.device("cpu"))


def test_a_gradient_is_taken_from_the_numbers_given() -> None:
    header, arrays = _called("y = 7 * x", x=([1.0, -2.0, 0.5, 4.0], {"grad": True}))
    assert arrays["y"].tolist() == [7, -14, 3.5, 28]
    assert arrays["dx"].tolist() == [14, 21, 35, 14]
    assert header["dtypes"] == {"y": "float32", "dx": "float32"}


def test_each_result_has_numbers_of_its_own() -> None:
    _, arrays = _called("y = 1 * x; z = 10 * x", ("y", "z"), x=([1.0], {"grad": True}))
    assert arrays["dx"].tolist() == [2 + 10 * upstream(np.array([2.0, 3.0, 5.0]), (1,), 1)[0]]
    assert upstream(np.arange(300.0), (2, 2), 1).tolist() == [[101, 102], [103, 104]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_changes_no_value(layout: str) -> None:
    values = np.arange(12.0).reshape(3, 4)
    _, arrays = _called("y = 1 * x; c = x.is_contiguous()", ("y", "c"), x=(values, {"grad": True, "layout": layout}))
    assert np.array_equal(arrays["y"], values)
    assert bool(arrays["c"]) is (layout == "plain")
    assert arrays["dx"].shape == values.shape


def test_types_are_told() -> None:
    header, arrays = _called("y = x > i; z = x * i", ("y", "z"), x=([1.5], {}), i=([2], {"dtype": "int64"}))
    assert header["dtypes"] == {"y": "bool", "z": "float32"}
    assert arrays["y"].tolist() == [0] and arrays["z"].tolist() == [3]
    assert _called("y = torch.zeros(1)", dtype="float64")[0]["dtypes"] == {"y": "float64"}


def test_a_gradient_that_torch_does_not_give_is_missing() -> None:
    _, arrays = _called("y = 1 * x", x=([1.0], {"grad": True}), z=([1.0], {"grad": True}))
    assert "dx" in arrays and "dz" not in arrays
    assert set(_called("y = x.detach()", x=([1.0], {"grad": True}))[1]) == {"y"}


def test_an_error_leaves_the_process_as_it_was() -> None:
    with pytest.raises(NameError):
        _called("y = nothing", dtype="float64")
    assert torch.get_default_dtype() == torch.float32
