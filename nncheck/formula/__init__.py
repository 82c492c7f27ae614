"""Derivation lines: read them, and compute them in float64 or in float64 with a running error bound."""

from nncheck.formula.bound import BoundArithmetic as BoundArithmetic
from nncheck.formula.bound import Bounded as Bounded
from nncheck.formula.bound import exact as exact
from nncheck.formula.bound import radius_like as radius_like
from nncheck.formula.evaluate import evaluate as evaluate
from nncheck.formula.library import DeviceArithmetic as DeviceArithmetic
from nncheck.formula.lines import Apply as Apply
from nncheck.formula.lines import Derivation as Derivation
from nncheck.formula.lines import Line as Line
from nncheck.formula.lines import Name as Name
from nncheck.formula.lines import Number as Number
from nncheck.formula.plain import Plain as Plain
from nncheck.formula.plain import PlainArithmetic as PlainArithmetic
from nncheck.formula.plain import plain as plain
from nncheck.formula.printer import text_of as text_of
from nncheck.formula.reader import read as read
from nncheck.formula.reader import read_each as read_each
from nncheck.formula.reader import read_line as read_line
