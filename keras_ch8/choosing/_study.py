"""The tuning of one model, step by step: batch size, learning rate, stability, warmup, clipping, duration."""

import dataclasses
import math
import os
from collections.abc import Callable
from typing import Any, final

import keras
import numpy as np

from .. import _batches, _checks, _objects
from .._arrays_file import Keeper
from .._batches import take
from .._describe import short
from .._duration import Clock, Duration, duration
from .._types import Data
from ..callbacks.base import say
from ..monitors import gradient_noise
from . import _study_advice as advise
from ._numbers import sweep
from ._study_advice import Advice, Branch
from ._study_results import (
    BatchSizeStudy,
    ClippingStudy,
    DurationStudy,
    RateSweep,
    Stability,
    StudyReport,
    StudyStep,
    WarmupStudy,
)
from ._study_trainer import Checkpoint, StudyRun, StudySetting, StudyTrial, Trainer, rounded
from ._trials import Trials

APART = math.sqrt(10)
"""Ratio of one learning rate to the next."""
SAME_RATE = 0.02  # rates that differ by less than this fraction are one
MOST_EXTENSIONS = 8
"""Learning rates that are tried beyond the first two, at most."""
STEPS_AT_TWICE = 500
"""Steps at twice the best rate."""
WARMUP = 0.1
"""The longest warmup that is tried, as a part of the training."""
WINDOW = 0.1
"""Part of a training that the first branch of a batch size is long."""
FEWEST_STEPS, LONGEST = 10, 0.25
"""It has so many steps at least, unless that is more than this part of a training."""
POINTS = 20
"""Evaluations of it."""
SUSPICIOUS = 4.0
"""A batch so many times the gradient noise scale is compared with smaller ones."""
SMALLEST_BATCH = 4
BEST = 3
"""Trainings whose best steps tell the length."""


@final
class Study:
    """Tune one model as the Deep Learning Tuning Playbook does, and tell what to do next, and why (section 8.5.4).

        batch_sizes   the examples that each batch size needs from a checkpoint to the same loss, each at its best rate:
                      examples(m) = fewest (1 + m / critical), beside the gradient noise scale and the throughput
        rates         the best learning rate, between a lower and a higher one that are worse
        stability     twice that rate for 500 steps, measured at every step: unstable at the start, or in the middle?
        warmup        the shortest warmup that makes a higher rate possible, if there is one
        clipping      the gradient clipped at the 90 % quantile of its norms; more than half clipped is too much
        duration      where the best step lies: in the first tenth it is too long, in the last quarter too short

    `run` takes these steps in this order, leaves out those for which there is no reason, and returns a `StudyReport`.
    Each method does one of them; steps that are taken one after the other build upon each other. All trainings begin
    with the same weights and have the same order of examples. They are compared by their smallest loss on the
    validation data in retrospect, after as many examples, and losses that differ by less than 3 % count as equal: what
    is as good as the best is not changed.

    With a `directory`, each finished training is kept there in a file. A study that is interrupted, and made again with
    the same arguments, goes on with the training in which it was, and comes to the same report.

    Args:
        model_factory: Makes a new model, compiled with an optimizer that has a learning rate, each time that it is
            called. A schedule keeps its shape; the study changes its largest rate.
        data: Arrays `(x, y)` or `(x, y, sample_weight)`.
        validation_data: The same, to compare the trainings on. Defaults to `None`: 1024 of the training examples.
        epochs: Passes over the data of each training. Defaults to `10`.
        batch_size: Examples in a batch. Defaults to `32`.
        directory: Folder where finished trainings are kept; `None` for nowhere. Defaults to `None`.
        seed: Seed of the weights and of the order of the examples. Defaults to `0`.
        verbose: 1 prints a line for each training. Defaults to `1`.

    Raises:
        ValueError: If the factory makes the same model again, the data do not fit the model, or the loss is not finite
            before the first step.
        TypeError: If the data are not arrays.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(512, 8)).astype("float32")
        >>> y = x @ np.ones((8, 1), "float32") + np.random.default_rng(1).normal(size=(512, 1)).astype("float32")
        >>> def model():
        ...     model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
        ...     model.compile(keras_ch8.optimizers.SGD(1e-4), "mse")
        ...     return model
        >>> study = keras_ch8.choosing.Study(model, (x, y), epochs=2, verbose=0)
        >>> found = study.rates()
        >>> found.is_inside, 1e-2 < found.setting.rate < 1
        (True, True)

    References:
        Godbole, Dahl, Gilmer, Shallue, Nado (2023), Deep Learning Tuning Playbook; McCandlish et al. (2018), An
        Empirical Model of Large-Batch Training; Merrill et al. (2025), Critical Batch Size Revisited.
    """

    section = "8.5.4"

    def __init__(
        self,
        model_factory: Callable[[], keras.Model],
        data: tuple[Data, ...],
        *,
        validation_data: tuple[Data, ...] | None = None,
        epochs: int = 10,
        batch_size: int = 32,
        directory: str | os.PathLike[str] | None = None,
        seed: int = 0,
        verbose: int = 1,
    ) -> None:
        _objects.function("model_factory", model_factory, returns="a new compiled model")
        _objects.pair("data", data)
        _objects.pair("validation_data", validation_data, or_none=True)
        epochs = _checks.count("epochs", epochs, 1, meaning="the passes over the data of each training", fix="Try 10.")
        batch_size = _checks.count("batch_size", batch_size, 1, meaning="the examples in a batch", fix="Try 32.")
        _objects.path("directory", directory, or_none=True)
        seed = _checks.seed(seed) or 0
        self._verbose = _checks.verbose(verbose)
        size = _batches.examples_of(data[0])
        if batch_size > size:
            raise ValueError(
                f"`batch_size` must be at most the number of examples in `data`, {size}. Received: "
                f"batch_size={batch_size}. Try {min(32, size)}."
            )
        self._trainer = Trainer(model_factory, data, validation_data, epochs, batch_size, seed)
        at_start = self._trainer.evaluate()
        if not math.isfinite(at_start):
            raise ValueError(
                "The loss must be finite before the first step: otherwise no setting can help. Received: `data` and a "
                f"model with the loss {at_start}. `keras_ch8.preflight(model, x, y)` looks for the reason."
            )
        keeper = Keeper(directory, "study", self._trainer.described)
        self._trials = Trials(self._trainer.train, keeper, self._tell)
        self._given = self._setting = StudySetting(self._trainer.given_rate, batch_size)
        self._steps: list[StudyStep] = []

    @property
    def runs(self) -> tuple[StudyRun, ...]:
        """The full trainings so far, in their order."""
        return tuple(run for trial, run in self._trials.done.values() if self._is_full(trial))

    @property
    def cost(self) -> float:
        """What was trained so far, in full trainings."""
        return sum(run.cost for _, run in self._trials.done.values())

    @property
    def report(self) -> StudyReport:
        """What the steps that were taken so far have found, together."""
        found = tuple(self._steps), self.runs, self.cost
        return StudyReport(self._given, self._setting, *found, self._trainer.schedule is not None)

    def run(self) -> StudyReport:
        """Take all steps for which there is a reason; return what was found, and what to do next."""
        if self._is_batch_suspicious():
            self.batch_sizes()
        self.rates(refine=False)
        stability = self.stability()
        if stability.rise.kind == "start" or stability.is_slow:
            warmup = self.warmup()
            if not warmup.do:
                self.clipping()
        elif stability.rise.kind == "middle":
            self.clipping()
        if self._setting != self._given:
            self.rates()
        self.duration()
        return self.report

    def rates(self, refine: bool = True) -> RateSweep:
        """Find the best learning rate: from the given one on, until a lower and a higher one are worse.

        Args:
            refine: Whether the rate at the minimum of a parabola through the best three is tried too. Defaults to
                `True`.
        """
        refine = _checks.flag("refine", refine, meaning="whether the best rate is refined")
        before = self.cost
        given = self._train(self._setting)
        first = given.setting.rate
        runs = {first: given}

        def loss_of(rate: float) -> float:
            rate = self._rate_near(rate)
            runs[rate] = self._train(dataclasses.replace(self._setting, rate=rate))
            return runs[rate].best

        tried, losses, at_end = sweep(loss_of, [first] if given.diverged else [first, first * APART], MOST_EXTENSIONS)
        if refine and (rate := advise.refined(tried, losses)) is not None:
            loss_of(rate)
        ordered = tuple(runs[rate] for rate in sorted(runs))
        return self._found(RateSweep, advise.of_rates(ordered, given, at_end), before, ordered, given, not at_end)

    def stability(self) -> Stability:
        """Train with twice the rate for 500 steps, measured at every step: is it unstable, and from when on?"""
        before = self.cost
        usual = self._train(self._setting)
        twice = dataclasses.replace(self._setting, rate=rounded(2 * self._setting.rate))
        steps = min(STEPS_AT_TWICE, self._trainer.steps(twice.batch_size))
        run = self._trials.one(StudyTrial(twice, steps * twice.batch_size))
        advice, rise, is_slow = advise.of_stability(usual, run, steps)
        return self._found(Stability, advice, before, (run,), rise, is_slow)

    def warmup(self) -> WarmupStudy:
        """Look for the shortest warmup with which a higher rate ends better than the given one without."""
        before = self.cost
        base = self._train(self._setting)
        steps = max(1, round(WARMUP * self._trainer.steps(self._setting.batch_size)))  # also where it diverged
        runs = [base]
        rate = base.setting.rate
        for _ in range(3):
            rate *= APART
            runs.append(self._train(dataclasses.replace(self._setting, rate=rounded(rate), warmup=steps)))
            if not runs[-1].best < runs[-2].best:
                break
        if len(runs) == 2:
            runs.append(self._train(dataclasses.replace(self._setting, warmup=steps)))
        best = min(runs, key=lambda run: run.best)
        shorter = steps // 10
        if best is not base and advise.is_better(best.best, base.best) and shorter:
            runs.append(self._train(dataclasses.replace(best.setting, warmup=shorter)))
            if not advise.is_better(best.best, runs[-1].best):
                best = runs[-1]
        return self._found(WarmupStudy, advise.of_warmup(base, best, steps), before, tuple(runs))

    def clipping(self) -> ClippingStudy:
        """Clip the gradient at the 90 % quantile of its norms, at the given rate and a higher one."""
        before = self.cost
        base = self._train(self._setting)
        norms = base.norms[np.isfinite(base.norms)]
        limit = rounded(np.quantile(norms, advise.QUANTILE))
        clipped = dataclasses.replace(self._setting, clip=limit)
        runs = [self._train(clipped), self._train(dataclasses.replace(clipped, rate=rounded(APART * clipped.rate)))]
        return self._found(ClippingStudy, advise.of_clipping(base, runs), before, (base, *runs), limit)

    def batch_sizes(self, start: int | str = "10%") -> BatchSizeStudy:
        """Measure the critical batch size: what each size needs from a checkpoint to the same loss.

        Args:
            start: When the checkpoint is taken: 0, or steps, or "1ep", "500ba", "10%" of a training. Defaults to
                `"10%"`.
        """
        before = self.cost
        trainer, given = self._trainer, self._setting
        checkpoint = self._checkpoint(self._examples_before(start))
        window = min(max(WINDOW * trainer.examples, FEWEST_STEPS * given.batch_size), LONGEST * trainer.examples)
        runs: list[StudyRun] = []

        def branch(size: int, rate: float, target: float = -math.inf, length: float = 1.0) -> StudyRun:
            points = round(POINTS * length)
            setting = dataclasses.replace(given, batch_size=size, rate=rate if rate == given.rate else rounded(rate))
            examples = max(size, round(length * window))
            runs.append(self._trials.one(StudyTrial(setting, examples, checkpoint, target, points)))
            return runs[-1]

        def to_the_end(rate: float) -> Branch:
            run = branch(given.batch_size, rate)
            loss = math.inf if run.diverged else float(np.median(run.evaluated[-max(1, POINTS // 5) :]))
            return Branch(given.batch_size, run.setting.rate, math.inf, loss, run.examples_per_second)

        first = advise.best_rate(to_the_end, given.rate)
        target, noise, run = first.loss, self._noise_scale(checkpoint), branch(given.batch_size, first.rate)
        if not target < float(run.evaluated[0]):
            why = f"The loss does not fall after the checkpoint: {run.evaluated[0]:.4g} there, {target:.4g} later."
            do = "Find a learning rate first: `Study.rates`."
            return self._found(BatchSizeStudy, Advice(do, why, given), before, tuple(runs), (), math.nan, noise, target)

        def to_the_target(size: int, rate: float, run: StudyRun | None = None) -> Branch:
            run = run or branch(size, rate, target, advise.TOO_MANY)
            examples = advise.examples_to(target, run.evaluated_at * size, run.evaluated)
            return Branch(size, run.setting.rate, math.inf if run.diverged else examples, float(run.evaluated[-1]),
                          run.examples_per_second)  # fmt: skip

        first = to_the_target(given.batch_size, first.rate, run)
        found = advise.measure(to_the_target, first, SMALLEST_BATCH, trainer.size)
        sizes, needed = (np.array([getattr(b, name) for b in found.values()]) for name in ("batch_size", "examples"))
        critical = advise.fit_critical(sizes, needed)
        advice = advise.of_batches(found, given, critical, noise)
        return self._found(BatchSizeStudy, advice, before, tuple(runs), tuple(found.values()), critical, noise, target)

    def duration(self) -> DurationStudy:
        """Say from where its best steps lie whether the training is too long or too short."""
        before = self.cost
        best = self._train(self._setting)
        others = [run for run in self.runs if not run.diverged and run is not best]
        close = sorted((run for run in others if not advise.is_better(best.best, run.best)), key=lambda run: run.best)
        runs = (best, *close)[:BEST]
        if best.diverged:
            advice = Advice("Find a learning rate first: `Study.rates`.", "The training diverges.", best.setting)
            return self._found(DurationStudy, advice, before, (best,))
        return self._found(DurationStudy, advise.of_length(runs, self._trainer.epochs), before, runs)

    def _train(self, setting: StudySetting) -> StudyRun:
        """Return a full training, run now or before."""
        return self._trials.one(StudyTrial(setting, self._trainer.examples))

    def _is_full(self, trial: StudyTrial) -> bool:
        return trial.start is None and trial.examples == self._trainer.examples

    def _tell(self, trial: StudyTrial, run: StudyRun) -> None:
        if self._verbose and self._is_full(trial):
            end = f"diverged at step {run.steps - 1}" if run.diverged else f"best loss {run.best:.4g}"
            say(f"Training {len(self.runs)}: {trial.setting}: {end}")

    def _rate_near(self, rate: float) -> float:
        """Return the rate of a training that differs from the present setting by nothing else, if it is near."""
        alike = [run.setting.rate for run in self.runs
                 if dataclasses.replace(run.setting, rate=self._setting.rate) == self._setting]  # fmt: skip
        return next((known for known in alike if abs(math.log(rate / known)) < SAME_RATE), rounded(rate))

    def _examples_before(self, start: int | str) -> int:
        """Return the examples of a training up to this length of time; refuse one that is longer than all of it."""
        length = (
            Duration(0.0, "st") if _checks.is_off(start, 0) else duration("start", start, "0, or a number of steps")
        )
        trainer, size = self._trainer, self._setting.batch_size
        examples = round(size * length.steps(Clock(trainer.size / size, 1.0, trainer.examples / size)))
        if examples > trainer.examples:
            raise ValueError(
                f"`start` must lie within the training, which has {trainer.steps(size)} steps. Received: "
                f"start={short(start)}. Try '10%'."
            )
        return examples

    def _checkpoint(self, examples: int) -> Checkpoint:
        """Return the given training after some examples; at its start, where it diverges before."""
        if examples < self._setting.batch_size:
            return self._trainer.at_start()
        run = self._train(self._setting)
        if run.diverged and run.steps * run.setting.batch_size <= examples:
            return self._trainer.at_start()
        return self._trainer.checkpoint(self._setting, examples)

    def _noise_scale(self, start: Checkpoint) -> float:
        model = self._trainer.begin(start)
        x, y, weight = take(self._trainer.data, self._trainer.probe_rows)
        return gradient_noise(model, x, y, parts=8, sample_weight=weight).scale

    def _is_batch_suspicious(self) -> bool:
        """Whether the batch is so large, next to the noise of the gradient, that a smaller one may do."""
        scale = self._noise_scale(self._checkpoint(round(0.1 * self._trainer.examples)))
        return self._setting.batch_size > SUSPICIOUS * scale and self._setting.batch_size > SMALLEST_BATCH

    def _found(self, kind: type, advice: Advice, before: float, runs: tuple[StudyRun, ...], *more: Any) -> Any:
        """Go on with the setting that a step advises; return what it has found, and keep it for the report."""
        self._setting = advice.setting
        self._steps.append(kind(*advice, self.cost - before, runs, *more))
        return self._steps[-1]
