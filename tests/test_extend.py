"""The checks of `keras_ch8.extend`: a stranger's class that keeps the contract passes, broken ones are told why."""

import dataclasses
import itertools
import math
import threading
import time
from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from keras_ch8 import (
    clipping,
    extend,
    schedules,
    second_order,
    stopping,
    trackers,
)
from keras_ch8.extend import (
    ClosureOptimizer,
    Criterion,
    GlobalRule,
    RandomInitializer,
    Reason,
    RuleOptimizer,
    Schedule,
    StopReason,
    TensorRule,
)
from keras_ch8.monitors.eigenvalues import SpectrumMonitor

frozen = dataclasses.dataclass(frozen=True)
saved = keras.saving.register_keras_serializable(package="strangers")


# --- optimizers -------------------------------------------------------------------------------------------------------


@saved
class Signed(RuleOptimizer):
    """Good: the sign of a running mean (Lion without its second rate)."""

    state_names = ("m",)
    hyperparameters = ("rho",)
    elementwise = True

    def __init__(self, learning_rate=0.01, rho=0.9, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.rho = rho

    def rule(self, g, lr, t, m):
        m = self.rho * m + (1 - self.rho) * g
        return -lr * m, {"m": m}


class NotSaved(Signed):
    pass


@saved
class NotElementwise(Signed):
    def rule(self, g, lr, t, m):
        return -lr * g / (1e-7 + ops.sqrt(ops.sum(g * g))), {"m": m}


@saved
class Forgetful(Signed):
    """Keeps its state in Python, so that a saved one does not know it."""

    calls = 0

    def rule(self, g, lr, t, m):
        self.calls += 1
        return -lr * g, {"n": m}


@saved
class Branching(Signed):
    def rule(self, g, lr, t, m):
        return (-lr * g if t > 3 else -2 * lr * g), {"m": m}


@saved
class LosesAnArgument(Signed):
    hyperparameters = ()


@pytest.mark.slow
def test_a_good_optimizer_passes():
    extend.check_optimizer(Signed)


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "make, message",
    [
        (NotSaved, r"Keras cannot load a `NotSaved`\. Decorate the class with `@keras\.saving"),
        (NotElementwise, r"differently if there is a second one\. Say `elementwise = True` only if"),
        (Forgetful, r"(?s)cannot take a step|must name in `state_names`"),
        (Branching, r"`Branching` cannot take a step\. .* without `if` on tensors"),
        (
            partial(LosesAnArgument, rho=0.5),
            r"`LosesAnArgument` takes other steps when it is made again .* `hyperparameters`",
        ),
        (lambda **kwargs: keras.optimizers.SGD(clipnorm=1.0), r"An optimizer takes|must inherit from"),
        (lambda: Signed(), r"end `__init__` with `\*\*kwargs`"),
    ],
    ids=["not saved", "not elementwise", "forgetful", "branching", "loses an argument", "Keras's", "no arguments"],
)
def test_a_broken_optimizer_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_optimizer(make)


@saved
class Descent(ClosureOptimizer, method=second_order.methods.SteepestDescent):
    """Good: steepest descent under another name."""


class NoMethod(ClosureOptimizer):
    pass


class NotSavedDescent(ClosureOptimizer, method=second_order.methods.SteepestDescent):
    pass


@pytest.mark.slow
def test_a_good_closure_optimizer_passes():
    extend.check_closure_optimizer(Descent)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make, message",
    [
        (NoMethod, r"`NoMethod` must name the method that it brings into `fit`"),
        (NotSavedDescent, r"Keras cannot load a `NotSavedDescent`"),
        (
            partial(Descent, line_search=second_order.line_search.Constant(1e3)),
            r"`Descent` does not lower the loss|cannot train",
        ),
        (Signed, r"takes the arguments of its base class"),
    ],
    ids=["no method", "not saved", "climbs", "first order"],
)
def test_a_broken_closure_optimizer_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_closure_optimizer(make)


# --- callbacks --------------------------------------------------------------------------------------------------------


class Norms(keras.callbacks.Callback):
    """Good: keeps the norm of the weights after each epoch."""

    def on_train_begin(self, logs=None):
        self.norms = []

    def on_epoch_end(self, epoch, logs=None):
        self.norms.append(float(np.linalg.norm(self.model.get_weights()[0])))


class Moves(Norms):
    def on_epoch_end(self, epoch, logs=None):
        self.model.set_weights([0.9 * w for w in self.model.get_weights()])


class Leaves(Norms):
    def on_train_begin(self, logs=None):
        super().on_train_begin()
        self.model.my_norms = self.norms


class LeavesWhenInterrupted(Norms):
    def on_train_begin(self, logs=None):
        super().on_train_begin()
        self.model.my_norms = self.norms

    def on_train_end(self, logs=None):
        del self.model.my_norms


class Once(Norms):
    def __init__(self):
        super().__init__()
        self.was_used = False

    def on_train_begin(self, logs=None):
        super().on_train_begin()
        if self.was_used:
            raise RuntimeError("no more")
        self.was_used = True


class NotCopied(Norms):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


@pytest.mark.slow
def test_a_good_callback_passes():
    extend.check_callback(Norms)
    extend.check_callback(Moves, changes_training=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make, message",
    [
        (Moves, r"`Moves` changes the training\. Read copies of weights, or say `changes_training=True`"),
        (Leaves, r"`Leaves` leaves attributes on the model or its optimizer: \['my_norms'\]"),
        (Once, r"`Once` cannot be used in a second training: set in `on_train_begin`"),
        pytest.param(NotCopied, r"A used `NotCopied` cannot be copied", marks=pytest.mark.slow),
        pytest.param(LeavesWhenInterrupted, r"interrupted .* leaves \['my_norms'\]", marks=pytest.mark.slow),
        (dict, r"`dict` must inherit from `keras\.callbacks\.Callback`"),
    ],
    ids=["moves", "leaves", "once", "not copied", "leaves when interrupted", "none"],
)
def test_a_broken_callback_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_callback(make)


# --- stopping ---------------------------------------------------------------------------------------------------------


@frozen
class AfterEpochs(Criterion):
    """Good: stops after some epochs."""

    epochs: int = 5

    def evaluate(self, history):
        if len(history) < self.epochs:
            return None
        return Reason(StopReason.OTHER, f"{self.epochs} epochs have been run", history.epoch)


@frozen
class Remembers(AfterEpochs):
    def evaluate(self, history):
        object.__setattr__(self, "count", getattr(self, "count", 0) + 1)
        return super().evaluate(history) if self.count % 2 else None


@frozen
class NoSentence(AfterEpochs):
    def evaluate(self, history):
        return Reason(StopReason.OTHER, "stop", history.epoch)


@frozen
class WrongEpoch(AfterEpochs):
    def evaluate(self, history):
        return Reason(StopReason.OTHER, "a sentence of some length", len(history))


@frozen
class Boolean(AfterEpochs):
    def evaluate(self, history):
        return len(history) > 5


@frozen
class FailsOnNaN(AfterEpochs):
    def evaluate(self, history):
        return None if int(history.values("val_loss")[-1]) < 9 else super().evaluate(history)


class Mutable(Criterion):
    __eq__, __hash__ = object.__eq__, object.__hash__

    def evaluate(self, history):
        return None


def test_a_good_criterion_passes():
    extend.check_stopping_criterion(AfterEpochs())
    extend.check_stopping_criterion(AfterEpochs(500))


@pytest.mark.parametrize(
    "make, message",
    [
        (Remembers, r"`Remembers\.evaluate` must be a pure function of the epochs"),
        (NoSentence, r"must say in a sentence, with the number, why the training ends\. Received: message='stop'"),
        (WrongEpoch, r"must date its reason to the last epoch, 0\. Received: epoch=1\. Write `history\.epoch`"),
        (Boolean, r"must return a `extend\.Reason` or None\. Received: False"),
        (FailsOnNaN, r"must decide on any positive numbers, and on NaN\. It raised ValueError"),
        (Mutable, r"must be equal to another one with the same arguments: make it a frozen dataclass"),
        (lambda: "patience", r"`str` must inherit from `Criterion`"),
    ],
    ids=["remembers", "no sentence", "wrong epoch", "boolean", "fails on NaN", "mutable", "a word"],
)
def test_a_broken_criterion_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_stopping_criterion(make())


# --- schedules --------------------------------------------------------------------------------------------------------


@saved
class Halving(Schedule):
    """Good: halves the rate after each length."""

    arguments = ("initial_learning_rate", "every")
    durations = ("every",)

    def __init__(self, initial_learning_rate=0.1, every="1ep", name=None):
        super().__init__(name, initial_learning_rate=initial_learning_rate, every=every)

    def rate(self, k):
        return self.initial_learning_rate * 0.5 ** ops.floor(k / self.steps("every"))


@saved
class Counting(Halving):
    calls = 0

    def rate(self, k):
        self.calls += 1
        return super().rate(k) / self.calls


@saved
class Negative(Halving):
    def rate(self, k):
        return 0.1 - 0.01 * k


@saved
class BranchingSchedule(Halving):
    def rate(self, k):
        return super().rate(k) if k < 10 else 0.001 * super().rate(k)


class NotSavedSchedule(Halving):
    pass


def test_a_good_schedule_passes():
    extend.check_schedule(Halving())
    extend.check_schedule(Halving(every=100))
    extend.check_schedule(keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.5))


@pytest.mark.parametrize(
    "make, message",
    [
        (Counting, r"`Counting` must depend on the step alone"),
        (Negative, r"The rates of `Negative` must be finite and at least 0\. Received: "),
        (BranchingSchedule, r"cannot be part of a compiled step: write `rate` in `keras\.ops`, without `if` on `k`"),
        (NotSavedSchedule, r"Keras cannot load a `NotSavedSchedule`"),
        (lambda: 0.1, r"`float` must be a `keras\.optimizers\.schedules\.LearningRateSchedule`"),
    ],
    ids=["counting", "negative", "branching", "not saved", "a number"],
)
def test_a_broken_schedule_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_schedule(make())


# --- clipping ---------------------------------------------------------------------------------------------------------


@saved
@frozen
class Half(GlobalRule):
    """Good: a gradient above a limit is halved."""

    limit: float = 1.0

    def coefficient(self, norm):
        return ops.where(norm > self.limit, 0.5, 1.0), {}


@saved
@frozen
class Lengthens(Half):
    def coefficient(self, norm):
        return self.limit / (norm + 1e-20), {}


@saved
@frozen
class DividesByZero(Half):
    def coefficient(self, norm):
        return ops.minimum(1.0, norm * self.limit / norm), {}


@saved
@frozen
class Turns(Half):
    def coefficient(self, norm):
        return ops.full_like(norm, -0.5), {}


@frozen
class NotSavedRule(Half):
    pass


class MutableRule(TensorRule):
    __hash__ = None

    def clip(self, g):
        return g


@pytest.mark.slow
def test_a_good_clipping_rule_passes():
    extend.check_clipping_rule(Half())


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "make, message",
    [
        (Lengthens, r"makes a gradient of size .* longer: a factor must be at most 1"),
        (DividesByZero, r"must give finite numbers for a finite gradient"),
        (Turns, r"changes the sign of an entry"),
        (NotSavedRule, r"Keras cannot load a `NotSavedRule`"),
        (MutableRule, r"must have a hash: make it a frozen dataclass"),
        (lambda: 1.0, r"`float` must inherit from `extend\.GlobalRule` or `extend\.TensorRule`"),
    ],
    ids=["lengthens", "divides by zero", "turns", "not saved", "mutable", "a number"],
)
def test_a_broken_clipping_rule_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_clipping_rule(make())


# --- monitors ---------------------------------------------------------------------------------------------------------


class Doubled(extend.Monitor):
    """Good: twice the loss."""

    name = "doubled"
    reading = dict

    def tensors(self, scene):
        return {"doubled": 2 * scene.now.loss}

    def numbers(self, log):
        return {"doubled": log.of(self.name)[-1]["doubled"]}

    def claims(self, log):
        return [extend.Claim("cliff", "ok", "Twice the loss is no cliff.")]


class WithState(Doubled):
    def numbers(self, log):
        self.count = getattr(self, "count", 0) + 1
        return super().numbers(log)


class MeasuresNothing(Doubled):
    def tensors(self, scene):
        return {}


class ClaimsText(Doubled):
    def claims(self, log):
        return ["all is well"]


class Raises(Doubled):
    def tensors(self, scene):
        return {"doubled": 2 * scene.no_such_loss}


LEVELS = itertools.cycle(["ok", "watch"])


class Undecided(Doubled):
    def claims(self, log):
        return [extend.Claim("cliff", next(LEVELS), "It depends.")]


class RandomCurvature(SpectrumMonitor):
    def claims(self, log):
        return [extend.Claim("saddle", next(LEVELS), f"The curvature is {log.of(self.name)[-1].smallest:.2g}.")]


class NumbersOfAnother(Doubled):
    source = "spectrum"


@pytest.mark.slow
def test_a_good_monitor_passes():
    extend.check_monitor(Doubled())


@pytest.mark.slow
@pytest.mark.parametrize("always", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_monitor_of_the_spectrum_passes_whether_or_not_the_training_gives_a_reason_to_measure_it(always):
    extend.check_monitor(SpectrumMonitor(always))


@pytest.mark.slow
@pytest.mark.parametrize(
    "make, message",
    [
        (WithState, r"`WithState` keeps state between measurements: \{'count': \d+\}"),
        (MeasuresNothing, r"`MeasuresNothing` has measured nothing: `tensors` must return tensors by name"),
        (Raises, r"`Raises` stops the training|has measured nothing"),
        pytest.param(ClaimsText, r"must return a list of `extend\.Claim`|stops the training", marks=pytest.mark.slow),
        pytest.param(Undecided, r"must be a pure function of the log", marks=pytest.mark.slow),
        pytest.param(RandomCurvature, r"`RandomCurvature.claims` must be a pure", marks=pytest.mark.slow),
        (
            NumbersOfAnother,
            r"`NumbersOfAnother` is never measured: .* inherit from `monitors\.eigenvalues\.SpectrumMonitor`",
        ),
        (lambda: "cliff", r"`str` must inherit from `extend\.Monitor`"),
    ],
    ids=[
        "with state",
        "measures nothing",
        "raises",
        "claims text",
        "undecided",
        "spectrum",
        "not a spectrum",
        "a word",
    ],
)
def test_a_broken_monitor_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_monitor(make())


# --- initializers -----------------------------------------------------------------------------------------------------


@saved
class Signs(RandomInitializer):
    """Good: random signs."""

    def draw(self, shape, dtype, seeds):
        return ops.sign(keras.random.uniform(shape, -1, 1, dtype, next(seeds)))


@saved
class Same(Signs):
    def draw(self, shape, dtype, seeds):
        return ops.ones(shape, dtype)


@saved
class Wide(Signs):
    def __call__(self, shape, dtype=None):
        return super().__call__(shape, "float32")


@saved
class Flat(Signs):
    def draw(self, shape, dtype, seeds):
        return super().draw((math.prod(shape),), dtype, seeds)


class NotSavedStart(Signs):
    pass


def test_a_good_initializer_passes():
    extend.check_initializer(Signs)
    extend.check_initializer(partial(keras.initializers.Constant, 0.5))


@pytest.mark.parametrize(
    "make, message",
    [
        (Same, r"A `Same` that two layers share must start them apart"),
        (Wide, r"must return the type that it is asked for, bfloat16\. Received: float32"),
        (Flat, r"of the shape that it is asked for, \(6, 4\)\. Received: \(24,\)"),
        (NotSavedStart, r"Keras cannot load a `NotSavedStart`"),
        (lambda: 0.5, r"`float` must be a `keras\.initializers\.Initializer`"),
    ],
    ids=["same", "wide", "flat", "not saved", "a number"],
)
def test_a_broken_initializer_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_initializer(make)


# --- pacings ----------------------------------------------------------------------------------------------------------


@frozen
class Cubic(extend.Pacing):
    """Good: slowly first."""

    start: float = 0.2

    def __call__(self, u):
        return 1 - (1 - self.start) * (1 - np.asarray(u) ** 3)


@frozen
class Falls(Cubic):
    def __call__(self, u):
        return np.where(np.asarray(u) < 1, 0.5 + 0.4 * np.sin(np.pi * np.asarray(u)), 1.0)


@frozen
class EndsEarly(Cubic):
    def __call__(self, u):
        return 0.2 + 0.7 * np.asarray(u)


@frozen
class BeginsWithNothing(Cubic):
    def __call__(self, u):
        return np.asarray(u) ** 2


@frozen
class OneNumber(Cubic):
    def __call__(self, u):
        return 1.0 if u > 0.5 else 0.2


@frozen
class LeavesAll(Cubic):
    def oldest(self, u):
        return 1.0 + np.asarray(u)


def test_a_good_pacing_passes():
    extend.check_pacing(Cubic())


@pytest.mark.parametrize(
    "make, message",
    [
        (Falls, r"`Falls` must rise\. It falls by "),
        (EndsEarly, r"must end with all examples: c\(1\) must be 1 exactly\. Received: .*0\.\d+"),
        (BeginsWithNothing, r"must start above 0 and at most at 1\. Received: c\(0\) = 0"),
        (OneNumber, r"must give the fraction of the examples for an array of progress .* It raised ValueError"),
        (LeavesAll, r"`LeavesAll\.oldest` must be the fraction of the examples that is left behind"),
        (lambda: "linear", r"`str` must inherit from `extend\.Pacing`"),
    ],
    ids=["falls", "ends early", "begins with nothing", "one number", "leaves all", "a word"],
)
def test_a_broken_pacing_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_pacing(make())


# --- trackers ---------------------------------------------------------------------------------------------------------


class Lines(extend.Tracker):
    """Good: a line for each point."""

    transient = ("file",)

    def open(self, folder):
        self.file = open(f"{folder}/lines.txt", "a")  # noqa: SIM115

    def log(self, step, values):
        self.file.writelines(f"{step} {name} {value}\n" for name, value in values.items())

    def close(self, report):
        self.file.close()


class HoldsItsFile(Lines):
    transient = ()


class RefusesNaN(Lines):
    def log(self, step, values):
        assert all(map(math.isfinite, values.values())), "not a number"


class Once(Lines):
    def open(self, folder):
        assert not hasattr(self, "has_begun"), "once only"
        self.has_begun = True
        super().open(folder)


class LeavesAThread(Lines):
    def close(self, report):
        super().close(report)
        threading.Thread(target=time.sleep, args=(4,), name="mine", daemon=True).start()


@pytest.mark.slow
@pytest.mark.parametrize("make", [Lines, trackers.JSONL])
@pytest.mark.broad
def test_a_good_tracker_passes(make):
    extend.check_tracker(make)


@pytest.mark.broad
@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: "wandb", r"`str` must inherit from `extend\.Tracker`"),
        (HoldsItsFile, r"cannot be pickled in the middle of it: name what cannot in `transient`"),
        (RefusesNaN, r"`RefusesNaN` does not take every number.* AssertionError: not a number"),
        (Once, r"`Once` cannot be used in a second training: begin anew in `open`: .*once only"),
        (LeavesAThread, r"`LeavesAThread` leaves threads behind: \['mine'.*End them in `close`"),
    ],
    ids=["a word", "holds its file", "refuses NaN", "once", "leaves a thread"],
)
def test_a_broken_tracker_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_tracker(make)


# --- the package's own ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.broad(slow=3)
@pytest.mark.parametrize(
    "rule",
    [clipping.ByNorm(1.0), clipping.ByGlobalNorm(1.0), clipping.ByValue(1.0), clipping.ByPercentile(10)],
    ids=str,
)  # fmt: skip
def test_the_clipping_rules_of_the_package_pass(rule):
    extend.check_clipping_rule(rule)


@pytest.mark.parametrize(
    "criterion",
    [stopping.Patience(3), stopping.GeneralizationLoss(5), stopping.Productivity(1), stopping.SuccessiveRises(3),
     stopping.Threshold(0.1), stopping.Diverged(), stopping.Deadline(20),
     stopping.AnyOf(stopping.Patience(3), stopping.Deadline(9)),
     stopping.AllOf(stopping.Patience(3), stopping.Threshold(0.1))],
    ids=lambda criterion: type(criterion).__name__,
)  # fmt: skip
def test_the_criteria_of_the_package_pass(criterion):
    extend.check_stopping_criterion(criterion)


@pytest.mark.parametrize(
    "schedule", [schedules.LinearDecay(0.1), schedules.OneCycle(0.1, "50%")], ids=["LinearDecay", "OneCycle"]
)
def test_schedules_with_relative_lengths_pass(schedule):
    extend.check_schedule(schedule)
