"""The checks of `keras_ch8.extend`: a stranger's class that keeps the contract passes, broken ones are told why."""

import itertools
from functools import partial

import keras
import pytest
from keras import ops

from keras_ch8 import extend
from keras_ch8.extend import RuleOptimizer
from keras_ch8.monitors.eigenvalues import SpectrumMonitor

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
            r"`LosesAnArgument` takes different steps when it is recreated .* `hyperparameters`",
        ),
        (lambda **kwargs: keras.optimizers.SGD(clipnorm=1.0), r"An optimizer takes|must inherit from"),
        (lambda: Signed(), r"end `__init__` with `\*\*kwargs`"),
    ],
    ids=["not saved", "not elementwise", "forgetful", "branching", "loses an argument", "Keras's", "no arguments"],
)
def test_a_broken_optimizer_is_told_why(make, message):
    with pytest.raises(AssertionError, match=message):
        extend.check_optimizer(make)


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
