"""The torch network of a case: its ``autograd.py`` loaded, built in any size and given its parameters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nncheck import source
from nncheck.errors import CaseError, InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase


class Network:
    """A case's ``nn.Module`` and loss, and where its parameters sit.

    Parameters
    ----------
    folder : Path
        Case folder; its autograd.py defines ``network(*sizes)``, an nn.Module whose parameters come in the order of
        case.toml, and ``loss``, a function or module of (Y, YT).
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "autograd.py"
        try:
            module = source.load_module(self.path, "nncheck_case_autograd")
        except InputError as error:
            raise CaseError(str(error)) from None
        missing = [name for name in ("network", "loss") if not callable(getattr(module, name, None))]
        if missing:
            raise CaseError(
                phrase(
                    "{path}: {missing} missing; expected a function network(n_in, ..., n_out) that returns an "
                    "nn.Module, and loss, such as nn.MSELoss().",
                    path=self.path,
                    missing=" and ".join(missing),
                )
            )
        self._network = module.network
        self.loss: Callable[..., Any] = module.loss

    def build(self, sizes: tuple[int, ...], names: tuple[str, ...]) -> Any:
        """Return a new model of the given layer widths, its parameters as torch initialised them.

        Raises
        ------
        CaseError
            If autograd.py fails, returns something else, or has another number of parameters than case.toml.
        """
        from torch import nn

        try:
            model = self._network(*sizes)
        except (Exception, SystemExit) as error:
            raise CaseError(source.describe(error, self.path)) from None
        if not isinstance(model, nn.Module):
            raise CaseError(
                phrase(
                    "{path}: network{sizes} returned {kind}, expected an nn.Module.",
                    path=self.path,
                    sizes=sizes,
                    kind=type(model).__name__,
                )
            )
        own = [name for name, _ in model.named_parameters()]
        if len(own) != len(names):
            raise CaseError(
                phrase(
                    "{path}: the network has {count} parameters ({own}), case.toml has {expected} ({names}); they are "
                    "matched in order.",
                    path=self.path,
                    count=len(own),
                    own=", ".join(own),
                    expected=len(names),
                    names=", ".join(names),
                )
            )
        still = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
        if still:
            raise CaseError(
                phrase(
                    "{path}: {names} needs requires_grad=True; every parameter is trained.",
                    path=self.path,
                    names=", ".join(still),
                )
            )
        return model

    def loss_on(self, place: Any, dtype: Any) -> Callable[..., Any]:
        """Return the loss with its own tensors, such as class weights, on a device and in a type."""
        from torch import nn

        if not isinstance(self.loss, nn.Module):
            return self.loss
        # the type on the CPU first: MPS and DirectML refuse a tensor of float64, even one on its way to float32
        placed: Callable[..., Any] = copy.deepcopy(self.loss).to(dtype).to(place)
        return placed

    def set_parameters(self, model: Any, params: Mapping[str, Array], place: Any, dtype: Any) -> None:
        """Move the model to a device and type, then put values into its parameters, matched in order.

        Raises
        ------
        CaseError
            If a shape is not the one that the network has.
        """
        import torch

        model.to(dtype).to(place)  # as `loss_on`; before any optimizer: moving replaces the parameters
        for (own, parameter), (name, value) in zip(model.named_parameters(), params.items()):
            if tuple(parameter.shape) != value.shape:
                raise CaseError(
                    phrase(
                        "{path}: {own} has shape {shape}, but {name} in case.toml has {expected}; "
                        "they are matched in order.",
                        path=self.path,
                        own=own,
                        shape=tuple(parameter.shape),
                        name=name,
                        expected=value.shape,
                    )
                )
            with torch.no_grad():
                parameter.copy_(torch.tensor(value, dtype=dtype))
