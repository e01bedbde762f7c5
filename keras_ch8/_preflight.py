"""What is wrong with a training before it begins: facts about data, loss and output, and a batch learned by heart."""

import dataclasses
import math
import warnings
from typing import Any

import keras
import numpy as np

from .integration import backend, fit, keras_private

backend.require_tensorflow("keras_ch8.preflight")

from . import _batches, _checks, _objects
from ._describe import section
from ._result import Result, Table
from ._sandbox import build_on, sandbox
from ._types import Data
from .monitors.held_out import validated_on
from .monitors.start import arrays_of, facts_of, targets_in
from .verdicts.arrays import inputs_of
from .verdicts.checks import claims_of, judged_by
from .verdicts.facts import Facts
from .verdicts.state import OverallState, state_of
from .verdicts.verdict import Claim, Verdict, VerdictTracker
from .verdicts.wording import digits, percent

EXAMPLES = 256
"""Examples that the model is called on, and BATCH that are learned by heart."""
BATCH = 32
OF_STEPS = ("step_too_long", "step_too_short")
"""Kinds that steps on one batch can show."""
FEWEST, STILL = 10, 0.01
"""Steps from which on they show whether a batch is learned, and the part of its loss by which it must fall for that."""
DIVERGED = 10.0
"""Loss of the batch after some steps over that before, from which on the steps are too long for it."""


@dataclasses.dataclass(frozen=True, repr=False)
class Preflight(Result):
    """The result of `preflight`, to print.

    Args:
        verdicts: What was found, the most serious first; nothing where all that was looked at is well.
        start: Loss at the initial weights.
        chance: Loss of the best constant prediction; NaN where the loss is not one of Keras's.
        memorized: Loss of one batch before and after `steps` steps on it; NaN where this was not tried.
        blind: Loss of that batch after as many steps if every example is given the inputs of the first; NaN likewise.
        state: What the verdicts come to, and how many of the checks could be made.
    """

    verdicts: tuple[Verdict, ...]
    start: float
    chance: float
    memorized: tuple[float, float]
    blind: float
    state: OverallState

    def _headline(self) -> str:
        said = [f"{v.level.upper()} {v.kind}: {v.finding} Fix: {v.cure}" for v in self.verdicts]
        return "\n".join(filter(None, [self.state.headline, *self.state.reasons, *said]))

    def _table(self) -> Table:
        before, after = self.memorized
        rows = [
            ("at the start", self.start),
            ("of the best constant prediction", self.chance),
            ("of one batch", before),
            ("of that batch after training on it", after),
            ("of that batch after training on it without its inputs", self.blind),
        ]
        return Table(("loss", "value"), rows)


@section("8.2")
def preflight(
    model: keras.Model,
    x: Data,
    y: Data = None,
    sample_weight: Data = None,
    *,
    validation_data: Data = None,
    steps: int = 30,
    seed: int = 0,
) -> Preflight:
    """Tell what is wrong before a training starts: data, labels, loss, last layer, initial weights (section 8.2).

    Most trainings that fail do so for reasons that can be seen without training. One pass through the model, and one
    look at all of `x` and `y`, show

        inputs      scale, infinite numbers, another scale in validation, examples of validation that are trained on
        labels      how they are written, and whether loss and output read them so; rare classes
        output      activation and units of the last layer, against loss and labels
        start       loss against that of the best constant prediction, units that are equal or dead, gradients of 0

    Then some steps are made on one batch, with the optimizer of the model: what cannot learn 32 examples by heart will
    not learn all. Weights, optimizer, metrics and seeds end as they were. `callbacks.Diagnosis` makes the same checks
    before the first step, without steps of its own.

    Args:
        model: A compiled model; one that is not built is built.
        x: Inputs, as for `fit`; of a data set the first batch is read.
        y: Targets.
        sample_weight: Weights of the examples. Defaults to `None`.
        validation_data: `(x, y)`, or a data set, that the training is to be validated on. Defaults to `None`.
        steps: Steps on one batch; 0 for none. Defaults to `30`.
        seed: Seed of the choice of examples. Defaults to `0`.

    Returns:
        A `Preflight`, to print; its `verdicts` are as those of `callbacks.Diagnosis`.

    Raises:
        ValueError: If the model is not compiled, there are no examples, or the loss of the model on them fails.

    Warns:
        RuntimeWarning: If a check fails; it is left out.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = (x[:, 0] > 0).astype("float32")
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, "softmax", name="last")])
        >>> model.compile("adam", "binary_crossentropy")
        >>> found = keras_ch8.preflight(model, x, y, steps=0)
        >>> found.verdicts[0].kind, round(found.chance, 2)
        ('wrong_output', 0.69)
        >>> print(found.verdicts[0].code)
        model.layers[-1].activation = keras.activations.sigmoid
        keras_ch8.training.compile_as(model, model)  # compile again, as before

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 8.2 and 11.5; Karpathy (2019), A Recipe for
        Training Neural Networks.
    """
    _objects.model(model)
    steps = _checks.count("steps", steps, 0, meaning="the steps that are made on one batch", fix="Try 30.")
    if not model.compiled:
        raise ValueError(
            f"`preflight` needs a compiled model to check its loss. Received: the model {model.name!r}, which is not "
            "compiled. Compile it as for `fit`."
        )
    _checks.seed(seed)
    if not _batches.is_data_set(x):
        _objects.examples(x=x, y=y, sample_weight=sample_weight)
    if validation_data is not None and not _batches.is_data_set(validation_data):
        _objects.pair("validation_data", validation_data)
    batch = next(iter(_batches.batches(x, y, sample_weight, EXAMPLES, seed)))
    to_come = fit.Training(model, {"x": x, "y": y, "validation_data": validation_data}, [])
    facts, failed = facts_of(model, batch, examples=EXAMPLES, training=to_come)
    known = _with_all(facts, x, y, validation_data, batch)
    claims = claims_of(known, _leave_out)
    if isinstance(failed, backend.HasEffects):
        warnings.warn(f"`preflight` checks only the data and the settings: {failed}", RuntimeWarning, stacklevel=2)
    elif failed is not None and not claims:
        given = [f"{array.dtype} of shape {array.shape}" for part in batch[:2] for _, array in arrays_of(part)]
        raise ValueError(
            f"`preflight` computes the loss on some examples. Received: {' and '.join(given) or 'nothing'}, on which "
            f"the loss fails with {type(failed).__name__}: {keras_private.first_sentence(failed)[:200].rstrip('.')}. "
            "Pass what you pass to `fit`."
        ) from failed
    steps = 0 if failed else steps
    memorized, blind = _memorized(model, batch, steps) if steps else ((math.nan, math.nan), math.nan)
    if not any(claim.level == "act" for claim in claims):
        claims += _of_memorizing(memorized, steps)
    tracker = VerdictTracker()
    tracker.update(0, claims, "start")
    is_tried = not math.isnan(memorized[0])
    judged = [*judged_by(known), *(OF_STEPS if is_tried else ())]
    asked = OF_STEPS if steps else ()
    state = state_of(tracker.verdicts, judged, asked, is_compared=is_tried or not math.isnan(facts.chance))
    return Preflight(tuple(tracker.verdicts), facts.start.loss, facts.chance, memorized, blind, state)


def _leave_out(name: str, error: Exception) -> None:
    warnings.warn(
        f"`preflight` skips its check {name!r}, which failed with {type(error).__name__}: {error}",
        RuntimeWarning,
        stacklevel=2,
    )


# --- what needs all of the data ------------------------------------------------------------------------------------


def _with_all(facts: Facts, x: Data, y: Data, validation_data: Data, first: Data) -> Facts:
    """Return the facts with those about all of the arrays, and about validation data; `first` is the first batch."""
    held_out = None if validation_data is None else _first(validation_data)
    found = validated_on({"x": x, "y": y, "validation_data": held_out}, facts.output, first)
    if not _batches.is_data_set(x):
        found["inputs"] = inputs_of(dict(arrays_of(x)))
        if facts.targets.of:
            found["targets"] = targets_in(y, facts.output.axes)
    return dataclasses.replace(facts, **found)


def _first(data: Data) -> Any:
    """Return x, y and sample_weight of validation data: of arrays all, of a data set the first batch."""
    if _batches.is_data_set(data):
        return next(iter(_batches.batches(data, None, None, EXAMPLES, 0)))
    return (*data, None)[:3]


# --- a batch learned by heart --------------------------------------------------------------------------------------


def _memorized(model: keras.Model, batch: Any, steps: int) -> tuple[tuple[float, float], float]:
    """Return the loss of one batch before and after some steps on it, and after as many with the first inputs for all.

    NaN where a training step may change what cannot be put back.
    """
    few = _batches.take(batch, slice(BATCH))
    same = keras.tree.map_structure(lambda a: np.repeat(np.asarray(a)[:1], len(a), axis=0), few[0])
    unknown = (math.nan, math.nan), math.nan
    if len(keras_private.optimizers_of(model)) != 1:
        return unknown
    try:
        build_on(model, few)
        train: Any = None
        losses = []
        for x in (few[0], same):
            with sandbox(model):
                model.steps_per_execution, model.train_function = 1, train
                logs = [
                    model.train_on_batch(x, few[1], sample_weight=few[2], return_dict=True) for _ in range(steps + 1)
                ]
                losses.append([float(np.mean(of_step.get("loss", math.nan))) for of_step in logs])
                train = model.train_function
    except Exception as error:
        _leave_out("memorizing a batch", error)
        return unknown
    return (losses[0][0], losses[0][-1]), losses[1][-1]


def _of_memorizing(memorized: tuple[float, float], steps: int) -> list[Claim]:
    """Return what is certain: steps with which the loss of one batch rises far are too long.

    Where it does not fall, that is worth watching: the steps may be too short, or nothing can be learned.
    """
    before, after = memorized
    if not math.isfinite(before):
        return []
    if after - before <= (DIVERGED - 1) * abs(before):  # a loss may be below 0
        if steps < FEWEST or after <= before - STILL * abs(before):
            return []
        losses = f"{digits(before, 3)} before, {digits(after, 3)} after"
        finding = f"{steps} steps on one batch do not lower its loss: {losses}."
        why = f"The loss of one batch falls by less than {percent(STILL)}, a threshold chosen by us."
        cure = "Raise the learning rate: find one with `keras_ch8.find_learning_rate`."
        then = "Check that inputs and targets are in the same order, and on scales of about 1."
        expects = "The loss of the batch should fall sharply."
        return [Claim("step_too_short", "watch", finding, cure, proven=True, why=(why,), expects=expects, then=then)]
    reached = digits(after) if math.isfinite(after) else "NaN or infinity"
    finding = f"{steps} steps on one batch raise its loss from {digits(before)} to {reached}."
    why = f"The loss of one batch grows {DIVERGED:g} times, a threshold chosen by us, or becomes NaN or infinite."
    return [Claim("step_too_long", "act", finding, proven=True, why=(why,))]
