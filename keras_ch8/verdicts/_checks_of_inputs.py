"""Checks of inputs."""

from ._check import CHOSEN_TO_ACT, FEW, FOUND, NO_LAYER, Check, first
from .code import FIND_RATE, NORMALIZE_BOTH, NORMALIZE_INPUTS, NUMPY, with_layers
from .fact import Fact
from .facts import DISTANCES, Facts, Inputs, Layer, are_of_another_scale
from .wording import counted, digits, percent

LARGE, LARGE_RMS = 20.0, 10.0
"""Inputs whose largest size and root mean square are beyond these are too large for the first layer; half of it is not:
clusters of points within 15 of 0 are learned as they are."""
SMALL, SMALL_RMS = 0.05, 0.02
"""Inputs whose largest size and root mean square are below these are too small for the first layer. Of rows of length 1
with a thousand words, the root mean square alone is."""
OFFSET = 20.0
"""Mean over standard deviation of the feature in the middle, from which on what differs is lost in what is the same."""
SPREAD = 100.0
"""Ratio of the standard deviations of two features, from which on a sentence says it."""
RESCALE = with_layers("keras.layers.Rescaling(1 / 255), *layers")
NORMALIZE = (
    "Bring the inputs to mean 0 and variance 1 with `keras.layers.Normalization`, adapted to the training data, as the "
    "first layer of the model"
)

# --- what the conditions ask, and parts of sentences ---------------------------------------------------------------


def _need_scale(facts: Facts) -> bool:
    """Whether targets are so large that scaled inputs alone would make them harder to reach, at rates of one's own."""
    is_large = facts.output.loss in DISTANCES and facts.targets.are_large
    return is_large and Fact.ADAPTIVE_RATES in facts.has


def _and_rate(facts: Facts) -> str:
    """Return the end of a cure that makes inputs smaller: a rate that was low for large ones is too low for these."""
    return ", and find the learning rate anew: `keras_ch8.find_learning_rate`." if Fact.LOW_RATE in facts.has else "."


def _with_rate(facts: Facts, code: str) -> str:
    return f"{code}\n{FIND_RATE}" if Fact.LOW_RATE in facts.has else code


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


def unlike(facts: Facts) -> tuple[Inputs, Inputs] | None:
    """Return inputs of the training, and other ones that were not prepared alike."""
    pairs = zip(facts.inputs, facts.other_inputs, strict=False)
    numbers = (pair for pair in pairs if all(x.of == "numbers" and x.examples >= FEW for x in pair))
    return next((pair for pair in numbers if are_of_another_scale(*pair)), None)


def _with_stand_in(facts: Facts) -> Inputs:
    """Return the first inputs in which a number stands for what is missing."""
    return next((x for x in facts.inputs if x.of == "numbers" and x.stand_ins > 0), Inputs())


def _cut_off(facts: Facts) -> Layer:
    """Return the first embedding that is given fractions."""
    return next((layer for layer in facts.start.layers if layer.fractions > 0), NO_LAYER)


def _sizes(facts: Facts) -> str:
    """Return the beginning of a sentence: what the first layer is given."""
    layer = first(facts)
    largest, rms = digits(layer.input_largest), digits(layer.input_rms)
    return f"The inputs of {layer.name} have absolute values up to {largest} and a root mean square of {rms}"


def _features(facts: Facts) -> str:
    spread = max((x.spread for x in facts.inputs if x.spread > 0), default=1.0)
    return f", one feature varying {digits(spread)} times as much as another" if spread > SPREAD else ""


def _says_unlike(facts: Facts) -> str:
    one, other = unlike(facts) or (Inputs(), Inputs())
    return (
        f"The inputs of {facts.other} have mean {digits(other.mean)} and standard deviation {digits(other.deviation)}, "
        f"those of the training {digits(one.mean)} and {digits(one.deviation)}."
    )


# --- the checks ----------------------------------------------------------------------------------------------------

OF_INPUTS = (
    Check(
        "nonfinite inputs",
        "bad_inputs",
        "an input is infinite or not a number",
        lambda f: any(x.nonfinite for x in f.inputs),
        lambda f: "Some inputs are infinite or not a number "
        f"({counted(sum(x.nonfinite for x in f.inputs), 'number')}), and make the loss so.",
        "Take out the examples with such numbers, or put another number in their place.",
        f"{NUMPY}there = np.isfinite(x.reshape(len(x), -1)).all(axis=1)\nx, y = x[there], y[there]",
        expects="The loss should be a number from the first step on.",
        then="Look for where they come from, such as a division by 0, a logarithm of 0, or a value that is missing.",
    ),
    Check(
        "fractions for an embedding",
        "bad_inputs",
        "an embedding is given numbers that are not whole",
        lambda f: _cut_off(f).fractions > 0,
        lambda f: f"{percent(_cut_off(f).fractions)} of what {_cut_off(f).name} is given is not whole: an embedding "
        "has a row for each whole number, and cuts the rest off.",
        "Give the embedding the numbers of words or classes as they are, without scaling; quantities need no "
        "embedding, but a `keras.layers.Dense`.",
        expects="The loss should fall below that of the best constant prediction.",
        then="Turn words into numbers by `keras.layers.StringLookup`, and sizes into classes by "
        "`keras.layers.Discretization`.",
    ),
    Check(
        "pixels",
        "bad_inputs",
        f"the first layer gets inputs of 0 to 255 with a root mean square above {LARGE_RMS:g}",
        lambda f: _large(f) and len(f.inputs) == 1 and f.inputs[0].are_pixels,
        lambda f: f"{_sizes(f)}, as pixels of 0 to 255; about 1 is best.",
        lambda f: "Divide all inputs by 255, those of validation and of prediction too, or begin the model with "
        "`keras.layers.Rescaling(1 / 255)`" + _and_rate(f),
        lambda f: _with_rate(f, RESCALE),
        FOUND,
    ),
    Check(
        "large inputs",
        "bad_inputs",
        f"the first layer gets inputs of sizes above {LARGE:g} with a root mean square above {LARGE_RMS:g}",
        _large,
        lambda f: f"{_sizes(f)}{_features(f)}; about 1 is best.",
        lambda f: NORMALIZE
        + (", and end with `keras.layers.Rescaling`(y.std(), y.mean())." if _need_scale(f) else _and_rate(f)),
        lambda f: NORMALIZE_BOTH if _need_scale(f) else _with_rate(f, NORMALIZE_INPUTS),
        FOUND,
    ),
    Check(
        "a number for what is missing",
        "bad_inputs",
        "the lowest or highest number of the inputs is there again and again, 10 standard deviations from all others",
        lambda f: _with_stand_in(f).stand_ins > 0 and Fact.TOKENS not in f.has,
        lambda f: f"{percent(_with_stand_in(f).stand_ins)} of the numbers of the inputs are "
        f"{digits(_with_stand_in(f).stand_in, 5)}, far from all others: it may stand for what is missing.",
        "Put the mean or the median of the feature in its place, and add a feature of 0 and 1 that says where it was.",
        lambda f: f"{NUMPY}missing = x == {digits(_with_stand_in(f).stand_in, 8)}\n"
        "x = np.where(missing, np.nanmean(np.where(missing, np.nan, x), axis=0), x)",
        CHOSEN_TO_ACT,
        expects="No number of the inputs should be far from all others.",
        then="Leave out the examples, or the feature, in which it is missing.",
    ),
    Check(
        "small inputs",
        "bad_inputs",
        f"the first layer gets inputs of sizes below {SMALL:g} with a root mean square below {SMALL_RMS:g}",
        _small,
        lambda f: f"{_sizes(f)}; about 1 is best.",
        f"{NORMALIZE}, unless they were divided by 255 twice.",
        NORMALIZE_INPUTS,
        CHOSEN_TO_ACT,
    ),
    Check(
        "constant inputs",
        "bad_inputs",
        f"all numbers of the inputs of {FEW} examples or more are equal",
        _constant,
        "All inputs are the same number: there is nothing to learn from.",
        "Look at how the inputs are read: `print(x[:3])`.",
        expects="Examples should differ.",
        then="Look at what the inputs are before they are scaled.",
    ),
    Check(
        "inputs far from 0",
        "bad_inputs",
        f"the mean of the middle feature is above {OFFSET:g} times its standard deviation, and nothing centres it",
        _far_off,
        lambda f: f"The mean of a feature of the inputs is {digits(f.inputs[0].offset)} times its standard deviation "
        "(the median over the features): the first layer hardly sees how examples differ.",
        f"{NORMALIZE}.",
        NORMALIZE_INPUTS,
        CHOSEN_TO_ACT,
        expects="The mean of each feature should be small beside its standard deviation.",
        then="Subtract the mean of each feature from the arrays.",
    ),
    Check(
        "another scale",
        "bad_inputs",
        "mean or deviation of other inputs are far from those of the training",
        lambda f: unlike(f) is not None,
        _says_unlike,
        lambda f: f"Prepare {f.other} as the inputs of the training, with the mean and the standard deviation of "
        "these: do not scale each by its own.",
        source="5 times the deviation, or 3 deviations between the means; standardized pixels are not told",
        expects="Their mean and standard deviation should be about those of the inputs of the training.",
        then="Take them from the same arrays as the training: prepare all examples, and split them then.",
        is_of_other=True,
    ),
)  # fmt: skip
