"""nncheck holds hand-written backpropagation against torch autograd, step by step, and says why they differ.

>>> import nncheck
>>> result = nncheck.run("relu_sigmoid", steps=100)
>>> result.cases[0].verdict
'agree'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nncheck.versions import __version__ as __version__

if TYPE_CHECKING:
    from nncheck.autograd.survey import survey as survey
    from nncheck.case import Case as Case
    from nncheck.case import every as cases  # noqa: F401
    from nncheck.case import find as find_case  # noqa: F401
    from nncheck.certificate import certify as certify
    from nncheck.conformance.check import check_device as check_device
    from nncheck.device_check import DeviceCheck as DeviceCheck
    from nncheck.errors import CaseError as CaseError
    from nncheck.errors import CertificateError as CertificateError
    from nncheck.errors import DeviceError as DeviceError
    from nncheck.errors import FormulaError as FormulaError
    from nncheck.errors import InputError as InputError
    from nncheck.errors import NncheckError as NncheckError
    from nncheck.explained import Explained as Explained
    from nncheck.explaining.explain import explain as explain
    from nncheck.grades import Graded as Graded
    from nncheck.grading.grade import grade as grade
    from nncheck.layers import check_backward as check_backward
    from nncheck.record import CaseResult as CaseResult
    from nncheck.record import Finding as Finding
    from nncheck.record import RunResult as RunResult
    from nncheck.runner import run as run
    from nncheck.verification import VerifyResult as VerifyResult
    from nncheck.verifier.derive import derive as derive
    from nncheck.verifier.verify import verify as verify

# Where each public name lives: imported when it is first used, so that `nncheck --help` need not wait for NumPy.
_HOMES = {
    "survey": ("nncheck.autograd.survey", "survey"),
    "Case": ("nncheck.case", "Case"),
    "cases": ("nncheck.case", "every"),
    "find_case": ("nncheck.case", "find"),
    "certify": ("nncheck.certificate", "certify"),
    "check_device": ("nncheck.conformance.check", "check_device"),
    "DeviceCheck": ("nncheck.device_check", "DeviceCheck"),
    "CaseError": ("nncheck.errors", "CaseError"),
    "CertificateError": ("nncheck.errors", "CertificateError"),
    "DeviceError": ("nncheck.errors", "DeviceError"),
    "FormulaError": ("nncheck.errors", "FormulaError"),
    "InputError": ("nncheck.errors", "InputError"),
    "NncheckError": ("nncheck.errors", "NncheckError"),
    "Explained": ("nncheck.explained", "Explained"),
    "explain": ("nncheck.explaining.explain", "explain"),
    "check_backward": ("nncheck.layers", "check_backward"),
    "CaseResult": ("nncheck.record", "CaseResult"),
    "Finding": ("nncheck.record", "Finding"),
    "RunResult": ("nncheck.record", "RunResult"),
    "run": ("nncheck.runner", "run"),
    "VerifyResult": ("nncheck.verification", "VerifyResult"),
    "Graded": ("nncheck.grades", "Graded"),
    "grade": ("nncheck.grading.grade", "grade"),
    "derive": ("nncheck.verifier.derive", "derive"),
    "verify": ("nncheck.verifier.verify", "verify"),
}
__all__ = ["__version__", *_HOMES]


def load_ipython_extension(shell: Any) -> None:
    """Give a notebook ``%%nncheck``; this is what ``%load_ext nncheck`` calls."""
    from nncheck.magic import register

    register(shell)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nncheck' has no attribute {name!r}")
    from importlib import import_module

    module, own = _HOMES[name]
    return getattr(import_module(module), own)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
