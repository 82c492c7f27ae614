"""The torch process: answers requests over its standard streams until its input ends.

Started by `client.Worker`, it never runs in the user's own process: a broken driver can kill whoever imports it.
Every request also holds the language of the reasons, notes and stages in its answer.
Every frame that it sends is a stage (``{"stage": ...}``, told before the stage begins, so that a crash has a place) or
an answer (``{"answer": ...}`` or ``{"error": ..., "kind": "case", "input", "missing", "memory" or
"device"}``).

======== ============================================================ ==============================================
request  header and arrays                                            answer
======== ============================================================ ==============================================
open     device, maybe skip (kinds that auto passes over), untested   kind, name, versions, notes
         (without the self-test: operators are to be asked)
again    nothing: the self-test of the opened device once more        nothing
survey   kinds                                                        for each kind: state, name, reason, stage, and
                                                                      exhausted (memory) where it fails
load     folder, sizes, names, lr, seed, maybe optimizer (name and    nothing
         settings by torch's names); X, YT, parameters
train    steps                                                        plain, read: k steps; E (n,); W, ... (n + 1, ...);
                                                                      read.W, ... (k, ...): gradients of those steps;
                                                                      dE, dW, ...: float64 at the device's parameters
witness  points W, ... (S, ...), maybe X, YT and sizes of a probe     E (S,); W, ...: gradients (S, ...)
lines    derivation (its text), updates, t (step, from 1), lr;        every line by torch, gradients by autograd; of
         X, YT and the parameters of one point, their states M:W      the network itself own:E, own:Y, own:dW, ...; of
                                                                      torch.optim W_:W and the other lines, M_:W
operator place (device or cpu) and what `operators.called` takes      results and gradients; dtypes of them, or refused
facts    nothing                                                      what is known of the device's driver
======== ============================================================ ==============================================
"""

from __future__ import annotations

import os
import re
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nncheck import frames
from nncheck.autograd import device as devices
from nncheck.autograd import driver
from nncheck.autograd.gradients import at_points, batching_is_exact, output_at
from nncheck.autograd.lines import lines_by_autograd, update_by_optim
from nncheck.autograd.network import Network
from nncheck.autograd.operators import called
from nncheck.autograd.pace import often
from nncheck.autograd.precision import in_full, still_on
from nncheck.autograd.symptoms import FELL_BACK, is_broken, is_out_of_memory
from nncheck.autograd.training import Trainer
from nncheck.errors import CaseError
from nncheck.formula import read
from nncheck.formula.plain import Array
from nncheck.language import LANGUAGES, phrase, use
from nncheck.optimizers import SGD, Optimizer
from nncheck.source import describe, was_raised_in

# Data and parameters of so few numbers gain nothing from a second thread, which would wait on the core that the
# hand-written side is working on.
_SMALL = 10_000

Answer = tuple[dict[str, Any], dict[str, Array]]


class Server:
    """State of the torch process: the opened device and the loaded case."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._stage = ""  # as it was told last
        self._told = 0.0  # when that was
        self._device: devices.Device | None = None
        self._network: Network | None = None
        self._trainer: Trainer | None = None
        self._witnesses: dict[tuple[int, ...], Any] = {}
        self._names: tuple[str, ...] = ()
        self._sizes: tuple[int, ...] = ()
        self._data: dict[str, Array] = {}
        self._sent: list[Array] = []  # the parameters of a case of which no step was done
        self._notes: list[str] = []
        self._threads = 1
        self._optimizer = SGD
        self._batched = True  # whether float64 gradients at many points may be taken at once

    def stage(self, name: str, device: str = "") -> None:
        """Tell the parent what is about to be done, and from where on a failure is that of a kind of device."""
        self._stage = name
        frames.write(self._output, {"stage": name, "device": device})
        self._told = time.monotonic()

    def answer(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        """Do one request."""
        handler = getattr(self, f"_{request['request']}")
        header, replies = handler(request, arrays)
        notes, self._notes = self._notes, []
        return {"answer": header, "notes": notes}, replies

    def note_warning(self, message: Warning | str, *_: Any) -> None:
        """Keep a warning that an operator fell back to the CPU; others do not concern the result."""
        text = " ".join(str(message).split()).partition(" (Triggered internally at ")[0]  # a place in C++ helps nobody
        if re.search(FELL_BACK, text) and text not in self._notes:
            self._notes.append(text[:300])

    def _open(self, request: dict[str, Any], _: dict[str, Array]) -> Answer:
        opened = devices.open_device(request["device"], self.stage, request.get("skip", ()))
        note = "" if request.get("untested") else devices.self_test(opened, self.stage)
        self._device = opened
        import torch

        self._threads = torch.get_num_threads()
        self._notes += [text for text in (note, devices.cpu_in_its_place(opened), still_on()) if text]
        versions = {"torch": str(torch.__version__)}
        if opened.kind == "directml":
            from importlib.metadata import PackageNotFoundError, version

            try:
                versions["torch-directml"] = version("torch-directml")
            except PackageNotFoundError:
                versions["torch-directml"] = "unknown"
        return {"kind": opened.kind, "name": opened.name, "versions": versions, "notes": [*self._notes]}, {}

    def _again(self, request: dict[str, Any], _: dict[str, Array]) -> Answer:
        assert self._device is not None
        devices.self_test(self._device, self.stage)
        return {}, {}

    def _survey(self, request: dict[str, Any], _: dict[str, Array]) -> Answer:
        states: dict[str, dict[str, Any]] = {}
        for kind in request["kinds"]:
            try:
                opened = devices.kinds()[kind].open(0, self.stage)
                note = devices.self_test(opened, self.stage)
            except devices.NoDevice as error:
                states[kind] = {"state": "missing", "name": "", "reason": str(error), "stage": self._stage}
            except Exception as error:
                states[kind] = {"state": "fails", "name": "", "reason": _brief(error), "stage": self._stage}
                states[kind]["exhausted"] = is_out_of_memory(error)
            else:
                state = "wrong" if note else "works"
                states[kind] = {"state": state, "name": opened.name, "reason": note, "stage": ""}
        return {"states": states}, {}

    def _load(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        import torch

        assert self._device is not None
        torch.manual_seed(request["seed"])
        numbers = sum(array.size for array in arrays.values())
        torch.set_num_threads(self._threads if numbers > _SMALL else 1)
        self._names, self._sizes = tuple(request["names"]), tuple(request["sizes"])
        self._network, self._witnesses = Network(Path(request["folder"])), {}
        in_full()  # a file of somebody's own may have asked for TF32 when it was loaded
        self._data = {"X": arrays["X"], "YT": arrays["YT"]}
        model = self._network.build(self._sizes, self._names)
        parameters = {name: arrays[name] for name in self._names}
        self._network.set_parameters(model, parameters, self._device.torch, torch.float32)
        X, YT = (torch.tensor(arrays[k], dtype=torch.float32).to(self._device.torch) for k in ("X", "YT"))
        loss = self._network.loss_on(self._device.torch, torch.float32)
        optimizer, settings = request.get("optimizer", ("sgd", {}))
        pairs = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
        self._optimizer = Optimizer(optimizer, pairs)
        # what the first step starts from is what was sent, not what a copy to the device has made of it
        self._sent = [values.astype(np.float32) for values in parameters.values()]
        self._trainer = Trainer(
            model, loss, X, YT, request["lr"], self._device, self.stage, optimizer, settings, self._at_steps
        )
        self._batched = True
        # one pass on the CPU, so that what is wrong with autograd.py is not taken for a device that refuses
        self._at_points(self._sizes, self._data, [values[None] for values in parameters.values()], batched=False)
        witness, loss = self._witnesses[self._sizes], self._network.loss_on("cpu", torch.float64)
        points = list(parameters.values())
        with self._blaming_the_file():
            self._batched = batching_is_exact(witness, loss, arrays["X"], arrays["YT"], points, self._alive)
        return {}, {}

    def _train(self, request: dict[str, Any], _: dict[str, Array]) -> Answer:
        assert self._trainer is not None
        with self._blaming_the_file(all_of_it=False):
            recorded = self._trainer.train(request["steps"])
        self._notes += [text for text in (still_on(),) if text]  # that a network turned on while it was trained
        for state, sent in zip(recorded.states, self._sent):
            state[0] = sent
        self._sent = []
        self._say_witness()
        replies = {"E": recorded.losses}
        replies.update(zip(self._names, recorded.states))
        replies.update((f"read.{name}", g) for name, g in zip(self._names, recorded.gradients))
        losses, gradients = self._at_steps([state[:-1].astype(np.float64) for state in recorded.states])
        replies["dE"] = losses
        replies.update((f"d{name}", g) for name, g in zip(self._names, gradients))
        return {"plain": self._trainer.why_plain, "read": recorded.read}, replies

    def _witness(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        sizes = tuple(request.get("sizes", self._sizes))
        data = {key: arrays.get(key, self._data.get(key)) for key in ("X", "YT")}
        losses, gradients = self._at_points(sizes, data, [arrays[name] for name in self._names])
        return {}, {"E": losses, **dict(zip(self._names, gradients))}

    def _lines(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        inputs = {name: arrays[name] for name in ("X", "YT", *self._names)}
        replies = dict(lines_by_autograd(read(request["derivation"]), inputs, self._names))
        losses, gradients = self._at_points(self._sizes, inputs, [arrays[name][None] for name in self._names])
        replies["own:E"] = losses[0]
        replies["own:Y"] = output_at(self._witnesses[self._sizes], arrays["X"], [arrays[name] for name in self._names])
        replies |= {f"own:d{name}": gradient[0] for name, gradient in zip(self._names, gradients)}
        if request.get("updates"):
            for name, gradient in zip(self._names, gradients):
                states = {state: arrays[f"{state}:{name}"] for state in self._optimizer.states}
                t, lr = request["t"], request["lr"]
                after = update_by_optim(self._optimizer, lr, t, arrays[name], gradient[0], states)
                replies |= {f"{line}:{name}": value for line, value in after.items()}
        return {}, replies

    def _operator(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        import torch

        assert self._device is not None
        place = self._device.torch if request["place"] == "device" else torch.device("cpu")
        torch.set_num_threads(self._threads if sum(a.size for a in arrays.values()) > _SMALL else 1)
        torch.set_warn_always(True)  # a driver that warns once in a process would name one operator alone
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            try:
                return called(request, arrays, place)
            except (Exception, SystemExit) as error:
                return {"refused": _brief(error)}, {}

    def _facts(self, _: dict[str, Any], __: dict[str, Array]) -> Answer:
        assert self._device is not None
        return {"driver": driver.facts(self._device)}, {}

    def _say_witness(self) -> None:
        self.stage(phrase("take gradients in float64 on the CPU"))

    def _alive(self) -> None:
        """Give a sign of life from the float64 witness, if it is time for one."""
        if time.monotonic() - self._told > often():
            self._say_witness()

    def _at_steps(self, points: list[Array]) -> tuple[Array, list[Array]]:
        return self._at_points(self._sizes, self._data, points)

    def _at_points(
        self, sizes: tuple[int, ...], data: Any, points: list[Array], batched: bool | None = None
    ) -> tuple[Array, list[Array]]:
        import torch

        assert self._network is not None
        if sizes not in self._witnesses:
            self._witnesses[sizes] = self._network.build(sizes, self._names).double()
        with self._blaming_the_file():
            loss = self._network.loss_on("cpu", torch.float64)
            chosen = self._batched if batched is None else batched
            return at_points(self._witnesses[sizes], loss, data["X"], data["YT"], points, chosen, self._alive)

    @contextmanager
    def _blaming_the_file(self, all_of_it: bool = True) -> Iterator[None]:
        """Let an exception be autograd.py's: any, as on the CPU, or on a device one that a line of its own raises.

        One that says that a driver is broken or memory exhausted is not, on the CPU either.
        """
        assert self._network is not None
        try:
            yield
        except (Exception, SystemExit) as error:
            if is_broken(error) or not (all_of_it or was_raised_in(error, self._network.path)):
                raise
            raise CaseError(describe(error, self._network.path)) from None


def serve(source: BinaryIO, output: BinaryIO) -> None:
    """Answer requests until the input ends."""
    server = Server(output)
    warnings.showwarning = server.note_warning  # type: ignore[assignment]
    warnings.simplefilter("default")  # whatever Python was told: what a device leaves to the CPU is to be noted
    warnings.simplefilter("ignore", ResourceWarning)  # as the last line of a process that ended it would be its reason
    while True:
        try:
            request, arrays = frames.read(source)
        except frames.FrameError:
            return
        with use(request.get("language", LANGUAGES[0])):
            try:
                header, replies = server.answer(request, arrays)
            except (Exception, SystemExit) as error:
                header, replies = _failure(error), {}
        frames.write(output, header, replies)


def main() -> None:
    """Run the torch process: frames on the standard streams, whatever else is printed goes to standard error."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # prints of a case or a driver must not fall between frames
    serve(sys.stdin.buffer, output)


def _failure(error: BaseException) -> dict[str, str]:
    """Return the answer for an error: whose it is, and in which words."""
    if isinstance(error, CaseError):
        return {"error": str(error), "kind": "case"}
    if isinstance(error, ModuleNotFoundError) and error.name == "torch":
        said = phrase("torch is not installed for this Python; mend it with  pip install torch")
        return {"error": said, "kind": "input"}
    if isinstance(error, devices.NoDevice):
        return {"error": str(error), "kind": "missing"}
    return {"error": _brief(error), "kind": "memory" if is_out_of_memory(error) else "device"}


def _brief(error: BaseException) -> str:
    text = str(error).strip()
    if text.startswith("The following operation failed in the TorchScript interpreter."):
        text = text.rpartition("\nRuntimeError: ")[2]  # what the operator itself said, behind where it was
    return f"{type(error).__name__}: {text.splitlines()[0][:300]}" if text else type(error).__name__


if __name__ == "__main__":
    main()
