"""Checks of inputs and labels, and of all examples together."""

from collections.abc import Iterable

from ._check import (
    CHOSEN,
    FEW,
    FOUND,
    Check,
    are_of_another_unit,
    are_two,
    are_two_for_one,
    begins_at_one,
    first,
    have_gaps,
    interval,
)
from .facts import CROSS_ENTROPIES, DISTANCES, Facts, Inputs, Targets, are_of_another_scale
from .remedies import COMPILE_AGAIN, NORMALIZE_INPUTS
from .wording import counted, digits, percent

LARGE, LARGE_RMS = 20.0, 10.0
"""Inputs whose largest size and root mean square are beyond these are too large for the first layer; half of it is not:
clusters of points within 15 of 0 are learned as they are."""
SMALL, SMALL_RMS = 0.05, 0.02
"""Inputs whose largest size and root mean square are below these are too small for the first layer. Of rows of length 1
with a thousand words, the root mean square alone is."""
OFFSET = 20.0
"""Mean over standard deviation of the feature in the middle, from which on what differs is lost in what is the same."""
FAR = 30.0
"""Ratio of the standard deviations of targets, from which on they are of two ranges; numbers with outliers have 10."""
CHOSEN_TO_ACT = "chosen, far from what healthy trainings have"
NUMPY = "import numpy as np\n\n"
NUMBERED = f"{NUMPY}_, y = np.unique(y, return_inverse=True)"
RESCALE = f"""\
inputs = keras.Input(x.shape[1:])
body, model = model, keras.Model(inputs, model(keras.layers.Rescaling(1 / 255)(inputs)))
{COMPILE_AGAIN}"""
NORMALIZE_BOTH = NORMALIZE_INPUTS.replace(
    "body, model = model, keras.Model(inputs, model(scale(inputs)))",
    "targets = keras.layers.Rescaling(float(y.std()), float(y.mean()))\n"
    "body, model = model, keras.Model(inputs, targets(model(scale(inputs))))",
)
SPREAD = 100.0
"""Ratio of the standard deviations of two features, from which on it is worth a note."""
LARGE_TARGETS = 100.0
"""Standard deviation of the targets, from which on a model of inputs of size 1 takes long to reach them."""

# --- what the conditions ask, and parts of sentences ---------------------------------------------------------------


def _need_scale(facts: Facts) -> bool:
    """Whether targets are so large that scaled inputs alone would make them harder to reach, at rates of one's own."""
    is_large = facts.output.loss in DISTANCES and facts.targets.deviation > LARGE_TARGETS
    return is_large and "adaptive rates" in facts.has


def _large(facts: Facts) -> bool:
    """Whether the first layer is given inputs that are too large, as they are."""
    layer = first(facts)
    is_first = bool(facts.start.layers) and layer is next((x for x in facts.start.layers if x.has_matrix), None)
    return is_first and layer.input_largest > LARGE and layer.input_rms > LARGE_RMS


def _small(facts: Facts) -> bool:
    """Whether the first layer is given inputs that are too small, as they are."""
    layer, inputs = first(facts), facts.inputs
    is_first = bool(facts.start.layers) and layer is facts.start.layers[0]
    is_known = len(inputs) == 1 and inputs[0].of == "numbers" and inputs[0].constant < inputs[0].features
    return is_first and is_known and layer.input_largest < SMALL and 0 < layer.input_rms < SMALL_RMS


def _constant(facts: Facts) -> bool:
    """Whether all inputs of enough examples are the same."""
    return any(x.of == "numbers" and x.examples >= FEW and x.features == x.constant > 0 == x.deviation
               for x in facts.inputs)  # fmt: skip


def _far_off(facts: Facts) -> bool:
    """Whether the first layer is given features that differ little from their mean, which is not small."""
    layer, inputs = first(facts), facts.inputs
    is_known = len(inputs) == 1 and inputs[0].of == "numbers" and inputs[0].examples >= FEW
    is_given = bool(facts.start.layers) and layer is facts.start.layers[0] and layer.input_rms > 0.5 * inputs[0].rms
    return is_known and is_given and inputs[0].offset > OFFSET and inputs[0].rms > 0.5


def _pixels(facts: Facts) -> bool:
    return len(facts.inputs) == 1 and facts.inputs[0].are_pixels


def _others(facts: Facts) -> Iterable[tuple[Inputs, Inputs]]:
    return zip(facts.inputs, facts.other_inputs, strict=False)


def _unlike(facts: Facts) -> tuple[Inputs, Inputs] | None:
    """Return inputs of the training, and other ones that were not prepared alike."""
    numbers = (pair for pair in _others(facts) if all(x.of == "numbers" and x.examples >= FEW for x in pair))
    return next((pair for pair in numbers if are_of_another_scale(*pair)), None)


def _features(facts: Facts) -> str:
    spread = max((x.spread for x in facts.inputs if x.spread > 0), default=1.0)
    return f", one feature varying {digits(spread)} times as much as another" if spread > SPREAD else ""


def _says_unlike(facts: Facts) -> str:
    one, other = _unlike(facts) or (Inputs(), Inputs())
    return (
        f"The inputs of {facts.other} have mean {digits(other.mean)} and standard deviation {digits(other.deviation)}, "
        f"those of the training {digits(one.mean)} and {digits(one.deviation)}."
    )


def _are_written_otherwise(targets: Targets, other: Targets) -> bool:
    """Whether two sets of targets are not written alike: in other words, or in numbers far beyond the others'."""
    known = ("0 and 1", "-1 and 1", "classes", "one-hot", "numbers")
    if targets.of not in known or other.of not in known or min(targets.examples, other.examples) < FEW:
        return False
    if "numbers" in (targets.of, other.of) and "one-hot" not in (targets.of, other.of):
        small, large = sorted((targets.deviation, other.deviation))
        return large > FAR * small > 0
    if targets.of == other.of:
        return targets.of == "classes" and other.high > targets.high + targets.classes
    return {targets.of, other.of} != {"0 and 1", "classes"} or other.high > targets.high


def _is_one_class_of_several(facts: Facts) -> bool:
    """Whether the examples are of one class, and other ones of several, of which none is rare."""
    targets, other = facts.targets, facts.other_targets
    is_one = targets.of == "one class" and targets.examples >= FEW
    return is_one and other.of in ("0 and 1", "classes", "one-hot") and other.commonest < 0.8


def _one_value(targets: Targets) -> str:
    return digits(targets.low, 4) if targets.width == 1 else "of one class"


# --- the checks ----------------------------------------------------------------------------------------------------

OF_INPUTS = (
    Check(
        "nonfinite inputs",
        "bad_inputs",
        "act",
        "an input is infinite or not a number",
        lambda f: any(x.nonfinite for x in f.inputs),
        lambda f: f"{counted(sum(x.nonfinite for x in f.inputs), 'number')} of the inputs are infinite or not a "
        "number, and make the loss so.",
        lambda f: "Take out the examples with such numbers, or put another number in their place.",
        lambda f: f"{NUMPY}there = np.isfinite(x.reshape(len(x), -1)).all(axis=1)\nx, y = x[there], y[there]",
    ),
    Check(
        "pixels",
        "bad_inputs",
        "act",
        f"the first layer gets inputs of 0 to 255 with a root mean square above {LARGE_RMS:g}",
        lambda f: _large(f) and _pixels(f),
        lambda f: f"The inputs go into {first(f).name} with sizes of up to {digits(first(f).input_largest)} and a root "
        f"mean square of {digits(first(f).input_rms)}, as pixels of 0 to 255; about 1 is best.",
        lambda f: "Divide all inputs by 255, those of validation and of prediction too, or begin the model with "
        "`keras.layers.Rescaling(1 / 255)`.",
        lambda f: RESCALE if "several inputs" not in f.has else "",
        FOUND,
    ),
    Check(
        "large inputs",
        "bad_inputs",
        "act",
        f"the first layer gets inputs of sizes above {LARGE:g} with a root mean square above {LARGE_RMS:g}",
        _large,
        lambda f: f"The inputs go into {first(f).name} with sizes of up to {digits(first(f).input_largest)} and a root "
        f"mean square of {digits(first(f).input_rms)}{_features(f)}; about 1 is best.",
        lambda f: "Bring the inputs to mean 0 and variance 1 with `keras.layers.Normalization`, adapted to the "
        "training data, as the first layer of the model"
        + (", and end with a `keras.layers.Rescaling` to the targets." if _need_scale(f) else "."),
        lambda f: "" if "several inputs" in f.has else NORMALIZE_BOTH if _need_scale(f) else NORMALIZE_INPUTS,
        FOUND,
    ),
    Check(
        "small inputs",
        "bad_inputs",
        "act",
        f"the first layer gets inputs of sizes below {SMALL:g} with a root mean square below {SMALL_RMS:g}",
        _small,
        lambda f: f"The inputs go into {first(f).name} with sizes of up to {digits(first(f).input_largest)} and a root "
        f"mean square of {digits(first(f).input_rms)}; about 1 is best.",
        lambda f: "Bring the inputs to mean 0 and variance 1 with `keras.layers.Normalization`, adapted to the "
        "training data, as the first layer of the model; were they divided by 255 twice?",
        lambda f: "" if "several inputs" in f.has else NORMALIZE_INPUTS,
        CHOSEN_TO_ACT,
    ),
    Check(
        "constant inputs",
        "bad_inputs",
        "act",
        f"all numbers of the inputs of {FEW} examples or more are equal",
        _constant,
        lambda f: "All inputs are the same number: there is nothing to learn from.",
        lambda f: "Look at how the inputs are read: `print(x[:3])`.",
    ),
    Check(
        "inputs far from 0",
        "bad_inputs",
        "act",
        f"the mean of the middle feature is above {OFFSET:g} times its standard deviation, and nothing centres it",
        _far_off,
        lambda f: f"The mean of a feature of the inputs is {digits(f.inputs[0].offset)} times its standard deviation, "
        "in the middle of them: the first layer hardly sees what differs.",
        lambda f: "Bring the inputs to mean 0 and variance 1 with `keras.layers.Normalization`, adapted to the "
        "training data, as the first layer of the model.",
        lambda f: "" if "several inputs" in f.has else NORMALIZE_INPUTS,
        CHOSEN_TO_ACT,
    ),
    Check(
        "another scale",
        "bad_inputs",
        "act",
        "mean or deviation of other inputs are far from those of the training",
        lambda f: _unlike(f) is not None,
        lambda f: _says_unlike(f),
        lambda f: f"Prepare {f.other} as the inputs of the training, with the same numbers: do not scale each by its "
        "own.",
        source="5 times the deviation, or 3 deviations between the means; standardized pixels are not told",
    ),
    Check(
        "different features",
        "bad_inputs",
        "note",
        f"a feature varies {SPREAD:g} times as much as another, constant ones left out",
        lambda f: any(x.of == "numbers" and x.spread > SPREAD for x in f.inputs),
        lambda f: f"One feature of the inputs varies {digits(max(x.spread for x in f.inputs if x.spread > 0))} times "
        "as much as another; `keras.layers.Normalization` makes them alike.",
    ),
    Check(
        "constant features",
        "bad_inputs",
        "note",
        "a feature is the same in nearly all examples",
        lambda f: any(x.of == "numbers" and x.constant and x.examples >= FEW for x in f.inputs),
        lambda f: f"{counted(sum(x.constant for x in f.inputs), 'feature')} of {sum(x.features for x in f.inputs)} "
        "are the same in nearly all examples.",
    ),
)  # fmt: skip

OF_LABELS = (
    Check(
        "nonfinite targets",
        "wrong_labels",
        "act",
        "a target is infinite or not a number",
        lambda f: f.targets.nonfinite > 0,
        lambda f: f"{counted(f.targets.nonfinite, 'target')} are infinite or not a number, and make the loss so.",
        lambda f: "Take out the examples without a finite target.",
        lambda f: f"{NUMPY}there = np.isfinite(y.reshape(len(y), -1)).all(axis=1)\nx, y = x[there], y[there]",
    ),
    Check(
        "labels from 1",
        "wrong_labels",
        "act",
        "labels go from 1 to the number of units",
        begins_at_one,
        lambda f: f"The labels go from 1 to {digits(f.targets.high, 4)}; a cross-entropy of {f.output.units} classes "
        f"reads 0 to {f.output.units - 1}.",
        lambda f: "Count the classes from 0: subtract 1 from all labels.",
        lambda f: "y = y - 1",
    ),
    Check(
        "negative labels",
        "wrong_labels",
        "act",
        "labels of classes are below 0",
        lambda f: f.output.loss in CROSS_ENTROPIES and f.targets.are_whole and f.targets.low < 0,
        lambda f: f"The labels go from {interval(f.targets.low, f.targets.high)}; {f.output.loss} reads no label "
        "below 0.",
        lambda f: "Write the classes as 0 and 1." if f.targets.of == "-1 and 1" else "Number the classes from 0 on.",
        lambda f: "y = (y + 1) / 2" if f.targets.of == "-1 and 1" else NUMBERED,
    ),
    Check(
        "labels with gaps",
        "wrong_labels",
        "act",
        "the last layer has units enough for the classes, whose numbers leave gaps",
        have_gaps,
        lambda f: f"There are {f.targets.classes} different labels up to {digits(f.targets.high, 4)}; a cross-entropy "
        f"of {f.output.units} units reads 0 to {f.output.units - 1}.",
        lambda f: "Number the classes from 0 on.",
        lambda f: NUMBERED,
    ),
    Check(
        "rows without a class",
        "wrong_labels",
        "act",
        "rows of a cross-entropy of classes have no 1",
        lambda f: f.output.loss == "categorical_crossentropy" and f.targets.empty > 0.05 and f.targets.at_once < 0.01,
        lambda f: f"{percent(f.targets.empty)} of the rows of the targets are 0 throughout: of no class, so that the "
        "loss of these examples is 0 whatever is predicted.",
        lambda f: "Give each class a column of its own, and each row one 1 (`keras.utils.to_categorical`).",
    ),
    Check(
        "two numbers for two classes",
        "wrong_labels",
        "act",
        "there are two different targets, that are not 0 and 1, before a loss or an output that has these",
        lambda f: are_two(f.targets) and f.targets.of != "one class" and (
            (f.output.loss in CROSS_ENTROPIES and (f.targets.low < 0 or f.targets.high > 1) and f.targets.width > 1)
            or are_two_for_one(f)),
        lambda f: f"The targets are {digits(f.targets.low, 4)} and {digits(f.targets.high, 4)} throughout, where 0 and "
        "1 are asked for.",
        lambda f: "Write them as 0 and 1.",
        lambda f: f'y = (y == {digits(f.targets.high, 6)}).astype("float32")',
    ),
    Check(
        "sizes in a cross-entropy",
        "wrong_labels",
        "act",
        "rows of numbers from 0 on, some above 1, are in a cross-entropy that reads probabilities",
        are_of_another_unit,
        lambda f: f"The targets are rows of numbers of {interval(f.targets.low, f.targets.high)}, which "
        f"{f.output.loss} reads as probabilities.",
        lambda f: f"Divide the targets by {digits(f.targets.high)}, the largest, so that they are between 0 and 1; or "
        "take `keras.losses.MeanSquaredError` with no activation at the end."
        if f.output.loss == "binary_crossentropy" else "Divide each row by its sum.",
        lambda f: f"y = y / {digits(f.targets.high, 6)}" if f.output.loss == "binary_crossentropy"
        else "y = y / y.sum(axis=-1, keepdims=True)",
    ),
    Check(
        "two labels beyond 1",
        "wrong_labels",
        "act",
        "two whole labels, one above 1, are in a binary cross-entropy",
        lambda f: f.output.loss == "binary_crossentropy" and f.targets.of == "classes" and f.targets.classes == 2
        and f.targets.low >= 0,
        lambda f: f"The two labels are {digits(f.targets.low)} and {digits(f.targets.high)}; binary_crossentropy "
        "reads 0 and 1.",
        lambda f: "Write the classes as 0 and 1.",
        lambda f: f"y = (y == {digits(f.targets.high, 6)}).astype(\"float32\")",
    ),
    Check(
        "validation labels",
        "wrong_labels",
        "act",
        "targets of the validation data are written otherwise, or are of another range",
        lambda f: bool(f.other) and _are_written_otherwise(f.targets, f.other_targets),
        lambda f: f"The targets of the training are {f.targets.of} of {interval(f.targets.low, f.targets.high)}, "
        f"those of {f.other} {f.other_targets.of} of {interval(f.other_targets.low, f.other_targets.high)}.",
        lambda f: f"Write the targets of {f.other} as those of the training.",
        source=FOUND,
    ),
    Check(
        "equal targets",
        "wrong_labels",
        "watch",
        f"all of {FEW} targets or more are equal, and the loss is one of Keras's",
        lambda f: f.targets.of == "one class" and f.targets.examples >= FEW and bool(f.output.loss)
        and not _is_one_class_of_several(f),
        lambda f: f"All {f.targets.examples} targets are {_one_value(f.targets)}: there is nothing to tell apart.",
        lambda f: "Look at how the targets are read, and shuffle the examples before they are split.",
        source=CHOSEN,
    ),
)  # fmt: skip

OF_ALL = (
    Check(
        "equal rows",
        "leak",
        "watch",
        "one of 20 validation examples or more is also in the training data, not by nature",
        lambda f: f.equal_rows >= 0.05 and not f.rows_are_few,
        lambda f: f"{percent(f.equal_rows)} of the examples of {f.other} are also trained on.",
        source=CHOSEN,
    ),
    Check(
        "few rows",
        "leak",
        "note",
        "validation examples are also in the training data",
        lambda f: f.equal_rows > 0 and (f.rows_are_few or f.equal_rows < 0.05),
        lambda f: f"{percent(f.equal_rows)} of the examples of {f.other} are also trained on.",
    ),
    Check(
        "sorted labels",
        "label_order",
        "note",
        "the examples are sorted by their labels",
        lambda f: f.order <= 1.5,
        lambda f: "The examples are sorted by their labels: `validation_split` takes the last, and without "
        "shuffling every minibatch has one class.",
    ),
    Check(
        "one class in a batch",
        "label_order",
        "watch",
        "the first examples that are trained on are of one class, and others of several",
        _is_one_class_of_several,
        lambda f: f"The first {f.targets.examples} examples that are trained on are all of one class, those of "
        f"{f.other} of {f.other_targets.classes}.",
        code=lambda f: f"{NUMPY}order = np.random.default_rng(0).permutation(len(x))\nx, y = x[order], y[order]",
        source=CHOSEN,
    ),
    Check(
        "one class has nearly all",
        "imbalance",
        "watch",
        "one class has 95 of 100 examples or more",
        lambda f: f.targets.of in ("0 and 1", "classes", "one-hot") and 0.95 <= f.targets.commonest < 1
        and f.output.loss in CROSS_ENTROPIES and f.targets.examples >= 100,
        lambda f: f"One class has {percent(f.targets.commonest)} of the examples: who always says it is right as "
        "often.",
        code=lambda f: f"{NUMPY}labels, counts = np.unique(y, return_counts=True)\n"
        "class_weight = {int(label): len(y) / len(labels) / count for label, count in zip(labels, counts)}",
        source=CHOSEN,
    ),
)  # fmt: skip
