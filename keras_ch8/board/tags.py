"""The table of everything that is written for TensorBoard: name, title, unit, description, section of the book.

A name says when there is a point: `epoch/` at the end of an epoch, `step/` at steps, `diagnosis/` where `Diagnosis` or
another look at the training has measured. The curves of monitors are declared in their classes (`extend.Curve`) and
join the table as `diagnosis_tags()`.
"""

import re
from dataclasses import dataclass, field, replace
from typing import final


@final
@dataclass(frozen=True)
class Tag:
    """One curve of TensorBoard: its name, and what TensorBoard says of it (section 8.2).

    Args:
        name: Name with a folder, such as `"mine/ratio"`: TensorBoard shows the curves of a folder together.
        title: What its chart is called, in a few words.
        unit: What it is measured in.
        text: A sentence that says what it is.
        section: The section of the book that it belongs to. Defaults to `""`: none.
        spiky: Whether windows of many steps have their smallest and largest value too, `low` and `high`, which the page
            draws as a band. Defaults to `False`.
        band: What `low` and `high` are, for their descriptions. Defaults to the smallest and the largest value.

    Example:
        >>> ratio = keras_ch8.extend.Tag("mine/ratio", "Heads over tails", "1", "Number of heads over number of tails.")
        >>> ratio.description
        'Number of heads over number of tails. [1]'

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    name: str
    title: str
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


STEP, EPOCH, DIAGNOSIS = "step/", "epoch/", "diagnosis/"
"""How the names begin."""
EDGES = "keras_ch8_edges"
"""The plugin of TensorBoard under which the smallest and the largest values of windows are kept: no dashboard makes
charts of them. The page reads them and draws bands."""

# fmt: off
LOSS = Tag("step/loss", "Loss of minibatches", "loss", "Loss of single minibatches.", "8.1.3", spiky=True)
GRADIENT_NORM = Tag("step/gradient_norm", "Gradient norm", "loss / weight",
    "Euclidean norm of the whole gradient, before clipping.", "8.2.1", spiky=True)
GRADIENT_NORM_CLIPPED = Tag("step/gradient_norm_clipped", "Gradient norm after clipping", "loss / weight",
    "Euclidean norm of the gradient, after clipping.", "8.2.4", spiky=True)
GRADIENT_NORM_Q90 = Tag("step/gradient_norm_q90", "90 % quantile of the gradient norm", "loss / weight",
    "The 90 % quantile of the last 1000 gradient norms before clipping: as a threshold, it clips one step in ten.",
    "8.2.4")
CLIP_COEFFICIENT = Tag("step/clip_coefficient", "Fraction of the gradient that clipping leaves", "ratio",
    "Norm of the gradient after clipping over its norm before: 1 where nothing was clipped.", "8.2.4")
CLIPPED_SHARE = Tag("step/clipped_share", "Share of clipped steps", "ratio",
    "Share of the steps whose gradient was clipped: 1 means that clipping sets the length of every step.", "8.2.4")
SKIPPED_STEPS = Tag("step/skipped_steps", "Skipped steps", "steps",
    "Steps that `callbacks.Guard` has skipped or undone so far.", "8.2.4")
UPDATE_NORM = Tag("step/update_norm", "Length of the update", "weight",
    "Length of the step in weight space, as the weights moved.", "8.2.4", spiky=True)
WEIGHT_NORM = Tag("step/weight_norm", "Norm of the weights", "weight",
    "Euclidean norm of all trainable weights.", "8.4")
NONFINITE = Tag("step/nonfinite", "NaN or infinite entries of the gradient", "entries",
    "Entries of the gradient that are NaN or infinite.", "8.2.4")
LEARNING_RATE = Tag("step/learning_rate", "Learning rate", "weight / gradient",
    "Learning rate that the optimizer used at the step.", "8.3.1")
EFFECTIVE_RATE = Tag("step/effective_rate", "Effective learning rate", "weight / gradient",
    "Median of |Δθ / g| over a fixed sample of parameters; the band is from their 5 % to their 95 % quantile.", "8.5",
    spiky=True, band=("5 % quantile", "95 % quantile"))
AVERAGE_DISTANCE = Tag("step/average_distance", "Distance between the weights and their average", "weight",
    "Euclidean distance between the trainable weights and their average.", "8.7.3")
BLOCK = Tag("step/block", "The block that moves", "number of the block",
    "The block of variables that moved, counted from 0.", "8.7.2", spiky=True)
SURROGATE = Tag("epoch/surrogate_gap_loss", "Surrogate loss", "loss",
    "The loss that is minimized, on the training set.", "8.1.2")
TRUE_LOSS = Tag("epoch/surrogate_gap_true_loss", "True loss", "as the metric",
    "The target metric, on the training set.", "8.1.2")
VAL_SURROGATE = Tag("epoch/surrogate_gap_val_loss", "Surrogate loss on validation data", "loss",
    "The loss that is minimized, on validation data.", "8.1.2")
VAL_TRUE_LOSS = Tag("epoch/surrogate_gap_val_true_loss", "True loss on validation data", "as the metric",
    "The target metric, on validation data.", "8.1.2")
FLAT_EPOCHS = Tag("epoch/surrogate_gap_flat_epochs", "Epochs since the true loss last improved",
    "epochs", "Epochs since the target metric on the training set last reached a new best value.", "8.1.2")
STOPPING_METRIC = Tag("epoch/stopping_metric", "Early stopping: the metric", "as the metric",
    "The quantity that early stopping monitors.", "8.1.2")
STOPPING_BEST = Tag("epoch/stopping_best", "Early stopping: the best value", "as the metric",
    "The best value of the monitored quantity so far.", "8.1.2")
STOPPING_PATIENCE = Tag("epoch/stopping_patience_left", "Early stopping: patience left", "epochs",
    "Epochs without improvement left before training stops.", "8.1.2")
FLOW_GRADIENT = Tag("diagnosis/gradient_by_layer", "Gradient at the outputs of each layer", "loss / signal",
    "Norm of the gradient with respect to the outputs of each layer.", "8.2.5")
FLOW_SIGNAL = Tag("diagnosis/signal_by_layer", "Signal of each layer", "signal",
    "Root mean square of the outputs of each layer.", "8.4")
FLOW_UPDATE = Tag("diagnosis/relative_update_by_layer", "Length of the update over that of the weights", "ratio",
    "Norm of the update over the norm of the weights, for each layer with weights.", "8.2.5")
TIME_PROFILE = Tag("diagnosis/gradient_by_time", "Gradient at each time step of the first recurrent layer",
    "loss / input", "Gradient with respect to each time step of the first recurrent layer, starting with the last.",
    "8.2.5")
VERDICTS = Tag("diagnosis/verdicts", "Verdicts", "text", "What is wrong with the training, and how to fix it.", "8.2")
REPORT = Tag("diagnosis/report", "Report", "text", "What the run shows about the difficulties of the chapter.", "8.2")
RECORD = Tag("diagnosis/record", "Record", "JSON",
    "Everything on the page of the run except its curves; only the newest counts.", "8.2")
# fmt: on

SOLVER = {
    name: Tag(f"step/solver_{name}", title, unit, text, section)
    for name, title, unit, text, section in (
        ("step_length", "Step length of the line search", "ratio",
         "Factor by which the direction was multiplied.", "8.6"),
        ("slope", "Slope along the direction", "loss",
         "Slope along the direction at the start of the iteration, g . d.", "8.6"),
        ("evaluations", "Evaluations", "evaluations", "Evaluations of loss and gradient in an iteration.", "8.6"),
        ("products", "Hessian-vector products", "products", "Hessian-vector products in an iteration.", "8.6.1"),
        ("restarted", "Restarts", "0 or 1", "Whether a direction was abandoned for -g.", "8.6.2"),
        ("skipped_pair", "Skipped pairs", "0 or 1",
         "Whether the step showed no positive curvature to learn from.", "8.6.3"),
        ("damping", "Damping", "loss / weight^2", "Number added to the eigenvalues of the Hessian.", "8.6.1"),
        ("trust_ratio", "Trust ratio", "ratio",
         "Decrease in loss over the decrease that the quadratic model predicted.", "8.6.1"),
        ("radius", "Trust region: radius", "weight", "Radius of the trust region.", "8.6.1"),
        ("cg_iterations", "Conjugate gradients", "iterations",
         "Conjugate gradient iterations in the step.", "8.6.2"),
        ("negative_curvature", "Negative curvature", "0 or 1",
         "Whether negative curvature ended the conjugate gradient iterations.", "8.2.3"),
        ("eigenvalue_smallest", "Smallest eigenvalue", "loss / weight^2",
         "Smallest eigenvalue of the Hessian seen so far.", "8.2.3"),
        ("eigenvalue_largest", "Largest eigenvalue", "loss / weight^2",
         "Largest eigenvalue of the Hessian seen so far.", "8.2.1"),
    )
}  # fmt: skip
"""Numbers of the methods of section 8.6, by name."""

CURRICULUM = {
    name: Tag(f"epoch/curriculum_{name}", title, unit, text, "8.7.6")
    for name, title, unit, text in (
        ("share", "Curriculum: available examples", "ratio",
         "Share of the examples that can be drawn at the last step of the epoch."),
        ("seen", "Curriculum: examples drawn so far", "ratio",
         "Share of the examples drawn so far."),
        ("difficulty", "Curriculum: mean difficulty", "as given",
         "Mean difficulty of the examples drawn in the epoch."),
    )
}  # fmt: skip
"""Numbers of a curriculum, by name."""

ALL = (*(each for each in list(vars().values()) if isinstance(each, Tag)), *SOLVER.values(), *CURRICULUM.values())
"""All tags with a fixed name; those of monitors are `diagnosis_tags()`."""

RUNNING = "step/running_"
"""How the names of running means begin."""
_CONTINUATION = "epoch/continuation_"
_BLOCK_NORM, _SOLVER = "step/block_gradient_norm_", "step/solver_"
_GROUP_RATE, _GROUP_UPDATE = "step/group_learning_rate_", "step/group_relative_update_"


def diagnosis_tags() -> dict[str, Tag]:
    """Return the tags of the curves of all monitors, also of the user's own, by name."""
    from ..monitors.base import CURVES  # which needs TensorFlow; the other tags do not

    return {name: diagnosis(name) for name in CURVES}


def diagnosis(name: str) -> Tag:
    """Return the tag of a number of a monitor, also of one that no `Curve` describes."""
    from ..monitors.base import CURVES

    if name not in CURVES:
        return Tag(DIAGNOSIS + name, name, "as the monitor", "A number of a monitor.", "8.2")
    curve, _ = CURVES[name]
    return Tag(DIAGNOSIS + name, curve.title, curve.unit, curve.text, curve.section)


def block_norm(number: str) -> Tag:
    """Return the tag of the gradient of one block of coordinate descent, by its number."""
    text = "Norm of the gradient of this block, whichever block moves."
    return Tag(_BLOCK_NORM + number, f"Gradient of block {number}", "loss / weight", text, "8.7.2")


def group_rate(name: str) -> Tag:
    """Return the tag of the learning rate of a group of weights, by the name that `group_name` has for it."""
    text = "Learning rate of a group of weights: that of the optimizer times the factor of the group."
    return Tag(_GROUP_RATE + name, f"Learning rate of {name}", "weight / gradient", text, "8.3.1")


def group_update(name: str) -> Tag:
    """Return the tag of the length of the update over that of the weights of a group."""
    text = "Norm of the update over the norm of the weights, for a group of weights."
    return Tag(_GROUP_UPDATE + name, f"Update over weights of {name}", "ratio", text, "8.3.1")


def group_name(number: int, label: str) -> str:
    """Return what the series of a group of weights are called: its number, and of its label what a name may have."""
    return "_".join([str(number), *re.findall(r"[\w.-]+", label)])


def solver(name: str) -> Tag:
    """Return the tag of what an optimizer says of a step: a number of a method of section 8.6, also of the user's own.

    The blocks of coordinate descent have tags of their own.
    """
    if name == "block":
        return BLOCK
    if name.startswith("block_gradient_norm_"):
        return block_norm(name.removeprefix("block_gradient_norm_"))
    return SOLVER.get(name) or Tag(_SOLVER + name, name, "as the method", "A number of a method.", "8.6")


def running(name: str) -> Tag:
    """Return the tag of a metric as Keras reports it after a batch."""
    return Tag(
        RUNNING + name, f"Running mean of {name}", "as the metric", "Running mean over the epoch so far.", "8.1.3"
    )


def epoch(name: str) -> Tag:
    """Return the tag of a metric as Keras reports it after an epoch; validation metrics are named val_..."""
    return Tag(EPOCH + name, f"{name} after each epoch", "as the metric", "Value at the end of an epoch.", "8.1.2")


def continuation(name: str) -> Tag:
    """Return the tag of an annealed number of a model."""
    return Tag(
        _CONTINUATION + name, name, "as the part", "Annealed number of the model, at the end of an epoch.", "8.7.6"
    )


def of_optimizer(tag: Tag, optimizer: str) -> Tag:
    """Return the tag of a number of one of several optimizers: `step/<optimizer>/gradient_norm`."""
    if not optimizer:
        return tag
    folder, _, rest = tag.name.partition("/")
    return replace(tag, name=f"{folder}/{optimizer}/{rest}", text=f"Of `{optimizer}`: {tag.text}")


def is_edge(name: str) -> bool:
    """Return whether a series has the smallest or the largest values of another, in whose chart it belongs."""
    return _EDGES.fullmatch(name) is not None


def describe(name: str) -> str:
    """Return the description of a series by its name; "" for a series that is not of this module."""
    if name in _DESCRIPTIONS:
        return _DESCRIPTIONS[name]
    families = {
        RUNNING: running, _CONTINUATION: continuation, _BLOCK_NORM: block_norm,
        _GROUP_RATE: group_rate, _GROUP_UPDATE: group_update, _SOLVER: solver, DIAGNOSIS: diagnosis, EPOCH: epoch,
    }  # fmt: skip
    for prefix, tag in families.items():
        if name.startswith(prefix):
            return tag(name.removeprefix(prefix)).description
    folder, *optimizer, rest = name.split("/") if name.count("/") > 1 else (name, "")
    of_one = _DESCRIPTIONS.get(f"{folder}/{rest}") if len(optimizer) == 1 else None
    return f"Of `{optimizer[0]}`: {of_one}" if of_one else ""


_DESCRIPTIONS = {tag.name: tag.description for tag in ALL} | {
    name: f"The {which} in each window of steps. {tag.description}"
    for tag in ALL
    if tag.spiky
    for name, which in ((tag.low, tag.band[0]), (tag.high, tag.band[1]))
}
_EDGES = re.compile(
    f"{STEP}([^/]+/)?({'|'.join(re.escape(tag.name.removeprefix(STEP)) for tag in ALL if tag.spiky)})/(min|max)"
)
