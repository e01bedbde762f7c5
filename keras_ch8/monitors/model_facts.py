"""What cures have to know of a training: what its model and optimizer have already, and the numbers they name."""

import contextlib
import itertools
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence, Set
from typing import Any

import keras
import numpy as np

from .. import _checks
from .._duration import clock_of
from .._types import Data
from ..integration import backend, fit, keras_private
from ..verdicts import table
from ..verdicts.fact import Fact
from .held_out import are_arrays
from .measurement_log import FEWEST, MeasurementLog, once
from .progress import penalties_of_loss, progress_measured, rate_left

BY_THE_RATE = (
    keras.optimizers.Adam, keras.optimizers.Adamax, keras.optimizers.Lion, keras.optimizers.Nadam,
    keras.optimizers.RMSprop,
)  # fmt: skip
"""Optimizers of Keras that would say `moves_by_rate`, as ours do."""
ADAPTIVE = (
    *BY_THE_RATE, keras.optimizers.Adadelta, keras.optimizers.Adafactor, keras.optimizers.Adagrad,
    keras.optimizers.Ftrl, keras.optimizers.Lamb, keras.optimizers.Muon,
)  # fmt: skip
"""Those that would say `is_adaptive`."""
USUAL, USUAL_OF_OTHERS = 0.01, 1.0
"""The largest learning rate that is usual for these, and for others."""
DEFAULT, DEFAULT_OF_OTHERS = 0.001, 0.01
"""The learning rate that Keras takes by default for these, and for others."""
CLIPS = ("clipnorm", "global_clipnorm", "clipvalue", "clipping_rule")
QUANTILE = 0.9
"""Fraction of the steps whose gradient is not clipped."""
STRONG_DROPOUT = 0.8
"""Rate of dropout from which on it may be meant as the part to keep."""
STRONG_DECAY = 0.01
"""Part of each weight that its decay takes away in a step, from which on none can grow."""
WARM_UP = 0.9
"""Part of the largest learning rate below which a training begins with a warm-up."""
SHORT_AVERAGES = 0.5
"""Momentum of batch normalization below which the last batch or two make the moving statistics."""
LARGE_INPUT, SMALL_INPUT, SPREAD = 5.0, 0.05, 10.0
"""Root mean square of the inputs, and ratio of their deviations, from which on they are to be scaled."""
SMALL_OUTPUT = 0.5
"""Root mean square of what the first layer gives, below which its weights are small, and large inputs do no harm; units
that are saturated or linear give more."""
NEGATIVE_BIAS = -1.0
"""Mean of the biases of a layer below which they keep ReLUs at 0 for inputs of the usual size."""
SMALL_START = 0.003
"""Standard deviation of the weights of a matrix below which they start next to 0, or all alike; Keras's embeddings have
0.03."""
ROWS = 256
"""How many rows of a matrix are looked at for it."""
RISES = re.compile(r"accuracy|^acc$|^auc$|precision|recall|f1|iou")
"""What the name of a metric has in it that is the better the higher it is."""
LOW = 0.2
"""Part of the learning rate that Keras takes by default below which one is low."""
PADDED = 0.2
"""Fraction of the entries from which on padding is much of a sequence."""
LEARNED = 0.5
"""Training loss over that of the best constant prediction, below which something has been learned."""
FEW_EXAMPLES = 64
"""Examples up to which a single batch of all is none too large."""
MANY = 0.3
"""Fraction of idle units that is many."""
NORMALIZING = (
    keras.layers.LayerNormalization, keras.layers.GroupNormalization, keras.layers.UnitNormalization,
)  # fmt: skip
"""Layers that normalize each example by itself."""
MOVING = (
    keras.layers.RandomFlip, keras.layers.RandomRotation, keras.layers.RandomTranslation, keras.layers.RandomZoom,
    keras.layers.RandomCrop,
)  # fmt: skip
"""Layers that change at random where things are in an image."""


def facts_of_model(model: keras.Model, callbacks: Sequence[object] = ()) -> frozenset[Fact]:
    """Return what a model, its optimizer and the callbacks of a training have."""
    parts = keras_private.parts_of(model)
    kinds = keras.layers
    hidden = [activation(part) for part in parts if activation(part)][:-1]
    found = {
        Fact.SEQUENTIAL: isinstance(model, keras.Sequential),
        Fact.STATEFUL: any(_says(part, "stateful") for part in parts),
        Fact.SEVERAL_INPUTS: len(getattr(model, "inputs", None) or [None]) > 1,
        Fact.SEVERAL_OUTPUTS: len(getattr(model, "outputs", None) or [None]) > 1,
        Fact.TOKENS: any(isinstance(part, kinds.Embedding) for part in parts),
        Fact.SKIP_CONNECTIONS: any(_adds(part) for part in parts),
        Fact.MOVES_IMAGES: any(isinstance(part, MOVING) for part in parts),
        Fact.RESHAPES: any(isinstance(part, kinds.Reshape) for part in parts),
        Fact.NORMALIZATION: any(isinstance(part, NORMALIZING) or is_batch_normalization(part) for part in parts),
        Fact.INPUT_NORMALIZATION: any(isinstance(part, kinds.Normalization) for part in parts),
        Fact.ATTENTION: any(isinstance(layer, kinds.MultiHeadAttention) for layer in model.layers),
        Fact.RECURRENCE: any(isinstance(part, kinds.RNN) for part in parts),
        Fact.SIMPLE_RECURRENCE: any(isinstance(part, kinds.SimpleRNN) for part in parts),
        Fact.LSTM: any(isinstance(part, kinds.LSTM) for part in parts),
        Fact.PENALTIES_OF_WEIGHTS: any(getattr(v, "regularizer", None) is not None for v in model.trainable_variables),
        Fact.CONSTRAINTS: any(getattr(v, "constraint", None) is not None for v in model.trainable_variables),
        Fact.SHORT_AVERAGES: any(
            is_batch_normalization(part) and getattr(part, "momentum", 1.0) < SHORT_AVERAGES for part in parts
        ),
        Fact.PENALTIES_OF_UNITS: any(getattr(part, "activity_regularizer", None) is not None for part in parts),
        Fact.NEGATIVE_BIASES: any(_has_negative_biases(part) for part in parts),
        Fact.SMALL_START: any(_is_small(variable) for variable in model.trainable_variables),
        Fact.SIGMOID_UNITS: "sigmoid" in hidden,
        Fact.SOFTMAX_UNITS: "softmax" in hidden and isinstance(model, keras.Sequential),
        Fact.STRONG_DROPOUT: any(isinstance(p, kinds.Dropout) and p.rate >= STRONG_DROPOUT for p in parts),
        Fact.LINEAR_LAYERS: isinstance(model, keras.Sequential) and _has_linear_layers(model.layers),
    }
    optimizer = getattr(model, "optimizer", None)
    optimizers = keras_private.optimizers_in(optimizer)
    later = [getattr(callback, "to", None) for callback in callbacks]  # of `SwitchOptimizer`
    of_closures = [one for one in optimizers if _compares_losses(one)]
    found |= {
        Fact.COMPARED_LOSSES: bool(of_closures) or any(map(_compares_losses, later)),
        Fact.OWN_STEP_LENGTH: bool(of_closures),
        Fact.CURVATURE: any(one.uses_curvature for one in of_closures),
        Fact.FIRST_ORDER_ONLY: _is_for_first_order(model),
        Fact.ADAPTIVE_RATES: any(_says(one, "is_adaptive", isinstance(one, ADAPTIVE)) for one in optimizers),
        Fact.STEPS_OF_THE_RATE: any(_says(one, "moves_by_rate", isinstance(one, BY_THE_RATE)) for one in optimizers),
        Fact.CLIPPING: any(getattr(one, name, None) is not None for one in optimizers for name in CLIPS),
        Fact.STRONG_DECAY: any(_decay(one) >= STRONG_DECAY for one in optimizers),
        Fact.SKIPPING: any(getattr(one, "skip_nonfinite", False) for one in optimizers),
        Fact.SCALED_LOSS: keras_private.unscaled(optimizer) is not optimizer,
        Fact.OWN_TRAINING_STEP: keras_private.has_own_way_to_train(model),
        Fact.SUBCLASSED: not isinstance(model, keras.Sequential) and not getattr(model, "inputs", None),
    }
    has = _true_of(found).union(*map(_rate_of_its_own, optimizers), *map(_brought_by, callbacks))
    has_one_rate = not has & {Fact.ADAPTIVE_RATES, Fact.LEARNING_RATE_SCHEDULE}
    return has | ({Fact.LOW_RATE} if has_one_rate and rate_of(model) < LOW * DEFAULT_OF_OTHERS else set())


def waiting(callbacks: Iterable[object]) -> dict[str, Any]:
    """Return facts of the callbacks that wait for a metric to improve.

    `against`: class, `monitor` and `mode` of those whose mode is the wrong one for what they monitor. `least_gains`:
    class, `monitor` and `min_delta` of those that monitor the loss.
    """
    wrong_modes, least_gains = [], []
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.ReduceLROnPlateau | keras.callbacks.EarlyStopping):
            kind, metric = type(callback).__name__, str(callback.monitor).removeprefix("val_")
            wrong = "max" if metric == "loss" or metric.endswith("_loss") else "min" if RISES.search(metric) else ""
            wrong_modes += [(kind, callback.monitor, wrong)] if callback.mode == wrong else []
            least_gains += [(kind, callback.monitor, abs(callback.min_delta))] if metric == "loss" else []
    return {"against": tuple(wrong_modes), "least_gains": tuple(least_gains)}


def form_of(training: fit.Training) -> frozenset[Fact]:
    """Return what form a training has: what it is given, and who makes the steps."""
    found = {
        Fact.LOOP_OF_ONES_OWN: not training.is_fit,
        Fact.NO_ARRAYS: training.is_fit and not are_arrays(training.arguments.get("x")),
        Fact.DATA_SET: training.is_fit and _is_of_pairs(training.arguments.get("x")),
        Fact.VALIDATED_APART: training.validation_data is not None,
        Fact.BUILT_BY_THE_FIRST_BATCH: not training.was_built,
    }
    return _true_of(found)


def _is_of_pairs(x: Data) -> bool:
    """Whether data are a `tf.data.Dataset` of inputs and targets."""
    return backend.is_dataset(x) and isinstance(x.element_spec, tuple) and len(x.element_spec) > 1


def padding_in(model: keras.Model, x: Data) -> frozenset[Fact]:
    """Return that there is padding where sequences of tokens end in zeros that nothing hides from a recurrent layer."""
    parts = keras_private.parts_of(model)
    reads = any(isinstance(part, keras.layers.RNN) for part in parts)
    embeddings = [part for part in parts if isinstance(part, keras.layers.Embedding)]
    if not reads or not embeddings or any(part.mask_zero for part in embeddings):
        return frozenset()
    arrays = [np.asarray(keras.ops.convert_to_numpy(array)) for array in keras.tree.flatten(x)]
    shares = [_zeros_at_the_end(a) for a in arrays if a.ndim == 2 and a.dtype.kind in "fiu" and (a == a.round()).all()]
    return frozenset({Fact.PADDING} if any(share > PADDED for share in shares) else ())


def frozen_in(model: keras.Model) -> float:
    """Return the part of the weights of a model that are frozen in layers whose biases are all 0, as initialized."""
    return _as_initialized(model, lambda leaf: not leaf.trainable_variables)


def left_out_in(model: keras.Model, optimizers: Iterable[keras.optimizers.Optimizer]) -> float:
    """Return the part of the weights of a model that none of its optimizers has, in layers whose biases are all 0.

    An optimizer knows its weights from its first step on: before that of each, 0.
    """
    each = [keras_private.unscaled(optimizer) for optimizer in optimizers]
    known = {id(variable) for optimizer in each for variable in keras_private.known_variables(optimizer)}
    if not known or not all(optimizer.built for optimizer in each):
        return 0.0
    return _as_initialized(model, lambda leaf: not known & {id(v) for v in leaf.variables} and leaf.trainable_variables)


def frozen_and_moving(
    model: keras.Model, called: Sequence[Any], moved: Sequence[Any], trained: Container[int]
) -> tuple[tuple[str, str], ...]:
    """Return the layers of a model that are frozen, each with what of it a step changes all the same.

    Batch normalization goes on with its statistics where its variables are frozen, and not the layer: that is told by
    what a pass has moved, behind nothing that is trained. And `trainable=False` reaches no layers that are made later,
    as those inside `keras.layers.MultiHeadAttention(..., trainable=False)`; those inside a model may have been set
    trainable again.

    Args:
        model: The model.
        called: Its layers in the order of their calls.
        moved: Those of batch normalization whose statistics a pass has moved.
        trained: The `id` of each variable that is trained.
    """

    def rests(layer: keras.layers.Layer) -> bool:
        return not any(id(variable) in trained for variable in layer.variables)

    at_rest = list(itertools.takewhile(rests, called))
    found = []
    for layer in model.layers:
        leaves = [leaf for leaf in keras_private.leaves_of(layer) if leaf.weights]
        moving = [leaf for leaf in leaves if leaf in moved and {"gamma", "beta"} & {v.name for v in leaf.variables}]
        if moving and rests(layer) and all(leaf in at_rest for leaf in moving):
            found.append((layer.name, "the moving statistics of its batch normalization"))
        elif leaves and not (layer.trainable or isinstance(layer, keras.Model) or any(map(rests, leaves))):
            found.append((layer.name, "the layers inside it"))
    return tuple(found)


def overridden_in(model: keras.Model, moved: Sequence[Any]) -> tuple[str, ...]:
    """Return the layers that a model calls with `training=False`, whose batch normalization a pass has moved."""
    found = []
    for layer in keras_private.called_for_inference(model):
        moving = [leaf for leaf in keras_private.leaves_of(layer) if leaf in moved]
        if moving and all(leaf in getattr(layer, "layers", [layer]) for leaf in moving):  # where a user finds them
            found.append(layer.name)
    return tuple(found)


def untracked_in(model: keras.Model, read: Sequence[Any]) -> float:
    """Return the part of the weights read that a model does not have, of matrices beside biases that are all 0.

    Args:
        model: The model.
        read: The trainable variables of the backend that a call of it has read.
    """
    known = {id(variable.value) for variable in model.variables}
    others = [variable for variable in read if id(variable) not in known]
    if any(len(variable.shape) == 1 and bool(keras.ops.any(variable)) for variable in others):
        return 0.0  # they were trained before
    entries = [sum(int(np.prod(v.shape)) for v in some) for some in (others, model.variables)]
    return entries[0] / max(1, sum(entries))


def _as_initialized(model: keras.Model, rests: Callable[[Any], Any]) -> float:
    """Return the part of the weights of a model that are in layers that rest and have biases that are all 0."""
    resting = [leaf for leaf in keras_private.leaves_of(model) if leaf.weights and rests(leaf)]
    untrained = [leaf for leaf in resting if _begins_at_0(getattr(leaf, "bias", None))]
    entries = [sum(int(np.prod(v.shape)) for one in some for v in one.weights) for some in (untrained, [model])]
    return entries[0] / max(1, entries[1])


def _says(part: object, attribute: str, otherwise: bool = False) -> bool:
    """Whether a class says something of itself; `otherwise` stands for what one of Keras, which cannot, would say."""
    return getattr(part, attribute, otherwise) is True


def is_weighted(layer: keras.layers.Layer) -> bool:
    """Whether a layer has a matrix of weights; the rows of an embedding are none."""
    is_embedding = isinstance(layer, keras.layers.Embedding)
    return not is_embedding and any(len(v.shape) > 1 for v in layer.trainable_variables)


def activation(layer: keras.layers.Layer) -> str:
    """Return the name of the nonlinearity of a layer; "" for recurrent ones, whose units have several."""
    if isinstance(layer, keras.layers.RNN):
        return ""
    if isinstance(layer, keras.layers.ReLU):
        return "" if layer.negative_slope else "relu"
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return "relu" if name == "relu6" else name


def is_batch_normalization(layer: object) -> bool:
    """Whether a layer is batch normalization, of Keras or of the suite, whose class says which statistics it uses."""
    return isinstance(layer, keras.layers.BatchNormalization) or hasattr(layer, "inference_statistics")


def _compares_losses(optimizer: object) -> bool:
    """Whether an optimizer is one of section 8.6: these say whether they use curvature, and no other does."""
    return hasattr(optimizer, "uses_curvature")


def _true_of(found: Mapping[Fact, bool]) -> frozenset[Fact]:
    return frozenset(fact for fact, is_there in found.items() if is_there)


def _brought_by(callback: object) -> frozenset[Fact]:
    """Return what a callback brings into a training."""
    clips, skips = _says(callback, "clips_gradients"), _says(callback, "skips_steps")
    sets = _says(callback, "sets_learning_rate", isinstance(callback, keras.callbacks.LearningRateScheduler))
    lowers = isinstance(callback, keras.callbacks.ReduceLROnPlateau)
    found = {
        Fact.CLIPPING: clips,
        Fact.SKIPPING: skips,
        Fact.FIRST_ORDER_ONLY: clips or skips,  # of section 8.6 no step has one gradient
        Fact.LEARNING_RATE_SCHEDULE: sets or lowers,
        Fact.RATE_SET_ELSEWHERE: sets,
        Fact.LOWERED_ON_PLATEAUS: lowers,
    }
    return _true_of(found)


def _decay(optimizer: keras.optimizers.Optimizer) -> float:
    """Return the part of each weight that its decay takes away in a step."""
    return (getattr(optimizer, "weight_decay", None) or 0.0) * keras_private.current_rate(optimizer)


def limit_of_norm(model: keras.Model) -> float:
    """Return the norm of the whole gradient above which some of it is clipped for certain; NaN without clipping."""
    variables, optimizers = model.trainable_variables, keras_private.optimizers_in(getattr(model, "optimizer", None))
    entries = sum(int(np.prod(variable.shape)) for variable in variables)
    parts = {"global_clipnorm": 1, "clipnorm": len(variables), "clipvalue": entries}
    limits = [
        getattr(one, name) * np.sqrt(number)
        for one in optimizers[:1]
        for name, number in parts.items()
        if getattr(one, name, None) is not None
    ]
    return float(min(limits, default=np.nan))


def _rate_of_its_own(optimizer: keras.optimizers.Optimizer) -> set[Fact]:
    """Return what there is of an optimizer whose learning rate is no number."""
    rate = keras_private.rate_of(optimizer)
    if not callable(rate):
        return set()
    return {
        Fact.LEARNING_RATE_SCHEDULE,
        Fact.SCHEDULE_TO_SCALE if keras_private.can_be_copied(rate) else Fact.RATE_SET_ELSEWHERE,
    }


def _zeros_at_the_end(rows: np.ndarray) -> float:
    """Return the fraction of the entries that only zeros follow, and are 0; 0 where each row has as many of them."""
    zeros = np.logical_and.accumulate(rows[:, ::-1] == 0, axis=1).sum(axis=1)
    return float(zeros.mean() / rows.shape[1]) if len(set(zeros)) > 1 else 0.0


def _has_linear_layers(layers: Iterable[keras.layers.Layer]) -> bool:
    """Whether a layer with weights is given what one without activation gives, as it is."""
    kinds = keras.layers
    passing = kinds.Dropout | kinds.Flatten | kinds.Reshape | kinds.Rescaling
    there = [layer for layer in layers if not isinstance(layer, passing)]
    weighted = kinds.Dense | kinds.Conv1D | kinds.Conv2D | kinds.Conv3D
    return any(
        isinstance(one, weighted) and isinstance(other, weighted) and activation(one) == "linear"
        for one, other in itertools.pairwise(there)
    )


def _is_for_first_order(model: keras.Model) -> bool:
    """Whether an optimizer of section 8.6 refuses the model: for a constraint, float16, several replicas."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not keras_private.unscaled(optimizer):
        return True
    is_shared = model.distribute_strategy.num_replicas_in_sync > 1
    return is_shared or any(
        backend.dtype_of(variable) not in _checks.COMPARABLE or getattr(variable, "constraint", None) is not None
        for variable in model.trainable_variables
    )


def _adds(part: object) -> bool:
    return isinstance(part, keras.layers.Add) or type(part).__name__ == "Add" or _says(part, "adds_its_input")


def _has_negative_biases(part: object) -> bool:
    bias = getattr(part, "bias", None)
    return isinstance(bias, keras.Variable) and float(keras.ops.mean(bias)) < NEGATIVE_BIAS


def _begins_at_0(bias: object) -> bool:
    return isinstance(bias, keras.Variable) and not bool(keras.ops.any(bias))


def _is_small(variable: keras.Variable) -> bool:
    if len(variable.shape) < 2 or 0 in variable.shape:
        return False
    return float(np.std(keras.ops.convert_to_numpy(variable[:ROWS]))) < SMALL_START


def rate_of(model: keras.Model) -> float:
    """Return the learning rate as it is now; NaN where there are several optimizers, or it has none."""
    optimizers = keras_private.optimizers_in(getattr(model, "optimizer", None))
    has_one = len(optimizers) == 1 and not _compares_losses(optimizers[0])
    return keras_private.current_rate(optimizers[0]) if has_one else float("nan")


@once
def facts(log: MeasurementLog) -> frozenset[Fact]:
    """Return what is there: of the model and its optimizer, of the inputs, and of the start."""
    default = DEFAULT if Fact.STEPS_OF_THE_RATE in log.has else DEFAULT_OF_OTHERS
    found = {
        Fact.FADED_RATE: table.FADED_RATE.level(rate_left(log)) != "ok",
        Fact.DEFAULT_RATE: log.rate <= 1.01 * default,  # rates are rounded
        Fact.CUT_SCHEDULE: _is_cut(log),
        Fact.STRONG_PENALTIES: table.PENALIZED.level(penalties_of_loss(log)) != "ok",
        Fact.WARM_UP: log.first_rate < WARM_UP * log.peak,
        Fact.ACCUMULATION: log.of_update > 1,
        Fact.ONE_BATCH: FEW_EXAMPLES < log.examples <= log.batch_size,
        Fact.CLIPPED: len(log.rows.norm) >= FEWEST and bool(np.mean(log.rows.norm > log.clip) >= QUANTILE),
        Fact.LINEAR_MODEL: np.isfinite(log.least_squares) and not log.is_penalized,
        Fact.LOSS_MAY_RISE: len(log.rows_of) > 1 or _has_been_below_0(log),
    }
    if flows := log.of("layer_flow"):
        first, last = flows[0], flows[-1]
        idle, signal = np.nan_to_num([first.fraction_saturated, first.fraction_dead]), first.input_signal
        is_unscaled = signal > LARGE_INPUT or 0 < signal < SMALL_INPUT
        is_made_small = signal > LARGE_INPUT and 0 < first.signal[0] < SMALL_OUTPUT
        has_small_steps = not log.rate > usual_rate(log)  # larger ones may have done it before the first measurement
        found |= {
            Fact.UNSCALED_INPUTS: is_unscaled and not is_made_small,
            Fact.UNEVEN_INPUTS: is_unscaled or SPREAD < first.input_spread < np.inf,
            Fact.SCALE_OF_THE_START: has_small_steps and (idle.max() > MANY or first.total < 0.01),
            Fact.DEAD_UNITS: last.fraction_dead > MANY,
            Fact.SATURATED_UNITS: last.fraction_saturated > MANY,
        }
    validated = [logs for logs in log.epochs if {"loss", "val_loss"} <= set(logs)]
    if validated and log.chance > 0:
        is_worse = min(logs["val_loss"] for logs in validated) >= log.chance
        found[Fact.HELD_OUT_OF_ANOTHER_KIND] = is_worse and validated[-1]["loss"] < LEARNED * log.chance
    return log.has | _true_of(found)


def _has_been_below_0(log: MeasurementLog) -> bool:
    """Whether any loss has been, as those of densities and of rewards are: there is no lowest one to come to."""
    losses = (log.rows.loss, log.series("gradient_norm", "loss"), log.reported("loss"), log.reported("val_loss"))
    return any((each < 0).any() for each in losses)


def _is_cut(log: MeasurementLog) -> bool:
    """Whether a training ends in the middle of the schedule of its rate."""
    is_nearly_over = table.AT_THE_END.holds(progress_measured(log))
    return Fact.SCHEDULE_TO_SCALE in log.has and is_nearly_over and log.rate > log.peak / 2


def usual_rate(log: MeasurementLog) -> float:
    """Return the largest learning rate that is usual for the optimizer."""
    return USUAL if Fact.STEPS_OF_THE_RATE in log.has else USUAL_OF_OTHERS


# --- the learning rates of a training that is to come, as its schedule gives them, and how far they can bring it -----


PLACES, LATER = 25, 13
"""Places of the training at which its schedule is asked, and places after its end, as far as LONGER trainings reach."""
LONGER = 30
OF_THESE = ("keras.", "keras_ch8.")
"""Where schedules stand that only compute: one of the user's own may count or draw."""


def ahead(model: keras.Model, batches: int, has: Set[Fact]) -> dict[str, Any]:
    """Return the facts about the rates of a training, by their names in `Facts`; {} where they are not known.

    Args:
        model: The model, before its first step.
        batches: The batches of the training; 0 where that is not known.
        has: What the model and its optimizer have.
    """
    optimizers = keras_private.optimizers_in(getattr(model, "optimizer", None))
    if not batches or len(optimizers) != 1:
        return {}
    schedule, found = keras_private.schedule_of(optimizers[0]), dict[str, Any]()
    if schedule is None:
        found["rates"] = (keras_private.current_rate(optimizers[0]),)
    with contextlib.suppress(Exception):  # such as a length that only the training tells
        found |= {} if schedule is None else _facts_of_schedule(optimizers[0], schedule, batches)
    mean = float(np.mean(found.get("rates", np.nan)))
    if Fact.STEPS_OF_THE_RATE in has:
        found["reach"] = batches // keras_private.accumulation_of(model)[0] * mean
    if (getattr(optimizers[0], "weight_decay", None) or 0.0) * mean >= STRONG_DECAY:  # of a schedule, on average
        found["has"] = has | {Fact.STRONG_DECAY}
    return found


def _facts_of_schedule(optimizer: Any, schedule: Any, batches: int) -> dict[str, Any]:
    """Return what a schedule gives, evenly spread over the training, and the most that it gives after it."""
    if not type(schedule).__module__.startswith(OF_THESE):
        return {}
    clock = clock_of(optimizer, {"steps": batches, "epochs": 1}, 0, schedule)
    places = np.linspace(clock.steps - clock.steps_per_epoch, clock.steps, PLACES)
    later = np.geomspace(clock.steps, LONGER * clock.steps, LATER)
    rates, others = ([float(schedule(round(place))) for place in some] for some in (places, later))
    return {"rates": tuple(rates), "later_rate": max(others)}
