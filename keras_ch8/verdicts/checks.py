"""What is wrong before the first step: checks as data, each with its condition, its sentence and its cure.

A `Check` is judged on the `facts.Facts` of a training. Facts that are not known are NaN or "", which fulfil no condition.
Those that flagged repaired trainings of the sets of real faults, or that are a matter of taste, are notes: facts worth
knowing, and never a verdict.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable

from .facts import CROSS_ENTROPIES, DISTANCES, PROBABILITIES, Facts, Inputs, Layer, Output, Targets
from .facts import are_of_another_scale as _are_of_another_scale
from .verdict import Claim
from .wording import counted, digits, percent

LARGE, LARGE_RMS = 10.0, 5.0
"""Inputs whose largest size and root mean square are beyond these are too large for the first layer."""
SPREAD = 100.0
"""Ratio of the standard deviations of two features, from which on it is worth a note."""
OUTSIDE = 0.02
"""How far outside the range of the output, over the range of the targets, targets may be."""
FADED = 1e-3
"""Gradient of the first matrix over that of the last, below which the first layers hardly learn."""
FEW = 16
"""Fewer examples than these tell nothing of all."""
NO_LAYER = Layer("")

FACTS = "certain: it follows from the loss and the output"
FOUND = "flagged no repaired training of the sets of real faults"


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that can be wrong before the first step.

    Args:
        name: Its name.
        kind: The kind of verdict that it makes; of a note what it is about.
        level: `"act"`, `"watch"` or `"note"`.
        holds: When it speaks, in words.
        when: Whether it speaks, of the facts.
        says: What it says, one sentence with the number.
        cure: What to do, with the number; "" for the cure of the kind.
        code: Lines of Python that do it; "" where there are none.
        source: Where the condition comes from.
    """

    name: str
    kind: str
    level: str
    holds: str
    when: Callable[[Facts], bool]
    says: Callable[[Facts], str]
    cure: Callable[[Facts], str] = lambda f: ""
    code: Callable[[Facts], str] = lambda f: ""
    source: str = FACTS


def claims_of(facts: Facts, leave_out: Callable[[str, Exception], None]) -> tuple[list[Claim], list[str]]:
    """Return what the checks claim and note of some facts, the gravest claim of each kind; causes silence symptoms.

    A check that fails is left out, after `leave_out` was called with its name and the error.
    """
    found: dict[str, Claim] = {}
    notes: list[str] = []
    for check in CHECKS:
        try:
            if not check.when(facts) or any(cause in found for cause in CAUSES.get(check.kind, ())):
                continue
            said = check.says(facts)
            if check.level == "note":
                notes.append(said)
            elif check.kind not in found:
                cure, code = check.cure(facts), check.code(facts)
                why = (f"It is said where {check.holds} ({check.source}).",)
                found[check.kind] = Claim(check.kind, check.level, said, cure, proven=True, why=why, code=code)
        except Exception as error:
            leave_out(check.name, error)
    return list(found.values()), notes


CAUSES: dict[str, tuple[str, ...]] = {
    "no_gradient": ("bad_inputs", "equal_units", "wrong_output", "wrong_loss"),
    "exploding": ("bad_inputs",),
    "vanishing": ("bad_inputs", "equal_units", "no_gradient"),
}
"""Which kinds explain others, so that only they are said."""


# --- what the conditions ask ---------------------------------------------------------------------------------------


def _first(facts: Facts) -> Layer:
    """Return the first layer with a matrix that is trained."""
    return next(iter(facts.start.trained), NO_LAYER)


def _large(facts: Facts) -> bool:
    """Whether the first layer is given inputs that are too large, as they are."""
    layer = _first(facts)
    is_first = bool(facts.start.layers) and layer is next((x for x in facts.start.layers if x.has_matrix), None)
    return is_first and layer.input_largest > LARGE and layer.input_rms > LARGE_RMS


def _pixels(facts: Facts) -> bool:
    return len(facts.inputs) == 1 and facts.inputs[0].are_pixels


def _outside(output: Output, targets: Targets) -> bool:
    """Whether targets are beyond what the output can give."""
    low, high = output.range
    allowed = OUTSIDE * (targets.high - targets.low)
    return targets.low < low - allowed or targets.high > high + allowed


def _is_of_classes(output: Output) -> bool:
    return output.loss in ("categorical_crossentropy", "sparse_categorical_crossentropy")


def _takes_probabilities(output: Output) -> bool:
    return output.loss in CROSS_ENTROPIES and output.from_logits is False


def _broken(facts: Facts) -> Layer | None:
    """Return the first layer that gives infinite numbers, of finite inputs."""
    return next((layer for layer in facts.start.layers if not layer.is_finite), None)


def _are_finite(facts: Facts) -> bool:
    return not any(x.nonfinite for x in facts.inputs) and not facts.targets.nonfinite


def _all_dead(facts: Facts) -> Layer | None:
    """Return a layer of ReLUs all of which are dead, after which nothing gets through."""
    return next((layer for layer in facts.start.layers if layer.dead == 1.0 and not math.isnan(layer.signal)), None)


def _ends(facts: Facts) -> tuple[Layer, Layer]:
    trained = facts.start.trained
    return (trained[0], trained[-1]) if len(trained) > 2 else (NO_LAYER, NO_LAYER)


def _copied(facts: Facts) -> Layer:
    """Return a hidden layer whose units are all equal."""
    hidden = (x for x in facts.start.trained if not x.is_output and x is not facts.start.trained[-1])
    return next((x for x in hidden if x.units > 1 and x.copies == x.units - 1), NO_LAYER)


def _classes_beyond(facts: Facts) -> bool:
    """Whether there are more classes than outputs."""
    targets, output = facts.targets, facts.output
    if output.loss == "sparse_categorical_crossentropy" and targets.are_whole:
        return targets.high - min(targets.low, 1) >= output.units > 1
    return output.loss == "binary_crossentropy" and output.units == 1 and targets.of == "classes" and targets.classes > 2


def _begins_at_one(facts: Facts) -> bool:
    """Whether labels are numbered from 1, as many as there are outputs."""
    targets, output = facts.targets, facts.output
    return output.loss == "sparse_categorical_crossentropy" and targets.are_whole and targets.high == output.units > 1 \
        and targets.low == 1  # fmt: skip


def _others(facts: Facts) -> Iterable[tuple[Inputs, Inputs]]:
    return zip(facts.inputs, facts.other_inputs, strict=False)


def _unlike(facts: Facts) -> tuple[Inputs, Inputs] | None:
    """Return inputs of the training, and other ones that were not prepared alike."""
    numbers = (pair for pair in _others(facts) if all(x.of == "numbers" and x.examples >= FEW for x in pair))
    return next((pair for pair in numbers if _are_of_another_scale(*pair)), None)


def _range(low: float, high: float) -> str:
    return f"{digits(low)} to {digits(high)}"


def _can_give(output: Output) -> str:
    low, high = output.range
    return f"numbers from {digits(low)} on" if math.isinf(high) else f"numbers of {_range(low, high)}"


def _classes(facts: Facts) -> int:
    """Return the units that an output needs for these labels."""
    return max(facts.targets.classes, int(facts.targets.high) + 1)


def _softmax(units: int, loss: str) -> str:
    return f'# the last layer: keras.layers.Dense({units}, activation="softmax")\nmodel.compile(model.optimizer, "{loss}")'


def _with(facts: Facts, activation: str) -> str:
    """Return the code of the last layer with another activation."""
    shown = "None" if activation == "linear" else f'"{activation}"'
    return f"# the last layer, {facts.output.layer}: keras.layers.Dense({facts.output.units}, activation={shown})"


def _activation_for(targets: Targets) -> str:
    """Return the activation whose range holds the targets."""
    if targets.low >= 0 and targets.high <= 1:
        return "sigmoid"
    return "tanh" if targets.low >= -1 and targets.high <= 1 else "linear"


# --- the checks ----------------------------------------------------------------------------------------------------

OF_INPUTS = (
    Check(
        "nonfinite inputs",
        "bad_inputs",
        "act",
        "an input is infinite or not a number",
        lambda f: any(x.nonfinite for x in f.inputs),
        lambda f: f"{counted(sum(x.nonfinite for x in f.inputs), 'number')} of the inputs are infinite or not a number, "
        "and make the loss so.",
        lambda f: "Take out the examples with such numbers, or put another number in their place.",
        lambda f: "there = np.isfinite(x.reshape(len(x), -1)).all(axis=1)\nx, y = x[there], y[there]",
    ),
    Check(
        "pixels",
        "bad_inputs",
        "act",
        f"the first layer gets inputs of 0 to 255 with a root mean square above {LARGE_RMS:g}",
        lambda f: _large(f) and _pixels(f),
        lambda f: f"The inputs go into {_first(f).name} with sizes of up to {digits(_first(f).input_largest)} and a root "
        f"mean square of {digits(_first(f).input_rms)}, as pixels of 0 to 255; about 1 is best.",
        lambda f: "Divide all inputs by 255, those of validation and of prediction too, or begin the model with "
        "`keras.layers.Rescaling(1 / 255)`.",
        lambda f: "x = x / 255",
        FOUND,
    ),
    Check(
        "large inputs",
        "bad_inputs",
        "act",
        f"the first layer gets inputs of sizes above {LARGE:g} with a root mean square above {LARGE_RMS:g}",
        _large,
        lambda f: f"The inputs go into {_first(f).name} with sizes of up to {digits(_first(f).input_largest)} and a root "
        f"mean square of {digits(_first(f).input_rms)}{_features(f)}; about 1 is best.",
        lambda f: "Bring the inputs to mean 0 and variance 1 with `keras.layers.Normalization`, adapted to the training "
        "data, as the first layer of the model.",
        lambda f: "normalization = keras.layers.Normalization()\nnormalization.adapt(x)  # then the first layer of the "
        "model\nx = normalization(x)",
        FOUND,
    ),
    Check(
        "another scale",
        "bad_inputs",
        "act",
        "mean or deviation of other inputs are far from those of the training",
        lambda f: _unlike(f) is not None,
        lambda f: _says_unlike(f),
        lambda f: f"Prepare {f.other} as the inputs of the training, with the same numbers: do not scale each by its own.",
        source="5 times the deviation, or 3 deviations between the means; standardized pixels are not told",
    ),
    Check(
        "different features",
        "bad_inputs",
        "note",
        f"a feature varies {SPREAD:g} times as much as another, constant ones left out",
        lambda f: any(x.of == "numbers" and x.spread > SPREAD for x in f.inputs),
        lambda f: f"One feature of the inputs varies {digits(max(x.spread for x in f.inputs if x.spread > 0))} times as "
        "much as another; `keras.layers.Normalization` makes them alike.",
    ),
    Check(
        "constant features",
        "bad_inputs",
        "note",
        "a feature is the same in all examples",
        lambda f: any(x.of == "numbers" and x.constant and x.examples >= FEW for x in f.inputs),
        lambda f: f"{counted(sum(x.constant for x in f.inputs), 'feature')} of {sum(x.features for x in f.inputs)} "
        "are the same in all examples.",
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
        lambda f: "there = np.isfinite(y)\nx, y = x[there], y[there]",
    ),
    Check(
        "labels from 1",
        "wrong_labels",
        "act",
        "labels go from 1 to the number of units",
        _begins_at_one,
        lambda f: f"The labels go from 1 to {digits(f.targets.high, 4)}; a cross-entropy of {f.output.units} classes reads "
        f"0 to {f.output.units - 1}.",
        lambda f: "Count the classes from 0: subtract 1 from all labels.",
        lambda f: "y = y - 1",
    ),
    Check(
        "negative labels",
        "wrong_labels",
        "act",
        "labels of classes are below 0",
        lambda f: f.output.loss in CROSS_ENTROPIES and f.targets.are_whole and f.targets.low < 0,
        lambda f: f"The labels go from {_range(f.targets.low, f.targets.high)}; {f.output.loss} reads no label below 0.",
        lambda f: "Write the classes as 0 and 1." if f.targets.of == "-1 and 1" else "Number the classes from 0 on.",
        lambda f: "y = (y + 1) / 2" if f.targets.of == "-1 and 1" else "_, y = np.unique(y, return_inverse=True)",
    ),
    Check(
        "two labels beyond 1",
        "wrong_labels",
        "act",
        "two whole labels, one above 1, are in a binary cross-entropy",
        lambda f: f.output.loss == "binary_crossentropy" and f.targets.of == "classes" and f.targets.classes == 2
        and f.targets.low >= 0,
        lambda f: f"The two labels are {digits(f.targets.low)} and {digits(f.targets.high)}; binary_crossentropy reads 0 "
        "and 1.",
        lambda f: "Write the classes as 0 and 1.",
        lambda f: f"y = (y == {digits(f.targets.high, 6)}).astype(\"float32\")",
    ),
    Check(
        "validation labels",
        "wrong_labels",
        "act",
        "targets of the validation data are written otherwise, or are of another range",
        lambda f: bool(f.other) and _are_written_otherwise(f.targets, f.other_targets),
        lambda f: f"The targets of the training are {f.targets.of} of {_range(f.targets.low, f.targets.high)}, those of "
        f"{f.other} {f.other_targets.of} of {_range(f.other_targets.low, f.other_targets.high)}.",
        lambda f: f"Write the targets of {f.other} as those of the training.",
        source=FOUND,
    ),
    Check(
        "equal targets",
        "wrong_labels",
        "watch",
        f"all of {FEW} targets or more are equal, and the loss is one of Keras's",
        lambda f: f.targets.of == "one class" and f.targets.examples >= FEW and bool(f.output.loss),
        lambda f: f"All {f.targets.examples} targets are {_one_value(f.targets)}: there is nothing to tell apart.",
        lambda f: "Look at how the targets are read, and shuffle the examples before they are split.",
    ),
)  # fmt: skip

OF_LOSS = (
    Check(
        "more classes than outputs",
        "wrong_output",
        "act",
        "there are more classes than units of the last layer",
        lambda f: _classes_beyond(f) and not _begins_at_one(f),
        lambda f: f"The labels go up to {digits(f.targets.high, 4)}, which are {_classes(f)} classes, but the last layer has "
        f"{counted(f.output.units, 'unit')}.",
        lambda f: f"Give the last layer {_classes(f)} units and softmax, and compile with "
        "`keras.losses.SparseCategoricalCrossentropy`.",
        lambda f: _softmax(_classes(f), "sparse_categorical_crossentropy"),
    ),
    Check(
        "softmax of one unit",
        "wrong_output",
        "act",
        "the last layer is a softmax of one unit",
        lambda f: f.output.activation == "softmax" and f.output.units == 1,
        lambda f: f"A softmax of 1 unit gives 1 whatever its input is, as {f.output.layer} does.",
        lambda f: "Take sigmoid in the place of softmax, with `keras.losses.BinaryCrossentropy`."
        if f.targets.of in ("0 and 1", "") else "Take as many units as there are classes, or no activation for numbers.",
        lambda f: _with(f, "sigmoid" if f.targets.of in ("0 and 1", "") else "linear"),
    ),
    Check(
        "one unit for classes",
        "wrong_loss",
        "act",
        "a cross-entropy of classes is taken of one unit",
        lambda f: _is_of_classes(f.output) and f.output.units == 1 and f.output.activation != "softmax",
        lambda f: f"{f.output.loss} compares the units of the last layer with each other, and {f.output.layer} has 1.",
        lambda f: "Compile with `keras.losses.BinaryCrossentropy` and take sigmoid as the last activation."
        if f.targets.of in ("0 and 1", "") else "Give the last layer a unit for each class, and softmax.",
        lambda f: _with(f, "sigmoid") + '\nmodel.compile(model.optimizer, "binary_crossentropy")'
        if f.targets.of in ("0 and 1", "") else "",
    ),
    Check(
        "numbers in a cross-entropy",
        "wrong_loss",
        "act",
        "targets of a cross-entropy are not whole, or outside 0 to 1",
        lambda f: _numbers_in_cross_entropy(f),
        lambda f: f"The targets are numbers of {_range(f.targets.low, f.targets.high)}, which {f.output.loss} reads as "
        f"{'classes' if f.output.loss.startswith('sparse') else 'probabilities'}.",
        lambda f: "Compile with `keras.losses.MeanSquaredError`, with no activation at the end: these are numbers to be met.",
        lambda f: _with(f, "linear") + '\nmodel.compile(model.optimizer, "mean_squared_error")',
    ),
    Check(
        "one column for many units",
        "wrong_loss",
        "act",
        "a loss of numbers compares one target with several units",
        lambda f: f.output.loss in DISTANCES and f.targets.width == 1 and f.output.units > 1,
        lambda f: f"{f.output.loss} compares each target with all {f.output.units} units of the last layer.",
        lambda f: "For classes compile with `keras.losses.SparseCategoricalCrossentropy` and end with softmax; for numbers "
        "end with one unit.",
        lambda f: 'model.compile(model.optimizer, "sparse_categorical_crossentropy")' if f.targets.are_whole
        else "# the last layer: keras.layers.Dense(1)",
    ),
    Check(
        "several labels at once",
        "wrong_output",
        "act",
        "a softmax is to give several labels at once",
        lambda f: f.output.activation == "softmax" and f.output.units > 1 and f.targets.at_once > 0.01
        and f.output.loss in CROSS_ENTROPIES,
        lambda f: f"{percent(f.targets.at_once)} of the examples have several labels at once, but the outputs of a softmax "
        "have the sum 1.",
        lambda f: "End with sigmoid, and compile with `keras.losses.BinaryCrossentropy`.",
        lambda f: _with(f, "sigmoid") + '\nmodel.compile(model.optimizer, "binary_crossentropy")',
    ),
    Check(
        "no probabilities",
        "wrong_output",
        "act",
        "a cross-entropy of probabilities is taken of an output that gives none",
        lambda f: _takes_probabilities(f.output) and f.output.activation in ("relu", "tanh", "linear", "softplus", "elu")
        and not f.output.hides_logits and not _numbers_in_cross_entropy(f),
        lambda f: f"{f.output.loss} reads probabilities, but {f.output.layer} ends with {f.output.activation}.",
        lambda f: f"End with {_probable(f)}"
        + (", or tell the loss with `from_logits=True`." if f.output.activation == "linear" else "."),
        lambda f: _with(f, _probable(f)),
    ),
    Check(
        "targets out of reach",
        "wrong_output",
        "act",
        "targets of a loss of numbers are outside what the last activation can give",
        lambda f: f.output.loss in DISTANCES and _outside(f.output, f.targets),
        lambda f: f"The targets are {_range(f.targets.low, f.targets.high)}, but {f.output.layer} ends with "
        f"{f.output.activation}, which gives {_can_give(f.output)}.",
        lambda f: f"End with {_activation_for(f.targets)}"
        + (", which has no limit." if _activation_for(f.targets) == "linear" else ", whose range holds the targets."),
        lambda f: _with(f, _activation_for(f.targets)),
        FOUND,
    ),
    Check(
        "softmax twice",
        "wrong_output",
        "act",
        "a softmax is taken of a softmax",
        lambda f: f.output.activation == "softmax" and f.output.softmax_before,
        lambda f: "A softmax is taken of what a softmax has given, so that no output can be far from the others.",
        lambda f: "Take one of the two away.",
    ),
    Check(
        "probabilities as logits",
        "wrong_loss",
        "act",
        "the loss takes logits, and the output gives probabilities without their logits",
        lambda f: f.output.from_logits is True and f.output.activation in PROBABILITIES and not f.output.hides_logits,
        lambda f: f"The loss takes logits (from_logits=True), but {f.output.layer} ends with {f.output.activation}.",
        lambda f: "End with no activation, or leave from_logits=True out.",
        lambda f: f'model.compile(model.optimizer, "{f.output.loss}")',
    ),
    Check(
        "logits beside probabilities",
        "wrong_loss",
        "note",
        "the loss takes logits of an output that gives probabilities with their logits",
        lambda f: f.output.from_logits is True and f.output.activation in PROBABILITIES and f.output.hides_logits,
        lambda f: f"The loss takes logits, and {f.output.layer} ends with {f.output.activation}: Keras finds the logits "
        "itself on TensorFlow, and only there.",
    ),
    Check(
        "sigmoids for classes",
        "wrong_output",
        "note",
        "a cross-entropy of classes is taken of sigmoids",
        lambda f: _is_of_classes(f.output) and f.output.units > 1 and f.output.activation == "sigmoid",
        lambda f: f"{f.output.layer} ends with sigmoid before {f.output.loss}: Keras trains it as a softmax on TensorFlow, "
        "but `predict` gives numbers whose sum is not 1.",
    ),
    Check(
        "distances of classes",
        "wrong_loss",
        "note",
        "a loss of numbers compares one-hot classes",
        lambda f: f.output.loss in DISTANCES and f.targets.of == "one-hot" and f.output.units > 1,
        lambda f: f"{f.output.loss} compares classes; a cross-entropy with softmax has a steeper gradient where it is wrong.",
    ),
    Check(
        "fractions in a cross-entropy",
        "wrong_loss",
        "note",
        "targets of a binary cross-entropy are numbers between 0 and 1",
        lambda f: f.output.loss == "binary_crossentropy" and f.targets.of == "numbers" and 0 <= f.targets.low
        and f.targets.high <= 1,
        lambda f: "The targets are numbers between 0 and 1: the smallest loss that binary_crossentropy can reach with them "
        "is not 0.",
    ),
    Check(
        "accuracy of numbers",
        "wrong_loss",
        "note",
        "accuracy is asked for of targets that are numbers",
        lambda f: f.targets.of == "numbers" and any("accuracy" in name for name in f.output.metrics),
        lambda f: "Accuracy counts targets that are met exactly, which says nothing of numbers.",
    ),
    Check(
        "large targets",
        "bad_inputs",
        "note",
        "targets of a squared error are far from 1",
        lambda f: f.output.loss in DISTANCES and f.targets.deviation > 100,
        lambda f: f"The targets have a standard deviation of {digits(f.targets.deviation)}; divided by it, the usual rates "
        "fit.",
    ),
)  # fmt: skip

OF_START = (
    Check(
        "equal units",
        "equal_units",
        "act",
        "all units of a hidden layer have equal weights and equal gradients",
        lambda f: _copied(f) is not NO_LAYER,
        lambda f: f"All {_copied(f).units} units of {_copied(f).name} start equal and get equal gradients.",
        code=lambda f: f'# in {_copied(f).name}: kernel_initializer="glorot_uniform"',
    ),
    Check(
        "loss is not finite",
        "exploding",
        "act",
        "a layer gives infinite numbers of finite inputs before any step",
        lambda f: _are_finite(f) and _broken(f) is not None,
        lambda f: f"Before any step {_name(_broken(f))} gives numbers that are infinite or not a number, of finite inputs.",
        lambda f: "Take activations that do not grow so fast (ReLU, tanh), smaller initial weights, or normalize between "
        "the layers (`layers.BatchNormalization`).",
    ),
    Check(
        "dead layer",
        "no_gradient",
        "act",
        "all ReLUs of a layer are 0 for every example",
        lambda f: _all_dead(f) is not None,
        lambda f: f"All ReLUs of {_name(_all_dead(f))} give 0 for every example, so that no weight before them gets a "
        "gradient.",
        lambda f: "Take no ReLU as the last activation." if (x := _all_dead(f)) and x.is_output else
        "Start with `keras.initializers.HeNormal`, or take `keras.layers.LeakyReLU`.",
    ),
    Check(
        "no gradient",
        "no_gradient",
        "act",
        "the gradient of all weights is exactly 0",
        lambda f: f.start.gradient == 0.0 and math.isfinite(f.start.loss) and not f.start.loss == 0.0,
        lambda f: f"The gradient of all weights is exactly 0, at a loss of {digits(f.start.loss)}: no step moves them.",
    ),
    Check(
        "faded gradient",
        "vanishing",
        "act",
        f"the gradient of the first matrix is below {FADED:g} of that of the last, of three or more",
        lambda f: 0 < _ends(f)[0].gradient < FADED * _ends(f)[1].gradient,
        lambda f: f"The gradient of {_ends(f)[0].name} is {digits(_ends(f)[0].gradient / _ends(f)[1].gradient)} of that of "
        f"{_ends(f)[1].name}, {len(f.start.trained) - 1} layers on, before any step.",
        source=FOUND,
    ),
    Check(
        "deep and plain",
        "vanishing",
        "act",
        "eight or more layers, or six that saturate, follow each other without normalization and shrink the signal",
        lambda f: _is_deep_and_plain(f),
        lambda f: f"{len(f.start.trained)} layers follow each other without normalization or connections that skip some.",
        source=FOUND,
    ),
    Check(
        "loss above chance",
        "bad_scale",
        "note",
        "the loss at the start is above 3 times that of the best constant prediction",
        lambda f: f.chance > 0 and f.start.loss > 3 * f.chance,
        lambda f: f"The loss at the start is {digits(f.start.loss)}; the best constant prediction has {digits(f.chance)}.",
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
        lambda f: "The examples are sorted by their labels: `validation_split` takes the last, and without shuffling every "
        "minibatch has one class.",
    ),
    Check(
        "one class in a batch",
        "label_order",
        "watch",
        "the first batch that is trained on has one class, and other examples have several",
        lambda f: f.targets.of in ("0 and 1", "classes", "one-hot") and f.other_targets.of == "one class"
        and f.other_targets.examples >= FEW and f.other.startswith("the first batch") and f.targets.commonest < 0.8,
        lambda f: f"All {f.other_targets.examples} examples of {f.other} are of one class, of {f.targets.classes}.",
        code=lambda f: "order = np.random.default_rng(0).permutation(len(x))\nx, y = x[order], y[order]",
    ),
    Check(
        "one class has nearly all",
        "imbalance",
        "watch",
        "one class has 95 of 100 examples or more",
        lambda f: f.targets.of in ("0 and 1", "classes", "one-hot") and 0.95 <= f.targets.commonest < 1
        and f.output.loss in CROSS_ENTROPIES and f.targets.examples >= 100,
        lambda f: f"One class has {percent(f.targets.commonest)} of the examples: who always says it is right as often.",
        code=lambda f: "_, places, counts = np.unique(y, return_inverse=True, return_counts=True)\n"
        "weights = {i: len(y) / len(counts) / n for i, n in enumerate(counts)}  # model.fit(..., class_weight=weights)",
    ),
)  # fmt: skip

CHECKS: tuple[Check, ...] = (*OF_INPUTS, *OF_LABELS, *OF_LOSS, *OF_START, *OF_ALL)
"""All checks, in the order in which they are made: of each kind the first that speaks is said."""


# --- parts of sentences --------------------------------------------------------------------------------------------


def _features(facts: Facts) -> str:
    spread = max((x.spread for x in facts.inputs if x.spread > 0), default=1.0)
    return f", one feature varying {digits(spread)} times as much as another" if spread > SPREAD else ""


def _says_unlike(facts: Facts) -> str:
    pair = _unlike(facts)
    assert pair is not None
    one, other = pair
    return (
        f"The inputs of {facts.other} have mean {digits(other.mean)} and standard deviation {digits(other.deviation)}, "
        f"those of the training {digits(one.mean)} and {digits(one.deviation)}."
    )


def _are_written_otherwise(targets: Targets, other: Targets) -> bool:
    """Whether two sets of targets are not written alike: in other words, or in numbers far beyond the others'."""
    known = ("0 and 1", "-1 and 1", "classes", "one-hot", "numbers")
    if targets.of not in known or other.of not in known or min(targets.examples, other.examples) < FEW:
        return False
    if targets.of == other.of == "numbers":
        small, large = sorted((targets.deviation, other.deviation))
        return large > 10 * small > 0
    if targets.of == other.of or {targets.of, other.of} == {"numbers", "classes"}:
        return targets.of == "classes" and other.high > targets.high + targets.classes
    return {targets.of, other.of} != {"0 and 1", "classes"} or other.high > targets.high


def _one_value(targets: Targets) -> str:
    return digits(targets.low, 4) if targets.width == 1 else "of one class"


def _numbers_in_cross_entropy(facts: Facts) -> bool:
    """Whether targets of a cross-entropy are numbers that are no classes and no probabilities."""
    targets, loss = facts.targets, facts.output.loss
    if loss == "sparse_categorical_crossentropy":
        return targets.of == "numbers" and targets.width == 1
    return loss in CROSS_ENTROPIES and targets.of == "numbers" and (targets.low < 0 or targets.high > 1)


def _probable(facts: Facts) -> str:
    is_binary = facts.output.loss == "binary_crossentropy" or facts.output.units == 1
    return "sigmoid" if is_binary else "softmax"


def _name(layer: Layer | None) -> str:
    return layer.name if layer else ""


def _is_deep_and_plain(facts: Facts) -> bool:
    trained, start = facts.start.trained, facts.start
    if start.normalizes or len(trained) < 6:
        return False
    saturating = sum(layer.activation in ("tanh", "sigmoid", "hard_sigmoid") for layer in start.layers)
    first, last = trained[0].gradient, trained[-1].gradient
    return (len(trained) > 8 or saturating >= 6) and 0 < first < 0.1 * last
