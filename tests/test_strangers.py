"""What others derive from the public bases trains, is saved and loaded; what would be silently wrong is refused."""

import dataclasses
import inspect

import keras
import numpy as np
import pytest
from keras import ops

import keras_ch8
from keras_ch8.extend import (
    ClosureOptimizer,
    Descent,
    GlobalRule,
    Info,
    LineSearch,
    Method,
    RuleOptimizer,
    Schedule,
    SearchState,
    TensorRule,
)

registered = keras.saving.register_keras_serializable(package="strangers")


@registered
class Lion(RuleOptimizer):
    """Chen et al. (2023)."""

    state_names = ("m",)
    hyperparameters = ("beta_1", "beta_2")
    elementwise = True

    def __init__(self, learning_rate=1e-3, beta_1=0.9, beta_2=0.99, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def rule(self, g, lr, t, m):
        step = -lr * ops.sign(self.beta_1 * m + (1 - self.beta_1) * g)
        return step, {"m": self.beta_2 * m + (1 - self.beta_2) * g}


@registered
@dataclasses.dataclass(frozen=True)
class Centralize(TensorRule):
    """Yong et al. (2020)."""

    def clip(self, g):
        return g - ops.mean(g, axis=0)


@registered
@dataclasses.dataclass(frozen=True)
class Tenths(LineSearch):
    factor: float = 0.1

    def init(self, line, first):
        return SearchState.before_any_trial(line, first)

    def update(self, line, state, trial):
        falls = trial.value < line.value
        return SearchState(self.factor * trial.step, state.chosen_if(falls, trial), accepted=falls, is_over=falls)


@dataclasses.dataclass(frozen=True)
class BarzilaiBorweinMethod(Descent):
    """Barzilai and Borwein (1988)."""

    smallest: float = 1e-6

    takes_unit_steps = True

    def init_memory(self, n, dtype):
        return {"alpha": ops.ones((), dtype)}

    def direction(self, problem, point, known, alpha):
        return -alpha * point.gradient

    def learn(self, move, known, alpha):
        curvature = ops.sum(move.s * move.y)
        useful = curvature > self.smallest * ops.sum(move.s**2)
        return {"alpha": ops.where(useful, ops.sum(move.s**2) / curvature, alpha)}, useful


@registered
class BarzilaiBorwein(ClosureOptimizer, method=BarzilaiBorweinMethod):
    pass


@dataclasses.dataclass(frozen=True)
class DescentMethod(Method):
    rate: float = 0.1

    def init(self, n, dtype):
        return {}

    def iterate(self, problem, point, state):
        after = problem.at(point.x - self.rate * point.gradient)
        return after, state, Info.of_step(point, after)


@registered
class Descends(ClosureOptimizer, method=DescentMethod):
    pass


X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = X @ np.float32([[1.0], [2.0], [3.0]])
OPTIMIZERS = {
    "a rule": lambda: Lion(0.05, beta_1=0.8, weight_decay=1e-4, global_clipnorm=1.0, use_ema=True),
    "a clipping rule for tensors": lambda: keras_ch8.optimizers.Momentum(0.05, clip=Centralize()),
    "a method and a search": lambda: BarzilaiBorwein(line_search=Tenths(0.2), smallest=1e-5, iterations_per_step=2),
    "a method of its own": lambda: Descends(rate=0.2),
    "a search": lambda: keras_ch8.optimizers.SteepestDescent(line_search=Tenths()),
}


def fit(model, epochs):
    batch_size = 64 if isinstance(model.optimizer, ClosureOptimizer) else 16
    return model.fit(X, Y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0).history["loss"]


def state(model):
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


@pytest.mark.slow
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_it_trains_and_a_saved_model_goes_on_bit_for_bit(make, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(make(), "mse")
    losses = fit(model, 4)
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.optimizer) is type(model.optimizer)
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for a, b in zip(state(model), state(again), strict=True):
        np.testing.assert_array_equal(a, b)
    assert fit(again, 2) == fit(model, 2)
    for a, b in zip(state(model), state(again), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_closure_optimizer_shows_the_arguments_of_its_method():
    shown = str(inspect.signature(BarzilaiBorwein))
    assert "smallest: float = 1e-06" in shown
    assert "iterations_per_step: int = 1" in shown
    assert BarzilaiBorwein(smallest=0.5).method == BarzilaiBorweinMethod(smallest=0.5)


# --- what is refused -------------------------------------------------------------------------------------------------


class NoRule(RuleOptimizer):
    pass


class UnnamedState(RuleOptimizer):
    def rule(self, g, lr, t, v):
        return -lr * g, {"v": v}


class UnusedState(RuleOptimizer):
    state_names = ("v",)

    def rule(self, g, lr, t):
        return -lr * g, {}


class ReservedState(RuleOptimizer):
    state_names = ("residual",)

    def rule(self, g, lr, t, residual):
        return -lr * g, {"residual": residual}


class NoMethod(ClosureOptimizer):
    pass


class NoRate(Schedule):
    pass


class LostArgument(Schedule):
    arguments = ("start",)

    def __init__(self, start, power):
        super().__init__(start=start, power=power)

    def rate(self, k):
        return self.start


class NoCoefficient(GlobalRule):
    pass


@dataclasses.dataclass(frozen=True)
class NoClip(TensorRule):
    pass


class NoDataclass(TensorRule):
    def clip(self, g):
        return g


@dataclasses.dataclass(frozen=True)
class NoDirection(Descent):
    def init_memory(self, n, dtype):
        return {}


REFUSED = {
    "NoRule": (lambda: NoRule(0.1), r"`NoRule` must define `rule`.*rule\(self, g, lr, t, \*\*state\)"),
    "UnnamedState": (
        lambda: UnnamedState(0.1),
        r"`UnnamedState.rule` must .* Received: rule\(g, lr, t, v\) with state_n",
    ),
    "UnusedState": (lambda: UnusedState(0.1), r"Received: rule\(g, lr, t\) with state_names=\('v',\)"),
    "ReservedState": (lambda: ReservedState(0.1), r"none of them 'theta' or 'residual'"),
    "NoMethod": (
        lambda: NoMethod(),
        r"`NoMethod` must name the method .*class NoMethod\(ClosureOptimizer, method=\.\.\.\)",
    ),
    "an unknown argument": (
        lambda: BarzilaiBorwein(largest=1.0),
        r"Received: BarzilaiBorwein\(largest=1.0\).*smallest",
    ),
    "NoRate": (lambda: NoRate(), r"`NoRate` must define `rate`"),
    "LostArgument": (lambda: LostArgument(0.1, 2.0), r"Received: \['power', 'start'\] with arguments=\('start',\)"),
    "NoCoefficient": (lambda: Lion(clip=NoCoefficient()), r"`NoCoefficient` must define `coefficient`"),
    "NoClip": (lambda: Lion(clip=NoClip()), r"`NoClip` must define `clip`"),
    "NoDataclass": (lambda: Lion(clip=NoDataclass()), r"Write `@dataclasses.dataclass\(frozen=True\)` above the class"),
    "NoDirection": (
        lambda: keras_ch8.second_order.minimize(lambda x: ops.sum(x**2), np.ones(2), NoDirection()),
        r"`NoDirection` must define `direction`",
    ),
    "no line search": (lambda: BarzilaiBorwein(line_search=0.1), r"`line_search` must be one of .*Received: .*0.1"),
}


@pytest.mark.parametrize("make, message", REFUSED.values(), ids=REFUSED)
def test_what_would_be_silently_wrong_is_refused(make, message):
    with pytest.raises(TypeError, match=message):
        make()


class OneNumber(RuleOptimizer):
    """Returns one number for all entries, which would be broadcast."""

    def rule(self, g, lr, t):
        return -lr * ops.mean(g), {}


class OtherState(RuleOptimizer):
    state_names = ("v",)

    def rule(self, g, lr, t, v):
        return -lr * g, {"w": v}


@registered
@dataclasses.dataclass(frozen=True)
class OtherMemory(GlobalRule):
    def coefficient(self, norm):
        return 1.0, {"longest": norm}


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: OneNumber(0.1), r"`OneNumber.rule` must return `delta_theta` with .*\(2,\)\. Received: shape \(\)"),
        (lambda: OtherState(0.1), r"`OtherState.rule` must return the new state .*\['v'\]\. Received: \['w'\]"),
        (lambda: Lion(clip=OtherMemory()), r"`OtherMemory.coefficient` must return the new state"),
    ],
)
def test_what_a_rule_returns_is_checked_in_the_first_step(make, message):
    with pytest.raises(ValueError, match=message):
        make().apply([ops.ones((2,))], [keras.Variable([1.0, 2.0])])


def test_a_hyperparameter_that_could_not_be_saved_is_refused():
    class Forgets(Lion):
        hyperparameters = ("beta_1", "beta_3")

    with pytest.raises(AttributeError, match=r"Received: \['beta_3'\], which it does not have"):
        Forgets().build([keras.Variable(1.0)])
