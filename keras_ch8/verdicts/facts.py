"""Plain facts about a training before its first step, as numbers and words: `arrays.py` has those of arrays.

What is not known is "" among words and NaN among numbers, which fulfils no condition: nothing is guessed.
"""

import dataclasses
import enum
import math

from .fact import Fact

NAN = math.nan
"""A number that is not known."""
LARGE_TARGETS = 100.0
"""Standard deviation of the targets, from which on a model of inputs of size 1 takes long to reach them."""
OF_ANOTHER_SCALE = 5.0
"""Ratio of two deviations of inputs prepared otherwise: 255 of pixels; 3 of standardized ones, not reported."""
OF_ANOTHER_MEAN = 3.0
"""Difference of two means, in the larger standard deviation, from which on inputs were not prepared alike."""
CENTERED = 0.25
"""The same where one has numbers from 0 to 1 and the other is in part below 0."""
FULL = 0.95
"""The largest of numbers, from which on 0 to 1 is their range: 255 may be missing among grey levels."""

RANGES: dict[str, tuple[float, float]] = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, math.inf),
    "exponential": (0.0, math.inf),
    "elu": (-1.0, math.inf),
    "selu": (-1.7581, math.inf),
    "silu": (-0.2785, math.inf),
    "gelu": (-0.17, math.inf),
    "mish": (-0.3088, math.inf),
    "hard_tanh": (-1.0, 1.0),
    "log_sigmoid": (-math.inf, 0.0),
    "log_softmax": (-math.inf, 0.0),
    "squareplus": (0.0, math.inf),
    "linear": (-math.inf, math.inf),
}
"""What each activation can give."""
PROBE = "the probe"
"""What other data are called that a training is measured on."""
PROBABILITIES = ("sigmoid", "softmax", "hard_sigmoid")
"""Activations that give probabilities."""
SUM_IS_ONE = 1e-3
"""Difference from 1 up to which the sum of some probabilities is rounded."""
CROSS_ENTROPIES = ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy")
OF_PROBABILITIES = (*CROSS_ENTROPIES, "binary_focal_crossentropy", "categorical_focal_crossentropy")
"""Losses that take probabilities, or logits."""
DISTANCES = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
"""Losses that compare numbers."""


class End(enum.Enum):
    """What the last layer of a model is, where that decides what it can give."""

    RECURRENT = enum.auto()
    ONE_SIZE = enum.auto()
    """It gives each example the same mean and size."""
    LENGTH_1 = enum.auto()
    """It gives each example the length 1."""


@dataclasses.dataclass(frozen=True)
class Bar:
    """How many of some numbers lie in a range.

    Args:
        low: Where it begins.
        high: Where it ends; as `low` of one value.
        share: Fraction of the numbers that lie there.
    """

    low: float
    high: float
    share: float


@dataclasses.dataclass(frozen=True)
class Inputs:
    """One array of inputs.

    Args:
        name: Its name; "" for the only one.
        of: `"words"`, `"whole numbers"` or `"numbers"`; "" where it is not known.
        examples: How many there are.
        low: The smallest finite number.
        high: The largest finite number.
        mean: Mean of the finite numbers.
        deviation: Their standard deviation.
        rms: Their root mean square.
        nonfinite: How many numbers are infinite or not a number.
        constant: How many of the features are the same in all examples, or nearly all.
        features: How many features there are, on the last axis.
        spread: The largest over the smallest standard deviation of the features that are not nearly constant.
        offset: The size of the mean of such a feature over its standard deviation, the median over them.
        stand_in: A number far from all others that is there again and again, as one that stands for what is missing.
        stand_ins: Fraction of the numbers that are this one.
        bars: How many there are of each size, in powers of 10.
    """

    name: str = ""
    of: str = ""
    examples: int = 0
    low: float = NAN
    high: float = NAN
    mean: float = NAN
    deviation: float = NAN
    rms: float = NAN
    nonfinite: int = 0
    constant: int = 0
    features: int = 0
    spread: float = NAN
    offset: float = NAN
    stand_in: float = NAN
    stand_ins: float = 0.0
    bars: tuple[Bar, ...] = ()

    @property
    def are_pixels(self) -> bool:
        """Whether the numbers look like pixels of 0 to 255."""
        return self.low >= 0 and 100 < self.high <= 255


@dataclasses.dataclass(frozen=True)
class Targets:
    """The targets of one output.

    Args:
        of: How they are written: `"one class"` (all equal), `"0 and 1"`, `"-1 and 1"`, `"classes"` (whole numbers),
            `"one-hot"`, `"several labels"` (rows of 0 and 1), `"probabilities"` (rows of sum 1), `"numbers"`,
            `"words"`; "" where it is not known.
        examples: How many there are.
        width: Numbers for each thing that is predicted.
        low: The smallest.
        high: The largest.
        classes: How many different whole numbers there are, or columns of one-hot rows; 0 of numbers.
        nonfinite: How many are infinite or not a number.
        commonest: Fraction of the examples that are of the commonest class.
        mean: Mean of all of them.
        deviation: Their standard deviation.
        negative: Fraction of them that is below 0.
        zeros: Fraction of them that is 0.
        at_once: Fraction of the rows of 0 and 1 in which more than one is 1.
        empty: Fraction of the rows of 0 and 1 in which none is.
        values: How many different numbers there are.
        smallest: The size that one number in 100 is below, over the median size of those that are not 0.
        lengths: Standard deviation of the lengths of rows of several numbers, over their mean.
        stand_in: A number far from all others that is there again and again, as one that stands for what is missing.
        stand_ins: Fraction of the targets that are this one.
        places: Things to predict for each example, such as the time steps of a sequence.
        are_integers: Whether all are whole numbers, however many there are.
        bars: How many there are of each value or, of many values, in each tenth of their range.
    """

    of: str = ""
    examples: int = 0
    width: int = 0
    low: float = NAN
    high: float = NAN
    classes: int = 0
    nonfinite: int = 0
    commonest: float = NAN
    mean: float = NAN
    deviation: float = NAN
    negative: float = NAN
    zeros: float = NAN
    at_once: float = NAN
    empty: float = NAN
    values: int = 0
    smallest: float = NAN
    lengths: float = NAN
    stand_in: float = NAN
    stand_ins: float = 0.0
    places: int = 0
    are_integers: bool = False
    bars: tuple[Bar, ...] = ()

    @property
    def size(self) -> float:
        """Root mean square of all of them."""
        return math.hypot(self.mean, self.deviation)

    @property
    def are_large(self) -> bool:
        """Whether they vary so much that a model of inputs of size 1 takes long to reach them."""
        return self.deviation > LARGE_TARGETS

    @property
    def are_whole(self) -> bool:
        """Whether they are whole numbers of few values."""
        return self.of in ("0 and 1", "-1 and 1", "classes", "one class") and self.classes > 0


@dataclasses.dataclass(frozen=True)
class Output:
    """An output of a model and the loss that it is compiled with.

    Args:
        layer: Name of the layer that gives it.
        activation: Name of its activation, one of `RANGES`; "" where it is not known.
        units: Numbers for each thing that is predicted; 0 where it is not known.
        loss: Name of the loss, as Keras writes it; "" for one of the user's own.
        from_logits: Whether the loss takes logits; None where it is not known.
        hides_logits: Whether the output carries the logits that Keras's cross-entropies take in its place.
        before: Name of the activation before one that is a layer alone, with no sign changed between; "" of others.
        before_at: The place of the layer of that in `model.layers`, from the end; 0 where it is not known.
        shares_inside: Names of the layers before it that end with a softmax over their units, for a layer with weights.
        noise: Name of the class of a layer that changes what it is given at random in training, at the end or right
            before an activation alone; "" without.
        noise_at: Its place, likewise.
        replaced: How many of the last of `model.layers` another last layer takes the place of: one with weights, and
            activations behind it. 0 where it comes behind all; -1 where that is not known.
        label_smoothing: By which the loss smooths the labels.
        is_mean: Whether the loss is a mean over all numbers, or over all examples.
        metrics: Names of the metrics.
        weighted_metrics: Names of those that are weighted as the loss is.
        can_be_set: Whether it is the last of `model.layers`, or one of several that end a model, and its activation can
            be set.
        ends_with: Name of the class of what the model does last, such as `"Dropout"`; "" where it is not known.
        end: What kind of layer that is; None of others.
        low: The smallest number that it gives at the start.
        high: The largest.
        off: The largest difference from 1 of the sum of its units for one prediction.
        off_by_example: That of the sum of one unit for all examples.
        limits: What it can give, where that is known of an output of no known activation, such as one that is clipped.
        places: Things that are predicted for each example, such as the time steps of a sequence; 0 as with `units`.
        axes: Axes of what is predicted, that of the examples included; 0 where it is not known.
        name: Its name, of one of several outputs; "" of the only one.
        share: By what its loss is multiplied.
        reached_by: The layer of a subclassed model that gives it, as Python, where its activation can be set; "" else.
        compiled_by: How another loss is given to `compile` in the place of this one, as Python with the name in "{}";
            "" where that is not known.
    """

    layer: str = ""
    activation: str = ""
    units: int = 0
    loss: str = ""
    from_logits: bool | None = None
    hides_logits: bool = False
    before: str = ""
    before_at: int = 0
    shares_inside: tuple[str, ...] = ()
    noise: str = ""
    noise_at: int = 0
    replaced: int = -1
    label_smoothing: float = 0.0
    is_mean: bool = True
    metrics: tuple[str, ...] = ()
    weighted_metrics: tuple[str, ...] = ()
    can_be_set: bool = False
    ends_with: str = ""
    end: End | None = None
    low: float = NAN
    high: float = NAN
    off: float = NAN
    off_by_example: float = NAN
    limits: tuple[float, float] = (NAN, NAN)
    places: int = 0
    axes: int = 0
    name: str = ""
    share: float = 1.0
    reached_by: str = ""
    compiled_by: str = '"{}"'

    @property
    def at(self) -> str:
        """The layer that gives it, as Python, where its activation can be set."""
        return self.reached_by or (f'model.get_layer("{self.layer}")' if self.name else "model.layers[-1]")

    @property
    def are_probabilities(self) -> bool:
        """Whether an output of no known activation gives probabilities, by what it gives at the start."""
        within = not self.activation and self.low >= 0 and self.high <= 1
        return within and (self.off < SUM_IS_ONE if self.units > 1 else self.low > 0)

    @property
    def range(self) -> tuple[float, float]:
        """What it can give; NaN where that is not known."""
        return RANGES.get(self.activation, self.limits)


@dataclasses.dataclass(frozen=True)
class Layer:
    """One call of a layer at the start, forward and backward.

    Args:
        name: Its name.
        activation: Name of its activation; "" where it is not known.
        units: Numbers that it gives for each example, or channels.
        has_matrix: Whether it has a matrix of weights.
        is_trained: Whether that is trained.
        is_output: Whether the model returns what it returns.
        input_rms: Root mean square of its inputs.
        input_largest: Their largest size.
        signal: Root mean square of its outputs.
        variation: Root mean square of their deviation between examples, over that.
        is_finite: Whether all of its outputs are finite.
        gradient: Norm of the gradient of its matrices; NaN without one.
        dead: Fraction of its ReLUs that give 0 for every example; NaN of others.
        copies: Units with weights and gradients equal to those of one before them.
        is_recurrent: Whether it goes through its inputs step by step.
        fractions: Fraction of the inputs of an embedding that are not whole; NaN of other layers.
    """

    name: str
    activation: str = ""
    units: int = 0
    has_matrix: bool = False
    is_trained: bool = False
    is_output: bool = False
    input_rms: float = NAN
    input_largest: float = NAN
    signal: float = NAN
    variation: float = NAN
    is_finite: bool = True
    gradient: float = NAN
    dead: float = NAN
    copies: int = 0
    is_recurrent: bool = False
    fractions: float = NAN


@dataclasses.dataclass(frozen=True)
class Start:
    """What one pass forward and backward at the initial weights says.

    Args:
        loss: Loss, with the penalties of the layers.
        layers: The layers with a matrix or a nonlinearity, in the order of their calls.
        gradient: Norm of the gradient of all weights; NaN where it is not known.
        penalty: What of the loss these penalties are.
        still_moving: Layers of the model that are frozen, each with what of it a step changes all the same.
        overridden: Layers that it calls with `training=False`, whose batch normalization a step changes all the same.
        untracked: Part of the weights that the model reads and does not have as its own, likewise as initialized.
    """

    loss: float = NAN
    layers: tuple[Layer, ...] = ()
    gradient: float = NAN
    penalty: float = 0.0
    still_moving: tuple[tuple[str, str], ...] = ()
    overridden: tuple[str, ...] = ()
    untracked: float = 0.0

    @property
    def loss_of_predictions(self) -> float:
        """The loss without the penalties, as the best constant prediction has none."""
        return self.loss - self.penalty

    @property
    def trained(self) -> tuple[Layer, ...]:
        """The layers with a matrix that is trained."""
        return tuple(layer for layer in self.layers if layer.has_matrix and layer.is_trained)


@dataclasses.dataclass(frozen=True)
class OwnLoss:
    """What a loss of the user's own is at predictions that are made up.

    Args:
        of_truth: Loss of predictions that are right.
        of_opposite: Loss of predictions that are wrong; of numbers the larger of far too large and far too small ones.
        of_constant: Loss of the mean target for all.
        of_far: Loss of numbers that are wrong a hundred times as far, where it is less.
        of_certainty: Loss of probabilities that are correct and certain.
        falls_without_end: Whether the loss of numbers falls below that of the right ones the farther they are away.
        unread: A label whose examples have no influence on the loss, whatever is predicted for them; NaN without one.
        written: How labels are written with which they would have, as `Targets.of` says it.
        is_linear: Whether the loss of the probabilities of three or more classes is linear in them.
        breaks: `"loss"` or `"gradient of the loss"`, which a prediction of 0 or 1 breaks, and clipping mends; or "".
        breaks_at: At which of the two: `"0"`, `"1"` or `"0 or 1"`.
        same_as: The loss of Keras that such a loss is otherwise; "" of others.
        compares_all: Whether it compares each prediction with the targets of all examples.
    """

    of_truth: float = NAN
    of_opposite: float = NAN
    of_constant: float = NAN
    of_far: float = NAN
    of_certainty: float = NAN
    falls_without_end: bool = False
    unread: float = NAN
    written: str = ""
    is_linear: bool = False
    breaks: str = ""
    breaks_at: str = ""
    same_as: str = ""
    compares_all: bool = False


@dataclasses.dataclass(frozen=True)
class Facts:
    """All that is known of a training before its first step.

    Args:
        inputs: The inputs, one for each array.
        targets: The targets of the only output.
        output: The only output, and the loss.
        start: What one pass at the initial weights says.
        chance: Loss of the best constant prediction; NaN where it is not known.
        chance_of_training: That for all examples that are trained on, if these are arrays without weights.
        chance_of_validation: That for the validation data.
        validated: How many validation examples there are; 0 where that is not known.
        neighbours: Loss of what the nearest other examples predict; NaN where it is not known.
        neighbours_of_read: The same of what the other data predict for the first examples as the training reads them,
            or these for each other where the other data are far from them.
        least_squares: What a linear model can reach by least squares; NaN of other models.
        unevenness: Condition number of the covariance of the inputs of such a model, each scaled to variance 1.
        other_inputs: Inputs of other data that must be alike, such as validation data.
        other_targets: Its targets.
        other: What the other data are called, such as "the validation data".
        equal_rows: Fraction of the validation examples that are among those of the training, with their targets.
        unseen: Fraction of the validation examples whose class no training example has; NaN of targets that are none.
        rows_are_few: Whether there are so few possible inputs that equal ones are by nature.
        order_read: Runs of equal labels over the number of classes, of the first examples as the training reads them:
            1 where they are sorted. Of numbers 1 where each is at least the one before, or each at most.
        runs_read: Examples in a row with the same label, on average, of the first examples as the training reads them.
        leading_read: How many of these examples, from the first on, have the same label.
        commonest_read: Fraction of the commonest label in each eighth of these examples.
        copied: Part of the inputs that the targets of all examples equal, such as "feature 5"; "" for none.
        sees_next: Whether targets are the inputs of the next step, and predictions change with those.
        mirrored: Fraction of the images whose targets, one at each place, match the mirrored image better; NaN of other
            data.
        roughened: How much rougher images are than the same numbers with the channels first; NaN of other data.
        layout: Shape of one example of the only input, such as height, width and channels; () where it is not known.
        against: Callbacks that take a metric which rises for one that falls, or the reverse, as `("EarlyStopping",
            "val_accuracy", "min")`: class, `monitor`, and `mode`.
        least_gains: Callbacks that wait for a loss to fall, as `("EarlyStopping", "val_loss", 0.1)`: class, `monitor`,
            and `min_delta`.
        heaviest: Part of the weight of all examples that the class with the most has; NaN where there are no weights,
            and 0 where that part is not known.
        is_trained: Whether a weight of the model is trainable.
        has_changed_trainable: Whether that was changed since `compile`, which `fit` does not heed.
        own_loss: What a loss of the user's own says.
        has: What the model and the optimizer have.
        rates: The learning rates of the training, of a schedule evenly spread; () where they are not known.
        reach: How far a weight comes in the whole training, if each step moves it by the rate in one direction; NaN
            where other steps are made.
        later_rate: The largest that it gives afterwards, up to 30 trainings of this length.
        frozen: Part of the weights that are frozen as they were initialized, by biases that are all 0.
        left_out: Part of the weights that no optimizer has after the first epoch, likewise as initialized.
        outputs: Of a model with several outputs, what is known of each that has a loss: `targets`, `output` and what
            follows from these, as of the only one.
    """

    inputs: tuple[Inputs, ...] = ()
    targets: Targets = dataclasses.field(default_factory=Targets)
    output: Output = dataclasses.field(default_factory=Output)
    start: Start = dataclasses.field(default_factory=Start)
    chance: float = NAN
    chance_of_training: float = NAN
    chance_of_validation: float = NAN
    validated: int = 0
    neighbours: float = NAN
    neighbours_of_read: float = NAN
    least_squares: float = NAN
    unevenness: float = NAN
    other_inputs: tuple[Inputs, ...] = ()
    other_targets: Targets = dataclasses.field(default_factory=Targets)
    other: str = ""
    equal_rows: float = NAN
    unseen: float = NAN
    rows_are_few: bool = False
    order_read: float = NAN
    runs_read: float = NAN
    leading_read: int = 0
    commonest_read: tuple[float, ...] = ()
    copied: str = ""
    sees_next: bool = False
    mirrored: float = NAN
    roughened: float = NAN
    layout: tuple[int, ...] = ()
    against: tuple[tuple[str, str, str], ...] = ()
    least_gains: tuple[tuple[str, str, float], ...] = ()
    heaviest: float = NAN
    is_trained: bool = True
    has_changed_trainable: bool = False
    own_loss: OwnLoss = dataclasses.field(default_factory=OwnLoss)
    has: frozenset[Fact] = frozenset()
    rates: tuple[float, ...] = ()
    later_rate: float = NAN
    reach: float = NAN
    frozen: float = 0.0
    left_out: float = 0.0
    outputs: "tuple[Facts, ...]" = ()


def are_of_another_scale(a: Inputs, b: Inputs) -> bool:
    """Whether inputs were not prepared alike, by mean and standard deviation; of those not known, they were.

    Nor were they where one has numbers from 0 to 1 and the other is centered, in part below 0.
    """
    largest, smallest, between = max(a.deviation, b.deviation), min(a.deviation, b.deviation), abs(a.mean - b.mean)
    is_one_centered = any(x.low == 0 and FULL <= x.high <= 1 and y.low < 0 for x, y in ((a, b), (b, a)))
    return largest > OF_ANOTHER_SCALE * smallest > 0 or 0 < largest < between / OF_ANOTHER_MEAN \
        or (is_one_centered and between > CENTERED * largest)  # fmt: skip
