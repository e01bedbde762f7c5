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
        title: What a person reads in place of the name, such as "Gradient spikes". Defaults to `""`: the name.
    """

    name: str
    section: str
    meaning: str
    fine: str
    cure: str
    is_refuted_by_learning: bool = False
    needs_validation: bool = False
    title: str = ""


OF_THE_CHAPTER = (
    Kind(
        "step_too_long",
        title="Learning rate too high",
        section="8.2.1",
        meaning="Updates overshoot the minimum along their direction, so the loss rises or oscillates.",
        fine="The learning rate is not too high",
        cure="Lower the learning rate. `keras_ch8.find_learning_rate` finds a good value, "
        "`callbacks.LearningRateDecay` lowers it over time, and `schedules.Warmup` raises it gradually at the start.",
    ),
    Kind(
        "step_too_short",
        title="Learning rate too low",
        section="8.3.1",
        meaning="Longer steps in the same directions would lower the loss much faster.",
        fine="The learning rate is not too low",
        cure="Raise the learning rate: `keras_ch8.find_learning_rate` finds a good value.",
    ),
    Kind(
        "ill_conditioned",
        title="Ill-conditioned loss surface",
        section="8.2.1",
        meaning="The loss is steep in some directions and flat in others: the steep ones limit the learning rate, "
        "and the flat ones slow progress.",
        fine="Ill-conditioning is not slowing training down",
        cure="Standardize the inputs (`keras.layers.Normalization`), normalize between layers "
        "(`layers.BatchNormalization`), or give each weight its own learning rate (`optimizers.Adam`, "
        "`optimizers.RMSprop`). `optimizers.Nesterov` also helps.",
    ),
    Kind(
        "noise_dominated",
        title="Too much gradient noise",
        section="8.1.3",
        meaning="Minibatch gradients are mostly noise, which keeps the loss above what the model could reach.",
        fine="Gradient noise does not keep the loss high",
        cure="Use larger batches, or decay the learning rate with `schedules.LinearDecay` or "
        "`callbacks.LearningRateDecay`.",
    ),
    Kind(
        "batch_wasteful",
        title="Batch size larger than needed",
        section="8.1.3",
        meaning="The batch is so large that its gradient has almost no noise: fewer examples per step would do.",
        fine="The batch size is not too large",
        cure="Lower the batch size: each step will make almost as much progress with fewer examples.",
    ),
    Kind(
        "plateau",
        title="Stuck on a plateau",
        section="8.2.3",
        meaning="The loss does not fall because the loss surface is flat: its gradient and curvature are almost 0.",
        fine="Training is not stuck on a plateau",
        cure="Start with smaller weights and biases, or use ReLU, so that fewer units saturate and the gradient is "
        "larger. `optimizers.Adam` also helps: its steps do not shrink with the gradient.",
    ),
    Kind(
        "saddle",
        title="Stuck near a saddle point",
        section="8.2.3",
        meaning="The loss does not fall because the gradient is almost 0, although the loss surface curves down in "
        "some directions.",
        fine="Training is not stuck near a saddle point",
        cure="Break the symmetry with random initial weights (`keras.initializers.GlorotUniform`). "
        "`optimizers.Momentum` and `optimizers.Adam` escape a saddle point sooner than plain gradient descent.",
    ),
    Kind(
        "cliff",
        title="Gradient spikes",
        section="8.2.4",
        meaning="A few steps have a gradient far larger than usual, and undo the progress of many others.",
        fine="The gradient does not spike",
        cure="Clip the gradient: use `clipping.ByGlobalNorm` with a keras_ch8 optimizer, or `callbacks.ClipGradients` "
        "with any other optimizer. `callbacks.GradientClippingLogger` finds a suitable threshold.",
    ),
    Kind(
        "exploding",
        title="Exploding gradients",
        section="8.2.5",
        meaning="The gradient grows from layer to layer, or from time step to time step, during backpropagation.",
        fine="The gradient does not explode during backpropagation",
        cure="Scale the initial weights to the data (`training.scale_to_data`), or use `initializers.Orthogonal`. If "
        "that is not enough, normalize between layers (`layers.BatchNormalization`) and clip the gradient "
        "(`clipping.ByGlobalNorm`).",
        is_refuted_by_learning=True,
    ),
    Kind(
        "vanishing",
        title="Vanishing gradients",
        section="8.2.5",
        meaning="The gradient shrinks from layer to layer during backpropagation, so the first layers barely learn.",
        fine="The gradient does not vanish during backpropagation",
        cure="Scale the initial weights to the data (`training.scale_to_data`), normalize between layers "
        "(`layers.BatchNormalization`), add skip connections (`layers.Residual`), or use ReLU with "
        "`keras.initializers.HeNormal`.",
        is_refuted_by_learning=True,
    ),
    Kind(
        "short_horizon",
        title="Early time steps get no gradient",
        section="8.2.5",
        meaning="The gradient of a recurrent layer fades before it reaches the beginning of the sequence, so the model "
        "cannot learn from early time steps.",
        fine="The gradient reaches far enough back in time",
        cure="Use gated units (`keras.layers.LSTM`, `keras.layers.GRU`), or initialize the recurrent kernel as an "
        "identity or orthogonal matrix (`keras.initializers.Identity`, `initializers.Orthogonal`).",
    ),
    Kind(
        "dead_units",
        title="Dead ReLUs",
        section="8.2.5",
        meaning="Many ReLUs output 0 for every example, so their weights get no gradient.",
        fine="Few, if any, ReLUs are dead",
        cure="Lower the learning rate, or add `schedules.Warmup`. Alternatively, use `keras.layers.LeakyReLU`, or "
        "initialize the weights with `keras.initializers.HeNormal` and the biases with 0 or a small positive value.",
    ),
    Kind(
        "saturated_units",
        title="Saturated units",
        section="8.2.5",
        meaning="Many tanh or sigmoid units operate on the flat ends of their activation curve, where almost no "
        "gradient passes.",
        fine="Few, if any, units are saturated",
        cure="Scale down the inputs and the initial weights, normalize before the activation "
        "(`layers.BatchNormalization`), or use ReLU.",
    ),
    Kind(
        "batch_norm_gap",
        title="Batch normalization mismatch at inference",
        section="8.7.1",
        meaning="The moving statistics that batch normalization uses at inference differ too much from the batch "
        "statistics used in training.",
        fine="Batch normalization behaves nearly the same in training and at inference",
        cure="Lower the `momentum` of the batch normalization layers, or use `layers.BatchNormalization`, which "
        "corrects the bias of the moving statistics early in training. Alternatively, recompute the statistics "
        "(`layers.recalibrate`), or train on batches like those that you predict on.",
    ),
    Kind(
        "bad_scale",
        title="Badly scaled layer outputs",
        section="8.4",
        meaning="At the start of training, layer outputs are far too large or too small for the next layer: an RMS "
        "near 1 is best.",
        fine="The outputs of all layers are well scaled at the start of training",
        cure="Standardize the inputs (`keras.layers.Normalization`), and scale the initial weights to the data: "
        "`training.scale_to_data`. `training.check_initialization` checks the initialization before the first step.",
    ),
    Kind(
        "overfitting",
        title="Overfitting",
        section="8.1",
        meaning="The model memorizes its training examples: what it learns no longer generalizes to new ones.",
        fine="The model shows no overfitting",
        cure="Stop when the validation loss no longer falls, and restore the best weights: "
        "`callbacks.EarlyStopping(restore_best_weights=True)`. Alternatively, regularize or get more data. "
        "`callbacks.SurrogateGap` shows whether your target metric suffers too.",
    ),
    Kind(
        "underfitting",
        title="Underfitting",
        section="8.1",
        meaning="The loss has settled but is still high: the model has learned all it can.",
        fine="The model shows no underfitting",
        cure="Fix any other problem first. Then train longer, use a larger model, or regularize less.",
        is_refuted_by_learning=True,
    ),
    Kind(
        "nonfinite",
        title="Infinite or NaN gradients",
        section="8.2.4",
        meaning="Some steps have a NaN or infinite gradient, which can ruin all weights at once.",
        fine="All gradients are finite",
        cure="Search the data for NaN, lower the learning rate (`keras_ch8.find_learning_rate`), or clip the gradient "
        "(`clipping.ByGlobalNorm`). Or skip steps with a NaN or infinite gradient: set `skip_nonfinite=True` in a "
        "first-order keras_ch8 optimizer.",
    ),
)
"""The difficulties that the monitors of the suite know."""

OF_THE_START = (
    Kind(
        "wrong_labels",
        title="Wrong or badly encoded targets",
        section="8.1.2",
        meaning="The targets do not match their inputs, or are not encoded as the loss and the last layer expect.",
        fine="The targets are encoded as the loss expects",
        cure="Encode the targets as the loss expects: class numbers 0, 1, 2, and so on for "
        "`keras.losses.SparseCategoricalCrossentropy`, or 0 and 1 for `keras.losses.BinaryCrossentropy`.",
    ),
    Kind(
        "wrong_loss",
        title="Loss does not fit the targets",
        section="8.1.2",
        meaning="The loss function does not suit the targets.",
        fine="The loss fits the targets",
        cure="Compile with a loss that fits the targets: `keras.losses.MeanSquaredError` for numbers, a "
        "cross-entropy for classes.",
    ),
    Kind(
        "wrong_output",
        title="Last layer does not fit the loss",
        section="8.1.2",
        meaning="The last layer cannot output what the loss expects, because of its activation or its number of units.",
        fine="The last layer fits the loss",
        cure="Match the last layer to the loss: softmax with one unit per class, a single sigmoid unit for two "
        "classes, or no activation for regression.",
    ),
    Kind(
        "bad_inputs",
        title="Invalid or badly scaled inputs",
        section="8.2.1",
        meaning="The inputs contain invalid values, are badly scaled, or are prepared differently for training and "
        "validation.",
        fine="The inputs are valid and well scaled",
        cure="Standardize the inputs with `keras.layers.Normalization`. Divide pixel values from 0 to 255 by 255 with "
        "`keras.layers.Rescaling(1 / 255)`.",
    ),
    Kind(
        "equal_units",
        title="Identical units",
        section="8.4",
        meaning="All units of a layer start with equal weights and get equal gradients, so training cannot make them "
        "different.",
        fine="The units of each layer differ from one another",
        cure="Initialize the weights randomly, for example with `keras.initializers.GlorotUniform`.",
    ),
    Kind(
        "no_gradient",
        title="Some weights get no gradient",
        section="8.2.5",
        meaning="Some trainable weights have a gradient of exactly 0, so no training step updates them.",
        fine="Every trainable layer gets a nonzero gradient",
        cure="Do not end the model with ReLU. If all ReLUs are dead (always output 0), use `keras.layers.LeakyReLU` or "
        "initialize the weights with `keras.initializers.HeNormal`.",
    ),
    Kind(
        "leak",
        title="Data leak",
        section="8.1",
        meaning="Validation examples are in the training data, or the inputs show the targets, so the loss looks too "
        "good.",
        fine="Few or no validation examples are also in the training data",
        cure="Remove from the validation data every example that is also in the training data, and split the data "
        "before you repeat or augment examples.",
        needs_validation=True,
    ),
    Kind(
        "label_order",
        title="Examples sorted by label",
        section="8.1.3",
        meaning="The examples are sorted by label, so a batch or a split does not represent the whole data set.",
        fine="The examples are not sorted by label",
        cure="Shuffle the examples before you split and batch them.",
    ),
    Kind(
        "imbalance",
        title="Class imbalance",
        section="8.1.1",
        meaning="Almost all examples belong to one class, so a model that always predicts this class reaches a high "
        "accuracy.",
        fine="No class makes up almost all of the examples",
        cure="Give rare classes more weight with the `class_weight` argument of `keras.Model.fit`. Watch a metric on "
        "which a constant prediction scores poorly, such as `keras.metrics.AUC`.",
    ),
)
"""What can be seen before the first step (`verdicts.checks`)."""

OF_THE_COURSE = (
    Kind(
        "too_short",
        title="Training stopped too early",
        section="8.1",
        meaning="Training ends while the loss is still falling: more epochs would lower it further.",
        fine="Training is long enough",
        cure="Train for two or three times as many epochs, and add "
        "`callbacks.EarlyStopping(restore_best_weights=True)` to stop once the validation loss no longer falls.",
    ),
    Kind(
        "too_long",
        title="Trained too long",
        section="8.1",
        meaning="The validation loss was lowest many epochs ago, and later epochs have not improved it.",
        fine="Training is not too long",
        cure="Train for fewer epochs, or stop early and keep the weights with the lowest validation loss: "
        "`callbacks.EarlyStopping(restore_best_weights=True)`.",
    ),
    Kind(
        "oscillation",
        title="Oscillating training loss",
        section="8.3.1",
        meaning="The training loss oscillates from epoch to epoch and falls no further, because the optimizer steps "
        "are too large for it to settle.",
        fine="The training loss does not oscillate from epoch to epoch",
        cure="Decay the learning rate with `schedules.LinearDecay` or `callbacks.LearningRateDecay`. Or lower it: "
        "`keras_ch8.find_learning_rate` finds a good value.",
    ),
    Kind(
        "learns_nothing",
        title="No better than a constant prediction",
        section="8.2",
        meaning="At the end of training, the model does no better than a constant prediction.",
        fine="The model has learned something",
        cure="Check in this order: the labels, the learning rate (`keras_ch8.find_learning_rate`), the trainable "
        "layers and the inputs. Then train on only 32 examples.",
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
        "`ignore` must be a list of kinds of verdicts that you do not want to see. "
        f"Received: ignore={short(value)}. {guess or 'Choose from `keras_ch8.verdicts.kinds.KINDS`.'}"
    )


def title_of(name: str) -> str:
    """Return what a person reads in place of the name of a kind; the name itself where it has no title.

    Example:
        >>> from keras_ch8.verdicts.kinds import title_of
        >>> title_of("too_long"), title_of("a_kind_of_yours")
        ('Trained too long', 'a_kind_of_yours')
    """
    return (KINDS[name].title if name in KINDS else "") or name


_ADDED_BY: dict[str, str] = {}  # which class has added a kind, by the name of the kind


def register(kind: Kind, owner: str) -> None:
    """Add a kind that a class brings; the same class, defined anew, may bring another of the same name.

    Raises:
        ValueError: If there is another kind of that name.
    """
    known = KINDS.get(kind.name, kind)
    if known != kind and _ADDED_BY.get(kind.name) != owner:
        raise ValueError(
            f"Each kind of verdict needs a name of its own. Received: {short(kind)} of {owner}, but {short(known)} "
            "has the same name. Rename your kind, or use the existing one."
        )
    if kind.name not in KINDS or _ADDED_BY.get(kind.name) == owner:
        KINDS[kind.name] = kind
        _ADDED_BY[kind.name] = owner
