"""What a person's names mean: ``z1`` is Z, ``db2`` is dB2, ``y_hat`` is Y."""

from __future__ import annotations

from collections.abc import Sequence

from nncheck.case import Case
from nncheck.manual.naming import parameter_of, quantity_of

#: What else the output, the target and the loss are called.
_SYNONYMS = {
    "Y": ("yhat", "ypred", "pred", "prediction", "predictions"),
    "YT": ("t", "yt", "target", "targets", "ytrue", "label", "labels"),
    "E": ("loss", "cost"),
}


def meaning_of(name: str, case: Case, known: Sequence[str]) -> str | None:
    """Return which of the case's quantities a name means, None if it is none of them."""
    if name in known:
        return name
    if len(name) > 40:
        return None
    plain = name.lower().replace("_", "")
    for quantity, synonyms in _SYNONYMS.items():
        if plain in synonyms and quantity in known:
            return quantity
    gradient = name[:1] == "d" or name.lower().startswith("grad")
    parameter = parameter_of(name, case.params)
    if parameter:
        return f"d{parameter}" if gradient else parameter
    return quantity_of(name, [k for k in known if (k[:1] == "d") == gradient])
