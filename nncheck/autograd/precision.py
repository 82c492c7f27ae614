"""Keeps float32 what it says: every switch by which torch computes it in fewer bits (TF32, bfloat16, fast math) is off.

TF32 keeps 10 bits of the 23, bfloat16 7: the float32 bound would not hold. torch has had two sets of switches since
2.9, and reading an older one after a newer one was turned raises where they contradict each other.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nncheck.language import phrase

#: What the environment of a torch process gets before torch is imported; None takes a variable away.
ENVIRONMENT: Mapping[str, str | None] = {
    "NVIDIA_TF32_OVERRIDE": "0",  # NVIDIA's own libraries then use no TF32, whatever a program asks of them
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": None,
    "HIPBLASLT_ALLOW_TF32": None,
    "DNNL_DEFAULT_FPMATH_MODE": None,  # oneDNN, on the CPU and on XPU
    "ONEDNN_DEFAULT_FPMATH_MODE": None,
    "MKL_BLAS_COMPUTE_MODE": None,  # oneMKL, on XPU
    "PYTORCH_MPS_FAST_MATH": None,
    "PYTORCH_ENABLE_MPS_FALLBACK": "1",  # what MPS lacks is done on the CPU with a warning, which becomes a note
    "PYTORCH_ENABLE_XPU_FALLBACK": "1",  # as does XPU
    "PYTORCH_DEBUG_XPU_FALLBACK": "1",  # which names the operator only then
    "PYTHONWARNINGS": None,  # that warning is neither to be lost nor to be taken for a refusal
}

# The newer switches, the general ones first: one that was never turned follows the general one.
_PAIRS = (
    ("generic", "all"),
    *((backend, operators) for backend in ("cuda", "mkldnn") for operators in ("all", "matmul", "conv", "rnn")),
)
_SHORTER = ("tf32", "bf16")


def in_full() -> str:
    """Turn every switch off, in whichever way it was turned on; return what is on all the same, or an empty text."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a switch is an older one, or that this torch has nothing to switch
        # the older switches first: on a torch that has both they also turn newer ones, which are then set for good
        _tried(torch.set_float32_matmul_precision, "highest")
        for _, module in _older():
            _tried(_put, module, "allow_tf32", False)
        setter = getattr(torch._C, "_set_fp32_precision_setter", None)
        if setter is not None:
            for pair in _PAIRS:
                _tried(setter, *pair, "ieee")
    return still_on()


def still_on() -> str:
    """Return in words which switches are on, or an empty text."""
    on = ", ".join(_on())
    return phrase("float32 is computed in fewer bits here, beyond its bound: {switches}", switches=on) if on else ""


def _on() -> Iterator[str]:
    import torch

    matmul = _tried(torch.get_float32_matmul_precision)
    if matmul in ("high", "medium"):
        yield f"float32_matmul_precision = {matmul}"
    for name, module in _older():
        if _tried(getattr, module, "allow_tf32") is True:
            yield f"{name}.allow_tf32"
    getter = getattr(torch._C, "_get_fp32_precision_getter", None)
    if getter is not None:
        for pair in _PAIRS:
            used = _tried(getter, *pair)
            if used in _SHORTER:
                yield f"{'.'.join(pair)} = {used}"


def _older() -> list[tuple[str, Any]]:
    """Return the modules that have the older switch, ``allow_tf32``."""
    from torch import backends

    return [("cuda.matmul", backends.cuda.matmul), ("cudnn", backends.cudnn), ("mkldnn", backends.mkldnn)]


def _put(module: Any, name: str, value: object) -> None:
    """Set a switch that this torch has; a new attribute beside its switches would say that it is off."""
    if hasattr(type(module), name) or hasattr(module, name):
        setattr(module, name, value)


def _tried(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a switch says; None if this torch lacks it, or refuses to say because two ways of setting it mix."""
    try:
        return function(*arguments)
    except (RuntimeError, AttributeError, TypeError, ValueError):
        return None
