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
        fine: The sentence that is said where all is well, without its full stop: numbers in brackets follow.
        cure: What to do about it, in full sentences.
        is_refuted_by_learning: Whether what was said of it before the first step is taken back where the loss is good
            all the same. Defaults to `False`.
        needs_validation: Whether only a training that validates can have it. Defaults to `False`.
    """

    name: str
    section: str
    meaning: str
    fine: str
    cure: str
    is_refuted_by_learning: bool = False
    needs_validation: bool = False


OF_THE_CHAPTER = (
    Kind(
        "step_too_long",
        section="8.2.1",
        meaning="The update goes beyond the lowest point in its direction, so that the loss rises or swings.",
        fine="There is no sign that the steps are too long",
        cure="Lower the learning rate: `keras_ch8.find_learning_rate` finds one, `callbacks.LearningRateDecay` lowers "
        "it in time, `schedules.Warmup` leads up to it.",
    ),
    Kind(
        "step_too_short",
        section="8.3.1",
        meaning="The loss would fall much faster with longer steps in the same directions.",
        fine="There is no sign that longer steps would help",
        cure="Raise the learning rate: `keras_ch8.find_learning_rate` finds one.",
        is_refuted_by_learning=True,
    ),
    Kind(
        "ill_conditioned",
        section="8.2.1",
        meaning="The loss is steep in some directions and flat in others: the steep ones limit the learning rate, and "
        "along the flat ones, the floor of a ravine, little is gained in each step.",
        fine="There is no sign of a ravine that slows the training down",
        cure="Bring the inputs to one scale (`keras.layers.Normalization`), normalize between layers "
        "(`layers.BatchNormalization`), or give each weight a rate of its own: `optimizers.Adam`, "
        "`optimizers.RMSprop`; `optimizers.Nesterov` helps too.",
    ),
    Kind(
        "noise_dominated",
        section="8.1.3",
        meaning="The gradient of a minibatch is mostly noise, which keeps the loss above what the learning rate and "
        "the model could reach.",
        fine="There is no sign that noise of the gradient keeps the loss high",
        cure="Take larger batches, or let the learning rate fall: `schedules.LinearDecay`, "
        "`callbacks.LearningRateDecay`.",
    ),
    Kind(
        "batch_wasteful",
        section="8.1.3",
        meaning="The batch is so large that its gradient has next to no noise: fewer examples would do for each step.",
        fine="The batch is not larger than the noise of the gradient asks for",
        cure="Take smaller batches: as many steps learn the same from fewer examples.",
    ),
    Kind(
        "plateau",
        section="8.2.3",
        meaning="The loss does not fall because there is hardly a gradient and hardly any curvature.",
        fine="There is no sign of a plateau",
        cure="Start where the gradient is not small: smaller initial weights and biases, or units that do not saturate "
        "(ReLU); `optimizers.Adam` makes steps that do not shrink with the gradient.",
    ),
    Kind(
        "saddle",
        section="8.2.3",
        meaning="The loss does not fall because the training is near a point where the gradient is 0, though there "
        "are directions along which the loss curves down.",
        fine="There is no sign of a saddle point",
        cure="Break the symmetry of the start with random weights (`keras.initializers.GlorotUniform`); "
        "`optimizers.Momentum` and `optimizers.Adam` leave a saddle point sooner.",
    ),
    Kind(
        "cliff",
        section="8.2.4",
        meaning="Single steps meet a gradient far larger than all others, and undo what many steps have done.",
        fine="No step stands out by its gradient",
        cure="Clip the gradient: `clipping.ByGlobalNorm` in any optimizer of the suite, `callbacks.ClipGradients` for "
        "others; `callbacks.GradientClippingLogger` finds the threshold.",
    ),
    Kind(
        "exploding",
        section="8.2.5",
        meaning="The gradient grows from layer to layer, or from time step to time step, on its way back.",
        fine="The gradient does not explode on its way back",
        cure="Scale the start to the data (`training.scale_to_data`) or take `initializers.Orthogonal`, normalize "
        "between layers (`layers.BatchNormalization`), and clip: `clipping.ByGlobalNorm`.",
        is_refuted_by_learning=True,
    ),
    Kind(
        "vanishing",
        section="8.2.5",
        meaning="The gradient shrinks from layer to layer on its way back, so that the first layers hardly learn.",
        fine="The gradient does not vanish on its way back",
        cure="Scale the start to the data (`training.scale_to_data`), normalize between layers "
        "(`layers.BatchNormalization`), add connections that skip layers (`layers.Residual`), or use ReLU with "
        "`keras.initializers.HeNormal`.",
        is_refuted_by_learning=True,
    ),
    Kind(
        "short_horizon",
        section="8.2.5",
        meaning="The gradient of a recurrent layer is gone before it reaches the beginning of the sequence: what is "
        "further back cannot be learned from.",
        fine="The gradient reaches far enough back in time",
        cure="Use gated units (`keras.layers.LSTM`, `keras.layers.GRU`), or start the recurrent kernel as an identity "
        "or orthogonal matrix (`keras.initializers.Identity`, `initializers.Orthogonal`).",
    ),
    Kind(
        "dead_units",
        section="8.2.5",
        meaning="Many ReLUs give 0 for every example, so that no gradient reaches their weights.",
        fine="Few ReLUs are dead, if any",
        cure="Lower the learning rate or add `schedules.Warmup`; start with `keras.initializers.HeNormal` and biases "
        "of 0 or slightly above; or use leaky units (`keras.layers.LeakyReLU`).",
    ),
    Kind(
        "saturated_units",
        section="8.2.5",
        meaning="Many units of tanh or sigmoid are on the flat ends of their curve, where hardly a gradient passes.",
        fine="Few units are saturated, if any",
        cure="Bring inputs and initial weights to a smaller scale, normalize before the activation "
        "(`layers.BatchNormalization`), or use ReLU.",
    ),
    Kind(
        "batch_norm_gap",
        section="8.7.1",
        meaning="Batch normalization uses other statistics in inference than in training.",
        fine="Batch normalization means the same in inference as in training",
        cure="Lower `momentum` of the batch normalization, take `layers.BatchNormalization`, which corrects for its "
        "start, estimate anew (`layers.recalibrate`), or train on batches like those that the model is used on: the "
        "moving statistics that inference uses are not those of the batches.",
    ),
    Kind(
        "bad_scale",
        section="8.4",
        meaning="At the start a layer gives far larger or smaller numbers than others can work with; about 1 is best.",
        fine="The signal has a good scale in all layers at the start",
        cure="Bring the inputs to mean 0 and variance 1 (`keras.layers.Normalization`), and scale the weights to the "
        "data: `training.scale_to_data`. `training.check_initialization` judges a start before any step.",
    ),
    Kind(
        "overfitting",
        section="8.1",
        meaning="The model learns its training examples by heart: what it still learns does not hold for new ones.",
        fine="There is no sign that what is learned does not hold for new examples",
        cure="Stop when validation is best: `callbacks.EarlyStopping(restore_best_weights=True)`; regularize, or find "
        "more data. `callbacks.SurrogateGap` says whether the true loss suffers.",
    ),
    Kind(
        "underfitting",
        section="8.1",
        meaning="The loss has come to rest at a minimum, but is not low: the model has learned all that it can.",
        fine="There is no sign that the model is too small for its task",
        cure="Train longer, take a larger model, or regularize less; first cure what else is found here.",
        is_refuted_by_learning=True,
    ),
    Kind(
        "nonfinite",
        section="8.2.4",
        meaning="The gradient is infinite or not a number in some steps, which can ruin all weights at once.",
        fine="All gradients were finite",
        cure="Search the data for NaN, lower the learning rate (`keras_ch8.find_learning_rate`), clip "
        "(`clipping.ByGlobalNorm`), or skip such steps: `skip_nonfinite=True` of a first-order optimizer of the suite.",
    ),
)
"""The difficulties that the monitors of the suite know."""

OF_THE_START = (
    Kind(
        "wrong_labels",
        section="8.1.2",
        meaning="The targets are not those of the inputs, or not written as the loss and the output of the model read "
        "them.",
        fine="The targets are written as the loss reads them",
        cure="Write the targets as the loss reads them: classes as 0, 1, 2 and so on for "
        "`keras.losses.SparseCategoricalCrossentropy`, as 0 and 1 for `keras.losses.BinaryCrossentropy`.",
    ),
    Kind(
        "wrong_loss",
        section="8.1.2",
        meaning="The loss is not one for these targets.",
        fine="The loss is one for these targets",
        cure="Compile with a loss for these targets: `keras.losses.MeanSquaredError` for numbers, a cross-entropy for "
        "classes.",
    ),
    Kind(
        "wrong_output",
        section="8.1.2",
        meaning="The last layer cannot give what the loss asks for, by its activation or its number of units.",
        fine="The last layer can give what the loss asks for",
        cure="Give the last layer the activation and the units that fit the loss: softmax and a unit for each class, "
        "sigmoid and one unit for two classes, no activation for numbers.",
    ),
    Kind(
        "bad_inputs",
        section="8.2.1",
        meaning="The inputs are on a scale that the first layer cannot work with, are not alike, or are no numbers.",
        fine="The inputs are on a good scale",
        cure="Bring the inputs to mean 0 and variance 1: `keras.layers.Normalization`; divide pixels of 0 to 255 with "
        "`keras.layers.Rescaling`.",
    ),
    Kind(
        "equal_units",
        section="8.4",
        meaning="All units of a layer start equal and get equal gradients, so that no step tells them apart.",
        fine="The units of each layer differ",
        cure="Start with random weights, such as `keras.initializers.GlorotUniform`.",
    ),
    Kind(
        "no_gradient",
        section="8.2.5",
        meaning="The gradient of weights that are to be trained is exactly 0: no step moves them.",
        fine="Every layer has a gradient",
        cure="Let the gradient through: no ReLU as the last activation, `keras.layers.LeakyReLU` or "
        "`keras.initializers.HeNormal` where all ReLUs are dead.",
    ),
    Kind(
        "leak",
        section="8.1",
        meaning="Examples of the validation data are among those of the training, so validation looks too good.",
        fine="No example of the validation data is among those of the training",
        cure="Take the equal examples out of the validation data, and split before anything is repeated or augmented.",
        needs_validation=True,
    ),
    Kind(
        "label_order",
        section="8.1.3",
        meaning="The examples come in the order of their labels, so that a minibatch does not stand for all of them.",
        fine="The examples are in an order that has nothing to do with their labels",
        cure="Shuffle the examples before they are split and before they are batched.",
    ),
    Kind(
        "imbalance",
        section="8.1.1",
        meaning="Nearly all examples are of one class, so that a model that always predicts it seems good.",
        fine="No class has nearly all examples",
        cure="Give rare classes more weight (class_weight in `keras.Model.fit`), and look at a metric that a constant "
        "prediction cannot win, such as `keras.metrics.AUC`.",
    ),
)
"""What can be seen before the first step (`verdicts.checks`)."""

OF_THE_COURSE = (
    Kind(
        "too_short",
        section="8.1",
        meaning="The training ends while the loss still falls: more epochs would go on lowering it.",
        fine="The training does not end while the loss still falls much",
        cure="Train for more epochs, two or three times as many, and add "
        "`callbacks.EarlyStopping(restore_best_weights=True)` to end in time.",
    ),
    Kind(
        "too_long",
        section="8.1",
        meaning="The loss on held-out examples was best long ago, and nothing was gained since.",
        fine="The epochs are not spent for nothing",
        cure="Train for fewer epochs, or stop when validation is best: "
        "`callbacks.EarlyStopping(restore_best_weights=True)`.",
    ),
    Kind(
        "oscillation",
        section="8.3.1",
        meaning="The training loss swings up and down from epoch to epoch at one level: the steps are too long to "
        "come to rest.",
        fine="The training loss does not swing from epoch to epoch",
        cure="Let the learning rate fall in time: `schedules.LinearDecay`, `callbacks.LearningRateDecay`; or lower it: "
        "`keras_ch8.find_learning_rate` finds one.",
    ),
    Kind(
        "learns_nothing",
        section="8.2",
        meaning="At its end the training does no better than predicting the same for every example.",
        fine="The training has learned something",
        cure="Check labels, learning rate (`keras_ch8.find_learning_rate`), what is trainable, and inputs, in this "
        "order; then fit 32 examples alone.",
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
