"""Trains a network on the device, in chunks of steps, recording loss and parameters at every one of them.

The rule is the document's loop, ``zero_grad(); E.backward(); optimizer.step()`` with torch's SGD. Because its cost is
Python between small operators, one step is traced to its operators once and replayed by TorchScript. In every chunk
the first and the last replayed step are done by the real loop too: unless both are equal bit by bit, the chunk and all
after it are done by the real loop. With another optimizer than plain SGD, which keeps a state or lets weights decay,
every step is done by the real loop.

A replay that is not bit-equal is dropped only if the device gives it once more, bit by bit, and the real step too: then
its operators round in another way. Else the device gave two answers to one question; the first stands in the record, to
be judged, and is not mended by asking again.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from nncheck.autograd.device import Device
from nncheck.autograd.pace import Pace
from nncheck.autograd.replay import traced
from nncheck.autograd.symptoms import FELL_BACK
from nncheck.formula.plain import Array
from nncheck.language import phrase


@dataclass(frozen=True)
class Recorded:
    """What a chunk of n steps gave, on the host.

    Attributes
    ----------
    losses : (n,)
        Loss of each step, before its update.
    states : list of (n + 1, ...)
        Each parameter before the first step and after every step.
    gradients : list of (k, ...)
        Gradient of each parameter at the first step and, if it was taken at the parameters recorded, at the last one,
        by a real backward pass.
    """

    losses: Array
    states: list[Array]
    gradients: list[Array]

    @property
    def read(self) -> list[int]:
        """The steps that the gradients are of."""
        return [0, len(self.losses) - 1][: len(self.gradients[0])]

    @property
    def everything(self) -> list[Array]:
        """Losses and states."""
        return [self.losses, *self.states]

    def at(self, step: int) -> list[Array]:
        """Return the loss of a step and the parameters after it."""
        return [self.losses[step], *(state[step + 1] for state in self.states)]

    def ending_with(self, last: list[Array]) -> Recorded:
        """Return the same with another last step: its loss and the parameters after it."""
        losses, states = self.losses.copy(), [state.copy() for state in self.states]
        for whole, value in zip([losses, *states], last):
            whole[-1] = value
        return replace(self, losses=losses, states=states)

    def and_last(self, gradients: list[Array]) -> Recorded:
        """Return the same with the gradients of the last step, if that is not the first."""
        if len(self.losses) == 1:
            return self
        return replace(self, gradients=[np.stack([first[0], g]) for first, g in zip(self.gradients, gradients)])


class Trainer:
    """Training of one model on one device, continued chunk by chunk.

    Parameters
    ----------
    model, loss : nn.Module and callable
        The network with its initial parameters, already on the device.
    X, YT : tensors on the device
    lr : float
        Learning rate.
    stage : callable
        Told from time to time how far the training is: a sign of life.
    optimizer : str
        As in `nncheck.hyperparameters`.
    settings : mapping
        Its settings by torch's names.
    judge : callable, optional
        Gives loss and gradients in float64 at points (S, ...) of each parameter: of two answers to one question it
        tells the wrong one.
    """

    def __init__(
        self,
        model: Any,
        loss: Callable[..., Any],
        X: Any,
        YT: Any,
        lr: float,
        device: Device,
        stage: Callable[[str], None] | None = None,
        optimizer: str = "sgd",
        settings: Mapping[str, Any] = MappingProxyType({}),
        judge: Callable[[list[Array]], tuple[Array, list[Array]]] | None = None,
    ) -> None:
        self._judge = judge
        self._model, self._loss, self._X, self._YT, self._lr, self._device = model, loss, X, YT, lr, device
        self._done = 0
        self._stage = stage or (lambda _: None)
        self._pace = Pace(self._say_where)
        self._optimizer = optimizer_of(optimizer, settings, model.parameters(), lr)
        self._replay: Callable[[list[Any], int], list[Any]] | None = None
        self._untraced = optimizer == "sgd" and not settings.get("weight_decay")
        # why the real loop is used for every step, if it is
        own_loop = phrase("with {optimizer} every step is done by torch's own loop", optimizer=optimizer)
        self.why_plain = "" if self._untraced else own_loop

    def train(self, steps: int) -> Recorded:
        """Do the next steps and return what they gave; the device is read once, at the end."""
        import torch

        with torch.autograd.set_multithreading_enabled(False):  # 1.7 times faster on DirectML, and avoids its assert
            recorded = self._train(steps)
        self._done += steps
        return recorded

    def _train(self, steps: int) -> Recorded:
        start = self._parameters()
        self._pace.begin(steps)
        first = self._real_step()
        gradients = self._gradients()
        if self._untraced:
            self._untraced = False
            self._replay = self._trace(start)
        if self._replay is not None:
            recorded = self._collect(self._replayed(start, steps), steps, start, gradients)
            settled = self._settled(recorded, first, start)
            if settled is not None:
                return settled
            self._restore([value.cpu() for value in first[1:]])  # the real loop goes on behind its first step
            self._pace.begin(steps)
        tensors, width = first, len(first)
        for step in range(1, steps):
            self._pace.reached(step, tensors[-width])
            tensors.extend(self._real_step())
        return self._collect(tensors, steps, start, gradients).and_last(_to_host(self._gradients()))

    def _settled(self, replayed: Recorded, first: list[Any], start: list[Any]) -> Recorded | None:
        """Return what stands of a replayed chunk, the model left behind it; None if the real loop is to do the chunk.

        Parameters
        ----------
        first : list of tensors
            What the real loop gave for the first step, which was done before the replay.
        start : list of tensors
            The parameters before it.
        """
        n, ours = len(replayed.losses), _to_host(first)
        begins = _same_bits(replayed.at(0), ours)
        if begins:
            ours = self._real_step_from(replayed, n - 1)
            if _same_bits(replayed.at(n - 1), ours):
                return replayed.and_last(_to_host(self._gradients()))
        self._replay = self._trace(start)  # anew: a constant in it may have been wrong
        again = None if self._replay is None else self._collect(self._replayed(start, n), n, start, [])
        self._replay = None
        steady = again is not None and _same_bits(replayed.everything, again.everything)
        if steady and not (begins and not _same_bits(ours, self._real_step_from(replayed, n - 1))):
            self.why_plain = phrase("replayed steps are not bit-equal to real ones on this device")
            return None
        self.why_plain = phrase(
            "the device gave other numbers when the same steps were done again; those that it gave first are judged"
        )
        kept = replayed.ending_with(ours) if steady or (begins and self._is_farther(ours, replayed)) else replayed
        self._restore(_tensors(state[n] for state in kept.states))
        return kept

    def _is_farther(self, ours: list[Array], replayed: Recorded) -> bool:
        """Whether what the real loop gave for the last step is farther from float64 than what the replay gave."""
        if self._judge is None:
            return False
        before = [state[-2:-1].astype(np.float64) for state in replayed.states]
        E, gradients = self._judge(before)
        moved = [self._lr * gradient for gradient in gradients]
        expected = [E, *(W - step for W, step in zip(before, moved))]
        unit = [np.abs(E).max(), *(np.abs(step).max() + 1e-7 * np.abs(W).max() for W, step in zip(before, moved))]

        def off(values: list[Array]) -> float:
            error = [float(np.abs(v - e).max() / (u or 1.0)) for v, e, u in zip(values, expected, unit)]
            return max(error) if np.isfinite(error).all() else np.inf

        return off(ours) > off(replayed.at(len(replayed.losses) - 1))

    def _real_step_from(self, recorded: Recorded, step: int) -> list[Array]:
        """Do a recorded step by the real loop."""
        self._restore(_tensors(state[step] for state in recorded.states))
        return _to_host(self._real_step())

    def _replayed(self, params: list[Any], steps: int) -> list[Any]:
        assert self._replay is not None
        recorded: list[Any] = []
        width = 1 + len(params)
        self._say_where(0)
        self._pace.begin(steps)
        while len(recorded) < steps * width:
            recorded.extend(self._replay(params, self._pace.ahead))
            params = recorded[1 - width :]
            self._pace.reached(len(recorded) // width, recorded[-width])
        return recorded

    def _say_where(self, step: int) -> None:
        self._stage(phrase("train from step {step:,}", step=self._done + step))

    def _real_step(self) -> list[Any]:
        """One step as the document writes it; returns the loss and copies of the new parameters."""
        E = self._loss(self._model(self._X), self._YT)
        self._optimizer.zero_grad()
        E.backward()
        self._optimizer.step()
        return [E.detach(), *self._parameters()]

    def _parameters(self) -> list[Any]:
        return [p.detach().clone() for p in self._model.parameters()]

    def _gradients(self) -> list[Any]:
        return [p.grad.detach().clone() for p in self._model.parameters()]

    def _restore(self, values: list[Any]) -> None:
        """Set the parameters from the host: copies from device to device are not to be trusted on DirectML."""
        import torch

        with torch.no_grad():
            for parameter, value in zip(self._model.parameters(), values):
                parameter.copy_(value)

    def _collect(self, tensors: list[Any], steps: int, start: list[Any], gradients: list[Any]) -> Recorded:
        import torch

        width = 1 + len(start)
        with torch.no_grad():
            losses = torch.stack(tensors[0::width]).reshape(steps).cpu().numpy()
            states = [torch.stack([start[k], *tensors[k + 1 :: width]]).cpu().numpy() for k in range(len(start))]
        return Recorded(losses, states, [gradient[None] for gradient in _to_host(gradients)])

    def _trace(self, start: list[Any]) -> Callable[[list[Any], int], list[Any]] | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.filterwarnings("always", message=f".*{FELL_BACK}")  # becomes a note
                self._stage(phrase("trace a step"))
                replay = traced(self._model, self._loss, self._X, self._YT, self._lr, start)
                replay(start, 1)  # what TorchScript cannot do shows here, and a device that is gone in the real loop
                return replay
        except Exception as error:  # whatever tracing dislikes, the real loop does
            text = str(error).strip()
            said = f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"
            self.why_plain = phrase("the step cannot be traced ({error})", error=said)
            return None


def optimizer_of(name: str, settings: Mapping[str, Any], parameters: Iterable[Any], lr: float) -> Any:
    """Return torch's optimizer of a name in `nncheck.hyperparameters`, one parameter after the other (no foreach)."""
    from torch import optim

    if name == "sgd" and not settings.get("weight_decay"):
        return optim.SGD(parameters, lr=lr)
    options = {**settings, "lr": lr, "foreach": False}
    if name in ("sgd", "momentum", "nesterov"):
        return optim.SGD(parameters, nesterov=name == "nesterov", **options)
    classes = {"rmsprop": optim.RMSprop, "adam": optim.Adam, "adamw": optim.AdamW}
    return classes[name](parameters, **options)


def _to_host(tensors: list[Any]) -> list[Array]:
    return [tensor.cpu().numpy() for tensor in tensors]


def _tensors(arrays: Iterable[Array]) -> list[Any]:
    import torch

    return [torch.from_numpy(array.copy()) for array in arrays]


def _same_bits(a: list[Array], b: list[Array]) -> bool:
    return all(np.asarray(x).tobytes() == np.asarray(y).tobytes() for x, y in zip(a, b))
