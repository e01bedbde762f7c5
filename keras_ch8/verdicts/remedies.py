"""What to do about each difficulty, in order: with the numbers of the training, as code, and what should change."""

import dataclasses
from collections.abc import Iterator, Mapping, Set

from .code import (
    ACTIVE,
    ADAM,
    ADD_UP_LESS,
    BIASES_OF_0,
    CLIP,
    CLIP_LESS,
    DECAY_LESS,
    FIND_RATE,
    LARGER,
    LARGER_BATCH,
    LEAKY,
    LONG_MEMORY,
    MASK_ZEROS,
    NEW_START,
    NORMALIZE_INPUTS,
    NORMALIZE_LAYERS,
    OPEN_GATES,
    ORTHOGONAL,
    RESCALE_TARGETS,
    SCALE_SCHEDULE,
    SCALE_TO_DATA,
    SET_RATE,
    SLOWER_FALL,
    WITH_CURVATURE,
    WITHOUT_PLATEAUS,
    fitting,
)
from .fact import Fact


@dataclasses.dataclass(frozen=True)
class Remedy:
    """One thing to do; in all texts `{name}` stands for a number or a name of this training.

    A remedy is passed over where something that it needs is not there, where it is there already, or where a number
    that it names is not known.

    Args:
        cure: What to do, in full sentences.
        code: The same as lines of Python to put before `model.fit(x, y, batch_size=batch_size, epochs=epochs,
            callbacks=callbacks)` in a script that imports `keras` and `keras_ch8`; "" where it cannot be said in
            general. `code.fitting` leaves it out where it is no right edit for the form of the training.
        expects: One sentence: what should change.
        needs: Facts that must be there.
        unless: Facts of which none may be there.
    """

    cure: str
    code: str = ""
    expects: str = ""
    needs: tuple[Fact, ...] = ()
    unless: tuple[Fact, ...] = ()

    def filled(self, known: Mapping[str, str]) -> "Remedy | None":
        """Return it with what is known; None where something that it names is not."""
        try:
            cure, code, expects = (text.format(**known) for text in (self.cure, self.code, self.expects))
            return Remedy(cure, code, expects, self.needs, self.unless)
        except (KeyError, IndexError):
            return None

    def suits(self, has: Set[Fact]) -> bool:
        """Whether all that it needs is there, and it is not there itself."""
        return set(self.needs) <= has and not set(self.unless) & has


def applicable(remedies: tuple[Remedy, ...], known: Mapping[str, str], has: Set[Fact]) -> Iterator[Remedy]:
    """Return the remedies that suit a training, in order, each thing to do once, with its numbers."""
    said: set[str] = set()
    for remedy in remedies:
        if remedy.suits(has) and (filled := remedy.filled(known)) is not None and filled.cure not in said:
            said.add(filled.cure)
            yield dataclasses.replace(filled, code=fitting(filled.code, has))


# --- remedies that several kinds share ------------------------------------------------------------------------------

_OWN_LENGTH = (Fact.OWN_STEP_LENGTH,)
_SCHEDULED = (Fact.LEARNING_RATE_SCHEDULE,)
_RATED = (*_SCHEDULED, *_OWN_LENGTH)
"""What there is where no learning rate is to be found: it follows a schedule, or each step finds its own length."""
_ELSEWHERE = (Fact.RATE_SET_ELSEWHERE,)
_LOOP = (Fact.LOOP_OF_ONES_OWN,)
_NOT_SCALED = (Fact.INPUT_NORMALIZATION, Fact.TOKENS, Fact.SEVERAL_INPUTS)


def _rate(change: str, rate: str, expects: str) -> tuple[Remedy, ...]:
    """Return the remedies that set the rate: as a number, that of a schedule, and one that something else sets."""
    to = f"from {{rate}} to {{{rate}}}"
    scheduled = Fact.SCHEDULE_TO_SCALE
    return (
        Remedy(
            f"{change} the learning rate {to}.", SET_RATE.format(rate=rate), expects,
            unless=(scheduled, *_ELSEWHERE, *_OWN_LENGTH),
        ),
        Remedy(
            f"{change} the peak of the schedule of the learning rate {to}: multiply the whole schedule.",
            SCALE_SCHEDULE.format(rate=rate), expects, (scheduled,), (*_ELSEWHERE, *_OWN_LENGTH),
        ),
        Remedy(f"{change} the largest learning rate {to}, where it is set.", needs=_ELSEWHERE, unless=_OWN_LENGTH),
    )  # fmt: skip


def _scale_inputs(expects: str, and_rate: bool = False) -> Remedy:
    says = "Bring each input to mean 0 and variance 1, by a `keras.layers.Normalization` in front of the model"
    if not and_rate:
        return Remedy(f"{says}.", NORMALIZE_INPUTS, expects, (Fact.UNSCALED_INPUTS,), _NOT_SCALED)
    return Remedy(
        f"{says}, and find the learning rate anew: `keras_ch8.find_learning_rate`.",
        f"{NORMALIZE_INPUTS}\n{FIND_RATE}", expects, (Fact.UNEVEN_INPUTS,), (*_NOT_SCALED, *_RATED),
    )  # fmt: skip


def _find_rate(expects: str) -> Remedy:
    says = "Let `keras_ch8.find_learning_rate` find the learning rate."
    return Remedy(says, FIND_RATE, expects, unless=_RATED)


def _adam(expects: str) -> Remedy:
    return Remedy(
        "Give each weight a rate of its own: `optimizers.Adam`.", ADAM, expects, unless=(Fact.ADAPTIVE_RATES,)
    )


def _scale_start(expects: str) -> Remedy:
    return Remedy("Scale the initial weights to the data: `training.scale_to_data`.", SCALE_TO_DATA, expects)


def _normalize(expects: str, *needs: Fact) -> Remedy:
    return Remedy(
        "Normalize between layers: `layers.BatchNormalization` after each hidden layer.", NORMALIZE_LAYERS, expects,
        (Fact.SEQUENTIAL, *needs), (Fact.NORMALIZATION,),
    )  # fmt: skip


def _leaky(expects: str, *needs: Fact) -> Remedy:
    return Remedy("Use leaky units, which are never dead: `keras.layers.LeakyReLU`.", LEAKY, expects, needs)


def _clip(expects: str) -> Remedy:
    return Remedy(
        "Clip the gradient at a norm of {clip_at}, which nine of ten steps do not reach: `global_clipnorm={clip_at}`.",
        CLIP, expects, unless=(Fact.CLIPPING, Fact.OWN_STEP_LENGTH),
    )  # fmt: skip


_NO_CURVATURE = (Fact.CURVATURE, Fact.FIRST_ORDER_ONLY)
"""What there is where `optimizers.LBFGS` is no cure: it, or something that it does not go with."""
_SKIP = Remedy("Add connections that skip layers: `layers.Residual`.", unless=(Fact.SKIP_CONNECTIONS,))
_PLAINLY = (
    Remedy(
        "Lower the learning rate, and look at the inputs: their scale, and whether all are finite.", unless=_OWN_LENGTH
    ),
    Remedy("Look at the inputs: their scale, and whether all are finite.", needs=_OWN_LENGTH),
)
_LESS = _rate("Lower", "shorter_rate", "The loss should fall from the first epoch on.")
_LONGER = _rate("Raise", "longer_rate", "The loss should fall several times as fast.")
_FACTOR = "The gradient should pass through each layer nearly unchanged, by a factor of 0.7 to 1.4."
_SIGNAL = "The signal of each layer should have a root mean square near 1."
_BELOW_CHANCE = "The loss should fall below that of the best constant prediction."
_REACH = "The gradient should reach the first time steps."
_LEAVES = "The loss should begin to fall within the first epochs."
_PASSES = "Fewer than a third of the units should be dead or saturated."

_DECAY_LESS = Remedy(
    "Lower `weight_decay` to 0.004, Keras's default: it takes a hundredth or more of each weight away in every step.",
    DECAY_LESS, "The weights should grow, and the loss fall.", (Fact.STRONG_DECAY,),
)  # fmt: skip
_IN_ORDER = (
    "Check in this order: whether each label belongs to its inputs;{} whether the layers that should learn are "
    "trainable; whether the inputs are scaled, and tell the targets apart. Then fit 32 examples alone: a model that "
    "cannot learn even these has a fault of its own."
)
_NEW_START = Remedy(
    "Start from random weights of the usual size, which make the units differ: `keras.initializers.GlorotUniform`.",
    NEW_START, _LEAVES,
)  # fmt: skip
_STOP = Remedy(
    "Stop when validation is best: `callbacks.EarlyStopping(restore_best_weights=True)`.",
    "callbacks = [keras_ch8.callbacks.EarlyStopping(patience=3, restore_best_weights=True), *callbacks]",
    "The validation loss should end where it was best.",
    unless=_LOOP,
)
_KEEP = Remedy("Keep the weights of the step at which the held-out loss is lowest, and stop there.", needs=_LOOP)
_DECAY = Remedy(
    "Let the learning rate fall from {rate} to 0 over the training: `schedules.LinearDecay`.",
    SLOWER_FALL,
    "The loss should fall further towards the end.",
    unless=_RATED,
)

_REVIVE = (
    Remedy(
        "Make the factor of `activity_regularizer` a tenth of what it is: the penalty may be what leaves units at 0.",
        needs=(Fact.PENALTIES_OF_UNITS,),
    ),
    _scale_inputs(_PASSES),
    Remedy("Start with biases of 0.", BIASES_OF_0, _PASSES, (Fact.NEGATIVE_BIASES,)),
    _leaky(_PASSES, Fact.SCALE_OF_THE_START),
    _leaky(_PASSES, Fact.DEFAULT_RATE),
    *_LESS,
    _leaky(_PASSES),
)
"""What to do about dead units, and about the plateau that they make."""

# --- the table --------------------------------------------------------------------------------------------------------

REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "step_too_long": (
        *_LESS,
        _find_rate("The loss should fall from the first epoch on."),
        _clip("The loss should fall from the first epoch on."),
        *_PLAINLY,
    ),
    "step_too_short": (
        _DECAY_LESS,
        Remedy(
            "Clip at a norm of {clip_at}, which nine of ten steps do not reach: now nearly every step is clipped.",
            CLIP_LESS, "The loss should fall several times as fast.", (Fact.CLIPPED,), _OWN_LENGTH,
        ),
        Remedy(
            "End the model with `keras.layers.Rescaling`(y.std(), y.mean()): the targets are far from 1, and weights "
            "that move by the learning rate in a step take long to get there.",
            RESCALE_TARGETS, "The loss should fall below that of the best constant prediction in the first epochs.",
            (Fact.LARGE_TARGETS, Fact.STEPS_OF_THE_RATE), (Fact.SEVERAL_INPUTS,),
        ),
        Remedy(
            "Let the learning rate fall more slowly, over the whole training: count its steps, not its epochs, in the "
            "schedule (`schedules.LinearDecay`).",
            SLOWER_FALL, "The loss should go on falling to the end.", (Fact.FADED_RATE,),
            (Fact.WARM_UP, Fact.LOWERED_ON_PLATEAUS, *_ELSEWHERE, *_OWN_LENGTH),
        ),
        Remedy(
            "Keep the learning rate up, which was {rate}: leave `keras.callbacks.ReduceLROnPlateau` out, or let it "
            "wait for more epochs.",
            WITHOUT_PLATEAUS, "The loss should go on falling to the end.", (Fact.FADED_RATE, Fact.LOWERED_ON_PLATEAUS),
            _OWN_LENGTH,
        ),
        Remedy(
            "Let the learning rate fall more slowly, over the whole training, where it is set.",
            needs=(Fact.FADED_RATE,), unless=(Fact.LOWERED_ON_PLATEAUS, *_OWN_LENGTH),
        ),
        *_LONGER,
        _find_rate("The loss should fall several times as fast."),
    ),
    "ill_conditioned": (
        Remedy(
            "Train for three times as many epochs: the optimizer uses curvature already, and ends by itself. In "
            "float64 (`keras.config.set_floatx`) it comes further than where float32 ends it.",
            "epochs = 3 * epochs", "The loss should go on falling.", (Fact.CURVATURE,),
        ),
        _scale_inputs("The largest curvature should come near the others, and the loss fall at once.", and_rate=True),
        Remedy(
            "Use curvature, with all examples in each step: `optimizers.LBFGS`. The loss of a linear model is a "
            "quadratic, whose minimum it finds in some tens of steps.",
            WITH_CURVATURE, "The loss should come to that of least squares.", (Fact.LINEAR_MODEL,),
            (*_SCHEDULED, *_NO_CURVATURE),
        ),
        Remedy(
            "Give each weight a rate of its own by `optimizers.Adam`, and find the learning rate anew: "
            "`keras_ch8.find_learning_rate`.",
            f"{ADAM}\n{FIND_RATE}", "The loss should fall faster, along the floor of the ravine too.",
            unless=(Fact.ADAPTIVE_RATES, Fact.CURVATURE),
        ),
        _normalize("The loss should fall faster, at a larger learning rate."),
        _find_rate("The loss should fall faster."),
        Remedy("Use curvature: `optimizers.LBFGS`, or another method of section 8.6.", unless=_NO_CURVATURE),
    ),
    "noise_dominated": (
        Remedy(
            "Take batches of {larger_batch} examples, and as many steps.", LARGER_BATCH,
            "The loss should fall below where the noise holds it.",
        ),
        _DECAY,
        Remedy("Average the weights of the last steps: `callbacks.PolyakAveraging`."),
    ),
    "plateau": (
        _DECAY_LESS,
        _scale_inputs(_LEAVES),
        *(dataclasses.replace(one, needs=(*one.needs, Fact.DEAD_UNITS)) for one in _REVIVE),
        _normalize(_LEAVES, Fact.SIGMOID_UNITS),
        _scale_start(_LEAVES),
        _adam(_LEAVES),
        _normalize(_LEAVES),
    ),
    "saddle": (
        dataclasses.replace(_NEW_START, needs=(Fact.SMALL_START,)),
        _adam(_LEAVES),
        dataclasses.replace(_NEW_START, unless=(Fact.SMALL_START,)),
        Remedy("Add momentum, which leaves a saddle point sooner: `optimizers.Momentum`."),
    ),
    "cliff": (
        _clip("No step should undo what others have done: the loss should fall without leaps."),
        *_LESS,
        *_PLAINLY,
    ),
    "exploding": (
        Remedy(
            "Start the recurrent kernels as orthogonal matrices (`initializers.Orthogonal`), and clip the gradient at "
            "a norm of {clip_at}.",
            f"{ORTHOGONAL}\n{CLIP}", "The gradient should keep its size through time.", (Fact.RECURRENCE,),
            (Fact.CLIPPING, Fact.OWN_STEP_LENGTH),
        ),
        Remedy(
            "Start the recurrent kernels as orthogonal matrices: `initializers.Orthogonal`.", ORTHOGONAL,
            "The gradient should keep its size through time.", (Fact.RECURRENCE,),
        ),
        _scale_start(_FACTOR),
        _normalize(_FACTOR),
        _clip("Single steps should no longer be far longer than others."),
    ),
    "vanishing": (
        Remedy(
            "Use ReLU in place of softmax in hidden layers: units of a softmax share a sum of 1, and hardly differ.",
            ACTIVE, _FACTOR, (Fact.SOFTMAX_UNITS,),
        ),
        _normalize(_FACTOR, Fact.SIGMOID_UNITS),
        _scale_start(_FACTOR),
        _normalize(_FACTOR),
        _SKIP,
        Remedy("Use ReLU with `keras.initializers.HeNormal`."),
    ),
    "short_horizon": (
        Remedy(
            "Mask the zeros at the end of the sequences: `keras.layers.Embedding(mask_zero=True)`.",
            MASK_ZEROS, _REACH, (Fact.PADDING,),
        ),
        Remedy(
            "Use `keras.layers.LSTM` with open forget gates: `initializers.forget_gate(units, {memory})`.",
            LONG_MEMORY, _REACH, (Fact.SIMPLE_RECURRENCE, Fact.SEQUENTIAL),
        ),
        Remedy(
            "Start with open forget gates: `bias_initializer=initializers.forget_gate(units, {memory})`, with "
            "`unit_forget_bias=False`.",
            OPEN_GATES, _REACH, (Fact.LSTM,),
        ),
        Remedy(
            "Start the recurrent kernel as an orthogonal matrix: `initializers.Orthogonal`.", ORTHOGONAL, _REACH,
        ),
        Remedy("Shorten the sequences, or let attention reach back: `keras.layers.MultiHeadAttention`."),
    ),
    "dead_units": (
        *_REVIVE,
        Remedy("Start with `keras.initializers.HeNormal` and biases of 0 or slightly above."),
    ),
    "saturated_units": (
        _scale_inputs(_PASSES),
        dataclasses.replace(_scale_start(_PASSES), needs=(Fact.SCALE_OF_THE_START,)),
        _normalize(_PASSES),
        *_LESS,
        _scale_start(_PASSES),
    ),
    "batch_norm_gap": (
        Remedy(
            "Lower `momentum` of the batch normalization to {momentum}, so that its statistics follow those of the "
            "batches.",
            "for layer in model.layers:\n"
            '    if hasattr(layer, "moving_mean"):\n'
            "        layer.momentum = {momentum}",
            "The loss in inference should come near that in training.",
        ),
        Remedy(
            "Estimate the statistics anew after the training (`layers.recalibrate`), or train on batches like those "
            "that the model is used on."
        ),
    ),
    "bad_scale": (
        _scale_inputs(_SIGNAL),
        _scale_start(_SIGNAL),
        _normalize(_SIGNAL),
        Remedy("Normalize between layers: `layers.BatchNormalization`.", unless=(Fact.NORMALIZATION,)),
    ),
    "overfitting": (
        _STOP,
        _KEEP,
        Remedy(
            "See whether held-out examples, which a constant predicts better, are drawn and prepared as the others "
            "are: shuffle before they are split.",
            needs=(Fact.HELD_OUT_OF_ANOTHER_KIND,),
        ),
        Remedy("Regularize (`keras.layers.Dropout`, `optimizers.AdamW`), take a smaller model, or find more data."),
    ),
    "underfitting": (
        _DECAY_LESS,
        Remedy(
            "Give hidden layers an activation, such as ReLU: without one, layers in a row are one linear layer.",
            ACTIVE, "The loss should come to rest much lower.", (Fact.LINEAR_LAYERS,),
        ),
        Remedy(
            "Give each hidden layer four times as many units, add a hidden layer, and take penalties and dropout away.",
            LARGER, "The loss should come to rest much lower.", (Fact.SEQUENTIAL,),
            (Fact.SKIP_CONNECTIONS, Fact.RESHAPES),
        ),
        Remedy("Train longer, take a larger model, or regularize less; first cure what else is found here."),
    ),
    "learns_nothing": (
        _DECAY_LESS,
        Remedy(_IN_ORDER.format(" the learning rate (`keras_ch8.find_learning_rate`);"), unless=_OWN_LENGTH),
        Remedy(_IN_ORDER.format(""), needs=_OWN_LENGTH),
    ),
    "too_short": (
        Remedy(
            "Add up fewer batches for an update, which makes more of them: `gradient_accumulation_steps={added_up}`.",
            ADD_UP_LESS, "The loss should fall much further in as many epochs.", (Fact.ACCUMULATION,),
        ),
        Remedy(
            "Train for {more_epochs} epochs.", "epochs = {more_epochs}",
            "The loss should go on falling, and come to rest by the end.", unless=_LOOP,
        ),
        Remedy("Make three times as many steps.", needs=_LOOP),
        Remedy("Raise the learning rate: `keras_ch8.find_learning_rate` finds one.", unless=_OWN_LENGTH),
    ),
    "too_long": (_STOP, _KEEP, Remedy("Train for fewer epochs.", unless=_LOOP)),
    "oscillation": (
        *_rate("Lower", "shorter_rate", "The loss should fall from epoch to epoch."),
        _DECAY,
        Remedy("Let the learning rate fall in time: `callbacks.LearningRateDecay`.", unless=_OWN_LENGTH),
    ),
    "bad_inputs": (
        dataclasses.replace(_scale_inputs(_BELOW_CHANCE), needs=()),
        Remedy("Prepare all inputs alike: those of training, validation and prediction, with the same numbers."),
    ),
    "equal_units": (_NEW_START,),
    "no_gradient": (
        _leaky("The gradient should be above 0, and the loss fall.", Fact.DEAD_UNITS),
        Remedy(
            "Look behind these layers for what passes no gradient on, such as `keras.ops.round`, `keras.ops.argmax` or "
            "a comparison, and let it straight through: x + `keras.ops.stop_gradient`(f(x) - x) in place of f(x)."
        ),
        Remedy("Start with `keras.initializers.HeNormal`."),
    ),
    "nonfinite": (
        *_LESS,
        _find_rate("All gradients should be finite."),
        _clip("All gradients should be finite."),
        Remedy("Search the data for NaN, or let `callbacks.Guard` leave such steps out and name their examples."),
    ),
}  # fmt: skip
"""What to do about each kind of verdict, the first that suits the training first."""
