"""Hand-written layers and losses, a forward and a backward, held against autograd or their own complex step."""

from nncheck.layers.check import check_backward as check_backward
