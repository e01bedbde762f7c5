"""What a verdict can be about: the difficulties of the chapter, and those that a monitor of the user adds."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from .._describe import meant, short


@dataclasses.dataclass(frozen=True)
class Kind:
    """A difficulty: where the book treats it, what it means, and what cures it.

    Args:
        name: What verdicts call it, such as `"cliff"`.
        section: Section of the book.
        meaning: One sentence for the documentation: what goes wrong in a training that has it.
        fine: The sentence that is said where all is well, without its full stop.
        cure: What to do about it, in full sentences.
        is_refuted_by_learning: Whether what was said of it before the first step is taken back where the loss is good
            all the same. Defaults to `False`.
        needs_validation: Whether only a training that validates can have it. Defaults to `False`.
        headline: What the page says of a run that has it, as in "sick does not learn: its gradients vanish". Defaults
            to `""`: `meaning`.
    """

    name: str
    section: str
    meaning: str
    fine: str
    cure: str
    is_refuted_by_learning: bool = False
    needs_validation: bool = False
    headline: str = ""


OF_THE_CHAPTER = (
    Kind(
        "step_too_long",
        section="8.2.1",
        meaning="Updates overshoot the minimum along their direction, so the loss rises or oscillates.",
        fine="The steps are not too long",
        headline="its steps are too long",
        cure="Lower the learning rate: `keras_ch8.find_learning_rate` finds a good one, "
        "`callbacks.LearningRateDecay` lowers it over time, `schedules.Warmup` raises it gradually at the start.",
    ),
    Kind(
        "step_too_short",
        section="8.3.1",
        meaning="Longer steps in the same directions would lower the loss much faster.",
        fine="The steps are not too short",
        headline="its steps are far too short",
        cure="Raise the learning rate: `keras_ch8.find_learning_rate` finds a good one.",
        is_refuted_by_learning=True,
    ),
    Kind(
        "ill_conditioned",
        section="8.2.1",
        meaning="The loss is steep in some directions and flat in others: the steep ones limit the learning rate, "
        "and the flat ones slow progress.",
        fine="No ravine slows training down",
        headline="a ravine in its loss slows it down",
        cure="Standardize the inputs (`keras.layers.Normalization`), normalize between layers "
        "(`layers.BatchNormalization`), or give each weight its own learning rate: `optimizers.Adam`, "
        "`optimizers.RMSprop`. `optimizers.Nesterov` helps too.",
    ),
    Kind(
        "noise_dominated",
        section="8.1.3",
        meaning="Minibatch gradients are mostly noise, which keeps the loss above what the model could reach.",
        fine="Gradient noise does not keep the loss high",
        headline="its gradients are mostly noise",
        cure="Use larger batches, or let the learning rate decay: `schedules.LinearDecay`, "
        "`callbacks.LearningRateDecay`.",
    ),
    Kind(
        "batch_wasteful",
        section="8.1.3",
        meaning="The batch is so large that its gradient has almost no noise: fewer examples per step would do.",
        fine="The batch is not too large",
        headline="its batches are larger than they need be",
        cure="Use smaller batches: each step learns as much from fewer examples.",
    ),
    Kind(
        "plateau",
        section="8.2.3",
        meaning="The loss does not fall because the loss surface is flat: gradient and curvature are almost 0.",
        fine="Training is not stuck on a plateau",
        headline="its loss is stuck on a plateau",
        cure="Start where the gradient is larger: smaller initial weights and biases, or ReLU units. "
        "`optimizers.Adam` takes steps that do not shrink with the gradient.",
    ),
    Kind(
        "saddle",
        section="8.2.3",
        meaning="The loss does not fall because the gradient is almost 0, although the loss curves down in some "
        "directions.",
        fine="Training is not stuck at a saddle point",
        headline="its loss is stuck at a saddle point",
        cure="Break the initial symmetry with random weights (`keras.initializers.GlorotUniform`). "
        "`optimizers.Momentum` and `optimizers.Adam` leave a saddle point sooner.",
    ),
    Kind(
        "cliff",
        section="8.2.4",
        meaning="Single steps meet a gradient far larger than usual, and undo the work of many others.",
        fine="The gradient does not spike",
        headline="single steps throw it back",
        cure="Clip the gradient: `clipping.ByGlobalNorm` in any optimizer of the suite, `callbacks.ClipGradients` "
        "for others. `callbacks.GradientClippingLogger` finds the threshold.",
    ),
    Kind(
        "exploding",
        section="8.2.5",
        meaning="The gradient grows from layer to layer, or from time step to time step, during backpropagation.",
        fine="The gradient does not explode during backpropagation",
        headline="its gradients explode",
        cure="Scale the initial weights to the data (`training.scale_to_data`) or use `initializers.Orthogonal`, "
        "normalize between layers (`layers.BatchNormalization`), and clip: `clipping.ByGlobalNorm`.",
        is_refuted_by_learning=True,
    ),
    Kind(
        "vanishing",
        section="8.2.5",
        meaning="The gradient shrinks from layer to layer during backpropagation, so the first layers barely learn.",
        fine="The gradient does not vanish during backpropagation",
        headline="its gradients vanish",
        cure="Scale the initial weights to the data (`training.scale_to_data`), normalize between layers "
        "(`layers.BatchNormalization`), add skip connections (`layers.Residual`), or use ReLU with "
        "`keras.initializers.HeNormal`.",
        is_refuted_by_learning=True,
    ),
    Kind(
        "short_horizon",
        section="8.2.5",
        meaning="The gradient of a recurrent layer fades before it reaches the beginning of the sequence, so nothing "
        "can be learned from there.",
        fine="The gradient reaches far enough back in time",
        headline="its gradients do not reach far back in time",
        cure="Use gated units (`keras.layers.LSTM`, `keras.layers.GRU`), or start the recurrent kernel as an "
        "identity or orthogonal matrix (`keras.initializers.Identity`, `initializers.Orthogonal`).",
    ),
    Kind(
        "dead_units",
        section="8.2.5",
        meaning="Many ReLUs output 0 for every example, so their weights get no gradient.",
        fine="Few ReLUs are dead, if any",
        headline="many of its ReLUs are dead",
        cure="Lower the learning rate or add `schedules.Warmup`. Or start with `keras.initializers.HeNormal` and "
        "biases of 0 or slightly above, or use leaky units (`keras.layers.LeakyReLU`).",
    ),
    Kind(
        "saturated_units",
        section="8.2.5",
        meaning="Many tanh or sigmoid units are on the flat ends of their curve, which let almost no gradient pass.",
        fine="Few units are saturated, if any",
        headline="many of its units are saturated",
        cure="Scale inputs and initial weights down, normalize before the activation (`layers.BatchNormalization`), "
        "or use ReLU.",
    ),
    Kind(
        "batch_norm_gap",
        section="8.7.1",
        meaning="Batch normalization uses different statistics at inference than in training.",
        fine="Batch normalization behaves the same in training and at inference",
        headline="its batch normalization acts otherwise at inference",
        cure="Lower `momentum` of the batch normalization, or use `layers.BatchNormalization`, which corrects for "
        "its start. Or recompute the statistics (`layers.recalibrate`), or train on batches like those that the "
        "model is used on.",
    ),
    Kind(
        "bad_scale",
        section="8.4",
        meaning="At the start a layer outputs far larger or smaller numbers than the next can work with; about 1 is "
        "best.",
        fine="The signal has a good scale in all layers at the start",
        headline="its weights start on a bad scale",
        cure="Standardize the inputs (`keras.layers.Normalization`), and scale the initial weights to the data: "
        "`training.scale_to_data`. `training.check_initialization` checks the initialization before the first step.",
    ),
    Kind(
        "overfitting",
        section="8.1",
        meaning="The model memorizes its training examples: what it learns no longer generalizes to new ones.",
        fine="The model shows no overfitting",
        headline="it learns its examples by heart",
        cure="Stop when the validation loss is lowest: `callbacks.EarlyStopping(restore_best_weights=True)`. Or "
        "regularize, or find more data. `callbacks.SurrogateGap` tells whether the true loss suffers.",
    ),
    Kind(
        "underfitting",
        section="8.1",
        meaning="The loss has settled but is still high: the model has learned all it can.",
        fine="The model shows no underfitting",
        headline="its model is too weak for the task",
        cure="Train longer, use a larger model, or regularize less. First fix what else is reported here.",
        is_refuted_by_learning=True,
    ),
    Kind(
        "nonfinite",
        section="8.2.4",
        meaning="Some steps have a NaN or infinite gradient, which can ruin all weights at once.",
        fine="All gradients were finite",
        headline="its gradients are not finite",
        cure="Search the data for NaN, lower the learning rate (`keras_ch8.find_learning_rate`), or clip "
        "(`clipping.ByGlobalNorm`). Or skip such steps: `skip_nonfinite=True` of a first-order optimizer of the "
        "suite.",
    ),
)
"""The difficulties that the monitors of the suite know."""

OF_THE_START = (
    Kind(
        "wrong_labels",
        section="8.1.2",
        meaning="The targets do not belong to their inputs, or are not encoded as loss and output expect.",
        fine="The targets are encoded as the loss expects",
        headline="its labels are wrong",
        cure="Encode the targets as the loss expects: classes as 0, 1, 2 and so on for "
        "`keras.losses.SparseCategoricalCrossentropy`, as 0 and 1 for `keras.losses.BinaryCrossentropy`.",
    ),
    Kind(
        "wrong_loss",
        section="8.1.2",
        meaning="The loss does not fit these targets.",
        fine="The loss fits the targets",
        headline="its loss does not suit its labels",
        cure="Compile with a loss that fits the targets: `keras.losses.MeanSquaredError` for numbers, a "
        "cross-entropy for classes.",
    ),
    Kind(
        "wrong_output",
        section="8.1.2",
        meaning="The last layer cannot output what the loss expects, because of its activation or its number of units.",
        fine="The last layer fits the loss",
        headline="its last layer does not suit its loss",
        cure="Match the last layer to the loss: softmax with one unit per class, one sigmoid unit for two classes, "
        "no activation for numbers.",
    ),
    Kind(
        "bad_inputs",
        section="8.2.1",
        meaning="The inputs have a scale that the first layer cannot work with, are not alike, or are not numbers.",
        fine="The inputs have a good scale",
        headline="something is wrong with its inputs",
        cure="Standardize the inputs: `keras.layers.Normalization`. Divide pixels of 0 to 255 with "
        "`keras.layers.Rescaling`.",
    ),
    Kind(
        "equal_units",
        section="8.4",
        meaning="All units of a layer start equal and get equal gradients, so no step can tell them apart.",
        fine="The units of each layer differ",
        headline="all units of a layer are equal",
        cure="Start with random weights, such as `keras.initializers.GlorotUniform`.",
    ),
    Kind(
        "no_gradient",
        section="8.2.5",
        meaning="Some trainable weights have a gradient of exactly 0, so no step moves them.",
        fine="Every layer has a gradient",
        headline="some of its weights get no gradient",
        cure="Let the gradient through: no ReLU as the last activation, `keras.layers.LeakyReLU` or "
        "`keras.initializers.HeNormal` where all ReLUs are dead.",
    ),
    Kind(
        "leak",
        section="8.1",
        meaning="Validation examples are also in the training data, so validation looks too good.",
        fine="No validation example is in the training data",
        headline="its validation data have training examples in them",
        cure="Remove the shared examples from the validation data, and split before you repeat or augment examples.",
        needs_validation=True,
    ),
    Kind(
        "label_order",
        section="8.1.3",
        meaning="The examples are sorted by label, so a minibatch does not represent the data.",
        fine="The examples are not sorted by label",
        headline="its examples come in the order of their labels",
        cure="Shuffle the examples before you split and batch them.",
    ),
    Kind(
        "imbalance",
        section="8.1.1",
        meaning="Almost all examples are of one class, so a model that always predicts this class looks good.",
        fine="No class makes up almost all of the examples",
        headline="nearly all its examples are of one class",
        cure="Give rare classes more weight (class_weight in `keras.Model.fit`), and watch a metric on which a "
        "constant prediction scores poorly, such as `keras.metrics.AUC`.",
    ),
)
"""What can be seen before the first step (`verdicts.checks`)."""

OF_THE_COURSE = (
    Kind(
        "too_short",
        section="8.1",
        meaning="Training ends while the loss is still falling: more epochs would lower it further.",
        fine="Training is long enough",
        headline="it ends while its loss is still falling",
        cure="Train for two or three times as many epochs, and add "
        "`callbacks.EarlyStopping(restore_best_weights=True)` to end in time.",
    ),
    Kind(
        "too_long",
        section="8.1",
        meaning="The held-out loss was best long ago, and later epochs gained nothing.",
        fine="No epochs are wasted",
        headline="it goes on long after its best epoch",
        cure="Train for fewer epochs, or stop when the validation loss is lowest: "
        "`callbacks.EarlyStopping(restore_best_weights=True)`.",
    ),
    Kind(
        "oscillation",
        section="8.3.1",
        meaning="The training loss oscillates from epoch to epoch at one level: the steps are too long to settle.",
        fine="The training loss does not oscillate from epoch to epoch",
        headline="its loss oscillates from epoch to epoch",
        cure="Let the learning rate decay: `schedules.LinearDecay`, `callbacks.LearningRateDecay`. Or lower it: "
        "`keras_ch8.find_learning_rate` finds a good one.",
    ),
    Kind(
        "learns_nothing",
        section="8.2",
        meaning="At the end of training, the model does no better than a constant prediction.",
        fine="The model has learned something",
        headline="it is no better than a guess",
        cure="Check labels, learning rate (`keras_ch8.find_learning_rate`), trainable layers, and inputs, in this "
        "order. Then fit 32 examples alone.",
    ),
)
"""How long a training is, whether it comes to rest, and whether it has learned anything: what its epochs say."""

KINDS = {kind.name: kind for kind in (*OF_THE_CHAPTER, *OF_THE_START, *OF_THE_COURSE)}
"""Every kind of verdict by name; a monitor adds its own (`extend.Monitor.kinds`)."""


def ignored(value: Any) -> tuple[str, ...]:
    """Check the argument `ignore`, and return it as a tuple; one kind may stand without a list.

    Raises:
        ValueError: If there is no such kind.
    """
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, Sequence) or isinstance(given, bytes):
        unknown: list[Any] = [given]
    else:
        unknown = [kind for kind in given if not isinstance(kind, str) or kind not in KINDS]
        if not unknown:
            return tuple(given)
    guess = meant(unknown[0], KINDS) if isinstance(unknown[0], str) else ""
    raise ValueError(
        "`ignore` names kinds of verdicts of which nothing is said, so it must be a list of some that there are. "
        f"Received: ignore={short(value)}. {guess or '`keras_ch8.verdicts.kinds.KINDS` has all of them.'}"
    )


_ADDED_BY: dict[str, str] = {}  # which class has added a kind, by the name of the kind


def register(kind: Kind, owner: str) -> None:
    """Add a kind that a class brings; the same class, defined anew, may bring another of the same name.

    Raises:
        ValueError: If there is another kind of that name.
    """
    known = KINDS.get(kind.name, kind)
    if known != kind and _ADDED_BY.get(kind.name) != owner:
        raise ValueError(
            f"Each kind of verdict has a name of its own. Received: {short(kind)} of {owner}, whose name is that of "
            f"{short(known)}. Give it another name, or use the kind that is there."
        )
    if kind.name not in KINDS or _ADDED_BY.get(kind.name) == owner:
        KINDS[kind.name] = kind
        _ADDED_BY[kind.name] = owner
