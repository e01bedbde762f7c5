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
    same_end,
    without,
)
from .facts import CROSS_ENTROPIES, DISTANCES, PROBABILITIES, Facts, Output, Targets
from .wording import counted, digits, percent

OUTSIDE = 0.02
"""How far outside the range of the output, over the range of the targets, targets may be."""
OF_LOGARITHMS = ("mean_squared_logarithmic_error", "poisson")
"""Losses that are for counts and sizes, which are never negative."""
SIDED = ("hinge", "squared_hinge")
"""Losses of two sides, -1 and 1."""
UNLIMITED = ("relu", "tanh", "linear", "softplus", "elu", "selu", "silu", "gelu", "mish", "hard_tanh", "log_sigmoid")
"""Activations that give no probabilities."""


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
    return output.loss in CROSS_ENTROPIES and output.from_logits is False


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
    is_binary = facts.output.loss == "binary_crossentropy" or facts.output.units == 1
    return "sigmoid" if is_binary else "softmax"


# --- the checks ----------------------------------------------------------------------------------------------------

OF_LOSS = (
    Check(
        "more classes than outputs",
        "wrong_output",
        "there are more classes than units of the last layer",
        lambda f: _classes_beyond(f) and not begins_at_one(f) and not have_gaps(f),
        lambda f: f"There are {f.targets.classes} classes, with labels up to {digits(f.targets.high, 4)}, but the last "
        f"layer has {counted(f.output.units, 'unit')}.",
        *by(ending_for),
        then="Number the labels that there are from 0: `y = np.unique(y, return_inverse=True)[1]`.",
    ),
    Check(
        "softmax of one unit",
        "wrong_output",
        "the last layer is a softmax of one unit",
        lambda f: _is_softmax_of_one(f.output),
        lambda f: f"{name_of(f.output)} is a softmax of 1 unit, which gives 1 whatever its input is.",
        *by(ending_for),
        then="Give the last layer a unit for each class.",
    ),
    Check(
        "one unit for classes",
        "wrong_loss",
        "a cross-entropy of classes is taken of one unit",
        lambda f: _is_of_classes(f.output) and f.output.units == 1 and not _is_softmax_of_one(f.output),
        lambda f: f"{f.output.loss} compares the units of the last layer with each other, and {name_of(f.output)} "
        "has 1.",
        *by(ending_for),
    ),
    Check(
        "numbers in a cross-entropy",
        "wrong_loss",
        "targets of a cross-entropy are not whole, or outside 0 to 1, or are whole numbers that are no classes",
        lambda f: _numbers_in_cross_entropy(f) and not _is_softmax_of_one(f.output),
        lambda f: f"The targets are numbers of {interval(f.targets.low, f.targets.high)}, which {f.output.loss} "
        f"reads as {'classes' if f.output.loss.startswith('sparse') else 'probabilities'}.",
        *by(for_numbers),
    ),
    Check(
        "negative targets of a logarithm",
        "wrong_loss",
        "a loss that takes the logarithm of targets or predictions has negative targets",
        lambda f: f.output.loss in OF_LOGARITHMS and f.targets.low < 0,
        lambda f: f"{f.output.loss} takes logarithms, but {percent(f.targets.negative)} of the targets are below 0, "
        f"the smallest at {digits(f.targets.low)}.",
        *by(for_numbers),
    ),
    Check(
        "one column for many units",
        "wrong_loss",
        "a loss that compares each unit with a target of its own has one target for several units",
        lambda f: f.output.loss in (*DISTANCES, "binary_crossentropy", "categorical_crossentropy")
        and f.targets.width == 1 and f.output.units > 1,
        lambda f: f"{f.output.loss} asks for a target for each of the {f.output.units} units of the last layer, and "
        "the targets are one number for each example.",
        *by(ending_for),
    ),
    Check(
        "rows for one number",
        "wrong_loss",
        "a loss that reads the number of a class has rows of 0 and 1",
        lambda f: f.output.loss == "sparse_categorical_crossentropy" and f.targets.of == "one-hot",
        lambda f: f"sparse_categorical_crossentropy reads the number of a class, and the targets are rows of "
        f"{f.targets.width} numbers, one of which is 1.",
        *by(ending_for),
    ),
    Check(
        "one unit for many columns",
        "wrong_output",
        "targets of several columns are compared with one unit",
        lambda f: f.output.loss in (*DISTANCES, "binary_crossentropy") and f.output.units == 1 and f.targets.width > 1,
        lambda f: f"The targets have {f.targets.width} columns, and the last layer 1 unit, which is compared with each "
        "of them.",
        *by(ending_for),
        then="Train on the one column that is to be predicted: `y = y[:, :1]`.",
    ),
    Check(
        "classes of several labels",
        "wrong_loss",
        "a cross-entropy of classes is to learn several labels at once, of an output that is no softmax",
        lambda f: f.output.loss == "categorical_crossentropy" and f.output.activation not in ("softmax", "")
        and f.targets.at_once > 0.01,
        lambda f: f"{percent(f.targets.at_once)} of the examples have several labels at once, and "
        "categorical_crossentropy is for one class of several.",
        *by(ending_for),
    ),
    Check(
        "absolute errors of classes",
        "wrong_loss",
        "the absolute errors of a softmax over three classes or more",
        lambda f: f.output.loss == "mean_absolute_error" and f.targets.of == "one-hot" and f.output.units > 2
        and f.output.activation == "softmax",
        lambda f: f"mean_absolute_error of a softmax over {f.output.units} classes has hardly a gradient where it is "
        "wrong.",
        *by(ending_for),
        "Zhang and Sabuncu (2018), section 3",
    ),
    Check(
        "noise at the end",
        "wrong_output",
        "a layer changes what it is given at random, at the end of the model or right before an activation alone",
        lambda f: bool(f.output.noise),
        lambda f: f"The model ends with {f.output.noise}"
        + ("" if f.output.noise == f.output.ends_with else f" and {f.output.activation}")
        + ", which changes its predictions at random in training.",
        lambda f: f"Put {f.output.noise} before the last layer with weights, or take it away.",
        lambda f: without(f, f.output.noise_at),
        then="End with a `keras.layers.Dense` of as many units as there are targets.",
    ),
    Check(
        "one side of two",
        "wrong_output",
        "a loss of two sides is taken of an output that has one",
        lambda f: f.output.loss in SIDED and f.output.range[0] == 0.0,
        lambda f: f"{f.output.loss} asks for -1 and 1, but {name_of(f.output)} ends with {f.output.activation}, which "
        f"gives {can_give(f.output)}.",
        "End with tanh or with no activation.",
        lambda f: code_by(f, same_end(f, "linear")),
    ),
    Check(
        "negative rates",
        "wrong_output",
        "the logarithm of an output that is below 0 is in the loss",
        lambda f: f.output.loss == "poisson" and f.output.low < 0,
        lambda f: f"poisson takes the logarithm of the predictions, which are {interval(f.output.low, f.output.high)} "
        "at the start.",
        "End with `exponential` or softplus, which are above 0.",
        lambda f: code_by(f, same_end(f, "softplus")),
    ),
    Check(
        "several labels at once",
        "wrong_output",
        "a softmax is to give several labels at once",
        lambda f: f.output.activation == "softmax" and f.output.units > 1 and f.targets.at_once > 0.01
        and f.output.loss in (*CROSS_ENTROPIES, *DISTANCES),
        lambda f: f"{percent(f.targets.at_once)} of the examples have several labels at once, but the outputs of a "
        "softmax have the sum 1.",
        *by(ending_for),
    ),
    Check(
        "no probabilities",
        "wrong_output",
        "a cross-entropy of probabilities is taken of an output that gives none",
        lambda f: _takes_probabilities(f.output) and not f.output.hides_logits and not _numbers_in_cross_entropy(f)
        and not (_is_of_classes(f.output) and f.output.units == 1)
        and (f.output.activation in UNLIMITED or _outside_by_value(f.output)),
        lambda f: f"{f.output.loss} reads probabilities, but {name_of(f.output)} "
        + (f"ends with {f.output.activation}." if f.output.activation
           else f"gives {interval(f.output.low, f.output.high)} at the start."),
        lambda f: f"End with {_probable(f)}"
        + (", or tell the loss with `from_logits=True`." if f.output.activation in ("linear", "") else "."),
        lambda f: code_by(f, same_end(f, _probable(f))),
    ),
    Check(
        "targets out of reach",
        "wrong_output",
        "targets of a loss of numbers are outside what the last activation can give",
        lambda f: f.output.loss in DISTANCES and _outside(f.output, f.targets) and not are_two_for_one(f),
        lambda f: f"The targets are {interval(f.targets.low, f.targets.high)}, but {name_of(f.output)} ends with "
        f"{f.output.activation or f.output.ends_with}, which gives {can_give(f.output)}.",
        lambda f: f"Put `keras.layers.Dense({f.output.units})` without activation behind the recurrent layer, and "
        "give that several units."
        if is_recurrent(f.output) else cure_by(f, same_end(f, activation_for(f.targets))),
        lambda f: code_by(f, same_end(f, "linear" if is_recurrent(f.output) else activation_for(f.targets))),
        FOUND,
    ),
    Check(
        "numbers from a softmax",
        "wrong_output",
        "a softmax is to give numbers whose sum is not 1",
        lambda f: f.output.loss in DISTANCES and f.output.activation == "softmax" and f.output.units > 1
        and f.targets.of == "numbers" and f.targets.width > 1 and not _outside(f.output, f.targets),
        "The units of a softmax have the sum 1, and the targets have not.",
        *by(lambda f: same_end(f, activation_for(f.targets))),
    ),
    Check(
        "sums that are not 1",
        "wrong_output",
        "a cross-entropy of classes is taken of numbers of 0 to 1 whose sum is not 1, of no known activation",
        lambda f: _is_of_classes(f.output) and f.output.from_logits is False and not f.output.activation
        and f.output.low >= 0 and f.output.high <= 1 and f.output.off > 0.2,
        lambda f: f"{f.output.loss} reads probabilities, but the sum of the units of one prediction is up to "
        f"{digits(f.output.off)} away from 1 at the start.",
        "End with softmax over the last axis.",
    ),
    Check(
        "softmax twice",
        "wrong_output",
        "a softmax is taken of a softmax",
        lambda f: f.output.activation == f.output.before == "softmax",
        "A softmax is taken of what a softmax has given, so that no output can be far from the others.",
        "Take one of the two away.",
        lambda f: without(f, 1),
        then="End with no activation, and compile with `from_logits=True`.",
    ),
    Check(
        "no number below 0 before the end",
        "wrong_output",
        "ReLU is taken of what goes into a softmax or a sigmoid",
        lambda f: f.output.before == "relu" and f.output.activation in ("softmax", "sigmoid"),
        lambda f: f"{f.output.layer} takes the {f.output.activation} of what a ReLU gives, which is never below 0: "
        + ("no probability is below a half." if f.output.activation == "sigmoid"
           else "units that give 0 for all examples learn no more."),
        lambda f: f"Take the ReLU before the {f.output.activation} away.",
        lambda f: WITHOUT_RELU.format(place=f.output.before_at) if f.output.before_at else "",
        then="End with no activation, and compile with `from_logits=True`.",
    ),
    Check(
        "one target for many places",
        "wrong_output",
        "one number for each example is compared with what the model predicts for each time step or pixel of it",
        lambda f: f.output.loss in (*DISTANCES, "binary_crossentropy") and f.output.places > 1
        and f.targets.places == f.targets.width == 1,
        lambda f: f"The model gives {f.output.places} predictions for each example, one for each time step or place, "
        "and each is compared with the one target that there is.",
        "Let the last recurrent layer give its last step alone (`return_sequences=False`), or put "
        "`keras.layers.Flatten` before the last layer.",
        lambda f: code_by(f, same_end(f), before="keras.layers.Flatten()"),
        then="Give each time step or place a target of its own.",
    ),
    Check(
        "probabilities as logits",
        "wrong_loss",
        "the loss takes logits, and the output gives probabilities without their logits, by its activation or by what "
        "it gives",
        lambda f: f.output.from_logits is True and not f.output.hides_logits
        and (f.output.activation in PROBABILITIES or f.output.are_probabilities),
        lambda f: f"The loss takes logits (from_logits=True), but {name_of(f.output)} "
        + (f"ends with {f.output.activation}." if f.output.activation else "gives probabilities: "
           + ("rows of numbers from 0 on with the sum 1." if f.output.units > 1
              else f"numbers of {interval(f.output.low, f.output.high)}.")),
        "End with no activation, or leave from_logits=True out.",
        lambda f: code_by(f, same_end(f)),
    ),
)  # fmt: skip
