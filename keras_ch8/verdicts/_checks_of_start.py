"""Checks of the start: what one pass forward and backward at the initial weights says."""

import math

from ._check import CHOSEN, CHOSEN_TO_ACT, FOUND, NO_LAYER, Check, first
from .code import COMPILE_ANEW, MOMENTUM, NEW_START, ORTHOGONAL, SCALE_TO_DATA, SLOWER, setting
from .ending import activation_for, code_by, same_end
from .fact import Fact
from .facts import Facts, Layer
from .wording import digits, percent, share

LARGE = 1e6
"""Root mean square of what a layer gives, from which on what follows may overflow."""
FADED = 1e-3
"""Gradient of the first three matrices over that of all weights, below which the first layers hardly learn. One alone
says nothing: queries and keys of an attention have next to none at the start, and train well."""
ALIKE, DEEP = 0.01, 3
"""Deviation between examples, over the size, below which a layer gives the same for all; matrices from which on it
counts."""


IN_TIME, OF_LOSS = 100.0, 30.0
"""Gradient of a recurrent layer over that of each layer after it, and over the loss: trainings that went well have up
to 99 of the first, where a mean over words hides them from the layer after it, and up to 2 of the second."""
AT_ENDS = 0.9
"""Root mean square of the outputs of tanh, whose inputs then are about 4: 0.6 is usual."""
FAR_ABOVE, GROWN, OF_SIZE_1 = 10.0, 2.0, 10.0
"""Loss at the start over that of the best constant prediction, outputs of each hidden layer over its inputs, and size
of the inputs up to which it is the weights that are too large."""

# --- what the conditions ask ---------------------------------------------------------------------------------------


def _broken(facts: Facts) -> Layer | None:
    """Return the first layer that gives infinite numbers, of finite inputs."""
    return next((layer for layer in facts.start.layers if not layer.is_finite), None)


def _is_broken(facts: Facts) -> bool:
    """Whether a layer gives infinite numbers, and the loss is infinite, of finite inputs and targets."""
    return _are_finite(facts) and not math.isfinite(facts.start.loss) and _broken(facts) is not None


def _is_undefined(facts: Facts) -> bool:
    """Whether the first layer that is not finite is given what is not a number, though none before it gives much."""
    layers = facts.start.layers
    place = next((i for i, layer in enumerate(layers) if not layer.is_finite), 0)
    is_small = all(layer.signal < LARGE for layer in layers[:place])
    return is_small and bool(layers) and math.isnan(layers[place].input_rms)


def _are_finite(facts: Facts) -> bool:
    return not any(x.nonfinite for x in facts.inputs) and not facts.targets.nonfinite


def _all_dead(facts: Facts) -> Layer | None:
    """Return a layer of ReLUs all of which are dead, where no gradient comes back to the first layer around it."""
    dead = (layer for layer in facts.start.layers if layer.dead == 1.0 and not math.isnan(layer.signal))
    return next(dead, None) if first(facts).gradient == 0.0 else None


def _first_three(facts: Facts) -> float:
    """Return the largest gradient of the first three matrices; infinite of fewer than five."""
    trained = facts.start.trained
    return max(layer.gradient for layer in trained[:3]) if len(trained) > 4 else math.inf


def _last_hidden(facts: Facts) -> Layer:
    """Return the last layer whose activation is known before the one that gives the output."""
    trained = facts.start.trained
    before = facts.start.layers[: facts.start.layers.index(trained[-1])] if trained else ()
    return before[-1] if before else NO_LAYER


def _through_time(facts: Facts) -> Layer:
    """Return the recurrent layer whose gradient is far above that of all layers after it, and above the loss."""
    trained, loss = facts.start.trained, abs(facts.start.loss)
    for place, layer in enumerate(trained):
        after = max((x.gradient for x in trained[place + 1 :]), default=math.nan)
        if layer.is_recurrent and layer.gradient > IN_TIME * after and layer.gradient > OF_LOSS * loss:
            return layer
    return NO_LAYER


def _of_shares(facts: Facts) -> Layer:
    """Return a hidden layer with a softmax whose outputs go to a layer with weights."""
    return next((x for x in facts.start.layers if x.name in facts.output.shares_inside), NO_LAYER)


def _copied(facts: Facts) -> Layer:
    """Return a hidden layer whose units are all equal."""
    last = facts.start.trained[-1:]
    hidden = (x for x in facts.start.layers if not x.is_output and x not in last)
    return next((x for x in hidden if x.units > 1 and x.copies == x.units - 1), NO_LAYER)


def _hidden(facts: Facts) -> tuple[Layer, ...]:
    """Return the layers with a matrix that is trained, but for the last."""
    return facts.start.trained[:-1]


def _grow(facts: Facts) -> bool:
    """Whether each of several hidden layers gives much more than it is given, of inputs that are not large.

    Of a model that its first batch has built that is not known: the weights that are seen have made a step.
    """
    hidden = () if Fact.BUILT_BY_THE_FIRST_BATCH in facts.has else _hidden(facts)
    each = all(layer.signal >= GROWN * layer.input_rms for layer in hidden)
    return len(hidden) > 1 and each and hidden[0].input_rms <= OF_SIZE_1


def _saturated(facts: Facts) -> list[Layer]:
    """Return the hidden layers of tanh behind another one, if all of them are saturated: by their weights alone."""
    hidden = [layer for layer in facts.start.layers if layer.activation == "tanh" and not layer.is_output]
    behind = [] if any(layer.is_recurrent for layer in hidden) else hidden[1:]
    return behind if all(layer.signal >= AT_ENDS for layer in behind) else []


def _name(layer: Layer | None) -> str:
    return layer.name if layer else ""


# --- the checks ----------------------------------------------------------------------------------------------------

OF_START = (
    Check(
        "equal units",
        "equal_units",
        "All units of a hidden layer have equal weights and equal gradients",
        lambda f: _copied(f) is not NO_LAYER,
        lambda f: f"All {_copied(f).units} units of {_copied(f).name} start with equal weights and get equal "
        "gradients, so they learn the same.",
        code=NEW_START,
    ),
    Check(
        "layer is not finite",
        "nonfinite",
        "A layer receives NaN before the first training step, though the inputs are finite and no earlier layer "
        "outputs large values",
        lambda f: _is_broken(f) and _is_undefined(f),
        lambda f: f"Before the first training step, {_name(_broken(f))} receives NaN, though the inputs of the model "
        "are finite.",
        "Before the layer that receives NaN, look for divisions by 0, and for logarithms or square roots of 0 or "
        "negative numbers. Keep a divisor or argument that should be positive above 0 with "
        "`keras.ops.maximum(x, 1e-7)`.",
    ),
    Check(
        "loss is not finite",
        "exploding",
        "A layer outputs NaN or infinite values from finite inputs before the first training step",
        lambda f: _is_broken(f) and not _is_undefined(f),
        lambda f: f"Before the first training step, {_name(_broken(f))} outputs NaN or infinite values from finite "
        "inputs.",
        "Replace fast-growing activations with ReLU or tanh, use smaller initial weights, or add "
        "`layers.BatchNormalization` between layers.",
        SLOWER,
    ),
    Check(
        "dead layer",
        "dead_units",
        "All ReLUs of a hidden layer output 0 for every example",
        lambda f: (layer := _all_dead(f)) is not None and not layer.is_output,
        lambda f: f"All ReLUs of {_name(_all_dead(f))} output 0 for every example, so no weight before them gets a "
        "gradient.",
    ),
    Check(
        "dead output",
        "no_gradient",
        "All ReLUs of the last layer output 0 for every example",
        lambda f: (layer := _all_dead(f)) is not None and layer.is_output,
        lambda f: f"All ReLUs of {_name(_all_dead(f))}, the last layer, output 0 for every example, so no weight gets "
        "a gradient.",
        "Do not end the model with ReLU.",
        lambda f: code_by(f, same_end(f, activation_for(f.targets))),
    ),
    Check(
        "no gradient",
        "no_gradient",
        "The gradient is exactly 0 for all weights",
        lambda f: f.start.gradient == 0.0 and 0 < abs(f.start.loss) < math.inf,
        lambda f: f"The gradient is exactly 0 for all weights at a loss of {digits(f.start.loss)}, so no training step "
        "updates them.",
    ),
    Check(
        "gradient through time",
        "exploding",
        f"A recurrent layer's gradient exceeds {IN_TIME:g} times that of every later layer and {OF_LOSS:g} times the "
        f"loss (input RMS up to {OF_SIZE_1:g})",
        lambda f: _through_time(f).input_rms <= OF_SIZE_1,
        lambda f: f"The gradient explodes during backpropagation through time: in {_through_time(f).name} it is "
        f"{digits(_through_time(f).gradient)} before the first training step, far above that of later layers.",
        "Initialize the recurrent weights with `recurrent_initializer='orthogonal'`, and clip the gradient with "
        "`global_clipnorm=1.0` in the optimizer.",
        lambda f: ORTHOGONAL if Fact.CLIPPING in f.has else f"{ORTHOGONAL}\n"
        f"{setting('global_clipnorm', '1.0').format()}",
        source=FOUND,
    ),
    Check(
        "faded gradient",
        "vanishing",
        "The model has at least five trainable weight matrices, and each of the first three has a gradient norm below "
        f"{FADED:g} times the total",
        lambda f: first(f).gradient > 0 and _first_three(f) < FADED * f.start.gradient,
        lambda f: f"The gradient vanishes during backpropagation through {len(f.start.trained) - 1} layers: "
        f"{first(f).name} gets {share(first(f).gradient / f.start.gradient)} of it.",
        source=FOUND,
    ),
    Check(
        "faded examples",
        "vanishing",
        f"After {DEEP - 1} or more layers with weights, the outputs of the last hidden layer differ by less than "
        f"{percent(ALIKE)} between examples",
        lambda f: len(f.start.trained) >= DEEP and _last_hidden(f).variation < ALIKE,
        lambda f: f"After {len(f.start.trained) - 1} layers all inputs look alike: the outputs of "
        f"{_last_hidden(f).name} differ by {percent(_last_hidden(f).variation)}.",
        source=FOUND,
    ),
    Check(
        "saturated start",
        "saturated_units",
        f"The outputs of each hidden layer of tanh units that follows another one have an RMS of {AT_ENDS:g} or more",
        lambda f: bool(_saturated(f)),
        lambda f: f"The initial weights of {_name(_saturated(f)[0])} saturate its tanh units: nearly all outputs are "
        "close to -1 or 1, where almost no gradient passes.",
        "Scale the initial weights to your data with `training.scale_to_data`.",
        SCALE_TO_DATA,
        CHOSEN_TO_ACT,
        expects="The loss should fall faster.",
        then="Leave the initializers at Keras's defaults.",
    ),
    Check(
        "softmax inside",
        "bad_scale",
        "The outputs of a softmax over the units of a hidden layer go to a layer with weights",
        lambda f: _of_shares(f) is not NO_LAYER,
        lambda f: f"{_of_shares(f).name}, a hidden layer, ends with softmax: its {_of_shares(f).units} outputs sum to "
        f"1, and their RMS is {digits(_of_shares(f).signal)}.",
        "Use ReLU in hidden layers, and softmax only in the last layer.",
        lambda f: f'model.get_layer("{_of_shares(f).name}").activation = keras.activations.relu\n{COMPILE_ANEW}',
        expects="The loss should fall faster.",
        then="Normalize before the next layer: `keras_ch8.layers.BatchNormalization`.",
    ),
    Check(
        "weights too large",
        "bad_scale",
        f"The loss starts above {FAR_ABOVE:g} times that of a constant prediction, and all hidden layers multiply the "
        f"RMS by {GROWN:g} (input RMS up to {OF_SIZE_1:g})",
        lambda f: f.chance > 0 and f.start.loss_of_predictions > FAR_ABOVE * f.chance and _grow(f),
        lambda f: f"The initial weights are too large: the loss starts at {digits(f.start.loss_of_predictions)}, but "
        f"that of the best constant prediction is {digits(f.chance)}.",
        source=CHOSEN_TO_ACT,
    ),
    Check(
        "short averages",
        "batch_norm_gap",
        "The momentum of a batch normalization layer is below 0.5",
        lambda f: Fact.SHORT_AVERAGES in f.has,
        "The `momentum` of a batch normalization layer is so low that `predict` uses the statistics of the last batch "
        "or two.",
        "Raise the `momentum` to 0.9: Keras's momentum is one minus PyTorch's.",
        MOMENTUM.format(momentum=0.9),
        CHOSEN,
        expects="The loss at inference should come close to that in training.",
        then="Recompute the statistics after training with `layers.recalibrate`.",
        level="watch",
    ),
)  # fmt: skip
