"""Checks of labels, and of all examples together."""

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
from .code import NUMPY, SHUFFLE
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
    return targets.examples >= MANY and (is_sorted or has_runs)


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
        "a target is infinite or not a number",
        lambda f: f.targets.nonfinite > 0,
        lambda f: f"Some targets are infinite or not a number ({counted(f.targets.nonfinite, 'number')}), and make "
        "the loss so.",
        "Take out the examples without a finite target.",
        f"{NUMPY}there = np.isfinite(y.reshape(len(y), -1)).all(axis=1)\nx, y = x[there], y[there]",
    ),
    Check(
        "a number for a target that is missing",
        "wrong_labels",
        "the lowest or highest of numbers that are to be met is there again and again, 10 standard deviations from all "
        "others",
        lambda f: f.output.loss in DISTANCES and f.targets.stand_ins > 0 and f.targets.values > 2,
        lambda f: f"{percent(f.targets.stand_ins)} of the targets are {digits(f.targets.stand_in, 5)}, far from all "
        "others: it may stand for what is missing, and the loss is mostly theirs.",
        "Take out the examples whose target is missing.",
        lambda f: f"there = (y != {digits(f.targets.stand_in, 8)}).reshape(len(y), -1).all(axis=1)\n"
        "x, y = x[there], y[there]",
        source=CHOSEN_TO_ACT,
    ),
    Check(
        "labels from 1",
        "wrong_labels",
        "labels go from 1 to the number of units",
        begins_at_one,
        lambda f: f"The labels go from 1 to {digits(f.targets.high, 4)}; a cross-entropy of {f.output.units} classes "
        f"reads 0 to {f.output.units - 1}.",
        "Count the classes from 0: subtract 1 from all labels.",
        "y = y - 1",
    ),
    Check(
        "negative labels",
        "wrong_labels",
        "labels of classes are below 0",
        lambda f: f.output.loss in CROSS_ENTROPIES and f.targets.are_whole and f.targets.low < 0
        and not are_a_quantity(f),
        lambda f: f"The labels go from {interval(f.targets.low, f.targets.high)}; {f.output.loss} reads no label "
        "below 0.",
        lambda f: "Write the classes as 0 and 1." if f.targets.of == "-1 and 1" else "Number the classes from 0 on.",
        lambda f: ZERO_AND_ONE if f.targets.of == "-1 and 1" else NUMBERED,
    ),
    Check(
        "labels with gaps",
        "wrong_labels",
        "the last layer has units enough for the classes, whose numbers leave gaps",
        have_gaps,
        lambda f: f"There are {f.targets.classes} different labels up to {digits(f.targets.high, 4)}; a cross-entropy "
        f"of {f.output.units} units reads 0 to {f.output.units - 1}.",
        "Number the classes from 0 on.",
        NUMBERED,
    ),
    Check(
        "rows without a class",
        "wrong_labels",
        "rows of a cross-entropy of classes have no 1",
        lambda f: f.output.loss == "categorical_crossentropy" and f.targets.empty > 0.05 and f.targets.at_once < 0.01,
        lambda f: f"{percent(f.targets.empty)} of the rows of the targets are 0 throughout: of no class, so that the "
        "loss of these examples is 0 whatever is predicted.",
        "Give each class a column of its own, and each row one 1 (`keras.utils.to_categorical`).",
        lambda f: code_by(f, Ending(f.targets.width + 1, "softmax", f.output.loss, ROWS_OF_NONE)),
    ),
    Check(
        "two numbers for two classes",
        "wrong_labels",
        "there are two different targets, that are not 0 and 1, before a loss or an output that has these",
        lambda f: are_two(f.targets) and f.targets.of != "one class" and (
            (f.output.loss in CROSS_ENTROPIES and (f.targets.low < 0 or f.targets.high > 1) and f.targets.width > 1)
            or are_two_for_one(f)),
        lambda f: f"The targets are {digits(f.targets.low, 4)} and {digits(f.targets.high, 4)} throughout, where 0 and "
        "1 are asked for.",
        "Write them as 0 and 1.",
        ZERO_AND_ONE,
    ),
    Check(
        "sizes in a cross-entropy",
        "wrong_labels",
        "rows of numbers from 0 on, some above 1, are in a cross-entropy that reads probabilities, or single numbers "
        f"of up to {LARGEST_SIZE:g} behind a sigmoid",
        are_of_another_unit,
        lambda f: f"The targets are {'rows of ' if f.targets.width > 1 else ''}numbers of "
        f"{interval(f.targets.low, f.targets.high)}, which {f.output.loss} reads as probabilities.",
        lambda f: f"Divide the targets by {digits(f.targets.high)}, the largest, so that they are between 0 and 1; or "
        "take `keras.losses.MeanSquaredError` with no activation at the end."
        if f.output.loss == "binary_crossentropy" else "Divide each row by its sum.",
        lambda f: f"y = y / {digits(f.targets.high, 6)}" if f.output.loss == "binary_crossentropy"
        else "y = y / y.sum(axis=-1, keepdims=True)",
    ),
    Check(
        "two labels beyond 1",
        "wrong_labels",
        "two whole labels, one above 1, are in a binary cross-entropy",
        lambda f: f.output.loss == "binary_crossentropy" and f.targets.of == "classes" and f.targets.classes == 2
        and f.targets.low >= 0,
        lambda f: f"The two labels are {digits(f.targets.low)} and {digits(f.targets.high)}; binary_crossentropy "
        "reads 0 and 1.",
        "Write the classes as 0 and 1.",
        ZERO_AND_ONE,
    ),
    Check(
        "validation labels",
        "wrong_labels",
        "targets of the validation data are written otherwise, or are of another range",
        lambda f: bool(f.other) and _are_written_otherwise(f),
        lambda f: f"The targets of the training are {f.targets.of} of {interval(f.targets.low, f.targets.high)}, "
        f"those of {f.other} {f.other_targets.of} of {interval(f.other_targets.low, f.other_targets.high)}.",
        lambda f: f"Write the targets of {f.other} as those of the training.",
        source=FOUND,
        is_of_other=True,
    ),
    Check(
        "labels of others",
        "wrong_labels",
        f"the nearest examples of the probe predict each other's targets with less than {KNOWN:g} of the loss of the "
        "best constant prediction, and those of training examples, which are as near to them, with more than "
        f"{DENIED:g} of it; their inputs are alike",
        lambda f: f.neighbours < KNOWN * f.chance and f.neighbours_of_read > DENIED * f.chance and unlike(f) is None,
        lambda f: "Training examples have other targets than examples of the probe with similar inputs (predicted from "
        f"the most similar examples of the probe, training examples have a loss of {digits(f.neighbours_of_read)}, the "
        f"probe's own {digits(f.neighbours)}; the best constant prediction has {digits(f.chance)}).",
        "See that inputs and targets are in one order, and that the targets of training and validation are "
        "numbered alike: shuffle both by one permutation, and split them together.",
        lambda f: "" if Fact.VALIDATED_APART in f.has
        else f"# of x and y as you loaded them, in place of any other shuffling\n{SHUFFLE}",
        source=FOUND,
    ),
    Check(
        "equal targets",
        "wrong_labels",
        f"all of {FEW} targets or more are equal, and the loss is one of Keras's",
        lambda f: f.targets.of == "one class" and f.targets.examples >= FEW and bool(f.output.loss)
        and not _is_one_class_of_several(f),
        lambda f: f"All {f.targets.examples} targets are {_one_value(f.targets)}: there is nothing to tell apart.",
        "Look at how the targets are read, and shuffle the examples before they are split.",
        source=CHOSEN,
        level="watch",
    ),
)  # fmt: skip

OF_ALL = (
    Check(
        "many equal rows",
        "leak",
        "one of 10 validation examples or more is also in the training data with its target, not by nature",
        lambda f: f.equal_rows >= 0.1 and not f.rows_are_few,
        lambda f: f"{percent(f.equal_rows)} of the examples of the validation data are also trained on.",
        "Take the validation examples out of the training data; split before examples are repeated or augmented.",
    ),
    Check(
        "equal rows",
        "leak",
        "one of 20 validation examples or more is also in the training data, not by nature",
        lambda f: f.equal_rows >= 0.05 and not f.rows_are_few,
        lambda f: f"{percent(f.equal_rows)} of the examples of the validation data are also trained on.",
        source=CHOSEN,
        level="watch",
    ),
    Check(
        "classes of the validation alone",
        "label_order",
        "one of 10 validation examples or more is of a class that no training example has",
        lambda f: f.unseen >= 0.1 and f.output.loss in CROSS_ENTROPIES and f.targets.places == 1
        and (f.targets.are_whole or f.targets.of == "one-hot"),
        lambda f: f"{percent(f.unseen)} of the validation examples are of classes that no training example has.",
        "Shuffle the examples before they are split, or before `validation_split` takes the last of them.",
        lambda f: "" if Fact.VALIDATED_APART in f.has else SHUFFLE,
        then="Split each class by itself, as `train_test_split(stratify=y)` of scikit-learn does.",
        is_of_other=True,
    ),
    Check(
        "labels in order",
        "label_order",
        f"the first {MANY} examples or more are trained on in the order of their labels, or of their targets if these "
        f"are numbers, or in runs of {LONG_RUNS:g} or more of the same label",
        _are_in_order,
        lambda f: f"The first {f.targets.examples} examples that are trained on are in "
        + (f"runs of {digits(f.runs_read)} of the same label." if f.order_read > IN_ORDER
           else f"the order of their {'targets' if f.targets.of == 'numbers' else 'labels'}."),
        code=SHUFFLE,
    ),
    Check(
        "one class in a batch",
        "label_order",
        f"the first {MANY} examples or more that are trained on are of one class, and others of several",
        lambda f: _is_one_class_of_several(f) and f.targets.examples >= MANY,
        lambda f: f"The first {f.targets.examples} examples that are trained on are all of one class, those of "
        f"{f.other} of {f.other_targets.classes}.",
        code=SHUFFLE,
    ),
    Check(
        "one class has nearly all",
        "imbalance",
        "one class has 93 of 100 examples or more, and they have no weights",
        lambda f: f.targets.of in ("0 and 1", "classes", "one-hot") and 0.93 <= f.targets.commonest < 1
        and (f.output.loss in CROSS_ENTROPIES
             or (f.output.loss in SIZES_OF_CLASSES and f.output.activation in PROBABILITIES))
        and f.targets.examples >= 100 and not f.is_weighted,
        lambda f: f"One class has {percent(f.targets.commonest)} of the examples: a model that always predicts "
        "this class is right as often.",
        lambda f: "Give the rare classes more weight by `sample_weight`, in the shape of the targets: `class_weight` "
        "knows one label for each example." if f.targets.places > 1 else "",
        lambda f: f"{NUMPY}labels, counts = np.unique({_labels(f.targets)}, "
        "return_counts=True)\n"
        "class_weight = {int(label): len(y) / len(labels) / count for label, count in zip(labels, counts)}"
        if f.targets.places <= 1 else "",
        source=CHOSEN,
    ),
)  # fmt: skip
