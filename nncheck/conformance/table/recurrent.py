"""Cells of recurrent networks."""

from __future__ import annotations

from nncheck.conformance.rules import Lines
from nncheck.conformance.sample import Draw, Operator, Sample, operator

_GATES = "ifgo"
# gates i, f, o and the candidate g, each with its weights w for the input and v for the output before
_LSTM = """
I = sigmoid(x @ wi.T + h @ vi.T)
J = sigmoid(x @ wf.T + h @ vf.T)
G = tanh(x @ wg.T + h @ vg.T)
O = sigmoid(x @ wo.T + h @ vo.T)
k = J * c + I * G
T = tanh(k)
y = O * T
K = dk + dy * O * (1 - T * T)
dc = K * J
Ai = K * G * I * (1 - I)
Af = K * c * J * (1 - J)
Ag = K * I * (1 - G * G)
Ao = dy * T * O * (1 - O)
dx = Ai @ wi + Af @ wf + Ag @ wg + Ao @ wo
dh = Ai @ vi + Af @ vf + Ag @ vg + Ao @ vo
"""
_CALL = "y, k = torch.lstm_cell(x, (h, c), torch.cat([wi, wf, wg, wo]), torch.cat([vi, vf, vg, vo]))"
_RNN = "y = tanh(x @ w.T + h @ v.T)\nA = dy * (1 - y * y)\ndx = A @ w\ndw = A.T @ x\ndh = A @ v\ndv = A.T @ h"


def rows() -> list[Operator]:
    """Return the rows of this family."""
    return [_lstm_cell(), _rnn_cell()]


def _lstm_cell() -> Operator:
    draw = Draw("lstm_cell")
    lines = _LSTM + "\n".join(f"dw{gate} = A{gate}.T @ x\ndv{gate} = A{gate}.T @ h" for gate in _GATES)
    samples = []
    for n, n_in, n_hidden in ((1, 1, 2), (5, 3, 4)):
        operands = {"x": draw.real(n, n_in), "h": draw.real(n, n_hidden), "c": draw.real(n, n_hidden)}
        operands |= {f"w{gate}": draw.real(n_hidden, n_in) for gate in _GATES}
        operands |= {f"v{gate}": draw.real(n_hidden, n_hidden) for gate in _GATES}
        samples.append(Sample(call=_CALL, operands=operands, rule=Lines(lines), results=("y", "k")))
    return operator("lstm_cell", *samples)


def _rnn_cell() -> Operator:
    draw = Draw("rnn_tanh_cell")
    samples = []
    for n, n_in, n_hidden in ((1, 1, 2), (5, 3, 4)):
        operands = {
            "x": draw.real(n, n_in),
            "h": draw.real(n, n_hidden),
            "w": draw.real(n_hidden, n_in),
            "v": draw.real(n_hidden, n_hidden),
        }
        samples.append(Sample(call="y = torch.rnn_tanh_cell(x, h, w, v)", operands=operands, rule=Lines(_RNN)))
    return operator("rnn_tanh_cell", *samples)
