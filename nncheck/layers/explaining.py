"""What a wrong gradient of a layer equals: another gradient, the one without dout, or a relation to the right one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from nncheck.diagnosis.factors import MATCH
from nncheck.diagnosis.relations import relation
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.layers.given import Given
from nncheck.verification import Explanation


def explain(
    name: str,
    got: Sequence[Array],
    expected: Mapping[str, Sequence[Array]],
    plain: Mapping[str, Array],
    sizes: Mapping[str, float],
) -> tuple[Explanation, ...]:
    """Return what a wrong gradient equals, at every upstream gradient that it was tried with.

    Parameters
    ----------
    name : str
        The input.
    got : P arrays
        Its wrong gradient, for each set of upstream gradients.
    expected : mapping of str to P arrays
        The right gradient of every input.
    plain : mapping of str to array
        The right gradients where every upstream gradient is 1.
    sizes : mapping
        Value of each symbol: N, K.
    """
    for other, right in expected.items():
        if other != name and _all_equal(got, right):
            text = phrase("{gradient} equals what is expected of {other}.", gradient=f"d{name}", other=f"d{other}")
            return (Explanation(id="layer.swapped", text=text, equals=f"d{other}"),)
    # with dout = 1, or of one size everywhere, the two are the same thing
    if len(got) > 1 and _all_equal(got, [plain[name]] * len(got)):
        text = phrase(
            "{gradient} equals the gradient with dout = 1: it does not depend on dout, "
            "the upstream gradient is left out.",
            gradient=f"d{name}",
        )
        return (Explanation(id="act.no_upstream", text=text, equals=f"d{name} for dout = 1"),)
    found = relation(f"d{name}", got, expected[name], [sizes] * len(got))
    if found is None:
        return ()
    # .T is a transpose, T a size
    used = [f"{s} = {size:g}" for s, size in sizes.items() if re.search(rf"(?<![.\w]){s}\b", found.equals)]
    if not used:
        return (found,)
    here = phrase("Here {sizes}.", sizes=", ".join(used))
    return (replace(found, text=f"{found.text} {here}"),)


def sizes_of(given: Sequence[Given], outputs: Sequence[Array]) -> dict[str, float]:
    """Return the sizes that a factor may be made of: N samples, D and K features in and out, C, H and W."""
    first = next((g.value for g in given if isinstance(g.value, np.ndarray) and g.value.ndim), None)
    if first is None:
        return {}
    names = {1: ("N",), 2: ("N", "D"), 3: ("N", "T", "D"), 4: ("N", "C", "H", "W")}.get(first.ndim, ("N",))
    sizes = {symbol: float(size) for symbol, size in zip(names, first.shape)}
    if outputs and outputs[0].ndim == 0 and first.ndim == 2:  # a loss of (N, K)
        sizes["K"] = sizes.pop("D")
    elif outputs and outputs[0].ndim == 2 and outputs[0].shape != first.shape:
        sizes["K"] = float(outputs[0].shape[1])
    return {symbol: size for symbol, size in sizes.items() if size > 1}


def _all_equal(got: Sequence[Array], right: Sequence[Array]) -> bool:
    return all(
        g.shape == e.shape and bool(e.any()) and bool((np.abs(g - e) <= MATCH * np.abs(e).max()).all())
        for g, e in zip(got, right)
    )
