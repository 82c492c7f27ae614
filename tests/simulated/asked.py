"""Puts lines of Python to the simulated device, each in a process of its own, forked after one import of torch.

Standard input is a JSON list of ``{"code", "faults", "first", "log"}``: ``first`` is done before torch_directml is
imported, ``log`` is the folder of that process's log. Standard output is a JSON list of ``{"answer"}``, ``{"error"}``,
``{"signal"}`` or ``{"silent": true}``, the first with the ``warnings`` that were given. The code is an expression, or
statements that set ``answer``; it finds torch, F (torch.nn.functional), the device d, X = [[0, 1, 2], [3, 4, 5]] on it,
and ``same(work)``: whether ``work(place)`` gives the same bits on the device and on the CPU.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch._dynamo  # torch.optim and torch.func import it, which takes a second: once for all that are forked

#: Seconds after which a process counts as hanging.
PATIENCE = 5.0


def main() -> None:
    """Answer all questions."""
    torch.set_num_threads(1)  # what is forked has no threads
    torch.manual_seed(0)
    answers = [_asked(question) for question in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


def _asked(question: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        with os.fdopen(writing, "w") as stream:
            json.dump(_answered(question), stream)
        os._exit(0)
    os.close(writing)
    deadline = time.monotonic() + PATIENCE
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return {"silent": True}
        time.sleep(0.002)
    if os.WIFSIGNALED(ended[1]):
        return {"signal": signal.Signals(os.WTERMSIG(ended[1])).name}
    with os.fdopen(reading) as stream:
        answer: dict[str, Any] = json.load(stream)
    return answer


def _answered(question: dict[str, Any]) -> dict[str, Any]:
    os.environ["SIMULATED_FAULTS"] = "\n".join(question["faults"])
    os.environ["SIMULATED_LOG"] = question["log"]
    exec(question["first"], {"torch": torch})
    import torch_directml

    d = torch_directml.device()
    space = {"torch": torch, "F": torch.nn.functional, "d": d, "torch_directml": torch_directml}
    space |= {"X": torch.arange(6.0).reshape(2, 3).to(d), "same": lambda work: _same(work, d)}
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        try:
            answer = json.loads(json.dumps(_value(question["code"], space)))
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
    return {"answer": answer, "warnings": [str(warning.message) for warning in given]}


def _value(code: str, space: dict[str, Any]) -> Any:
    try:
        answer = eval(compile(code, "question", "eval"), space)
    except SyntaxError:
        exec(code, space)
        answer = space["answer"]
    return answer.cpu().tolist() if isinstance(answer, torch.Tensor) else answer


def _same(work: Callable[[Any], list[Any]], device: Any) -> bool:
    """Whether some work gives the same bits on the device as on the CPU, and numbers at all."""
    torch.manual_seed(1)
    got = [tensor.detach().cpu() for tensor in work(device)]
    torch.manual_seed(1)
    expected = [tensor.detach() for tensor in work(torch.device("cpu"))]
    equal = all(a.numpy().tobytes() == b.numpy().tobytes() for a, b in zip(got, expected))
    return equal and len(got) == len(expected) and all(b.abs().sum() > 0 for b in expected)


if __name__ == "__main__":
    main()
