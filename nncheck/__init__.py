"""nncheck holds hand-written backpropagation against torch autograd, step by step, and says why they differ.

>>> import nncheck
>>> result = nncheck.run("relu_sigmoid", steps=100)
>>> result.cases[0].verdict
'agree'
"""

from nncheck.case import Case as Case
from nncheck.case import every as cases
from nncheck.case import find as find_case
from nncheck.certificate import certify as certify
from nncheck.errors import CaseError as CaseError
from nncheck.errors import CertificateError as CertificateError
from nncheck.errors import DeviceError as DeviceError
from nncheck.errors import FormulaError as FormulaError
from nncheck.errors import InputError as InputError
from nncheck.errors import NncheckError as NncheckError
from nncheck.record import CaseResult as CaseResult
from nncheck.record import Finding as Finding
from nncheck.record import RunResult as RunResult
from nncheck.runner import run as run
from nncheck.versions import __version__ as __version__
