"""Checks of the output and the loss against the labels."""

from ._check import (
    FOUND,
    Check,
    are_of_another_unit,
    are_two_for_one,
    begins_at_one,
    can_give,
    have_gaps,
    interval,
    is_recurrent,
    name_of,
)
from .ending import (
    WITHOUT_RELU,
    activation_for,
    are_a_quantity,
    are_two,
    by,
    code_by,
    cure_by,
    ending_for,
    for_numbers,
    from_logits,
    same_end,
    without,
)
from .facts import CROSS_ENTROPIES, DISTANCES, OF_PROBABILITIES, PROBABILITIES, SUM_IS_ONE, Facts, Output, Targets
from .wording import counted, digits, percent

OUTSIDE = 0.02
"""How far outside the range of the output, over the range of the targets, targets may be."""
OF_LOGARITHMS = ("mean_squared_logarithmic_error", "poisson")
"""Losses that are for counts and sizes, which are never negative."""
SIDED = ("hinge", "squared_hinge")
"""Losses of two sides, -1 and 1."""
UNLIMITED = ("relu", "tanh", "linear", "softplus", "elu", "selu", "silu", "gelu", "mish", "hard_tanh", "log_sigmoid")
"""Activations that give no probabilities."""
LOGITS = ("linear", "")
"""Activations of an output that may be logits."""


# --- what the conditions ask, and parts of sentences ---------------------------------------------------------------


def _outside(output: Output, targets: Targets) -> bool:
    """Whether targets are beyond what the output can give."""
    low, high = output.range
    allowed = OUTSIDE * (targets.high - targets.low)
    return targets.low < low - allowed or targets.high > high + allowed


def _outside_by_value(output: Output) -> bool:
    """Whether an output of no known activation gives numbers that are no probabilities."""
    return not output.activation and (output.low < -1e-3 or output.high > 1 + 1e-3)


def _is_of_classes(output: Output) -> bool:
    return output.loss in ("categorical_crossentropy", "sparse_categorical_crossentropy")


def _is_softmax_of_one(output: Output) -> bool:
    return output.activation == "softmax" and output.units == 1


def _takes_probabilities(output: Output) -> bool:
    return output.loss in OF_PROBABILITIES and output.from_logits is False


def _classes_beyond(facts: Facts) -> bool:
    """Whether there are more classes than outputs."""
    targets, output = facts.targets, facts.output
    if are_a_quantity(facts):
        return False
    if output.loss == "sparse_categorical_crossentropy" and targets.are_whole:
        return targets.high - min(max(targets.low, 0), 1) >= output.units > 1
    return (
        output.loss == "binary_crossentropy" and output.units == 1 and targets.of == "classes" and targets.classes > 2
    )


def _are_many_classes(facts: Facts) -> bool:
    """Whether whole numbers, too many to be counted as classes, are classes: the output has a unit for each."""
    targets, output = facts.targets, facts.output
    is_sparse = output.loss == "sparse_categorical_crossentropy" and targets.are_integers
    return is_sparse and targets.low >= 0 and targets.high < output.units


def _numbers_in_cross_entropy(facts: Facts) -> bool:
    """Whether targets of a cross-entropy are numbers that are no classes and no probabilities."""
    targets, loss = facts.targets, facts.output.loss
    if are_two(targets) or are_of_another_unit(facts):
        return False  # the loss is right, but not the way in which they are written
    if are_a_quantity(facts):
        return loss in CROSS_ENTROPIES
    if loss == "sparse_categorical_crossentropy":
        return targets.of == "numbers" and targets.width == 1 and not _are_many_classes(facts)
    return loss in CROSS_ENTROPIES and targets.of == "numbers" and (targets.low < 0 or targets.high > 1)


def _probable(facts: Facts) -> str:
    is_binary = facts.output.loss.startswith("binary") or facts.output.units == 1
    return "sigmoid" if is_binary else "softmax"


def _says_logits(facts: Facts) -> str:
    is_one = _probable(facts) == "sigmoid"
    return f"Pass `from_logits=True` to the loss{'. Predictions are then logits: above 0 means 1' * is_one}."


def _of_logits(facts: Facts) -> str:
    return from_logits(facts) if facts.output.activation in LOGITS else ""


# --- the checks ----------------------------------------------------------------------------------------------------

OF_LOSS = (
    Check(
        "more classes than outputs",
        "wrong_output",
        "There are more classes than units in the last layer",
        lambda f: _classes_beyond(f) and not begins_at_one(f) and not have_gaps(f),
        lambda f: f"There are {f.targets.classes} classes with labels up to {digits(f.targets.high, 4)}, but the last "
        f"layer has only {counted(f.output.units, 'unit')}.",
        *by(ending_for),
        then="Number the classes from 0 without gaps: `y = np.unique(y, return_inverse=True)[1]`.",
    ),
    Check(
        "softmax of one unit",
        "wrong_output",
        "The last layer is a softmax with one unit",
        lambda f: _is_softmax_of_one(f.output),
        lambda f: f"A softmax with 1 unit makes {name_of(f.output)} output 1 for every example.",
        *by(ending_for),
        then="Give the last layer one unit per class.",
    ),
    Check(
        "one unit for classes",
        "wrong_loss",
        "A categorical cross-entropy is used with a single output unit",
        lambda f: _is_of_classes(f.output) and f.output.units == 1 and not _is_softmax_of_one(f.output),
        lambda f: f"{f.output.loss} needs one unit per class, but {name_of(f.output)} has only 1.",
        *by(ending_for),
    ),
    Check(
        "numbers in a cross-entropy",
        "wrong_loss",
        "The targets of a cross-entropy are fractions, lie outside the range from 0 to 1, or are whole numbers that "
        "are not classes",
        lambda f: _numbers_in_cross_entropy(f) and not _is_softmax_of_one(f.output),
        lambda f: f"{f.output.loss} expects {'classes' if f.output.loss.startswith('sparse') else 'probabilities'}, "
        f"but the targets are numbers from {interval(f.targets.low, f.targets.high)}.",
        *by(for_numbers),
    ),
    Check(
        "negative targets of a logarithm",
        "wrong_loss",
        "A loss that takes the logarithm of targets or predictions receives negative targets",
        lambda f: f.output.loss in OF_LOGARITHMS and f.targets.low < 0,
        lambda f: f"{f.output.loss} takes logarithms, but {percent(f.targets.negative)} of the targets are negative.",
        *by(for_numbers),
    ),
    Check(
        "one column for many units",
        "wrong_loss",
        "A loss that compares outputs with targets unit by unit receives one target for several units",
        lambda f: f.output.loss in (*DISTANCES, "binary_crossentropy", "categorical_crossentropy")
        and f.targets.width == 1 and f.output.units > 1,
        lambda f: f"{f.output.loss} needs a target for each of the {f.output.units} units of the last layer, but each "
        "example has only one.",
        *by(ending_for),
    ),
    Check(
        "rows for one number",
        "wrong_loss",
        "A loss that expects class numbers receives one-hot rows",
        lambda f: f.output.loss == "sparse_categorical_crossentropy" and f.targets.of == "one-hot",
        lambda f: f"sparse_categorical_crossentropy expects class numbers, but the targets are one-hot rows of "
        f"{f.targets.width}.",
        *by(ending_for),
    ),
    Check(
        "one unit for many columns",
        "wrong_output",
        "Targets with several columns are compared with a single output unit",
        lambda f: f.output.loss in (*DISTANCES, "binary_crossentropy") and f.output.units == 1 and f.targets.width > 1,
        lambda f: f"The targets have {f.targets.width} columns, but the last layer has only 1 unit, and the loss "
        "compares it with all of them.",
        *by(ending_for),
        then="Train on the column that you want to predict, for example the first: `y = y[:, :1]`.",
    ),
    Check(
        "classes of several labels",
        "wrong_loss",
        "A cross-entropy that expects one class per example receives several labels per example, and the last "
        "activation is not softmax",
        lambda f: f.output.loss == "categorical_crossentropy" and f.output.activation not in ("softmax", "")
        and f.targets.at_once > 0.01,
        lambda f: f"{percent(f.targets.at_once)} of the examples have several labels, but categorical_crossentropy is "
        "for one class per example.",
        *by(ending_for),
    ),
    Check(
        "absolute errors of classes",
        "wrong_loss",
        "Mean absolute error is used with a softmax over three or more classes",
        lambda f: f.output.loss == "mean_absolute_error" and f.targets.of == "one-hot" and f.output.units > 2
        and f.output.activation == "softmax",
        lambda f: f"mean_absolute_error has almost no gradient where a softmax over {f.output.units} classes is wrong.",
        *by(ending_for),
        "Zhang and Sabuncu (2018), section 3",
    ),
    Check(
        "noise at the end",
        "wrong_output",
        "A random layer, such as dropout, comes last or right before the last activation",
        lambda f: bool(f.output.noise),
        lambda f: f"The model ends with {f.output.noise}"
        + ("" if f.output.noise == f.output.ends_with else f" and {f.output.activation}")
        + ": its predictions change at random during training.",
        lambda f: f"Move {f.output.noise} before the last layer with weights, or remove it.",
        lambda f: without(f, f.output.noise_at),
        then="End the model with a `keras.layers.Dense` layer that has one unit per class or target column.",
    ),
    Check(
        "one side of two",
        "wrong_output",
        "A loss for labels -1 and 1 is used with an output that is never negative",
        lambda f: f.output.loss in SIDED and f.output.range[0] == 0.0,
        lambda f: f"{f.output.loss} expects -1 and 1, but {name_of(f.output)} ends with {f.output.activation}, which "
        f"outputs only {can_give(f.output)}.",
        "End the model with tanh or without an activation.",
        lambda f: code_by(f, same_end(f, "linear")),
    ),
    Check(
        "negative rates",
        "wrong_output",
        "The loss takes the logarithm of negative outputs",
        lambda f: f.output.loss == "poisson" and f.output.low < 0,
        lambda f: f"poisson takes the logarithm of the predictions, but at the start some are negative, down to "
        f"{digits(f.output.low)}.",
        "End the model with a `softplus` or `exponential` activation, whose output is always positive.",
        lambda f: code_by(f, same_end(f, "softplus")),
    ),
    Check(
        "several labels at once",
        "wrong_output",
        "A softmax predicts several labels per example",
        lambda f: f.output.activation == "softmax" and f.output.units > 1 and f.targets.at_once > 0.01
        and f.output.loss in (*CROSS_ENTROPIES, *DISTANCES),
        lambda f: f"{percent(f.targets.at_once)} of the examples have several labels, but the outputs of a softmax sum "
        "to 1.",
        *by(ending_for),
    ),
    Check(
        "no probabilities",
        "wrong_output",
        "A cross-entropy expects probabilities, but the model outputs other values",
        lambda f: _takes_probabilities(f.output) and not f.output.hides_logits and not _numbers_in_cross_entropy(f)
        and not (_is_of_classes(f.output) and f.output.units == 1)
        and (f.output.activation in UNLIMITED or _outside_by_value(f.output)),
        lambda f: f"{f.output.loss} expects probabilities, but {name_of(f.output)} "
        + (f"ends with {f.output.activation}." if f.output.activation
           else f"outputs values from {interval(f.output.low, f.output.high)} at the start."),
        lambda f: f"End the model with {_probable(f)}"
        + (", or pass `from_logits=True` to the loss." if f.output.activation in LOGITS else "."),
        lambda f: code_by(f, same_end(f, _probable(f))) or _of_logits(f),
        then=lambda f: _says_logits(f) if f.output.activation in LOGITS else "",
        then_code=_of_logits,
    ),
    Check(
        "targets out of reach",
        "wrong_output",
        "Numeric targets lie outside the range of the last activation",
        lambda f: f.output.loss in DISTANCES and _outside(f.output, f.targets) and not are_two_for_one(f),
        lambda f: f"The targets range from {interval(f.targets.low, f.targets.high)}, but {name_of(f.output)} ends "
        f"with {f.output.activation or f.output.ends_with}, which outputs only {can_give(f.output)}.",
        lambda f: f"Put `keras.layers.Dense({f.output.units})` without an activation after the recurrent layer, and "
        "give that layer several units."
        if is_recurrent(f.output) else cure_by(f, same_end(f, activation_for(f.targets))),
        lambda f: code_by(f, same_end(f, "linear" if is_recurrent(f.output) else activation_for(f.targets))),
        FOUND,
    ),
    Check(
        "numbers from a softmax",
        "wrong_output",
        "A softmax is trained on targets that do not sum to 1",
        lambda f: f.output.loss in DISTANCES and f.output.activation == "softmax" and f.output.units > 1
        and f.targets.of == "numbers" and f.targets.width > 1 and not _outside(f.output, f.targets),
        "The outputs of a softmax sum to 1, but the targets do not.",
        *by(lambda f: same_end(f, activation_for(f.targets))),
    ),
    Check(
        "softmax over the examples",
        "wrong_output",
        "The outputs of each unit sum to 1 over the examples of the batch, and those of one example do not",
        lambda f: f.output.low >= 0 and f.output.off > 0.2 and f.output.off_by_example < SUM_IS_ONE,
        "The outputs sum to 1 over the examples of a batch instead of over the classes: each prediction depends on the "
        "other examples.",
        "End the model with softmax over the last axis.",
        lambda f: code_by(f, same_end(f, "softmax")),
    ),
    Check(
        "sums that are not 1",
        "wrong_output",
        "A multi-class cross-entropy receives outputs of an unknown activation that lie between 0 and 1 but do not sum "
        "to 1",
        lambda f: _is_of_classes(f.output) and f.output.from_logits is False and not f.output.activation
        and f.output.low >= 0 and f.output.high <= 1 and f.output.off > 0.2,
        lambda f: f"{f.output.loss} expects probabilities, but at the start the sum of the outputs differs from 1 by "
        f"up to {digits(f.output.off)}.",
        "End the model with softmax over the last axis.",
    ),
    Check(
        "softmax twice",
        "wrong_output",
        "Softmax is applied twice in a row",
        lambda f: f.output.activation == f.output.before == "softmax",
        "Softmax is applied twice, so no class can get a probability far above the others.",
        "Remove one of the two softmax activations.",
        lambda f: without(f, 1),
        then="End the model without an activation, and pass `from_logits=True` to the loss.",
    ),
    Check(
        "no number below 0 before the end",
        "wrong_output",
        "A ReLU comes right before the final softmax or sigmoid",
        lambda f: f.output.before == "relu" and f.output.activation in ("softmax", "sigmoid"),
        lambda f: f"{f.output.layer} applies {f.output.activation} to the output of a ReLU, which is never negative: "
        + ("no probability falls below a half." if f.output.activation == "sigmoid"
           else "units stuck at 0 stop learning."),
        lambda f: f"Remove the ReLU before the {f.output.activation}.",
        lambda f: WITHOUT_RELU.format(place=f.output.before_at) if f.output.before_at else "",
        then="End the model without an activation, and pass `from_logits=True` to the loss.",
    ),
    Check(
        "one target for many places",
        "wrong_output",
        "One target per example is compared with a prediction for each time step or pixel",
        lambda f: f.output.loss in (*DISTANCES, "binary_crossentropy") and f.output.places > 1
        and f.targets.places == f.targets.width == 1,
        lambda f: f"Each example has 1 target but {f.output.places} predictions: the model makes one for each time "
        "step or pixel.",
        "Let the last recurrent layer return only its last output (`return_sequences=False`), or add "
        "`keras.layers.Flatten` before the last layer.",
        lambda f: code_by(f, same_end(f), before="keras.layers.Flatten()"),
        then="Give each time step or pixel its own target.",
    ),
    Check(
        "probabilities as logits",
        "wrong_loss",
        "The loss expects logits, but the model outputs probabilities",
        lambda f: f.output.from_logits is True and not (f.output.hides_logits and f.output.loss in CROSS_ENTROPIES)
        and (f.output.activation in PROBABILITIES or f.output.are_probabilities),
        lambda f: f"The loss expects logits because of from_logits=True, but {name_of(f.output)} "
        + (f"ends with {f.output.activation}." if f.output.activation else "outputs probabilities: "
           + ("non-negative rows that sum to 1." if f.output.units > 1
              else f"values from {interval(f.output.low, f.output.high)}.")),
        "End the model without an activation, or remove `from_logits=True`.",
        lambda f: code_by(f, same_end(f)),
    ),
)  # fmt: skip
