"""Checks of inputs."""

from ._check import CHOSEN_TO_ACT, FEW, FOUND, FOUND_ONCE, NO_LAYER, Check, first
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
ROUGH = 1.2
"""Roughness of images over that of the same numbers with the channels first, from which on these are the images: of
photographs it is up to 0.7, of noise 1, and of photographs that were reshaped 1.3 to 2.4."""
RESCALE = with_layers("keras.layers.Rescaling(1 / 255), *layers")
NORMALIZE = "Standardize the inputs: start the model with `keras.layers.Normalization`, adapted to the training data"

# --- what the conditions ask, and parts of sentences ---------------------------------------------------------------


def _need_scale(facts: Facts) -> bool:
    """Whether targets are so large that scaled inputs alone would make them harder to reach, at rates of one's own."""
    is_large = facts.output.loss in DISTANCES and facts.targets.are_large
    return is_large and Fact.ADAPTIVE_RATES in facts.has


def _and_rate(facts: Facts) -> str:
    """Return the end of a cure that makes inputs smaller: a rate that was low for large ones is too low for these."""
    return ". Then find a new learning rate with `keras_ch8.find_learning_rate`." if Fact.LOW_RATE in facts.has else "."


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


def _transposed(facts: Facts) -> str:
    """Return as Python the inputs with the channels last, of those that were reshaped."""
    height, width, channels = facts.layout
    return f"x.reshape(-1, {channels}, {height}, {width}).transpose(0, 2, 3, 1)"


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
    """Return the end of a sentence: what the first layer is given."""
    layer = first(facts)
    return f"{layer.name} receives an RMS of {digits(layer.input_rms)}, and about 1 works best"


def _features(facts: Facts) -> str:
    spread = max((x.spread for x in facts.inputs if x.spread > 0), default=1.0)
    return " and on different scales" if spread > SPREAD else ""


def _says_unlike(facts: Facts) -> str:
    one, other = unlike(facts) or (Inputs(), Inputs())
    return (
        f"The inputs of {facts.other} are scaled differently from the training inputs: mean {digits(other.mean)} and "
        f"standard deviation {digits(other.deviation)}, not {digits(one.mean)} and {digits(one.deviation)}."
    )


# --- the checks ----------------------------------------------------------------------------------------------------

OF_INPUTS = (
    Check(
        "nonfinite inputs",
        "bad_inputs",
        "An input is NaN or infinite",
        lambda f: any(x.nonfinite for x in f.inputs),
        lambda f: f"The inputs contain {counted(sum(x.nonfinite for x in f.inputs), 'NaN or infinite value')}, so the "
        "loss becomes NaN.",
        "Remove the examples with NaN or infinite inputs, or replace these values.",
        f"{NUMPY}there = np.isfinite(x.reshape(len(x), -1)).all(axis=1)\nx, y = x[there], y[there]",
        expects="The loss should be finite from the first step.",
        then="Find where the NaN or infinite values in the inputs come from: a division by 0, a logarithm of 0, or a "
        "missing value.",
    ),
    Check(
        "fractions for an embedding",
        "bad_inputs",
        "An embedding receives non-integer values",
        lambda f: _cut_off(f).fractions > 0,
        lambda f: f"{percent(_cut_off(f).fractions)} of the inputs of {_cut_off(f).name} are not whole numbers: an "
        "embedding cuts off the fraction.",
        "Feed the embedding unscaled indices of words or categories; use `keras.layers.Dense` for quantities.",
        expects="The loss should fall below that of the best constant prediction.",
        has_bars=False,
        then="Turn words into indices with `keras.layers.StringLookup`, and numbers into bins with "
        "`keras.layers.Discretization`.",
    ),
    Check(
        "pixels",
        "bad_inputs",
        f"The first layer receives inputs from 0 to 255 with an RMS above {LARGE_RMS:g}",
        lambda f: _large(f) and len(f.inputs) == 1 and f.inputs[0].are_pixels,
        lambda f: f"The inputs look like unscaled pixels from 0 to 255: {_sizes(f)}.",
        lambda f: "Divide all inputs by 255, also for validation and prediction, or start the model with "
        "`keras.layers.Rescaling(1 / 255)`" + _and_rate(f),
        lambda f: _with_rate(f, RESCALE),
        FOUND_ONCE,
        then="Standardize the inputs with `keras.layers.Normalization` instead of rescaling them.",
    ),
    Check(
        "large inputs",
        "bad_inputs",
        f"The first layer receives inputs with an RMS above {LARGE_RMS:g}, some of them above {LARGE:g} in magnitude",
        _large,
        lambda f: f"The inputs are too large{_features(f)}: {_sizes(f)}.",
        lambda f: NORMALIZE
        + (". Also end it with `keras.layers.Rescaling(y.std(), y.mean())`." if _need_scale(f) else _and_rate(f)),
        lambda f: NORMALIZE_BOTH if _need_scale(f) else _with_rate(f, NORMALIZE_INPUTS),
        FOUND,
    ),
    Check(
        "a number for what is missing",
        "bad_inputs",
        "The lowest or highest input value occurs repeatedly and lies at least 10 standard deviations from all other "
        "values",
        lambda f: _with_stand_in(f).stand_ins > 0 and Fact.TOKENS not in f.has,
        lambda f: f"{percent(_with_stand_in(f).stand_ins)} of the input values are "
        f"{digits(_with_stand_in(f).stand_in, 5)}, far from all other values: probably a placeholder for missing "
        "values.",
        "Replace this placeholder with the mean or median of its feature's other values, and add a 0/1 feature that "
        "marks where it was.",
        lambda f: f"{NUMPY}missing = x == {digits(_with_stand_in(f).stand_in, 8)}\n"
        "x = np.where(missing, np.nanmean(np.where(missing, np.nan, x), axis=0), x)",
        CHOSEN_TO_ACT,
        expects="No input value should be far from all other values.",
        then="Remove the examples or the features with missing values.",
    ),
    Check(
        "small inputs",
        "bad_inputs",
        f"The first layer receives inputs with an RMS below {SMALL_RMS:g}, all of them below {SMALL:g} in magnitude",
        _small,
        lambda f: f"The inputs are too small: {_sizes(f)}.",
        f"{NORMALIZE}. If you divided the inputs by 255 twice, do so only once.",
        NORMALIZE_INPUTS,
        CHOSEN_TO_ACT,
    ),
    Check(
        "constant inputs",
        "bad_inputs",
        f"All input values of all examples (at least {FEW}) are equal",
        _constant,
        "All input values are equal: there is nothing to learn from.",
        "Check how you load the inputs: `print(x[:3])`.",
        expects="The examples should differ from one another.",
        then="Print the inputs before you scale them.",
    ),
    Check(
        "channels that were first",
        "bad_inputs",
        f"Images are at least {ROUGH:g} times as rough, along height and width, as the same numbers with the channels "
        "first",
        lambda f: f.roughened >= ROUGH,
        lambda f: "The images look scrambled, as if they were reshaped, not transposed: they are "
        f"{digits(f.roughened)} times as rough as with the channels first.",
        lambda f: f"Move the channels to the end with `transpose`, not with `reshape`: `{_transposed(f)}`.",
        lambda f: f"x = {_transposed(f)}",
        expects="Plotted images should look right.",
        then="Plot some images: `matplotlib.pyplot.imshow(x[0])`.",
    ),
    Check(
        "inputs far from 0",
        "bad_inputs",
        f"For at least half of the features, the mean is more than {OFFSET:g} standard deviations from 0, and no layer "
        "centers the inputs",
        _far_off,
        lambda f: f"The inputs lie {digits(f.inputs[0].offset)} standard deviations from 0: the first layer barely "
        "sees how examples differ.",
        f"{NORMALIZE}.",
        NORMALIZE_INPUTS,
        CHOSEN_TO_ACT,
        expects="The mean of each feature should be close to 0.",
        then="Subtract the mean of each feature from the input arrays.",
    ),
    Check(
        "another scale",
        "bad_inputs",
        "The mean or standard deviation of the held-out inputs (probe or validation data) is far from that of the "
        "training inputs",
        lambda f: unlike(f) is not None,
        _says_unlike,
        lambda f: f"Scale the inputs of {f.other} with the mean and standard deviation of the training inputs.",
        source="thresholds chosen by us: standard deviations that differ 5 times, or means 3 of them apart",
        expects="The mean and standard deviation of the held-out inputs should match those of the training inputs.",
        then="Preprocess all examples with the same code, using the mean and standard deviation of the training "
        "inputs.",
        is_of_other=True,
    ),
)  # fmt: skip
