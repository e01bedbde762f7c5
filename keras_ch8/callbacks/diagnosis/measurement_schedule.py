"""At which steps a training is measured: counted work decides, never the clock, so that equal runs are measured alike.

The unit of work is one example that passes through the model forward and backward. A training does batch size times
steps of it, a measurement the examples of the probe times the passes that it makes.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable

import keras
import numpy as np

FEWEST, LIGHT, MOST = 6, 12, 100
"""Measurements that any training gets, those that it gets where they are light, and those that it gets at most."""
FIRST = (1, 4)
"""The first steps that are measured."""
GAP = 10
"""The fewest steps between two measurements after the first ones, where there are more than LIGHT."""
GROWTH, SLOW_GROWTH = 3.0, 1.5
"""A step is followed by another before it is this many times as far from the start: a training may end early. By the
second where it is not known when it ends, so that nothing else says where to measure."""
LIGHT_WORK, LAYER_WORK = 4e9, 8e6
"""Multiplications that any training may spend, less than a second of a processor; and those that take as long as a
pass through the operations of a layer, forward and backward, whatever they compute."""
STEP_WORK, TRACE_WORK = 1e7, 6e6
"""Multiplications that take as long as what Keras does around a step, and as to trace an operation of a graph."""
LIGHT_GRAPH = 1500
"""Operations that may be traced for any training: about a second of a processor."""
MOST_TRACING = 0.1
"""The part of the work of a training that tracing the spectrum may be."""
FEWEST_EXAMPLES = 8
"""Examples that are measured on at least, where there are as many."""
PER_PASS = 3
"""Multiplications of an example with a weight, forward and backward: backward there are two."""
BATCH_SIZE = 32
"""Examples of a step where that is not known: Keras's own default."""


def affordable(budget: float | None, work: float, price: float) -> float:
    """Return how many measurements at this price a fraction of some work pays for; inf without a limit."""
    return math.inf if budget is None or not price else budget * work / price


def light(work: float, allowed: float) -> int:
    """Return how many measurements of so much work any training may have, since they are light: LIGHT at most."""
    return int(min(LIGHT, allowed // max(1.0, work)))


def examples_to_measure(
    there: int, steps: int, batch_size: float, passes: float, multiplications: float, budget: float | None
) -> int:
    """Return on how many of the examples that are there a training is measured: on all, or what it can afford.

    That is what makes LIGHT measurements light, or FEWEST of them `budget` of the training. Of a training whose length
    is not known, the examples of a step.
    """
    if budget is None:
        return there
    light = LIGHT_WORK / max(1.0, PER_PASS * multiplications * passes * LIGHT)
    paid = affordable(budget, steps * batch_size, FEWEST * passes) if steps else batch_size
    return min(there, max(FEWEST_EXAMPLES, int(max(light, paid))))


def examples_to_look_at(most: int, batch_size: float | None, multiplications: float) -> int:
    """Return with how many examples is looked before the first step: no more than are light, or than that step has."""
    light = LIGHT_WORK / max(1.0, PER_PASS * multiplications)
    return min(most, max(int(light), int(batch_size or BATCH_SIZE)))


def share_of_tracing(operations: int, steps: int, examples: float, multiplications: float) -> float:
    """Return what part of a training it costs to trace so many operations; 0 where that is light, or not known.

    Args:
        operations: How many are traced.
        steps: Steps of the training; 0 where it is not known.
        examples: Examples of all its steps.
        multiplications: What an example costs forward.
    """
    work = steps * STEP_WORK + examples * PER_PASS * multiplications
    return operations * TRACE_WORK / work if steps and operations > LIGHT_GRAPH else 0.0


def steps_to_measure(steps: int, count: float) -> list[int]:
    """Return the steps, counted from 1, at which a training of known length is measured, the last of them included.

    There are `count` of them, between FEWEST and MOST and more than LIGHT only where they are GAP steps apart, evenly
    spread but for the first ones; and a few more in a long training, since one that is stopped early is to be measured
    too.
    """
    wanted = int(np.clip(count, FEWEST, max(LIGHT, min(MOST, steps // GAP))))
    if steps <= wanted:
        return list(range(1, steps + 1))
    interval = (steps - FIRST[-1]) / (wanted - len(FIRST))
    if interval < 1:
        return [int(step) for step in np.linspace(1, steps, wanted).round()]
    found = list(FIRST)
    while (gap := max(GAP, (GROWTH - 1) * found[-1])) < interval:
        found.append(int(found[-1] + gap))
    rest = math.ceil((steps - found[-1]) / interval - 1e-9)
    return [*found, *(int(step) for step in np.linspace(found[-1], steps, rest + 1)[1:].round())]


def multiplications(layers: Iterable[keras.layers.Layer]) -> float:
    """Return about how many multiplications an example costs forward: each weight once at each place of its output.

    Where the shape of a layer's output is not known, as inside a model that is a subclass, there is one place.
    """
    return float(sum(_weights(layer) * _positions(layer) for layer in layers))


def _weights(layer: keras.layers.Layer) -> int:
    if isinstance(layer, keras.layers.Embedding):
        return 0  # looked up, not multiplied
    return sum(int(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) > 1)


def _positions(layer: keras.layers.Layer) -> int:
    """Return the places along time or space at which a layer uses its weights again."""
    try:
        shape = layer.output.shape if len(layer.output.shape) > 2 else layer.input.shape
        between = shape[1:-1] if keras.config.image_data_format() == "channels_last" or len(shape) < 4 else shape[2:]
    except (AttributeError, ValueError):  # it has no symbolic output, or several
        return 1
    return int(np.prod([size or 1 for size in between]))


@dataclasses.dataclass
class Measurements:
    """The measurements of one kind in a training so far, and what the next ones go by.

    Args:
        count: How many there were. Defaults to `0`.
        last: The step of the last. Defaults to `0`.
        spent: Seconds that they took, but for the first, which traces its graph. Defaults to `0`.
        setup: Seconds that the first took. Defaults to `0`.
        batch_size: Examples of a step. Defaults to `None`, before the first.
        steps_to_measure: Where a training of known length is measured. Defaults to `[]`, before the first step, and for
            any other.
        is_wanted: Whether there is reason to measure. Defaults to `True`.
    """

    count: int = 0
    last: int = 0
    spent: float = 0.0
    setup: float = 0.0
    batch_size: float | None = None
    steps_to_measure: list[int] = dataclasses.field(default_factory=list)
    is_wanted: bool = True


@dataclasses.dataclass
class MeasurementSchedule:
    """Says at which steps a measurement is due.

    A measurement is wanted where `measure_every` says so, or by itself at `steps_to_measure`; in a training of unknown
    length, where it is SLOW_GROWTH times as far as at the last measurement, and at each 100th part of the way so far if
    it is paid for. It is made if there have been fewer than `free_quota`, or if the work of all measurements so far and
    of this one is within `budget` of that of the training so far. With a free quota of FEWEST, it is made at all steps
    that were chosen.

    Args:
        budget: Fraction of the work of the training, or None for no limit.
        measure_every: Steps between two measurements, or a function of the step, or None to choose.
        steps: Steps of the whole training; 0 where it is not known.
        price: Work of a measurement.
        free_quota: Measurements that are made whatever they cost.
        at_once: Steps between two moments at which the weights can be seen.
        so_far: The measurements before. Defaults to none.
        of_update: Steps whose gradients one update adds up. Only where an update is made is anything measured.
        added_up: How many of them were made before the first step.
    """

    budget: float | None
    measure_every: int | Callable[[int], bool] | None = None
    steps: int = 0
    price: float = 1.0
    free_quota: float = FEWEST
    at_once: int = 1
    so_far: Measurements = dataclasses.field(default_factory=Measurements)
    of_update: int = 1
    added_up: int = 0
    _is_traced: bool = dataclasses.field(default=False, init=False)

    def begin(self, batch_size: float | None, like: "MeasurementSchedule | None" = None) -> None:
        """Choose the places, at the end of the first step: by now it is known how many examples one has.

        Args:
            batch_size: Examples of a step, or None where that is not known.
            like: A schedule whose steps are to be taken.
        """
        self.so_far.batch_size = batch_size or BATCH_SIZE
        if like is not None:
            self.so_far.steps_to_measure = like.so_far.steps_to_measure
        elif self.measure_every is None and self.steps:
            paid = affordable(self.budget, self.training, self.price)
            places = map(self._next_update, steps_to_measure(self.steps, max(paid, self.free_quota)))
            self.so_far.steps_to_measure = sorted({place for place in places if place <= self.steps})

    def is_due(self, step: int) -> bool:
        """Whether to measure at the step of this number, counted from 1, or at one that is made at once with it."""
        makes_update = self._next_update(step) < step + self.at_once
        return makes_update and self._is_wanted(step) and self.is_paid(step)

    def _next_update(self, step: int) -> int:
        """Return the first step from this one on that makes an update."""
        return -(-(step + self.added_up) // self.of_update) * self.of_update - self.added_up

    def _is_wanted(self, step: int) -> bool:
        seen = step + self.at_once - 1
        if self.measure_every is not None:
            return (
                self.measure_every(step)
                if callable(self.measure_every)
                else step - self.so_far.last >= self.measure_every
            )
        if self.so_far.steps_to_measure:
            return self._next(step) <= seen
        if any(self.so_far.last < first <= seen for first in map(self._next_update, FIRST)):
            return True
        since = seen - self.so_far.last
        if since < GAP:
            return False
        return seen >= SLOW_GROWTH * self.so_far.last or (since >= seen / MOST and self._is_within_budget(step))

    def _next(self, step: int) -> float:
        """Return the first of the places from this step on."""
        at = int(np.searchsorted(self.so_far.steps_to_measure, step))
        return self.so_far.steps_to_measure[at] if at < len(self.so_far.steps_to_measure) else math.inf

    def idle_until(self, step: int) -> float:
        """Return the step up to which no measurement can be due, as none is at this one."""
        if callable(self.measure_every) or self.so_far.batch_size is None:
            return step + 1
        if self.measure_every is not None:
            return max(step + 1, self.so_far.last + self.measure_every)
        if self.so_far.steps_to_measure:
            return max(step + 1, self._next(step + 1) - self.at_once + 1)
        return step + 1 if step < max(FIRST) else max(step + 1, self.so_far.last + GAP - self.at_once + 1)

    def is_paid(self, step: int) -> bool:
        """Whether a measurement at this step is one of those that are granted, or within the budget."""
        return self.so_far.count < self._free_up_to(step) or self._is_within_budget(step)

    def _free_up_to(self, step: int) -> float:
        """Return how many of those that are granted may be made up to this step: they are spread over the training."""
        if self.measure_every is None and self.free_quota >= FEWEST:
            return math.inf
        return min(self.free_quota, 1 + self.free_quota * step // self.steps) if self.steps else self.free_quota

    def _is_within_budget(self, step: int) -> bool:
        return self.so_far.count + 1 <= affordable(self.budget, self._up_to(step), self.price)

    def is_affordable(self, times: int) -> bool:
        """Whether the whole training pays for so many measurements; of one of unknown length that is not known."""
        if not self.steps or self.so_far.batch_size is None:
            return True
        return times <= max(self.free_quota, affordable(self.budget, self.training, self.price))

    @property
    def training(self) -> float:
        """The work of the whole training; 0 where its length is not known."""
        return self._up_to(self.steps)

    def _up_to(self, step: int) -> float:
        return step * (self.so_far.batch_size or BATCH_SIZE)

    def measured(self, step: int, seconds: float) -> None:
        """Count a measurement that was made; the first, which traces its graph, is set-up and not counted as cost."""
        self.so_far.last = step
        self.so_far.count += 1
        if self._is_traced:
            self.so_far.spent += seconds
        else:
            self.traced(seconds)

    def traced(self, seconds: float) -> None:
        """Count as set-up that the graph was traced."""
        self.so_far.setup += seconds
        self._is_traced = True
