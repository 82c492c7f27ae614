"""The optimizers that a case may name, and the settings of each, by torch's names and with torch's defaults.

Plain data: case.toml is read by it (`casefile`), the formulas of each optimizer stand in `optimizers`, and the torch
process makes its torch.optim class from it.
"""

from __future__ import annotations

from collections.abc import Mapping

from nncheck.language import N_

#: A number, or a pair of them (the two betas of Adam).
Value = float | tuple[float, float]

#: Settings of each optimizer with their defaults. torch's own momentum of 0 would be plain SGD, hence 0.9.
SETTINGS: Mapping[str, Mapping[str, Value]] = {
    "sgd": {"weight_decay": 0.0},
    "momentum": {"momentum": 0.9, "weight_decay": 0.0},
    "nesterov": {"momentum": 0.9, "weight_decay": 0.0},
    "rmsprop": {"alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0},
    "adam": {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0},
    "adamw": {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01},
}

#: What a person calls each, in English.
TITLES: Mapping[str, str] = {
    "sgd": "SGD",
    "momentum": N_("SGD with momentum"),
    "nesterov": N_("SGD with Nesterov momentum"),
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
}
