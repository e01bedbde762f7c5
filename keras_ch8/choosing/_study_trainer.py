"""The trainings of a study: one model, trained again and again from the same weights, measured at every step."""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from .. import _batches, _checks, _numerics, _objects
from .._arrays_file import fingerprint
from .._batches import take
from .._duration import Clock
from .._sandbox import build_on, generators_kept, new_model, put_values, values_of, variables_of
from .._types import Data, Tensor
from ..checkpoints.fingerprint import of_config, of_loss, of_model
from ..integration import backend, keras_private
from ..optimizers.closure import ClosureOptimizer
from ..schedules.base import Schedule
from ._trials import dial_of

EVALUATIONS = 20
"""How often a training is evaluated, at equal distances, after the evaluation before its first step."""
LARGEST_PROBE = 1024
"""Examples that a training is evaluated on where no validation data are given."""
EVALUATED_AT_ONCE = 512
"""Examples of one call of the model there."""
AT_ONCE = 64
"""Steps of one call of the compiled program."""


@dataclasses.dataclass(frozen=True)
class StudySetting:
    """What a training of a study is run with.

    Args:
        rate: Learning rate; the largest one, where the model has a schedule.
        batch_size: Examples in a batch.
        warmup: Steps in which the rate rises linearly from 0.
        clip: Norm that the whole gradient is clipped to; infinite for none beyond what the model has.
    """

    rate: float
    batch_size: int
    warmup: int = 0
    clip: float = math.inf

    def __str__(self) -> str:
        parts = [f"rate {self.rate:.3g}", f"batch {self.batch_size}"]
        parts += [f"warmup {self.warmup} steps"] if self.warmup else []
        parts += [f"clipped to {self.clip:.3g}"] if math.isfinite(self.clip) else []
        return ", ".join(parts)


def rounded(number: float, digits: int = 3) -> float:
    """Return a number with so many digits, as it is printed: what a study says is what it has trained with."""
    return float(f"{number:.{digits}g}")


@dataclasses.dataclass(frozen=True)
class StudyRun:
    """One training of a study.

    Args:
        setting: What it was run with.
        losses: Training loss of each step, before it.
        norms: Norm of the whole gradient of each step, before clipping.
        evaluated_at: Steps after which it was evaluated, from 0 on.
        evaluated: Loss then, on the validation data.
        seconds: Median time of a step.
        cost: Examples of this training, over those of a full one.
    """

    setting: StudySetting
    losses: np.ndarray
    norms: np.ndarray
    evaluated_at: np.ndarray
    evaluated: np.ndarray
    seconds: float
    cost: float

    @property
    def diverged(self) -> bool:
        """Whether a loss was not finite; the training ended there."""
        return not (np.isfinite(self.losses).all() and np.isfinite(self.evaluated).all())

    @property
    def best(self) -> float:
        """The smallest loss of all evaluations, in retrospect; infinite if the training diverged."""
        return math.inf if self.diverged else float(self.evaluated.min())

    @property
    def best_step(self) -> int:
        """The step after which the loss was smallest."""
        return int(self.evaluated_at[np.argmin(np.where(np.isfinite(self.evaluated), self.evaluated, np.inf))])

    @property
    def steps(self) -> int:
        """Steps that it was trained for."""
        return len(self.losses)

    @property
    def clipped(self) -> float:
        """Fraction of the steps whose gradient was clipped."""
        return float((self.norms > self.setting.clip).mean()) if len(self.norms) else 0.0

    @property
    def examples_per_second(self) -> float:
        """Throughput."""
        return self.setting.batch_size / self.seconds if self.seconds > 0 else math.nan


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A training so far: values of all variables, the examples that it has seen, and the words for it."""

    values: list[np.ndarray] = dataclasses.field(repr=False)  # by its `repr` a trial is known again
    seen: int
    of: str


class StudyTrial(NamedTuple):
    """A training of a study that is to be run.

    Args:
        setting: What it is run with.
        examples: How many it has at most.
        start: Where it begins; `None` for the first step.
        target: The loss of an evaluation at which it ends.
        evaluations: How often it is evaluated.
    """

    setting: StudySetting
    examples: int
    start: Checkpoint | None = None
    target: float = -math.inf
    evaluations: int = EVALUATIONS


class Gauge:
    """Measures the norm of each gradient that an optimizer is given, and clips it to a limit set between two steps."""

    def __init__(self, optimizer: keras.optimizers.Optimizer) -> None:
        self.norm, self.limit = backend.scalar(0.0, "float32"), backend.scalar(math.inf, "float32")
        apply = optimizer.apply

        def measured(grads: list[Tensor | None], trainable_variables: list[keras.Variable] | None = None) -> Any:
            given = [g for g in grads if g is not None]
            scale = keras.ops.convert_to_tensor(optimizer.loss_scale_factor or 1.0, "float32")
            norm = ops.cast(ops.sqrt(_numerics.squared_norm(given)), "float32") / scale
            self.norm.assign(norm)
            factor = _numerics.shrink_to(self.limit, norm)
            clipped = [None if g is None else _numerics.scaled(g, factor) for g in grads]
            return apply(clipped, trainable_variables)

        optimizer.apply = measured


class Trainer:
    """Trains one model from the same weights on the same order of examples, whatever the setting.

    Args:
        model_factory: Makes a new compiled model.
        data: Arrays `(x, y)` or `(x, y, sample_weight)`.
        validation_data: The same, to evaluate on; `None` for some of the training examples.
        epochs: Passes over the data of a full training.
        batch_size: Examples in a batch; the steps of the model's schedule are counted in these.
        seed: Seed of weights and order.
    """

    def __init__(
        self,
        model_factory: Callable[[], keras.Model],
        data: tuple[Data, ...],
        validation_data: tuple[Data, ...] | None,
        epochs: int,
        batch_size: int,
        seed: int = 0,
    ) -> None:
        self.data = _arrays(data)
        self.size = _batches.examples_of(self.data[0])
        self.seed, self.epochs, self.batch_size = seed, epochs, batch_size
        self.probe_rows = np.random.default_rng(seed).permutation(self.size)[:LARGEST_PROBE]
        self.validation = take(self.data, self.probe_rows) if validation_data is None else _arrays(validation_data)
        with generators_kept(seed):
            self.model = new_model(model_factory)
            self._optimizer = rated_optimizer(self.model)
            _objects.inputs("data", self.data[0], self.model)
            _objects.inputs("validation_data", self.validation[0], self.model)
            build_on(self.model, take(self.data, np.zeros(1, int)))
        self.schedule = keras_private.schedule_of(self._optimizer)
        self.given_rate = self._largest_rate()
        self._dial = dial_of(self._optimizer)
        self._gauge = Gauge(self._optimizer)
        if keras_private.rate_of(self._optimizer) is not self._dial:
            self._optimizer.learning_rate = self._dial
        self._like = (*self.data, None, None)[:3]
        self._leaves = [None if a is None else ops.convert_to_tensor(a) for a in keras.tree.flatten(self._like)]
        self._program = self._compiled()
        self._variables = variables_of(self.model)
        self._first = values_of(self._variables)
        self._ordered = -1, np.zeros(0, int)

    @property
    def described(self) -> dict[str, Any]:
        """What a study must have in common with one that it goes on with."""
        optimizer = self.model.optimizer
        config = {key: value for key, value in optimizer.get_config().items() if key != "learning_rate"}
        return {
            "data": fingerprint([self.data, self.validation]),
            "weights": [[v.path.rsplit("/", 1)[-1], list(v.shape)] for v in self.model.variables],
            "optimizer": of_config(type(optimizer), config),
            "learning_rate": self.given_rate,
            "schedule": "" if self.schedule is None else of_config(type(self.schedule), self.schedule.get_config()),
            "model": of_model(self.model),
            "loss": of_loss(self.model),
            "epochs": self.epochs,
            "seed": self.seed,
            "batch_size": self.batch_size,
        }

    @property
    def examples(self) -> int:
        """Examples of a full training."""
        return self.size * self.epochs

    def steps(self, batch_size: int) -> int:
        """Return the steps of a full training with batches of this size."""
        return max(1, self.examples // batch_size)

    def begin(self, start: Checkpoint | None = None) -> keras.Model:
        """Return the model as it was at a checkpoint, or at its first step."""
        put_values(self._variables, self._first if start is None else start.values)
        return self.model

    def at_start(self) -> Checkpoint:
        """Return the training before its first step."""
        return Checkpoint(self._first, 0, "start")

    def checkpoint(self, setting: StudySetting, examples: int) -> Checkpoint:
        """Train from the first step on for so many examples, and return where that has led."""
        self.train(StudyTrial(setting, examples, evaluations=1))
        steps = max(1, examples // setting.batch_size)
        return Checkpoint(values_of(self._variables), steps * setting.batch_size, f"{setting} after {examples}")

    def train(self, trial: StudyTrial) -> StudyRun:
        """Train for so many examples, or until an evaluation is at most the target, or a loss is not finite."""
        setting, examples, start, target, evaluations = trial
        size = setting.batch_size
        steps = max(1, examples // size)
        due = set(np.unique(np.linspace(0, steps, min(evaluations, steps) + 1).round().astype(int)).tolist())
        seen = 0 if start is None else start.seen
        losses, norms = np.zeros(0), np.zeros(0)
        evaluated: dict[int, float] = {}
        seconds: list[float] = []
        with generators_kept():
            self.begin(start)
            rates = self.rates(setting, steps, seen // size)
            self._gauge.limit.assign(setting.clip)
            ends = sorted(due | set(range(0, steps, AT_ONCE)))
            for begin, end in zip(ends, [*ends[1:], steps], strict=True):
                if begin in due:
                    evaluated[begin] = self.evaluate()
                    if not math.isfinite(evaluated[begin]) or (begin and evaluated[begin] <= target):
                        break
                if begin == steps:
                    break
                rows = self._rows(seen + begin * size, (end - begin) * size).reshape(-1, size)
                began = time.perf_counter()
                found = self._take_steps(rows, rates[begin:end])
                seconds += [(time.perf_counter() - began) / (end - begin)]
                losses, norms = (np.append(old, new) for old, new in zip((losses, norms), found, strict=True))
                if len(losses) and not math.isfinite(losses[-1]):
                    break
        seconds = seconds[1:] or seconds  # the first may have compiled
        return StudyRun(
            setting,
            losses,
            norms,
            np.array(list(evaluated), int),
            np.array(list(evaluated.values())),
            float(np.median(seconds)) if seconds else math.nan,
            len(losses) * size / self.examples,
        )

    def _compiled(self) -> Callable[..., Any]:
        """Return the program of some steps, compiled as `compile` says for the training step."""
        if self.model.run_eagerly:
            return self._steps
        return backend.compile_xla(self._steps) if self.model.jit_compile else backend.trace(self._steps)

    def _take_steps(self, rows: np.ndarray, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take a step on each of these batches; return losses and norms, up to the first loss that is not finite."""
        count = len(rows)
        padded = np.resize(rows, (AT_ONCE, rows.shape[1])), np.resize(rates, AT_ONCE).astype("float32")
        taken, losses, norms = self._program(*map(ops.convert_to_tensor, (*padded, np.int32(count))))
        taken = int(taken)
        return np.array(losses, "float64")[:taken], np.array(norms, "float64")[:taken]

    def _steps(self, rows: Tensor, rates: Tensor, count: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take some training steps in a graph: the model's own, each at its rate and on its examples."""

        def body(i: Tensor, losses: Tensor, norms: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            self._dial.assign(rates[i])
            self.model.reset_metrics()
            batch = [None if a is None else ops.take(a, rows[i], axis=0) for a in self._leaves]
            logs = self.model.train_step(keras.tree.pack_sequence_as(self._like, batch))
            here = ops.equal(ops.arange(AT_ONCE), i)
            losses = ops.where(here, ops.cast(logs["loss"], "float32"), losses)
            return i + 1, losses, ops.where(here, backend.as_tensor(self._gauge.norm), norms)

        nothing = ops.zeros(AT_ONCE, "float32")
        return ops.while_loop(
            lambda i, losses, _: ops.logical_and(i < count, ops.all(ops.isfinite(losses))),
            body,
            (ops.convert_to_tensor(0, "int32"), nothing, nothing),
        )

    def evaluate(self) -> float:
        """Return the loss on the validation data, of the model as it is now."""
        total = 0.0
        count = _batches.examples_of(self.validation[0])
        for begin in range(0, count, EVALUATED_AT_ONCE):
            rows = np.arange(begin, min(begin + EVALUATED_AT_ONCE, count))
            logs = self.model.test_on_batch(*take(self.validation, rows), return_dict=True)
            total += float(logs["loss"]) * len(rows)
        return total / count

    def rates(self, setting: StudySetting, steps: int, first: int = 0) -> np.ndarray:
        """Return the rate of each step: the model's schedule, stretched to this training, and the warmup before."""
        k = first + np.arange(steps)
        shape = np.ones(steps)
        if self.schedule is not None:
            stretch = self.steps(self.batch_size) / self.steps(setting.batch_size)
            shape = np.array([float(self.schedule(step)) for step in k * stretch]) / self.given_rate
        warm = np.minimum((k + 1) / setting.warmup, 1.0) if setting.warmup else np.ones(steps)
        return setting.rate * shape * warm

    def _largest_rate(self) -> float:
        if self.schedule is None:
            return rounded(keras_private.current_rate(self._optimizer), 6)  # it is float32
        steps = self.steps(self.batch_size)
        if isinstance(self.schedule, Schedule) and self.schedule.is_relative:
            self.schedule.resolve(Clock(steps / self.epochs, 1.0, steps))
        return rounded(max(float(self.schedule(k)) for k in np.linspace(0, steps, 200)), 6)

    def _rows(self, begin: int, count: int) -> np.ndarray:
        """Return which examples come from the `begin`-th on: a fresh order in every pass, whatever the batch size."""
        epochs, places = np.divmod(np.arange(begin, begin + count), self.size)
        return np.concatenate([self._order(int(epoch))[places[epochs == epoch]] for epoch in np.unique(epochs)])

    def _order(self, epoch: int) -> np.ndarray:
        if self._ordered[0] != epoch:
            self._ordered = epoch, np.random.default_rng([self.seed, epoch]).permutation(self.size)
        return self._ordered[1]


def rated_optimizer(model: keras.Model) -> keras.optimizers.Optimizer:
    """Return the optimizer of a model, which must have one learning rate."""
    found = keras_private.optimizers_in(model.optimizer)
    _checks.one_rate(found)
    if isinstance(found[0], ClosureOptimizer) or keras_private.rate_of(found[0]) is None:
        raise ValueError(
            "A study tunes the learning rate, so the model must be compiled with an optimizer that has one. Received: "
            f"{type(found[0]).__name__}. Compile with Adam or SGD."
        )
    return found[0]


def _arrays(data: tuple[Data, ...]) -> tuple[Any, ...]:
    return tuple(
        keras.tree.map_structure(lambda a: None if a is None else ops.convert_to_numpy(a), part) for part in data
    )
