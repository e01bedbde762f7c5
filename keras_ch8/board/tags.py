"""The names of everything that is written for TensorBoard, with unit, meaning and section of the book."""

from dataclasses import dataclass, field, replace
from typing import final


@final
@dataclass(frozen=True)
class Tag:
    """One curve of TensorBoard: its name, and what TensorBoard says of it (section 8.2).

    Args:
        name: Name with a folder, such as `"mine/ratio"`: TensorBoard shows the curves of a folder together.
        unit: What it is measured in.
        text: A sentence that says what it is.
        section: The section of the book that it belongs to. Defaults to `""`: none.
        spiky: Whether windows of many steps have their smallest and largest value in curves of their own, `low` and
            `high`. Defaults to `False`.
        band: What `low` and `high` are, for their descriptions. Defaults to the smallest and the largest value.

    Example:
        >>> keras_ch8.extend.Tag("mine/ratio", "1", "Number of heads over number of tails.").description
        'Number of heads over number of tails. [1]'

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    name: str
    unit: str
    text: str
    section: str = field(default_factory=str)
    spiky: bool = False
    band: tuple[str, str] = ("smallest value", "largest value")

    @property
    def low(self) -> str:
        """Name of the series of the smallest values."""
        return f"{self.name}/min"

    @property
    def high(self) -> str:
        """Name of the series of the largest values."""
        return f"{self.name}/max"

    @property
    def description(self) -> str:
        """Markdown that TensorBoard shows beside the chart."""
        return f"{self.text} [{self.unit}]" + (f" (section {self.section})" if self.section else "")


GRADIENT_NORM = Tag(
    "ch8/gradient_norm", "loss / weight", "Euclidean norm of the whole gradient, before clipping.", "8.2.1", spiky=True
)
GRADIENT_NORM_CLIPPED = Tag(
    "ch8/gradient_norm_clipped", "loss / weight", "Euclidean norm of the gradient, after clipping.", "8.2.4", spiky=True
)
GRADIENT_NORM_Q90 = Tag(
    "ch8/gradient_norm_q90",
    "loss / weight",
    "The 90 % quantile of the last 1000 gradient norms before clipping: as a limit it clips one step in ten.",
    "8.2.4",
)
CLIP_COEFFICIENT = Tag(
    "ch8/clip_coefficient",
    "ratio",
    "Norm of the gradient after clipping over its norm before: 1 where nothing was clipped.",
    "8.2.4",
)
CLIPPED_SHARE = Tag(
    "ch8/clipped_share",
    "ratio",
    "Share of the steps whose gradient was clipped: 1 means that clipping sets the length of every step.",
    "8.2.4",
)
UPDATE_NORM = Tag(
    "ch8/update_norm", "weight", "Length of the step in weight space, as the weights moved.", "8.2.4", spiky=True
)
WEIGHT_NORM = Tag("ch8/weight_norm", "weight", "Euclidean norm of all trainable weights together.", "8.4")
NONFINITE = Tag("ch8/nonfinite", "entries", "Entries of the gradient that are infinite or NaN.", "8.2.4")
LEARNING_RATE = Tag(
    "ch8/learning_rate", "weight / gradient", "Learning rate as the optimizer read it at the step.", "8.3.1"
)
EFFECTIVE_RATE = Tag(
    "ch8/effective_rate",
    "weight / gradient",
    "Median of |Δθ / g| over a fixed sample of parameters; /min and /max are its 5 % and 95 % quantiles.",
    "8.5",
    spiky=True,
    band=("5 % quantile", "95 % quantile"),
)
LOSS = Tag("ch8/loss", "loss", "Loss of single minibatches.", "8.1.3", spiky=True)
LAYER_NORM_WORST = Tag(
    "ch8_layers/gradient_norm_largest", "loss / weight", "Largest norm of the gradient of one layer.", "8.2.5"
)
LAYER_NORM_MEDIAN = Tag(
    "ch8_layers/gradient_norm_median", "loss / weight", "Median over the layers of the norm of the gradient.", "8.2.5"
)
LAYER_NORM_BEST = Tag(
    "ch8_layers/gradient_norm_smallest", "loss / weight", "Smallest norm of the gradient of one layer.", "8.2.5"
)
LAYER_MAP = Tag(
    "ch8_layers/gradient_norms",
    "log10 of loss / weight",
    "Norm of the gradient of each layer (rows, the first on top) at each step (columns): dark is small, bright is "
    "large, grey is zero, red is infinite or NaN.",
    "8.2.5",
)
BEST_VAL_LOSS = Tag("ch8_epoch/val_loss_best", "loss", "The smallest validation loss of all epochs.", "8.1.2")
AVERAGE_DISTANCE = Tag(
    "ch8/average_distance", "weight", "Euclidean distance between the trainable weights and their average.", "8.7.3"
)
SURROGATE = Tag("ch8_surrogate/surrogate", "loss", "The loss that is minimized, on the training set.", "8.1.2")
TRUE_LOSS = Tag("ch8_surrogate/true", "as the metric", "The target metric, on the training set.", "8.1.2")
VAL_SURROGATE = Tag("ch8_surrogate/val_surrogate", "loss", "The loss that is minimized, on validation data.", "8.1.2")
VAL_TRUE_LOSS = Tag("ch8_surrogate/val_true", "as the metric", "The target metric, on validation data.", "8.1.2")
FLAT_EPOCHS = Tag(
    "ch8_surrogate/flat_epochs",
    "epochs",
    "Epochs since the target metric was last better than ever before on the training set.",
    "8.1.2",
)
STOPPING_METRIC = Tag("ch8_stopping/metric", "as the metric", "The quantity that early stopping monitors.", "8.1.2")
STOPPING_BEST = Tag("ch8_stopping/best", "as the metric", "The best value that it has had so far.", "8.1.2")
STOPPING_PATIENCE = Tag(
    "ch8_stopping/patience_left",
    "epochs",
    "Epochs without improvement that are left before the training stops.",
    "8.1.2",
)
BLOCK = Tag(
    "ch8_blocks/block", "number of the block", "The block of variables that moved, counted from 0.", "8.7.2", spiky=True
)
RANGE_RATE = Tag("ch8_range/log10_learning_rate", "decades", "Learning rate of each step of a range test.", "8.3.1")
RANGE_LOSS = Tag("ch8_range/loss", "loss", "Loss of the next batch after each step of a range test.", "8.3.1")
RANGE_SMOOTHED = Tag("ch8_range/loss_smoothed", "loss", "The same, smoothed over a third of a decade.", "8.3.1")
RANGE_REPORT = Tag("ch8_range/report", "text", "What the range test suggests.", "8.3.1")
FLOW_GRADIENT = Tag(
    "ch8_diagnosis/gradient_by_layer",
    "log10 of loss / signal",
    "Gradient with respect to what each layer gives (rows, the first on top) at each probe (columns): dark is small.",
    "8.2.5",
)
FLOW_SIGNAL = Tag(
    "ch8_diagnosis/signal_by_layer", "log10 of signal", "What each layer gives, in the same order.", "8.4"
)
FLOW_UPDATE = Tag(
    "ch8_diagnosis/relative_update_by_layer",
    "log10 of ratio",
    "Length of the update over that of the weights, for each layer with weights.",
    "8.2.5",
)
TIME_PROFILE = Tag(
    "ch8_diagnosis/gradient_by_time",
    "log10 of loss / input",
    "Gradient with respect to each time step of the first recurrent layer: the last on top, the first at the bottom.",
    "8.2.5",
)
START_BEFORE = Tag(
    "ch8_start/sums_before",
    "signal",
    "What each layer sums up at the start, before its nonlinearity; the step is the place of the layer.",
    "8.4",
)
START_AFTER = Tag("ch8_start/sums_after", "signal", "The same, after the weights were scaled to data.", "8.4")
START_DEVIATION_BEFORE = Tag(
    "ch8_start/deviation_before",
    "signal",
    "Standard deviation of what each layer sums up at the start; the step is the place of the layer.",
    "8.4",
)
START_DEVIATION_AFTER = Tag(
    "ch8_start/deviation_after", "signal", "The same, after the weights were scaled to data.", "8.4"
)
START_REPORT = Tag("ch8_start/report", "text", "By what the weights of each layer were multiplied.", "8.4")
VERDICTS = Tag("ch8/verdicts", "text", "What is wrong with the training, and what cures it.", "8.2")
REPORT = Tag("ch8/report", "text", "What the run shows of the chapter's difficulties.", "8.2")

SOLVER = {
    name: Tag(f"ch8_solver/{name}", unit, text, section)
    for name, unit, text, section in (
        ("step_length", "ratio", "What the direction was multiplied by.", "8.6"),
        ("slope", "loss", "Slope along the direction at the start of the iteration, g . d.", "8.6"),
        ("evaluations", "evaluations", "Evaluations of loss and gradient in an iteration.", "8.6"),
        ("products", "products", "Hessian-vector products in an iteration.", "8.6.1"),
        ("restarted", "0 or 1", "Whether a direction was given up for -g.", "8.6.2"),
        ("skipped_pair", "0 or 1", "Whether the step showed no positive curvature to learn from.", "8.6.3"),
        ("damping", "loss / weight^2", "What is added to the eigenvalues of the Hessian.", "8.6.1"),
        ("trust_ratio", "ratio", "Fall of the loss over the fall that the quadratic model promised.", "8.6.1"),
        ("radius", "weight", "Radius of the trust region.", "8.6.1"),
        ("cg_iterations", "iterations", "Conjugate gradients that were run for the step.", "8.6.2"),
        ("negative_curvature", "0 or 1", "Whether negative curvature ended the conjugate gradients.", "8.2.3"),
        ("eigenvalue_smallest", "loss / weight^2", "Smallest eigenvalue of the Hessian that was seen.", "8.2.3"),
        ("eigenvalue_largest", "loss / weight^2", "Largest eigenvalue of the Hessian that was seen.", "8.2.1"),
    )
}
"""Numbers of the methods of section 8.6, by name."""

CURRICULUM = {
    name: Tag(f"ch8_curriculum/{name}", unit, text, "8.7.6")
    for name, unit, text in (
        ("share", "ratio", "Share of the examples that may be drawn, at the last step of the epoch."),
        ("seen", "ratio", "Share of the examples that have been drawn so far."),
        ("difficulty", "as given", "Mean difficulty of the examples that were drawn in the epoch."),
        ("loss_1", "loss", "Loss of examples of the easiest fifth, as in inference and without their weights."),
        ("loss_2", "loss", "The same, of the second fifth."),
        ("loss_3", "loss", "The same, of the third fifth."),
        ("loss_4", "loss", "The same, of the fourth fifth."),
        ("loss_5", "loss", "The same, of the hardest fifth."),
    )
}
"""Numbers of a curriculum, by name."""

ALL = (
    LOSS, GRADIENT_NORM, UPDATE_NORM, LEARNING_RATE, NONFINITE, GRADIENT_NORM_CLIPPED, CLIP_COEFFICIENT, CLIPPED_SHARE,
    EFFECTIVE_RATE, WEIGHT_NORM, LAYER_NORM_WORST, LAYER_NORM_MEDIAN, LAYER_NORM_BEST, LAYER_MAP, REPORT,
    SURROGATE, TRUE_LOSS, VAL_SURROGATE, VAL_TRUE_LOSS, RANGE_RATE, RANGE_LOSS, RANGE_SMOOTHED, RANGE_REPORT, VERDICTS,
    FLOW_GRADIENT, FLOW_SIGNAL, FLOW_UPDATE, TIME_PROFILE, START_BEFORE, START_AFTER, START_REPORT,
    AVERAGE_DISTANCE, BEST_VAL_LOSS, GRADIENT_NORM_Q90, FLAT_EPOCHS, STOPPING_METRIC, STOPPING_BEST, STOPPING_PATIENCE,
    BLOCK, START_DEVIATION_BEFORE, START_DEVIATION_AFTER,
    *SOLVER.values(), *CURRICULUM.values(),
)  # fmt: skip
"""All tags with a fixed name, the most important first; those of monitors are `diagnosis_tags()`."""

_BATCH, _EPOCH, _CONTINUATION, _DIAGNOSIS = "ch8_batch/", "ch8_epoch/", "ch8_continuation/", "ch8_diagnosis/"
_PRETRAINING, _BLOCK_NORM = "ch8_pretraining/", "ch8_blocks/gradient_norm_"


def diagnosis_tags() -> dict[str, Tag]:
    """Return the tags of the curves of all monitors, also of the user's own, by name."""
    from ..monitors.base import CURVES  # which needs TensorFlow; the other tags do not

    curves = (curve for curve, _ in CURVES.values())
    return {c.name: Tag(_DIAGNOSIS + c.name, c.unit, c.text, c.section) for c in curves}


def diagnosis(name: str) -> Tag:
    """Return the tag of a number of a monitor, also of one that no `Curve` describes."""
    return diagnosis_tags().get(name) or Tag(_DIAGNOSIS + name, "as the monitor", "A number of a monitor.", "8.2")


def pretraining(name: str) -> Tag:
    """Return the tag of a loss of a stage of pretraining, such as `"stage_1_loss"`."""
    return Tag(_PRETRAINING + name, "loss", "Loss at the end of an epoch of this stage.", "8.7.4")


def block_norm(number: str) -> Tag:
    """Return the tag of the gradient of one block of coordinate descent, by its number."""
    return Tag(_BLOCK_NORM + number, "loss / weight", "Norm of the gradient of this block, whichever moves.", "8.7.2")


def solver(name: str) -> Tag:
    """Return the tag of what an optimizer says of a step: a number of a method of section 8.6, also of the user's own.

    The blocks of coordinate descent have tags of their own.
    """
    if name == "block":
        return BLOCK
    if name.startswith("block_gradient_norm_"):
        return block_norm(name.removeprefix("block_gradient_norm_"))
    return SOLVER.get(name) or Tag(f"ch8_solver/{name}", "as the method", "A number of a method.", "8.6")


def batch(name: str) -> Tag:
    """Return the tag of a metric as Keras reports it after a batch."""
    return Tag(_BATCH + name, "as the metric", "Running mean over the epoch so far.", "8.1.3")


def epoch(name: str) -> Tag:
    """Return the tag of a metric as Keras reports it after an epoch; validation metrics are named val_..."""
    return Tag(_EPOCH + name, "as the metric", "Value at the end of an epoch.", "8.1.2")


def continuation(name: str) -> Tag:
    """Return the tag of an annealed number of a model."""
    return Tag(_CONTINUATION + name, "as the part", "Annealed number of the model, at the end of an epoch.", "8.7.6")


def of_optimizer(tag: Tag, optimizer: str) -> Tag:
    """Return the tag of a number of one of several optimizers: `ch8/<optimizer>/gradient_norm`."""
    if not optimizer:
        return tag
    folder, _, rest = tag.name.partition("/")
    return replace(tag, name=f"{folder}/{optimizer}/{rest}", text=f"Of `{optimizer}`: {tag.text}")


def describe(name: str) -> str:
    """Return the description of a series by its name; "" for a series that is not of this module."""
    if name in _DESCRIPTIONS:
        return _DESCRIPTIONS[name]
    families = {
        _BATCH: batch, _EPOCH: epoch, _CONTINUATION: continuation, _PRETRAINING: pretraining, _BLOCK_NORM: block_norm,
    }  # fmt: skip
    for prefix, tag in families.items():
        if name.startswith(prefix):
            return tag(name.removeprefix(prefix)).description
    if name.startswith(_DIAGNOSIS):
        return diagnosis(name.removeprefix(_DIAGNOSIS)).description
    folder, *optimizer, rest = name.split("/") if name.count("/") > 1 else (name, "")
    of_one = _DESCRIPTIONS.get(f"{folder}/{rest}") if len(optimizer) == 1 else None
    return f"Of `{optimizer[0]}`: {of_one}" if of_one else ""


def _descriptions() -> dict[str, str]:
    found = {tag.name: tag.description for tag in ALL}
    for tag in ALL:
        if tag.spiky:
            for name, which in zip((tag.low, tag.high), tag.band, strict=True):
                found[name] = f"The {which} in each window of steps. {tag.description}"
    return found


_DESCRIPTIONS = _descriptions()
