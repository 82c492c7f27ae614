"""The mistakes that people make in hand-written backpropagation, each as a rewrite of a derivation line.

A rewrite is a formula in the letters of a part (`anatomy.Part`): ``this`` stands for the line as it is, ``lr`` for the
learning rate. Besides the functions of a derivation it may use those of `arithmetic.SPECIAL`. To add a mistake, add a
row.
"""

from __future__ import annotations

from dataclasses import dataclass

from nncheck.language import N_


@dataclass(frozen=True)
class Mistake:
    """A mistake of one kind of part.

    Attributes
    ----------
    id : str
        Family and member: ``act.missing``.
    kind : str
        Kind of the part whose line it rewrites.
    rewrite : str
        The right-hand side that is written instead.
    text : str
        What is done, to stand after "equals what one gets by".
    """

    id: str
    kind: str
    rewrite: str
    text: str


MISTAKES = (
    # the network computes something else
    Mistake("forward.no_bias", "linear", "A @ W.T", N_("leaving out the bias")),
    Mistake("forward.WT", "linear", "A @ W + B", N_("multiplying by W instead of its transpose")),
    Mistake("forward.minus_bias", "linear", "A @ W.T - B", N_("subtracting the bias")),
    Mistake("forward.no_act", "relu", "Z", N_("leaving out the activation")),
    Mistake("forward.no_act", "sigmoid", "Z", N_("leaving out the activation")),
    Mistake("forward.no_act", "tanh", "Z", N_("leaving out the activation")),
    Mistake("forward.sigmoid", "relu", "sigmoid(Z)", N_("using a sigmoid as activation")),
    Mistake("forward.tanh", "relu", "tanh(Z)", N_("using tanh as activation")),
    Mistake("forward.leaky", "relu", "where(Z > 0, Z, 0.01 * Z)", N_("using a leaky ReLU as activation")),
    Mistake("forward.abs", "relu", "abs(Z)", N_("using the absolute value as activation")),
    Mistake("forward.relu", "sigmoid", "relu(Z)", N_("using a ReLU as activation")),
    Mistake("forward.tanh", "sigmoid", "tanh(Z)", N_("using tanh as activation")),
    Mistake("forward.softmax", "sigmoid", "softmax(Z)", N_("using a softmax as activation")),
    Mistake("forward.exp_sign", "sigmoid", "sigmoid(-Z)", N_("writing exp(Z) in place of exp(-Z) in the sigmoid")),
    Mistake("forward.relu", "tanh", "relu(Z)", N_("using a ReLU as activation")),
    Mistake("forward.sigmoid", "tanh", "sigmoid(Z)", N_("using a sigmoid as activation")),
    # the reported loss
    Mistake("loss.half", "mse", "this / 2", N_("halving the loss")),
    Mistake("loss.sum", "mse", "((Y - YT) ** 2).sum()", N_("summing the squares instead of averaging them")),
    Mistake("loss.sumO", "mse", "((Y - YT) ** 2).sum() / len(Y)", N_("averaging the squares over the batch alone")),
    Mistake(
        "loss.sumN", "mse", "((Y - YT) ** 2).sum() / Y.shape[1]", N_("averaging the squares over the outputs alone")
    ),
    Mistake(
        "loss.half_sum",
        "mse",
        "((Y - YT) ** 2).sum() / 2",
        N_("taking half the sum of the squares instead of their mean"),
    ),
    Mistake(
        "loss.half_sumO",
        "mse",
        "((Y - YT) ** 2).sum() / 2 / len(Y)",
        N_("taking half the squares, averaged over the batch"),
    ),
    Mistake("loss.root", "mse", "sqrt(this)", N_("taking the root of the mean squared error")),
    Mistake("loss.abs", "mse", "abs(Y - YT).mean()", N_("taking absolute values instead of squares")),
    Mistake("loss.no_square", "mse", "(Y - YT).mean()", N_("leaving out the square")),
    Mistake(
        "loss.bc_row",
        "mse",
        "((Y - YT.T) ** 2).mean()",
        N_("subtracting a row from a column, which broadcasts to (N, N)"),
    ),
    Mistake("loss.sign", "mse", "-this", N_("reversing the sign of the loss")),
    Mistake("loss.sign", "ce", "-this", N_("reversing the sign of the cross-entropy")),
    Mistake("loss.sum", "ce", "-(YT * log_softmax(Y)).sum()", N_("summing over the batch instead of averaging")),
    Mistake("loss.sumO", "ce", "-(YT * log_softmax(Y)).mean()", N_("averaging over the outputs too")),
    Mistake("loss.half", "ce", "this / 2", N_("halving the loss")),
    Mistake(
        "ce.double_softmax",
        "ce",
        "-(YT * log_softmax(softmax(Y))).sum() / len(Y)",
        N_("taking a softmax of the softmax"),
    ),
    Mistake(
        "loss.binary",
        "ce",
        "-(YT * log(softmax(Y)) + (1 - YT) * log(1 - softmax(Y))).sum() / len(Y)",
        N_("taking the binary cross-entropy of each output"),
    ),
    Mistake("loss.prob", "ce", "-(YT * softmax(Y)).sum() / len(Y)", N_("leaving out the logarithm")),
    Mistake(
        "ce.softmax_all",
        "ce",
        "-(YT * log(softmax_all(Y))).sum() / len(Y)",
        N_("taking the softmax over the whole batch"),
    ),
    Mistake(
        "ce.softmax_axis0",
        "ce",
        "-(YT * log(softmax_axis0(Y))).sum() / len(Y)",
        N_("taking the softmax along the batch"),
    ),
    Mistake(
        "loss.mse", "ce", "((softmax(Y) - YT) ** 2).mean()", N_("taking the mean squared error of the probabilities")
    ),
    # the gradient of the mean squared error
    Mistake("mse.no2", "dmse", "(Y - YT) / Y.size", N_("leaving out the 2 of the square's derivative")),
    Mistake("mse.sumN", "dmse", "2 * (Y - YT) / Y.shape[1]", N_("not dividing by the batch size N")),
    Mistake("mse.sumO", "dmse", "2 * (Y - YT) / len(Y)", N_("not dividing by the number of outputs K")),
    Mistake("mse.sum", "dmse", "2 * (Y - YT)", N_("dividing neither by N nor by K")),
    Mistake("mse.plain", "dmse", "Y - YT", N_("writing Y - YT, without 2 and without the mean's 1/(N K)")),
    Mistake("mse.plainN", "dmse", "(Y - YT) / len(Y)", N_("leaving out the 2 and the 1/K")),
    Mistake("mse.plainK", "dmse", "(Y - YT) / Y.shape[1]", N_("leaving out the 2 and the 1/N")),
    Mistake("batch.divN_again", "dmse", "this / len(Y)", N_("dividing by the batch size N twice")),
    Mistake("mse.divK_again", "dmse", "this / Y.shape[1]", N_("dividing by the number of outputs K twice")),
    Mistake("loss.gsign", "dmse", "-this", N_("taking YT - Y, which turns the sign")),
    Mistake("mse.avg_first", "dmse", "this.mean(axis=0) + 0 * Y", N_("averaging the error over the batch first")),
    Mistake("mse.sum_first", "dmse", "this.sum(axis=0) + 0 * Y", N_("summing the error over the batch first")),
    Mistake(
        "mse.bc_row",
        "dmse",
        "2 * (Y - YT.T) / Y.size",
        N_("subtracting a row from a column, which broadcasts to (N, N)"),
    ),
    Mistake(
        "mse.bc_row",
        "dmse",
        "2 * (Y - YT.T) / (Y - YT.T).size",
        N_("subtracting a row from a column, which broadcasts to (N, N)"),
    ),
    Mistake(
        "mse.bc_row",
        "dmse",
        "2 * (Y - YT.mean(axis=0)) / Y.size",
        N_("subtracting a row from a column, which broadcasts to (N, N)"),
    ),
    Mistake("mse.no_target", "dmse", "2 * Y / Y.size", N_("leaving out the target")),
    Mistake("mse.squared", "dmse", "(Y - YT) ** 2 / Y.size", N_("taking the loss itself instead of its derivative")),
    Mistake("mse.abs", "dmse", "2 * abs(Y - YT) / Y.size", N_("taking the absolute value of the error")),
    Mistake(
        "mse.only_loss", "dmse", "0 * Y + ((Y - YT) ** 2).mean()", N_("taking the value of the loss for every output")
    ),
    # the gradient of softmax with cross-entropy
    Mistake("ce.noN", "dce", "P - YT", N_("not dividing by the batch size N")),
    Mistake("batch.divN_again", "dce", "this / len(Y)", N_("dividing by the batch size N twice")),
    Mistake("ce.sumO", "dce", "(P - YT) / Y.size", N_("dividing by the number of outputs too")),
    Mistake("loss.gsign", "dce", "-this", N_("taking YT - P, which turns the sign")),
    Mistake(
        "ce.jac_elem", "dce", "-YT / P * P * (1 - P) / len(Y)", N_("taking P (1 - P) alone as the softmax's derivative")
    ),
    Mistake("ce.times_pq", "dce", "this * P * (1 - P)", N_("multiplying P - YT by P (1 - P) as well")),
    Mistake("ce.no_softmax", "dce", "(Y - YT) / len(Y)", N_("taking the logits in place of their softmax")),
    Mistake("ce.dP", "dce", "-YT / P / len(Y)", N_("stopping at the derivative with respect to P")),
    Mistake("ce.double_softmax", "dce", "(softmax(P) - YT) / len(Y)", N_("taking a softmax of the softmax")),
    Mistake("ce.sigmoid", "dce", "(sigmoid(Y) - YT) / len(Y)", N_("taking a sigmoid in place of the softmax")),
    Mistake("ce.softmax_all", "dce", "(softmax_all(Y) - YT) / len(Y)", N_("taking the softmax over the whole batch")),
    Mistake("ce.softmax_axis0", "dce", "(softmax_axis0(Y) - YT) / len(Y)", N_("taking the softmax along the batch")),
    Mistake("ce.mse_nojac", "dce", "2 * (P - YT) / Y.size", N_("taking the gradient of the mean squared error")),
    Mistake(
        "ce.mse_elem",
        "dce",
        "2 * (P - YT) / Y.size * P * (1 - P)",
        N_("taking the mean squared error's gradient times P (1 - P)"),
    ),
    Mistake(
        "ce.mse_jac",
        "dce",
        "P * (2 * (P - YT) / Y.size - (2 * (P - YT) / Y.size * P).sum(axis=1, keepdims=True))",
        N_("taking the gradient of the mean squared error of the probabilities"),
    ),
    Mistake("ce.fancy", "dce", "(P - YT.max(axis=0)) / len(Y)", N_("writing P[:, y] -= 1, which changes every row")),
    Mistake("ce.off_by_one", "dce", "(P - next_column(YT)) / len(Y)", N_("using labels that are one too high")),
    Mistake("ce.off_by_one", "dce", "(P - previous_column(YT)) / len(Y)", N_("using labels that are one too low")),
    Mistake("ce.label_value", "dce", "(P - label(YT)) / len(Y)", N_("subtracting the number of the label")),
    Mistake("ce.no_target", "dce", "P / len(Y)", N_("leaving out the target")),
    # the derivative of an activation
    *(
        Mistake(id, kind, rewrite, text)
        for kind in ("drelu", "dsigmoid", "dtanh")
        for id, rewrite, text in (
            ("act.missing", "dA", N_("leaving out the derivative of the activation")),
            ("act.times_value", "dA * H", N_("multiplying by the activation instead of its derivative")),
            ("act.times_preact", "dA * Z", N_("multiplying by the activation's input instead of its derivative")),
            ("act.one_minus", "dA * (1 - H)", N_("multiplying by 1 - H alone")),
            ("relu.mask_grad", "dA * (dA > 0)", N_("masking by the sign of the gradient instead of the input's")),
        )
    ),
    Mistake("act.no_upstream", "drelu", "(Z > 0) + 0 * dA", N_("leaving out the gradient from above")),
    Mistake("act.no_upstream", "dsigmoid", "H * (1 - H)", N_("leaving out the gradient from above")),
    Mistake("act.no_upstream", "dtanh", "1 - H ** 2", N_("leaving out the gradient from above")),
    Mistake("act.twice", "dsigmoid", "this * H * (1 - H)", N_("applying the derivative of the activation twice")),
    Mistake("act.twice", "dtanh", "this * (1 - H ** 2)", N_("applying the derivative of the activation twice")),
    Mistake("act.kind_sigmoid", "drelu", "dA * H * (1 - H)", N_("using the derivative of a sigmoid")),
    Mistake("act.kind_sigmoid", "drelu", "dA * sigmoid(Z) * (1 - sigmoid(Z))", N_("using the derivative of a sigmoid")),
    Mistake("act.kind_tanh", "drelu", "dA * (1 - H ** 2)", N_("using the derivative of tanh")),
    Mistake("relu.inverted", "drelu", "dA * (Z <= 0)", N_("inverting the mask of the ReLU")),
    Mistake("relu.leaky", "drelu", "where(Z > 0, dA, 0.01 * dA)", N_("using the derivative of a leaky ReLU")),
    Mistake("relu.sign", "drelu", "dA * sign(Z)", N_("using the sign of the input instead of the mask")),
    Mistake(
        "act.on_output",
        "dsigmoid",
        "dA * sigmoid(H) * (1 - sigmoid(H))",
        N_("taking the derivative at the output, s'(Y) for s'(Z)"),
    ),
    Mistake(
        "act.pre_as_post", "dsigmoid", "dA * Z * (1 - Z)", N_("writing Z (1 - Z), where the sigmoid's output belongs")
    ),
    Mistake("act.plus", "dsigmoid", "dA * H * (1 + H)", N_("writing 1 + H in place of 1 - H")),
    Mistake("act.kind_relu", "dsigmoid", "dA * (Z > 0)", N_("using the derivative of a ReLU")),
    Mistake("act.kind_tanh", "dsigmoid", "dA * (1 - H ** 2)", N_("using the derivative of tanh")),
    Mistake("act.square", "dsigmoid", "dA * H ** 2 * (1 - H)", N_("multiplying by one factor H too many")),
    Mistake("act.minus_square", "dsigmoid", "dA * (1 - H ** 2) * H", N_("writing H (1 - H^2) for H (1 - H)")),
    Mistake("act.sign", "dsigmoid", "dA * H * (H - 1)", N_("writing H - 1 in place of 1 - H")),
    Mistake(
        "act.exp", "dsigmoid", "dA * exp(-Z)", N_("taking the exponential alone instead of the sigmoid's derivative")
    ),
    Mistake("act.on_output", "dtanh", "dA * (1 - tanh(H) ** 2)", N_("taking the derivative at the output")),
    Mistake("act.pre_as_post", "dtanh", "dA * (1 - Z ** 2)", N_("writing 1 - Z^2, where the output of tanh belongs")),
    Mistake("act.kind_sigmoid", "dtanh", "dA * H * (1 - H)", N_("using the derivative of a sigmoid")),
    Mistake("act.kind_relu", "dtanh", "dA * (Z > 0)", N_("using the derivative of a ReLU")),
    # where there is no activation
    *(
        Mistake(id, "didentity", rewrite, text)
        for id, rewrite, text in (
            ("act.kind_sigmoid", "this * Z * (1 - Z)", N_("using the derivative of a sigmoid where there is none")),
            (
                "act.kind_sigmoid",
                "this * sigmoid(Z) * (1 - sigmoid(Z))",
                N_("using the derivative of a sigmoid where there is none"),
            ),
            ("act.kind_relu", "this * (Z > 0)", N_("using the derivative of a ReLU where there is none")),
            ("act.kind_tanh", "this * (1 - Z ** 2)", N_("using the derivative of tanh where there is none")),
        )
    ),
    # the gradient of a weight
    Mistake("dW.transposed", "dweight", "A.T @ D", N_("transposing the weight's gradient")),
    Mistake("dW.preact_in", "dweight", "D.T @ preA", N_("multiplying by the input's value before its activation")),
    Mistake(
        "dW.X_in", "dweight", "D.T @ X", N_("multiplying by the network's input X in place of the layer's own input")
    ),
    Mistake("dW.own_output", "dweight", "D.T @ Out", N_("multiplying by the layer's output in place of its input")),
    Mistake("dW.before_act", "dweight", "dOut.T @ A", N_("taking the gradient before it has passed the activation")),
    Mistake("dW.divN", "dweight", "this / len(A)", N_("dividing by the batch size N once more")),
    Mistake("dW.last_only", "dweight", "last_row(D).T @ A", N_("keeping the last sample's gradient alone (= for +=)")),
    Mistake("dW.first_only", "dweight", "first_row(D).T @ A", N_("keeping the first sample's gradient alone")),
    Mistake(
        "dW.sum_first",
        "dweight",
        "outer(D.sum(axis=0), A.sum(axis=0))",
        N_("summing over the batch before multiplying"),
    ),
    Mistake(
        "dW.mean_first",
        "dweight",
        "outer(D.mean(axis=0), A.mean(axis=0))",
        N_("averaging over the batch before multiplying"),
    ),
    Mistake("dW.no_input", "dweight", "D.T @ ones_like(A)", N_("leaving out the layer's input")),
    Mistake("dW.times_W", "dweight", "this * W", N_("multiplying by the weight as well")),
    Mistake("dW.sign", "dweight", "-this", N_("taking the opposite sign")),
    Mistake("dW.zero", "dweight", "zeros_like(W)", N_("never updating the weight")),
    Mistake("dW.decay", "dweight", "this + W", N_("adding the weight itself")),
    # the gradient of a bias
    Mistake("db.mean", "dbias", "D.mean(axis=0)", N_("averaging over the batch instead of summing")),
    Mistake("db.nosum", "dbias", "D", N_("leaving out the sum over the batch")),
    Mistake("db.sum_all", "dbias", "D.sum()", N_("summing over the outputs too")),
    Mistake("db.sum_all", "dbias", "D.sum() + zeros_like(B)", N_("summing over the outputs too")),
    Mistake("db.axis1", "dbias", "D.sum(axis=1)", N_("summing over the outputs instead of the batch")),
    Mistake("db.dW_sum", "dbias", "dW.sum(axis=1)", N_("summing the weight's gradient")),
    Mistake("db.dW_col0", "dbias", "first_column(dW)", N_("taking a column of the weight's gradient")),
    Mistake("db.zero", "dbias", "zeros_like(B)", N_("never updating the bias")),
    Mistake(
        "db.before_act", "dbias", "dOut.sum(axis=0)", N_("taking the gradient before it has passed the activation")
    ),
    Mistake(
        "db.last_only", "dbias", "last_row(D).sum(axis=0)", N_("keeping the last sample's gradient alone (= for +=)")
    ),
    Mistake("db.first_only", "dbias", "first_row(D).sum(axis=0)", N_("keeping the first sample's gradient alone")),
    Mistake("db.times_B", "dbias", "this * B", N_("multiplying by the bias")),
    Mistake("db.sign", "dbias", "-this", N_("taking the opposite sign")),
    Mistake("db.max", "dbias", "D.max(axis=0)", N_("taking the largest of the batch instead of the sum")),
    # back through a linear layer
    Mistake("prop.WT", "dinput", "D @ W.T", N_("multiplying by the transpose of W")),
    Mistake("prop.dW", "dinput", "D @ dW", N_("multiplying by the weight's gradient in place of the weight")),
    Mistake("prop.updatedW", "dinput", "D @ (W - lr * dW)", N_("multiplying by the weight after its update")),
    Mistake("prop.before_act", "dinput", "dOut @ W", N_("taking the gradient before it has passed the activation")),
    Mistake("prop.no_W", "dinput", "D", N_("leaving out the weight")),
    Mistake("prop.other_W", "dinput", "D @ otherW", N_("multiplying by another layer's weight")),
    Mistake("prop.plus_B", "dinput", "D @ W + D * B", N_("adding a term for the bias that is not there")),
    Mistake("prop.sign", "dinput", "-this", N_("taking the opposite sign")),
    Mistake("prop.mean", "dinput", "this / len(D)", N_("dividing by the batch size N once more")),
    Mistake("prop.sum_batch", "dinput", "this.sum(axis=0) + 0 * this", N_("summing over the batch too early")),
    # the softmax
    Mistake("ce.double_softmax", "softmax", "softmax(softmax(Y))", N_("taking a softmax of the softmax")),
    Mistake("ce.softmax_all", "softmax", "softmax_all(Y)", N_("taking the softmax over the whole batch")),
    Mistake("ce.softmax_axis0", "softmax", "softmax_axis0(Y)", N_("taking the softmax along the batch")),
    Mistake("ce.no_exp", "softmax", "Y / Y.sum(axis=1, keepdims=True)", N_("leaving out the exponential")),
    Mistake("ce.no_normalise", "softmax", "exp(Y)", N_("leaving out the division by the sum")),
)

#: Mistakes in two lines at once: identifier, the rewrite of each kind of part, text. Those of ``conv.`` are
#: conventions, loss and gradient other by one factor.
TOGETHER = (
    *(
        (id, {loss: f"this {factor}", gradient: f"this {factor}"}, text)
        for loss, gradient in (("mse", "dmse"), ("ce", "dce"))
        for id, factor, text in (
            ("conv.half", "/ 2", N_("halving the loss, and its gradient with it")),
            ("conv.sumN", "* len(Y)", N_("summing over the batch in the loss, and in its gradient with it")),
            ("conv.sumO", "* Y.shape[1]", N_("summing over the outputs in the loss, and in its gradient with it")),
            ("conv.sum", "* Y.size", N_("summing in the loss instead of averaging, and in its gradient with it")),
            ("conv.half_sum", "* Y.size / 2", N_("taking half the sum as the loss, and its gradient with it")),
            (
                "conv.half_sumO",
                "* Y.shape[1] / 2",
                N_("taking half the sum over the outputs as the loss, and its gradient with it"),
            ),
        )
        if loss == "mse" or "O" not in id
    ),
    *(
        (id, {"ce": loss, "softmax": softmax}, text)
        for id, loss, softmax, text in (
            (
                "ce.double_softmax",
                "-(YT * log_softmax(softmax(Y))).sum() / len(Y)",
                "softmax(softmax(Y))",
                N_("taking a softmax of the softmax"),
            ),
            (
                "ce.softmax_all",
                "-(YT * log(softmax_all(Y))).sum() / len(Y)",
                "softmax_all(Y)",
                N_("taking the softmax over the whole batch"),
            ),
            (
                "ce.softmax_axis0",
                "-(YT * log(softmax_axis0(Y))).sum() / len(Y)",
                "softmax_axis0(Y)",
                N_("taking the softmax along the batch"),
            ),
        )
    ),
    (
        "ce.mse_jac",
        {
            "ce": "((softmax(Y) - YT) ** 2).mean()",
            "dce": "P * (2 * (P - YT) / Y.size - (2 * (P - YT) / Y.size * P).sum(axis=1, keepdims=True))",
        },
        N_("taking the mean squared error of the probabilities as the loss, and its gradient with it"),
    ),
)

#: Mistakes that whoever makes them makes in every layer alike.
EVERYWHERE = ("dW.", "db.", "act.", "relu.", "prop.", "forward.")

#: How common a mistake is: 3 where several independent reports of it were found, 2 where one or two, 1 the rest. Of
#: mistakes that the points cannot tell apart the most common is named first.
COMMON = {
    **dict.fromkeys(
        (
            *("mse.no2", "conv.half", "mse.sumN", "ce.noN", "mse.sumO", "mse.plain", "batch.divN_again", "dW.divN"),
            *("loss.gsign", "mse.bc_row", "act.missing", "act.on_output", "act.pre_as_post", "dW.transposed"),
            *("dW.X_in", "db.mean", "db.nosum", "db.zero", "prop.WT", "prop.updatedW", "ce.jac_elem", "ce.times_pq"),
            *("ce.double_softmax", "ce.softmax_all"),
        ),
        3,
    ),
    **dict.fromkeys(
        (
            *("mse.plainN", "mse.avg_first", "act.one_minus", "act.kind_sigmoid", "act.kind_tanh", "act.kind_relu"),
            *("relu.mask_grad", "dW.preact_in", "dW.own_output", "dW.last_only", "db.sum_all", "db.dW_sum"),
            *("db.dW_col0", "prop.dW", "ce.softmax_axis0", "ce.mse_nojac", "ce.mse_elem", "ce.mse_jac", "ce.fancy"),
            *("ce.off_by_one", "ce.label_value", "loss.sign", "loss.half", "loss.sum", "loss.bc_row"),
            *("conv.sumN", "conv.sumO", "conv.sum", "conv.half_sum", "conv.half_sumO"),
        ),
        2,
    ),
}
