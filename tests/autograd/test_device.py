"""Each kind of device is opened in one way: what is missing, fails or works is told apart, and from where on."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

from nncheck.autograd import device as devices
from nncheck.autograd.device import Device, NoDevice, cpu_in_its_place, kinds, open_device, self_test
from nncheck.autograd.network import Network

OF_TORCH = ("cuda", "xpu", "mps")


class Stages(list[tuple[str, str]]):
    """Notes what it is told."""

    def __call__(self, name: str, device: str = "") -> None:
        self.append((name, device))


def _have(monkeypatch: pytest.MonkeyPatch, **counts: Any) -> None:
    """Let torch have so many devices of each kind, or raise where it is asked."""
    for kind in OF_TORCH:
        count = counts.get(kind, 0)

        def asked(count: Any = count) -> Any:
            if isinstance(count, Exception):
                raise count
            return count

        module = torch.backends.mps if kind == "mps" else getattr(torch, kind)
        monkeypatch.setattr(module, "is_available", lambda count=count: count != 0)
        if kind == "mps":
            monkeypatch.setattr(module, "is_available", asked)
        else:
            monkeypatch.setattr(module, "device_count", asked)
            monkeypatch.setattr(module, "get_device_name", lambda index, kind=kind: f"Fake {kind} {index}")


@pytest.fixture
def directml(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a package in place of torch_directml whose device is the value of an expression."""

    def put(given: str) -> None:
        package = ModuleType("torch_directml")
        said = {
            "device_count": lambda: 1,
            "device": lambda index: eval(given, {"torch": torch}),
            "device_name": _refuses,
        }
        vars(package).update(said)
        monkeypatch.setitem(sys.modules, "torch_directml", package)
        monkeypatch.setattr(devices, "missing_directml", lambda: "")

    return put


@pytest.mark.parametrize("kind", OF_TORCH)
def test_a_device_that_works_is_opened_and_named(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    _have(monkeypatch, **{kind: 1})
    stages = Stages()
    opened = open_device(kind, stages)
    assert (opened.kind, str(opened.torch)) == (kind, f"{kind}:0")
    assert opened.name == (opened.name if kind == "mps" else f"Fake {kind} 0")
    # torch itself is nobody's fault: only what comes after it is this device's
    assert stages == [("import torch", ""), ("device_count", kind), ("open the device", "")]


def _not_utf8(index: int) -> str:
    return b"\xb1\xd7\xb7\xa1\xc7\xc8".decode("utf-8")  # Korean in the code page of Windows


def _refuses(index: int) -> str:
    raise RuntimeError("no name")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (lambda index: "그래픽 GPU\0\0 ", "그래픽 GPU"),
        (lambda index: "GPU\x1b[31m\n<b>", "GPU [31m <b>"),
        (lambda index: "L" * 3000, "L" * 100),
        (_not_utf8, ""),
        (_refuses, ""),
        (lambda index: None, ""),
    ],
)
def test_a_name_fits_a_line_and_is_no_reason_to_do_without_a_device(
    monkeypatch: pytest.MonkeyPatch, said: Callable[[int], str], name: str
) -> None:
    _have(monkeypatch, cuda=1)
    monkeypatch.setattr(torch.cuda, "get_device_name", said)
    assert open_device("cuda", Stages()).name == name


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_an_index_names_one_of_several(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    _have(monkeypatch, **{kind: 2})
    opened = open_device(f"{kind}:1", Stages())
    assert (str(opened.torch), opened.name) == (f"{kind}:1", f"Fake {kind} 1")
    with pytest.raises(NoDevice) as caught:
        open_device(f"{kind}:2", Stages())
    assert str(caught.value) == f"torch finds 2 {kind.upper()} device(s), index 2 was asked for"


@pytest.mark.parametrize("kind", OF_TORCH)
def test_none_is_missing_and_says_whether_torch_was_built_for_it(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    _have(monkeypatch)
    built = {"cuda": [(torch.version, "cuda"), (torch.version, "hip")]}.get(kind, [])
    for place, name in built:
        monkeypatch.setattr(place, name, None)
    with pytest.raises(NoDevice) as caught:
        open_device(kind, Stages())
    assert str(caught.value) == f"torch finds 0 {kind.upper()} device(s); this torch was built without it"
    for place, name in built or [(torch.xpu, "_is_compiled"), (torch.backends.mps, "is_built")]:
        monkeypatch.setattr(place, name, lambda: True)
    with pytest.raises(NoDevice) as caught:
        open_device(kind, Stages())
    assert str(caught.value) == f"torch finds 0 {kind.upper()} device(s)"


def test_what_torch_warns_of_while_it_counts_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    _have(monkeypatch)

    def available() -> bool:
        warnings.warn(
            "CUDA initialization: The NVIDIA driver on your system is too old\n (found version 11040)", stacklevel=2
        )
        return False

    monkeypatch.setattr(torch.cuda, "is_available", available)
    with pytest.raises(
        NoDevice, match=r"\(CUDA initialization: The NVIDIA driver .* too old \(found version 11040\)\)$"
    ):
        open_device("cuda", Stages())


@pytest.mark.parametrize(
    ("counts", "skip", "taken"),
    [
        ({}, (), "cpu"),
        ({"cuda": 1, "xpu": 1, "mps": 1}, (), "cuda"),
        ({"cuda": 1, "xpu": 1, "mps": 1}, ("cuda",), "xpu"),
        ({"xpu": 1, "mps": 1}, ("directml", "xpu"), "mps"),
        ({"cuda": 1, "mps": 1}, ("cuda", "mps"), "cpu"),
    ],
)
def test_auto_takes_the_first_there_is_and_passes_over(
    monkeypatch: pytest.MonkeyPatch, counts: dict[str, int], skip: tuple[str, ...], taken: str
) -> None:
    _have(monkeypatch, **counts)
    stages = Stages()
    assert open_device("auto", stages, skip).kind == taken
    assert [device for _, device in stages if device][-1] == taken
    assert not {device for _, device in stages} & set(skip)


@pytest.mark.parametrize("kind", OF_TORCH)
def test_a_device_that_fails_in_auto_is_not_hidden_and_is_known(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    _have(monkeypatch, **{kind: RuntimeError("driver")})
    stages = Stages()
    with pytest.raises(RuntimeError, match="driver"):
        open_device("auto", stages)
    assert stages[-1] == ("device_count", kind)


@pytest.mark.parametrize("kind", ["cpu", *OF_TORCH])
def test_every_kind_is_opened_in_full_precision(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    _have(monkeypatch, **{kind: 1})
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.allow_tf32 = True
    open_device(kind, Stages())
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


class NoDouble(torch.utils._python_dispatch.TorchDispatchMode):
    """Refuses what MPS refuses: a tensor of float64 that goes to the device (here ``meta``), and one made there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = kwargs or {}
        place = str(options.get("device") or "")
        tensors = [a for a in args if isinstance(a, torch.Tensor)]
        if place == "meta" and (
            any(t.dtype == torch.float64 for t in tensors) or options.get("dtype") == torch.float64
        ):
            raise TypeError(
                "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64."
            )
        return func(*args, **options)


def test_nothing_goes_to_a_device_in_float64(copy_case: Callable[..., Any]) -> None:
    edit = (
        "autograd.py",
        "from torch import nn\n",
        "import torch\nfrom torch import nn\ntorch.set_default_dtype(torch.double)\n",
    )
    weighted = ("autograd.py", "nn.MSELoss()", "nn.CrossEntropyLoss(torch.ones(2))")
    try:
        network = Network(copy_case("hidden", edit, weighted))
        model = network.build((2, 4, 2), ("W", "B", "W2", "B2"))
        with NoDouble():
            model_values = {n: p.detach().numpy() for n, p in zip(("W", "B", "W2", "B2"), model.parameters())}
            network.loss_on("meta", torch.float32)
            network.set_parameters(model, model_values, "meta", torch.float32)
            with pytest.raises(TypeError, match="doesn't support float64"):  # the check can fail
                torch.ones(2, dtype=torch.float64).to("meta", torch.float32)
    finally:
        torch.set_default_dtype(torch.float32)
    assert {(p.device.type, p.dtype) for p in model.parameters()} == {("meta", torch.float32)}


def test_the_self_test_sends_float32_alone() -> None:
    with NoDouble(), pytest.raises(NotImplementedError, match="meta"):  # nothing can be read back from there
        self_test(Device("mps", torch.device("meta"), "Fake"), Stages())


def test_a_self_test_refuses_numbers_that_something_else_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.autograd, "grad", lambda E, leaves: [torch.zeros(leaf.shape) for leaf in leaves])
    with pytest.raises(RuntimeError, match=r"^what mps was to compute lies on cpu$"):
        self_test(Device("mps", torch.device("meta"), "Fake"), Stages())


# for DirectML, whose package is somebody else's
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("None", "None"),
        ("'meta'", "meta"),
        ("object()", "<object object at 0x"),
        ("'nonsense'", "nonsense"),
    ],
)
def test_what_a_package_gives_is_to_be_a_device(directml: Callable[[str], None], given: str, said: str) -> None:
    directml(given)
    stages = Stages()
    with pytest.raises(RuntimeError, match=rf"^torch_directml gives {said}.*, which is no device$"):
        open_device("directml", stages)
    assert stages[-1][0] == "open the device"


def test_a_package_that_gives_the_cpu_is_used_and_said_to(directml: Callable[[str], None]) -> None:
    directml("torch.device('cpu')")
    opened = open_device("directml", Stages())
    assert (opened.kind, opened.torch.type) == ("directml", "cpu")
    assert cpu_in_its_place(opened) == "directml computes on the CPU, which its package gives as the device"
    assert not cpu_in_its_place(Device("cpu", torch.device("cpu"), "CPU"))
    assert not cpu_in_its_place(Device("mps", torch.device("meta"), "Fake"))


def test_a_package_that_has_no_name_for_its_device_is_used(directml: Callable[[str], None]) -> None:
    directml("'xla:0'")
    opened = open_device("directml", Stages())
    assert (str(opened.torch), opened.name) == ("xla:0", "DirectML")


def test_a_self_test_names_what_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert self_test(Device("cpu", torch.device("cpu"), "CPU"), Stages()) == ""
    exact = torch.autograd.grad

    def off(E: Any, leaves: Any) -> Any:
        gradients = exact(E, leaves)
        return [g * 0 if g.dtype == torch.float32 else g for g in gradients]

    monkeypatch.setattr(torch.autograd, "grad", off)
    assert self_test(Device("cpu", torch.device("cpu"), "CPU"), Stages()).startswith("self-test: dW is off by ")


def test_the_kinds_are_tried_in_this_order() -> None:
    assert list(kinds()) == ["directml", *OF_TORCH, "cpu"]
    assert devices.parse("DML:1") == ("directml", 1)
