"""Does not even parse."""

import numpy as np


def forward(params, X)
    return X @ params["W"].T, X
