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
    DROP_LESS,
    FIND_RATE,
    LARGER,
    LARGER_BATCH,
    LEAKY,
    LONG_MEMORY,
    MASK_ZEROS,
    MOMENTUM,
    NEW_START,
    NORMALIZE_INPUTS,
    NORMALIZE_LAYERS,
    OPEN_GATES,
    ORTHOGONAL,
    RELUS,
    RESCALE_TARGETS,
    SCALE_SCHEDULE,
    SCALE_TO_DATA,
    SET_RATE,
    SLOWER_FALL,
    WEIGH_OUTPUTS,
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
    to, by = f"from {{rate}} to {{{rate}}}", "down" if change == "Lower" else "up"
    scheduled = Fact.SCHEDULE_TO_SCALE
    return (
        Remedy(
            f"{change} the learning rate {to}.", SET_RATE.format(rate=rate), expects,
            unless=(scheduled, *_ELSEWHERE, *_OWN_LENGTH),
        ),
        Remedy(
            f"{change} the peak of the learning rate schedule {to} by scaling the whole schedule {by}.",
            SCALE_SCHEDULE.format(rate=rate), expects, (scheduled,), (*_ELSEWHERE, *_OWN_LENGTH),
        ),
        Remedy(
            f"In the code that sets the learning rate, {change.lower()} its largest value {to}.",
            needs=_ELSEWHERE, unless=_OWN_LENGTH,
        ),
    )  # fmt: skip


def _scale_inputs(expects: str, and_rate: bool = False) -> Remedy:
    says = "Standardize the inputs: start the model with `keras.layers.Normalization`, adapted to the training data"
    if not and_rate:
        return Remedy(f"{says}.", NORMALIZE_INPUTS, expects, (Fact.UNSCALED_INPUTS,), _NOT_SCALED)
    return Remedy(
        f"{says}. Then find a new learning rate with `keras_ch8.find_learning_rate`.",
        f"{NORMALIZE_INPUTS}\n{FIND_RATE}", expects, (Fact.UNEVEN_INPUTS,), (*_NOT_SCALED, *_RATED),
    )  # fmt: skip


def _find_rate(expects: str) -> Remedy:
    says = "Find a good learning rate with `keras_ch8.find_learning_rate`."
    return Remedy(says, FIND_RATE, expects, unless=_RATED)


def _adam(expects: str) -> Remedy:
    return Remedy(
        "Give each weight its own learning rate with `optimizers.Adam`.", ADAM, expects, unless=(Fact.ADAPTIVE_RATES,)
    )


def _scale_targets(expects: str) -> Remedy:
    return Remedy(
        "End the model with `keras.layers.Rescaling(y.std(), y.mean())`, and use `optimizers.Adam`: your targets `y` "
        "are so large that plain gradient steps overshoot.",
        f"{RESCALE_TARGETS}\n{ADAM}", expects, (Fact.LARGE_TARGETS,),
        (Fact.ADAPTIVE_RATES, Fact.SEVERAL_INPUTS, *_OWN_LENGTH),
    )  # fmt: skip


def _scale_start(expects: str) -> Remedy:
    return Remedy("Scale the initial weights to your data with `training.scale_to_data`.", SCALE_TO_DATA, expects)


def _normalize(expects: str, *needs: Fact) -> Remedy:
    return Remedy(
        "Add `layers.BatchNormalization` after each hidden layer.", NORMALIZE_LAYERS, expects,
        (Fact.SEQUENTIAL, *needs), (Fact.NORMALIZATION,),
    )  # fmt: skip


def _leaky(expects: str, *needs: Fact) -> Remedy:
    return Remedy("Use `keras.layers.LeakyReLU`, whose units cannot die.", LEAKY, expects, needs)


def _clip(expects: str) -> Remedy:
    return Remedy(
        "Clip the gradient norm at {clip_at}, which 9 out of 10 gradients stay below: pass `global_clipnorm={clip_at}` "
        "to the optimizer.",
        CLIP, expects, unless=(Fact.CLIPPING, Fact.OWN_STEP_LENGTH),
    )  # fmt: skip


_NO_CURVATURE = (Fact.CURVATURE, Fact.FIRST_ORDER_ONLY)
"""What there is where `optimizers.LBFGS` is no cure: it, or something that it does not go with."""
_SKIP = Remedy("Add skip connections with `layers.Residual`.", unless=(Fact.SKIP_CONNECTIONS,))
_PLAINLY = (
    Remedy("Lower the learning rate, and check that the inputs are finite and well scaled.", unless=_OWN_LENGTH),
    Remedy("Check that the inputs are finite and well scaled.", needs=_OWN_LENGTH),
)
_LESS = _rate("Lower", "shorter_rate", "The loss should fall from the first epoch on.")
_LONGER = _rate("Raise", "longer_rate", "The loss should fall several times faster.")
_FACTOR = "From layer to layer, the gradient should keep its size: a factor between 0.7 and 1.4."
_SIGNAL = "The outputs of each layer should have an RMS near 1."
_BELOW_CHANCE = "The loss should fall below that of the best constant prediction."
_REACH = "The gradient should reach the first time steps."
_LEAVES = "The loss should start to fall within the first few epochs."
_PASSES = "Fewer than a third of the units should be dead or saturated."

_DECAY_LESS = Remedy(
    "Lower `weight_decay` to 0.004, the default of `keras.optimizers.AdamW`: the current value shrinks each weight by "
    "1 % or more per step.",
    DECAY_LESS, "The weights should grow, and the loss should fall.", (Fact.STRONG_DECAY,),
)  # fmt: skip
_DROP_LESS = Remedy(
    "Lower the rate of `keras.layers.Dropout` to 0.5 or less: it is the part to drop, not the part to keep.",
    DROP_LESS, "The training loss should fall much further.", (Fact.STRONG_DROPOUT,),
)  # fmt: skip
_PENALIZE_LESS = Remedy(
    "Regularize less: divide the penalty factors by 100, or remove the penalties.",
    "for weight in model.trainable_variables:\n    weight.regularizer = None",
    "The loss without penalties should fall further.", (Fact.STRONG_PENALTIES,),
)  # fmt: skip
_SMALLER_BATCH = Remedy(
    "Lower the batch size to 32: each epoch is a single batch, so it makes only one weight update.",
    "batch_size = 32", "The loss should fall much further in the same number of epochs.", (Fact.ONE_BATCH,),
    (Fact.COMPARED_LOSSES, Fact.ACCUMULATION, *_LOOP),
)  # fmt: skip
_IN_ORDER = (
    "Check in this order: do the labels match their inputs,{} are the layers trainable, and are the inputs scaled? "
    "Then train on only 32 examples: if the model cannot fit even these, the fault is probably in the model."
)
_NEW_START = Remedy(
    "Initialize the weights randomly at a standard scale, so that the units differ: use "
    "`keras.initializers.GlorotUniform`.",
    NEW_START, _LEAVES,
)  # fmt: skip
_STOP = Remedy(
    "Stop when the validation loss no longer falls, and restore the best weights: "
    "`callbacks.EarlyStopping(restore_best_weights=True)`.",
    "stop = keras_ch8.callbacks.EarlyStopping(patience=3, restore_best_weights=True)\ncallbacks = [stop, *callbacks]",
    "The final weights should have the lowest validation loss of the run.",
    unless=_LOOP,
)
_KEEP = Remedy("Keep the weights from the step with the lowest validation loss, and end training there.", needs=_LOOP)
_DECAY = Remedy(
    "Decay the learning rate from {rate} to 0 over the whole training run with `schedules.LinearDecay`.",
    SLOWER_FALL,
    "Toward the end of training, the loss should fall further.",
    unless=_RATED,
)

_DECAY_IN_TIME = Remedy(
    "Decay the learning rate from {rate} to 0 within the training run, with `schedules.LinearDecay`: training ends "
    "before your schedule has lowered the learning rate by half.",
    SLOWER_FALL, "Toward the end of training, the loss should fall further.", (Fact.CUT_SCHEDULE,),
    (Fact.WARM_UP, Fact.LOWERED_ON_PLATEAUS, *_ELSEWHERE, *_OWN_LENGTH),
)  # fmt: skip

_REVIVE = (
    _scale_targets(_BELOW_CHANCE),
    Remedy(
        "Divide the `activity_regularizer` factor by 10: this penalty may be holding unit outputs at 0.",
        needs=(Fact.PENALTIES_OF_UNITS,),
    ),
    _scale_inputs(_PASSES),
    Remedy("Set the initial biases to 0.", BIASES_OF_0, _PASSES, (Fact.NEGATIVE_BIASES,)),
    _leaky(_PASSES, Fact.SCALE_OF_THE_START),
    _leaky(_PASSES, Fact.DEFAULT_RATE),
    *_LESS,
    _leaky(_PASSES),
)
"""What to do about dead units, and about the plateau that they make."""

# --- the table --------------------------------------------------------------------------------------------------------

REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "step_too_long": (
        _scale_targets(_BELOW_CHANCE),
        *_LESS,
        _find_rate("The loss should fall from the first epoch on."),
        _clip("The loss should fall from the first epoch on."),
        *_PLAINLY,
    ),
    "step_too_short": (
        _DECAY_LESS,
        Remedy(
            "Raise the clipping threshold to {clip_at}, which 9 out of 10 gradients stay below. Currently, the "
            "gradient is clipped at nearly every step.",
            CLIP_LESS, "The loss should fall several times faster.", (Fact.CLIPPED,), _OWN_LENGTH,
        ),
        Remedy(
            "End the model with `keras.layers.Rescaling(y.std(), y.mean())`: your training targets `y` are too large "
            "to reach at this learning rate.",
            RESCALE_TARGETS,
            "Within the first few epochs, the loss should fall below that of the best constant prediction.",
            (Fact.LARGE_TARGETS, Fact.STEPS_OF_THE_RATE), (Fact.SEVERAL_INPUTS,),
        ),
        _SMALLER_BATCH,
        Remedy(
            "Decay the learning rate more slowly, over the whole training run, with `schedules.LinearDecay`. Schedules "
            "count steps, not epochs.",
            SLOWER_FALL, "The loss should keep falling until the end.", (Fact.FADED_RATE,),
            (Fact.WARM_UP, Fact.LOWERED_ON_PLATEAUS, *_ELSEWHERE, *_OWN_LENGTH),
        ),
        Remedy(
            "Keep the learning rate near {rate}: remove `keras.callbacks.ReduceLROnPlateau`, or raise its `patience`.",
            WITHOUT_PLATEAUS, "The loss should keep falling until the end.",
            (Fact.FADED_RATE, Fact.LOWERED_ON_PLATEAUS), _OWN_LENGTH,
        ),
        Remedy(
            "In the code that sets the learning rate, let it decay more slowly, over the whole training run.",
            needs=(Fact.FADED_RATE,), unless=(Fact.LOWERED_ON_PLATEAUS, *_OWN_LENGTH),
        ),
        *_LONGER,
        _find_rate("The loss should fall several times faster."),
    ),
    "ill_conditioned": (
        Remedy(
            "Train for three times as many epochs: your optimizer already uses curvature, and stops by itself once it "
            'has converged. To reach a lower loss, call `keras.config.set_floatx("float64")` before you build the '
            "model.",
            "epochs = 3 * epochs", "The loss should keep falling.", (Fact.CURVATURE,),
        ),
        _scale_inputs("The loss should fall faster from the first epoch on.", and_rate=True),
        Remedy(
            "Use `optimizers.LBFGS` with the full training set as one batch: it fits a linear model in a few dozen "
            "steps.",
            WITH_CURVATURE, "The loss should reach the least-squares minimum.", (Fact.LINEAR_MODEL,),
            (*_SCHEDULED, *_NO_CURVATURE),
        ),
        Remedy(
            "Give each weight its own learning rate with `optimizers.Adam`. Then find a new learning rate with "
            "`keras_ch8.find_learning_rate`.",
            f"{ADAM}\n{FIND_RATE}",
            "The loss should fall faster, including along the flat directions of the loss surface.",
            unless=(Fact.ADAPTIVE_RATES, Fact.CURVATURE),
        ),
        _normalize("A higher learning rate should be stable, and the loss should fall faster."),
        _find_rate("The loss should fall faster."),
        Remedy("Use a quasi-Newton optimizer, such as `optimizers.LBFGS`.", unless=_NO_CURVATURE),
    ),
    "noise_dominated": (
        _DROP_LESS,
        _DECAY_IN_TIME,
        Remedy(
            "Raise the batch size to {larger_batch}, and train for the same number of steps (more epochs).",
            LARGER_BATCH, "The loss should fall below its current noise floor.",
        ),
        _DECAY,
        Remedy("Average the weights of the last steps with `callbacks.PolyakAveraging`."),
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
        Remedy("Use `optimizers.Momentum`, which escapes a saddle point sooner than plain gradient descent."),
    ),
    "cliff": (
        _clip("The loss should fall without jumps: no step should undo earlier progress."),
        *_LESS,
        *_PLAINLY,
    ),
    "exploding": (
        Remedy(
            "Initialize the recurrent kernels with `initializers.Orthogonal`, and clip the gradient norm at {clip_at}.",
            f"{ORTHOGONAL}\n{CLIP}", "The gradient should have a similar size at all time steps.", (Fact.RECURRENCE,),
            (Fact.CLIPPING, Fact.OWN_STEP_LENGTH),
        ),
        Remedy(
            "Initialize the recurrent kernels with `initializers.Orthogonal`.", ORTHOGONAL,
            "The gradient should have a similar size at all time steps.", (Fact.RECURRENCE,),
        ),
        _scale_start(_FACTOR),
        _normalize(_FACTOR),
        _clip("No single weight update should be far larger than the others."),
    ),
    "vanishing": (
        Remedy(
            "Replace softmax with ReLU in hidden layers: the outputs of a softmax sum to 1, so they vary little "
            "between examples.",
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
            "Mask the zeros that pad your sequences: `keras.layers.Embedding(mask_zero=True)`.",
            MASK_ZEROS, _REACH, (Fact.PADDING,),
        ),
        Remedy(
            "Use `keras.layers.LSTM`, and start with open forget gates: "
            "`bias_initializer=initializers.forget_gate(units, {memory})` and `unit_forget_bias=False`.",
            LONG_MEMORY, _REACH, (Fact.SIMPLE_RECURRENCE, Fact.SEQUENTIAL),
        ),
        Remedy(
            "Start with open forget gates: `bias_initializer=initializers.forget_gate(units, {memory})` and "
            "`unit_forget_bias=False`.",
            OPEN_GATES, _REACH, (Fact.LSTM,),
        ),
        Remedy(
            "Initialize the recurrent kernels with `initializers.Orthogonal`.", ORTHOGONAL, _REACH,
        ),
        Remedy("Shorten the sequences, or add attention with `keras.layers.MultiHeadAttention`."),
    ),
    "dead_units": (
        *_REVIVE,
        Remedy(
            "Initialize the weights with `keras.initializers.HeNormal` and the biases with 0 or a small positive "
            "value."
        ),
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
            "Lower the `momentum` of the batch normalization layers to {momentum}, so that their moving statistics "
            "keep up with the batches.",
            MOMENTUM,
            "The loss at inference should come close to that in training.",
            unless=(Fact.SHORT_AVERAGES,),
        ),
        Remedy(
            "Recompute the statistics after training with `layers.recalibrate`, or train on batches like those that "
            "you predict on."
        ),
    ),
    "bad_scale": (
        _scale_inputs(_SIGNAL),
        _scale_start(_SIGNAL),
        _normalize(_SIGNAL),
        Remedy("Add `layers.BatchNormalization` between layers.", unless=(Fact.NORMALIZATION,)),
    ),
    "overfitting": (
        _STOP,
        _KEEP,
        Remedy(
            "On the validation examples, a constant prediction beats the model. Draw and preprocess the training and "
            "validation examples in the same way, and shuffle the data before you split it.",
            needs=(Fact.HELD_OUT_OF_ANOTHER_KIND,),
        ),
        Remedy("Regularize (`keras.layers.Dropout`, `optimizers.AdamW`), use a smaller model, or get more data."),
    ),
    "underfitting": (
        _DECAY_LESS,
        _DROP_LESS,
        _PENALIZE_LESS,
        Remedy(
            "Give hidden layers an activation such as ReLU: without one, consecutive layers collapse into a single "
            "linear layer.",
            ACTIVE, "The loss should settle at a much lower value.", (Fact.LINEAR_LAYERS,),
        ),
        Remedy(
            "Give each hidden layer four times as many units, add a hidden layer, and remove regularization penalties "
            "and dropout.",
            LARGER, "The loss should settle at a much lower value.", (Fact.SEQUENTIAL,),
            (Fact.SKIP_CONNECTIONS, Fact.RESHAPES),
        ),
        Remedy("Fix any other problem first. Then train longer, use a larger model, or regularize less."),
    ),
    "learns_nothing": (
        _DECAY_LESS,
        _DROP_LESS,
        _PENALIZE_LESS,
        Remedy(
            "Scale targets that are far from 1. Then divide the loss of each output by that of a constant prediction, "
            "with `loss_weights`.",
            WEIGH_OUTPUTS, "The loss of each output should fall.", (Fact.SEVERAL_OUTPUTS,),
        ),
        Remedy(
            "Compare the losses of the outputs. If one is far larger than the others, scale its targets, or set "
            "`loss_weights` so that each output has a part in the loss.",
            needs=(Fact.SEVERAL_OUTPUTS,),
        ),
        Remedy(_IN_ORDER.format(" is the learning rate right (`keras_ch8.find_learning_rate`),"), unless=_OWN_LENGTH),
        Remedy(_IN_ORDER.format(""), needs=_OWN_LENGTH),
    ),
    "too_short": (
        Remedy(
            "Update the weights more often: lower `gradient_accumulation_steps` to {added_up}.",
            ADD_UP_LESS, "The loss should fall much further in the same number of epochs.", (Fact.ACCUMULATION,),
        ),
        _SMALLER_BATCH,
        Remedy(
            "Train for {more_epochs} epochs.", "epochs = {more_epochs}",
            "The loss should keep falling, and level off by the end of training.", unless=_LOOP,
        ),
        Remedy("Train for three times as many steps.", needs=_LOOP),
        Remedy("Raise the learning rate: `keras_ch8.find_learning_rate` finds a good value.", unless=_OWN_LENGTH),
    ),
    "too_long": (_STOP, _KEEP, Remedy("Train for fewer epochs.", unless=_LOOP)),
    "oscillation": (
        _DECAY_IN_TIME,
        *_rate("Lower", "shorter_rate", "The loss should fall from epoch to epoch."),
        _DECAY,
        Remedy("Decay the learning rate over time with `callbacks.LearningRateDecay`.", unless=_OWN_LENGTH),
    ),
    "bad_inputs": (
        dataclasses.replace(_scale_inputs(_BELOW_CHANCE), needs=()),
        Remedy(
            "Preprocess the inputs for training, validation and prediction in the same way, with the mean and standard "
            "deviation of the training inputs."
        ),
    ),
    "equal_units": (_NEW_START,),
    "no_gradient": (
        _leaky("The gradient should be nonzero, and the loss should fall.", Fact.DEAD_UNITS),
        Remedy(
            "Find the function `f` that blocks the gradient after the reported layers, for example `keras.ops.round` "
            "or a comparison cast to float. To let the gradient pass, write `x + keras.ops.stop_gradient(f(x) - x)` "
            "instead of `f(x)`. Replace `keras.ops.argmax`, which changes the shape, with `keras.ops.softmax`."
        ),
        Remedy("Initialize the weights with `keras.initializers.HeNormal`."),
    ),
    "nonfinite": (
        _scale_targets(_BELOW_CHANCE),
        *_LESS,
        Remedy(
            "Find a good learning rate with `keras_ch8.find_learning_rate`{high_rate}.",
            FIND_RATE,
            "All gradients should be finite.",
            unless=_RATED,
        ),
        _clip("All gradients should be finite."),
        Remedy(
            "Search the data for NaN, or let `callbacks.Guard` skip steps with a NaN or infinite gradient and list "
            "their examples."
        ),
    ),
}  # fmt: skip
"""What to do about each kind of verdict, the first that suits the training first."""

FURTHER: tuple[Remedy, ...] = (
    dataclasses.replace(_scale_inputs(_BELOW_CHANCE), needs=()),
    _adam(_LEAVES),
    *_rate("Lower", "tenth_rate", _LEAVES),
    *_rate("Raise", "tenfold_rate", _LEAVES),
    _find_rate(_LEAVES),
    Remedy("Use ReLU in place of sigmoid in hidden layers.", RELUS, _LEAVES, (Fact.SIGMOID_UNITS,)),
    Remedy("Give hidden layers an activation such as ReLU.", ACTIVE, _LEAVES, (Fact.LINEAR_LAYERS,)),
    _normalize(_LEAVES),
    _scale_start(_LEAVES),
    Remedy("Train for {more_epochs} epochs.", "epochs = {more_epochs}", _LEAVES, unless=_LOOP),
)  # fmt: skip
"""What to try where something calls for action, and nothing that it asks for helps: what users mend most often.

In this order: the inputs, the optimizer, its rate, the layers, the time. Of the faults that Humbatova et al. (2020),
Taxonomy of Real Faults in Deep Learning Systems, found, it is those that code can mend without knowing the task.
"""
