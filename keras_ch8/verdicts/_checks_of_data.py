"""Checks of labels, and of all examples together."""

import math

from ._check import (
    CHOSEN,
    CHOSEN_TO_ACT,
    FEW,
    FOUND,
    LARGEST_SIZE,
    Check,
    are_of_another_unit,
    are_two_for_one,
    begins_at_one,
    have_gaps,
    interval,
)
from ._checks_of_inputs import unlike
from .arrays import ALL_STEPS, BY_CHANCE
from .code import CAUSAL, NUMPY, SHUFFLE
from .ending import NUMBERED, ZERO_AND_ONE, Ending, are_a_quantity, are_two, code_by
from .fact import Fact
from .facts import CROSS_ENTROPIES, DISTANCES, PROBABILITIES, Facts, Targets
from .wording import counted, digits, percent

IN_ORDER = 1.5
"""Runs of equal labels over the classes, up to which examples are sorted by them."""
FAR = 30.0
"""Ratio of the standard deviations of targets, from which on they are of two ranges; numbers with outliers have 10."""
LONG_RUNS = 16.0
"""Examples in a row of one label, on average, from which on a minibatch has one class, or few."""
KNOWN, DENIED = 0.5, 1.25
"""Loss of what the nearest examples of the probe predict, over that of the best constant prediction: of each other, up
to which inputs predict the targets; of training examples, from which on those have the targets of other examples."""
SIZES_OF_CLASSES = (*CROSS_ENTROPIES, *DISTANCES)
"""Losses of a sigmoid or a softmax that tell classes apart."""
MANY = 32
"""Examples that are not in an order by chance, nor of one class."""
TURN_BOTH = (
    "Transform each image together with its target, before `fit`: concatenate their channels, flip, and split them "
    "again."
)
LEAVE_OUT = "Remove all random flips, rotations and shifts."
ROWS_OF_NONE = f"{NUMPY}y = np.concatenate([y, 1 - y.sum(axis=-1, keepdims=True)], axis=-1)"

# --- what the conditions ask, and parts of sentences ---------------------------------------------------------------


def _are_written_otherwise(facts: Facts) -> bool:
    """Whether two sets of targets are not written alike: in other words, or in numbers far beyond the others'.

    Classes that the output has a unit for may come later.
    """
    targets, other, units = facts.targets, facts.other_targets, facts.output.units
    known = ("0 and 1", "-1 and 1", "classes", "one-hot", "numbers")
    if targets.of not in known or other.of not in known or min(targets.examples, other.examples) < FEW:
        return False
    if "numbers" in (targets.of, other.of) and "one-hot" not in (targets.of, other.of):
        small, large = sorted((targets.deviation, other.deviation))
        return large > FAR * small > 0
    if targets.of == other.of:
        return targets.of == "classes" and other.high > targets.high + targets.classes and other.high >= units
    return {targets.of, other.of} != {"0 and 1", "classes"} or (other.high > targets.high and other.high >= units)


def _is_one_class_of_several(facts: Facts) -> bool:
    """Whether the examples are of one class, and other ones of several, of which none is rare."""
    targets, other = facts.targets, facts.other_targets
    is_one = targets.of == "one class" and targets.examples >= FEW
    return is_one and other.of in ("0 and 1", "classes", "one-hot") and other.commonest < 0.8


def _are_in_order(facts: Facts) -> bool:
    """Whether the examples that are trained on first are sorted, or come in long runs of one label."""
    targets = facts.targets
    is_sorted = facts.order_read <= IN_ORDER and (targets.of == "numbers" or targets.commonest < 0.8)
    has_runs = facts.runs_read >= LONG_RUNS and targets.classes > 1 and targets.commonest < 0.8
    return targets.examples >= MANY and (is_sorted or has_runs or _are_the_first_alike(facts))


def _are_the_first_alike(facts: Facts) -> bool:
    """Whether so many examples have the label of the first one that it is no chance, while others follow."""
    return 0 < facts.targets.commonest < 1 and facts.targets.commonest**facts.leading_read < BY_CHANCE


def _says_order(facts: Facts) -> str:
    if facts.order_read <= IN_ORDER:
        order = f"the order of their {'targets' if facts.targets.of == 'numbers' else 'labels'}"
        return f"The first {facts.targets.examples} training examples come in {order}."
    if facts.runs_read >= LONG_RUNS:
        runs = digits(facts.runs_read)
        return f"The first {facts.targets.examples} training examples come in runs of {runs} equal labels."
    return f"The first {facts.leading_read} training examples all have the same label, and other labels follow."


def _is_copied(facts: Facts) -> bool:
    """Whether the targets of enough examples are among the inputs, and not nearly all the same."""
    return bool(facts.copied) and facts.targets.examples >= MANY and not facts.targets.commonest >= 0.9


def _labels(targets: Targets) -> str:
    """Return the labels of classes as Python."""
    return "y.argmax(axis=-1)" if targets.of == "one-hot" else "y"


def _one_value(targets: Targets) -> str:
    return digits(targets.low, 4) if targets.width == 1 else "of one class"


# --- the checks ----------------------------------------------------------------------------------------------------

OF_LABELS = (
    Check(
        "nonfinite targets",
        "wrong_labels",
        "A target is NaN or infinite",
        lambda f: f.targets.nonfinite > 0,
        lambda f: f"The targets contain {counted(f.targets.nonfinite, 'NaN or infinite value')}, so the loss becomes "
        "NaN.",
        "Remove the examples whose target is NaN or infinite.",
        f"{NUMPY}there = np.isfinite(y.reshape(len(y), -1)).all(axis=1)\nx, y = x[there], y[there]",
        expects="The loss should be finite from the first step.",
    ),
    Check(
        "a number for a target that is missing",
        "wrong_labels",
        "The lowest or highest numeric target value occurs repeatedly and lies at least 10 standard deviations from "
        "all other values",
        lambda f: f.output.loss in DISTANCES and f.targets.stand_ins > 0 and f.targets.values > 2,
        lambda f: f"{percent(f.targets.stand_ins)} of the targets are {digits(f.targets.stand_in, 5)}, far from all "
        "other values: probably a placeholder for missing values, which dominates the loss.",
        "Remove the examples whose target is a placeholder for a missing value.",
        lambda f: f"there = (y != {digits(f.targets.stand_in, 8)}).reshape(len(y), -1).all(axis=1)\n"
        "x, y = x[there], y[there]",
        source=CHOSEN_TO_ACT,
        expects="No target should be far from all other targets.",
    ),
    Check(
        "labels from 1",
        "wrong_labels",
        "The labels run from 1 to the number of units in the last layer",
        begins_at_one,
        lambda f: f"The labels run from 1 to {digits(f.targets.high, 4)}, but {f.output.units} classes must be "
        f"numbered 0 to {f.output.units - 1}.",
        "Number the classes from 0: subtract 1 from all labels.",
        "y = y - 1",
    ),
    Check(
        "negative labels",
        "wrong_labels",
        "Class labels are negative",
        lambda f: f.output.loss in CROSS_ENTROPIES and f.targets.are_whole and f.targets.low < 0
        and not are_a_quantity(f),
        lambda f: f"The labels run from {interval(f.targets.low, f.targets.high)}, but {f.output.loss} accepts none "
        "below 0.",
        lambda f: "Recode the classes as 0 and 1." if f.targets.of == "-1 and 1" else "Number the classes from 0.",
        lambda f: ZERO_AND_ONE if f.targets.of == "-1 and 1" else NUMBERED,
    ),
    Check(
        "labels with gaps",
        "wrong_labels",
        "The last layer has enough units for the classes, but the class numbers have gaps",
        have_gaps,
        lambda f: f"The numbers of the {f.targets.classes} classes go up to {digits(f.targets.high, 4)}, but "
        f"{f.output.units} units allow only 0 to {f.output.units - 1}.",
        "Number the classes from 0, without gaps.",
        NUMBERED,
    ),
    Check(
        "rows without a class",
        "wrong_labels",
        "Some rows of the one-hot targets contain no 1",
        lambda f: f.output.loss == "categorical_crossentropy" and f.targets.empty > 0.05 and f.targets.at_once < 0.01,
        lambda f: f"{percent(f.targets.empty)} of the target rows are all 0: whatever you predict, the loss of these "
        "examples is 0.",
        "Add a target column and an output unit for examples without a class, so that each row contains exactly one 1.",
        lambda f: code_by(f, Ending(f.targets.width + 1, "softmax", f.output.loss, ROWS_OF_NONE)),
    ),
    Check(
        "two numbers for two classes",
        "wrong_labels",
        "The targets take only two values, but not the 0 and 1 that the loss or the last layer expects",
        lambda f: are_two(f.targets) and f.targets.of != "one class" and (
            (f.output.loss in CROSS_ENTROPIES and (f.targets.low < 0 or f.targets.high > 1) and f.targets.width > 1)
            or are_two_for_one(f)),
        lambda f: f"All targets are {digits(f.targets.low, 4)} or {digits(f.targets.high, 4)}, but the model expects 0 "
        "and 1.",
        "Recode the targets as 0 and 1.",
        ZERO_AND_ONE,
    ),
    Check(
        "sizes in a cross-entropy",
        "wrong_labels",
        "A cross-entropy receives rows of non-negative targets, some above 1, or (with a sigmoid output) single "
        f"targets up to {LARGEST_SIZE:g}",
        are_of_another_unit,
        lambda f: f"{f.output.loss} expects probabilities, but the {'rows of ' if f.targets.width > 1 else ''}targets "
        f"range from {interval(f.targets.low, f.targets.high)}.",
        lambda f: f"Divide the targets by their maximum, {digits(f.targets.high)}. Or use "
        "`keras.losses.MeanSquaredError` and no activation in the last layer."
        if f.output.loss == "binary_crossentropy" else "Divide each row by its sum.",
        lambda f: f"y = y / {digits(f.targets.high, 6)}" if f.output.loss == "binary_crossentropy"
        else "y = y / y.sum(axis=-1, keepdims=True)",
    ),
    Check(
        "two labels beyond 1",
        "wrong_labels",
        "The labels for a binary cross-entropy take two whole-number values, one of them above 1",
        lambda f: f.output.loss == "binary_crossentropy" and f.targets.of == "classes" and f.targets.classes == 2
        and f.targets.low >= 0,
        lambda f: f"The labels are {digits(f.targets.low)} and {digits(f.targets.high)}, but binary_crossentropy "
        "expects 0 and 1.",
        "Recode the classes as 0 and 1.",
        lambda f: ZERO_AND_ONE if f.targets.low else f"y = y / {digits(f.targets.high, 6)}",
    ),
    Check(
        "validation labels",
        "wrong_labels",
        "The held-out targets (probe or validation data) are encoded differently from the training targets, or have "
        "a very different range",
        lambda f: bool(f.other) and _are_written_otherwise(f),
        lambda f: f"The targets of {f.other} are encoded differently: as {f.other_targets.of} from "
        f"{interval(f.other_targets.low, f.other_targets.high)}, the training targets as {f.targets.of} from "
        f"{interval(f.targets.low, f.targets.high)}.",
        lambda f: f"Encode the targets of {f.other} like the training targets.",
        source=FOUND,
        is_of_other=True,
    ),
    Check(
        "labels of others",
        "wrong_labels",
        f"Nearest held-out neighbors predict held-out targets (below {KNOWN:g} times the loss of a constant "
        f"prediction), but not training targets (above {DENIED:g} times)",
        lambda f: f.neighbours < KNOWN * f.chance and f.neighbours_of_read > DENIED * f.chance and unlike(f) is None,
        lambda f: "Training labels disagree with held-out labels for similar inputs: the nearest-neighbor loss is "
                  f"{digits(f.neighbours_of_read)} instead of {digits(f.neighbours)}.",
        "Keep inputs and targets in the same order: shuffle both with the same permutation, and split them together. "
        "Number the classes identically in the training and held-out data.",
        lambda f: "" if Fact.VALIDATED_APART in f.has
        else f"# shuffle the arrays as you loaded them, and remove any other shuffling\n{SHUFFLE}",
        source=FOUND,
        expects="Similar inputs should have similar targets.",
        has_bars=False,
    ),
    Check(
        "mirrored images",
        "wrong_labels",
        "At least 20 % of the training images match their targets, one for each pixel, clearly better when mirrored, "
        "and as many clearly worse",
        lambda f: f.mirrored >= 0.2,
        lambda f: f"{percent(f.mirrored)} of the images match their targets better when mirrored: your random flip "
        "seems to change the images, but not the targets.",
        TURN_BOTH,
        source=CHOSEN_TO_ACT,
        expects="The training loss should be as low as the validation loss.",
        then=LEAVE_OUT,
    ),
    Check(
        "moved images",
        "wrong_labels",
        "A layer of the model flips, rotates or moves images at random, each pixel has its own target, and the loss is "
        "Keras's",
        lambda f: Fact.MOVES_IMAGES in f.has and f.output.axes == 4 and bool(f.output.loss),
        "A layer of the model transforms the images at random, but not the targets of their pixels.",
        TURN_BOTH,
        source=CHOSEN_TO_ACT,
        expects="The training loss should be as low as the validation loss.",
        then=LEAVE_OUT,
    ),
    Check(
        "equal targets",
        "wrong_labels",
        f"The targets of all examples (at least {FEW}) are equal, and the loss is a built-in Keras loss",
        lambda f: f.targets.of == "one class" and f.targets.examples >= FEW and bool(f.output.loss)
        and not _is_one_class_of_several(f),
        lambda f: f"All {f.targets.examples} targets are {_one_value(f.targets)}: there is nothing to learn.",
        "Check how you load the targets, and shuffle the examples before you split them.",
        source=CHOSEN,
        expects="The targets should differ between examples.",
        level="watch",
    ),
)  # fmt: skip

OF_ALL = (
    Check(
        "many equal rows",
        "leak",
        "At least 10 % of the validation examples are also in the training data with the same target, more "
        "than chance would explain",
        lambda f: f.equal_rows >= 0.1 and not f.rows_are_few,
        lambda f: f"{percent(f.equal_rows)} of the validation examples are also in the training data.",
        "Remove the validation examples from the training data, and split the data before you repeat or augment "
        "examples.",
        source=CHOSEN_TO_ACT,
    ),
    Check(
        "steps that see the next",
        "leak",
        "The targets are the inputs of the next time step, and the predictions depend on the inputs of later steps",
        lambda f: f.sees_next,
        "The targets are the inputs of the next time step, and the model sees them: predictions depend on later steps.",
        'Hide later steps: `use_causal_mask=True` where you call `MultiHeadAttention`, `padding="causal"` in `Conv1D`, '
        "no `Bidirectional` layer.",
        lambda f: CAUSAL if Fact.ATTENTION in f.has and Fact.SEVERAL_INPUTS not in f.has else "",
        source=FOUND,
        expects="The loss should be higher, but now you can trust it.",
    ),
    Check(
        "equal rows",
        "leak",
        "At least 5 % of the validation examples are also in the training data, more than chance would explain",
        lambda f: f.equal_rows >= 0.05 and not f.rows_are_few,
        lambda f: f"{percent(f.equal_rows)} of the validation examples are also in the training data.",
        source=CHOSEN,
        level="watch",
    ),
    Check(
        "a target among the inputs",
        "leak",
        f"The targets of all examples (at least {MANY}) equal an input feature, or the end of the input sequence",
        lambda f: _is_copied(f) and f.copied != ALL_STEPS,
        lambda f: f"The targets equal {f.copied} of the inputs, so the model only needs to copy it.",
        "Remove the target from the inputs. For a forecast, take the targets from later time steps.",
        source=CHOSEN,
        expects="The loss should be higher, but now you can trust it.",
        level="watch",
    ),
    Check(
        "tokens that are their own targets",
        "leak",
        f"The targets of all examples (at least {MANY}) equal the input tokens, each at its place",
        lambda f: _is_copied(f) and f.copied == ALL_STEPS and Fact.TOKENS in f.has,
        "The targets equal the input tokens, each at its place, so the model only needs to copy them.",
        "To predict the next token, shift the targets by one place: `x, y = tokens[:, :-1], tokens[:, 1:]`.",
        source=CHOSEN,
        expects="The loss should be higher, but now you can trust it.",
        level="watch",
    ),
    Check(
        "classes of the validation alone",
        "label_order",
        "At least 10 % of the validation examples belong to classes that no training example known beforehand has",
        lambda f: f.unseen >= 0.1 and f.output.loss in CROSS_ENTROPIES and f.targets.places == 1
        and (f.targets.are_whole or f.targets.of == "one-hot"),
        lambda f: f"{percent(f.unseen)} of the validation examples belong to classes that "
        + (f"none of the first {f.targets.examples} training examples has." if Fact.NO_ARRAYS in f.has
           else "no training example has."),
        lambda f: "Shuffle all examples before you batch them: a shuffle buffer must hold the whole data set."
        if Fact.NO_ARRAYS in f.has
        else "Shuffle the examples before you split them, or before `validation_split` takes the last ones.",
        lambda f: "" if Fact.VALIDATED_APART in f.has else SHUFFLE,
        source=CHOSEN_TO_ACT,
        then="Split each class separately, as `train_test_split(stratify=y)` of scikit-learn does.",
        expects="Every class should have training examples.",
        is_of_other=True,
    ),
    Check(
        "labels in order",
        "label_order",
        f"At least the first {MANY} training examples are sorted by target, come in runs of {LONG_RUNS:g} equal labels "
        "or more, or begin with one label",
        _are_in_order,
        _says_order,
        code=SHUFFLE,
        source=FOUND,
    ),
    Check(
        "one class in a batch",
        "label_order",
        f"At least the first {MANY} training examples belong to one class, but the held-out examples (probe or "
        "validation data) belong to several",
        lambda f: _is_one_class_of_several(f) and f.targets.examples >= MANY,
        lambda f: f"The first {f.targets.examples} training examples all belong to one class, but those of {f.other} "
        f"belong to {f.other_targets.classes}.",
        code=SHUFFLE,
        source=CHOSEN_TO_ACT,
    ),
    Check(
        "one class has nearly all",
        "imbalance",
        "One class has at least 93 % of the examples, counted with `class_weight` and `sample_weight`",
        lambda f: f.targets.of in ("0 and 1", "classes", "one-hot") and f.targets.commonest < 1
        and (f.output.loss in CROSS_ENTROPIES
             or (f.output.loss in SIZES_OF_CLASSES and f.output.activation in PROBABILITIES))
        and f.targets.examples >= 100
        and (f.targets.commonest if math.isnan(f.heaviest) else f.heaviest) >= 0.93,
        lambda f: f"One class has {percent(f.targets.commonest)} of the examples"
        + ("" if math.isnan(f.heaviest) else f", and with their weights {percent(f.heaviest)}")
        + ": a model that always predicts it reaches a high accuracy.",
        lambda f: "Give rare classes more weight with `sample_weight`, in the shape of the targets: `class_weight` "
        "needs one label per example." if f.targets.places > 1 else "",
        lambda f: f"{NUMPY}labels, counts = np.unique({_labels(f.targets)}, "
        "return_counts=True)\n"
        "class_weight = {int(label): len(y) / len(labels) / count for label, count in zip(labels, counts)}"
        if f.targets.places <= 1 else "",
        source=CHOSEN_TO_ACT,
    ),
)  # fmt: skip
