"""Contract tests for classes of your own: each `check_...` says what the package relies on, and what breaks it.

A check is a plain function. It returns nothing where the class keeps the contract, and raises an AssertionError whose
message says what is wrong and how to fix it. The tests of this package call the same checks.

    def test_my_optimizer():
        keras_ch8.testing.check_optimizer(functools.partial(MyOptimizer, 0.01))

A check takes a function that makes the object, usually the class itself, or the object where it has no state: what a
rule, a criterion, a schedule or a pacing answers depends on its arguments alone.
"""

import contextlib
import copy
import math
import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

import keras_ch8

from ._types import Data
from .integration import backend

if not backend.is_tensorflow():
    raise backend.needs_tensorflow(__name__)

Make = Callable[..., Any]
"""A function that makes the object to be checked: the class, or `functools.partial(TheClass, its, arguments)`."""

START = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
"""Where a variable of the checks begins."""
_RNG = np.random.default_rng(0)
_X = _RNG.normal(size=(24, 6)).astype("float32")
_Y = np.tanh(_X[:, :2] + 0.5).astype("float32")
_U = np.linspace(0, 1, 1001)


# --- what all checks share --------------------------------------------------------------------------------------------


def _require(condition: Any, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _require_close(found: Any, expected: Any, message: str, **tolerances: float) -> None:
    """Compare arrays; the message is followed by how far they are apart."""
    found, expected = np.asarray(found), np.asarray(expected)
    _require(found.shape == expected.shape, f"{message} Shapes: {found.shape} instead of {expected.shape}.")
    if not np.allclose(found, expected, equal_nan=True, **tolerances):
        far = np.max(np.abs(found.astype("float64") - expected.astype("float64")))
        raise AssertionError(f"{message} Largest difference: {far:.3g}.")


@contextlib.contextmanager
def _explained(message: str) -> Iterator[None]:
    """Turn an error of the checked code into one that says which promise it breaks; the error itself is its cause."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{message} It raised {type(error).__name__}: {error}") from error


def _name(thing: Any) -> str:
    return thing.__name__ if isinstance(thing, type) else type(thing).__name__


def _check_that_keras_saves_it(thing: Any) -> None:
    """Make it again from its configuration, in Python and as Keras does when it loads a model."""
    name = _name(thing)
    with _explained(f"`{name}` cannot be made again from `get_config`: return every argument of `__init__` by name."):
        again = type(thing).from_config(thing.get_config())
        _require(
            again.get_config() == thing.get_config(),
            f"`{name}` loses an argument: `from_config(get_config())` has another configuration. Keep each argument "
            f"as it was passed. {again.get_config()} instead of {thing.get_config()}.",
        )
    with _explained(
        f"Keras cannot load a `{name}`. Decorate the class with "
        '`@keras.saving.register_keras_serializable(package="my_package")`.'
    ):
        revived = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(thing))
        _require(type(revived) is type(thing), f"Keras loads a `{name}` as a `{_name(revived)}`: register the class.")


def _check_that_it_is_a_value(thing: Any) -> None:
    """Compare with a copy: what depends on its arguments alone is equal to another one with the same arguments."""
    name = _name(thing)
    with _explained(f"A `{name}` must have a hash: make it a frozen dataclass, `@dataclasses.dataclass(frozen=True)`."):
        hash(thing)
    _require(
        copy.deepcopy(thing) == thing,
        f"A `{name}` must be equal to another one with the same arguments: make it a frozen dataclass.",
    )


Training = Callable[[], tuple[keras.Model, Data, Data]]
"""A function that makes a compiled model and data for it, the same at each call."""


def _small_training() -> tuple[keras.Model, Data, Data]:
    return _model("adam"), _X, _Y


def _model(optimizer: Any, **options: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, "tanh"), keras.layers.Dense(2)])
    model.compile(optimizer, "mse", **options)
    return model


def _fit(model: keras.Model, x: Data, y: Data, callbacks: Sequence[Any] = (), **options: Any) -> dict[str, list[float]]:
    options = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0, "validation_data": (x, y)} | options
    keras.utils.set_random_seed(0)
    history: dict[str, list[float]] = model.fit(x, y, callbacks=list(callbacks), **options).history
    return history


# --- optimizers -------------------------------------------------------------------------------------------------------


def gradients(steps: int = 5, shape: tuple[int, ...] = START.shape, seed: int = 0) -> list[np.ndarray]:
    """Return one random gradient for each step."""
    return list(np.random.default_rng(seed).normal(size=(steps, *shape)).astype("float32"))


def _step(optimizer: Any, variables: list[keras.Variable], grads: Sequence[np.ndarray]) -> None:
    with _explained(
        f"`{_name(optimizer)}` cannot take a step. `rule(g, lr, t, **state)` is traced as a graph, so it must be "
        "written in `keras.ops` without `if` on tensors, and must return `(delta_theta, new_state)`."
    ):
        optimizer.apply([ops.convert_to_tensor(g) for g in grads], variables)


def path(optimizer: Any, grads: Sequence[np.ndarray], start: np.ndarray = START) -> np.ndarray:
    """Return the book's theta after each of some gradients."""
    variable, thetas = keras.Variable(start, dtype=str(start.dtype)), []
    for g in grads:
        _step(optimizer, [variable], [g])
        thetas.append(optimizer.book_variables()[0])
    return np.array(thetas)


def an_optimizer_is_made_again_from_its_configuration(make: Make) -> None:
    """Keras saves an optimizer with its model and makes it again when the model is loaded."""
    with _explained("An optimizer takes Keras's arguments: end `__init__` with `**kwargs` and hand them to `super()`."):
        optimizer = make(clipnorm=1.5, weight_decay=0.01, skip_nonfinite=True, name="mine")
    base = keras_ch8.optimizers.RuleOptimizer
    _require(isinstance(optimizer, base), f"`{_name(optimizer)}` must inherit from `{base.__name__}`.")
    _check_that_keras_saves_it(optimizer)
    optimizer, grads = make(), gradients(2)
    again = type(optimizer).from_config(optimizer.get_config())
    message = (
        f"`{_name(optimizer)}` takes other steps when it is made again from its configuration: name each argument "
    )
    message += "of its own in `hyperparameters`."
    _require_close(_end_of(again, grads, START), _end_of(optimizer, grads, START), message, rtol=0, atol=0)


def an_optimizer_has_the_state_that_it_names(make: Make) -> None:
    """State is saved and shown by the names in `state_names`, in the shape of the variable, and begins at 0."""
    optimizer, variable = make(), keras.Variable(START)
    optimizer.build([variable])
    before = optimizer.state_of(variable)
    _require(
        all(not value.any() for value in before.values()),
        f"The state of `{_name(optimizer)}` must begin at 0: `rule` can tell the first step by t = 1.",
    )
    _step(optimizer, [variable], gradients(1))
    after = optimizer.state_of(variable)
    _require(
        set(after) == set(type(optimizer).state_names) and all(v.shape == START.shape for v in after.values()),
        f"`{_name(optimizer)}` must name in `state_names` what `rule` returns as new state.",
    )


def an_optimizer_treats_each_variable_as_if_it_were_alone(make: Make) -> None:
    """Small variables of an elementwise rule share one vector, so such a rule must not look at other entries."""
    starts, sizes = (START, 100 * np.ones(5, "float32")), (1.0, 1000.0)
    grads = [size * np.stack(gradients(4, s.shape)) for s, size in zip(starts, sizes, strict=True)]
    together, optimizer = [keras.Variable(s) for s in starts], make()
    for g in zip(*grads, strict=True):
        _step(optimizer, together, g)
    for variable, start, own in zip(together, starts, grads, strict=True):
        _require_close(
            variable.numpy(),
            _end_of(make(), list(own), start),
            f"`{_name(optimizer)}` moves a variable in another way where there is a second one. Say "
            "`elementwise = True` only if each entry of the step depends on the same entry of gradient, theta and "
            "state alone.",
            rtol=1e-5,
            atol=1e-7,
        )


def _end_of(optimizer: Any, grads: Sequence[np.ndarray], start: np.ndarray) -> np.ndarray:
    variable = keras.Variable(start)
    for g in grads:
        _step(optimizer, [variable], [g])
    return np.asarray(variable.numpy())


def an_optimizer_takes_the_same_steps_in_a_graph(make: Make) -> None:
    """A training loop may call `apply` from Python or from a compiled step."""
    grads, optimizer, variable = gradients(3), make(), keras.Variable(START)
    optimizer.build([variable])
    with _explained(f"`{_name(optimizer)}` cannot be part of a compiled training step: write `rule` in `keras.ops`."):
        apply = backend.trace(lambda g: optimizer.apply([g], [variable]))
        for g in grads:
            apply(ops.convert_to_tensor(g))
    message = f"`{_name(optimizer)}` takes other steps in a graph: `rule` must not read or write Python attributes."
    _require_close(variable.numpy(), _end_of(make(), grads, START), message, rtol=1e-5, atol=1e-7)


def weight_decay_takes_its_fraction_before_the_step(make: Make) -> None:
    """Decoupled weight decay takes lr * weight_decay of a weight away; a rule that reads theta sees what is left."""
    if "theta" in make().rule.__code__.co_varnames[: make().rule.__code__.co_argcount]:
        return
    g = gradients(1)
    plain = _end_of(make(weight_decay=0.0), g, START)
    decayed = _end_of(make(weight_decay=0.5), g, START)
    lr = float(make().learning_rate)
    message = "Weight decay must take lr * weight_decay * theta before the step: leave it to the base class."
    _require_close(decayed, plain - lr * 0.5 * START, message, rtol=0, atol=1e-7)


def accumulated_gradients_act_as_their_mean(make: Make) -> None:
    """`gradient_accumulation_steps=n` takes one step with the mean of n gradients, and none in between."""
    grads = gradients(6)
    means = [(grads[i] + grads[i + 1] + grads[i + 2]) / 3 for i in (0, 3)]
    found = path(make(gradient_accumulation_steps=3), grads)
    message = "A micro-step in the middle of an accumulation must change nothing: keep all state in `state_names`."
    _require_close(found[0], START, message, rtol=0, atol=0)
    _require_close(found[3], found[2], message, rtol=0, atol=0)
    message = "Accumulated gradients must act as their mean: count updates by `t`, not calls in Python."
    _require_close(found[[2, 5]], path(make(), means), message, rtol=0, atol=1e-6)


def the_moving_average_follows_the_updates(make: Make) -> None:
    """`use_ema` averages after each update, not after each micro-step, and ends `fit` with the average."""
    grads = gradients(6)
    optimizer, plain = make(use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=2), make()
    variable, reference, average = keras.Variable(START), keras.Variable(START), None
    message = "The average of `use_ema` must follow the updates: leave `update` and `finalize_variable_values` alone."
    for i in range(0, 6, 2):
        _step(optimizer, [variable], [grads[i]])
        _step(optimizer, [variable], [grads[i + 1]])
        _step(plain, [reference], [(grads[i] + grads[i + 1]) / 2])
        average = reference.numpy() if average is None else 0.5 * average + 0.5 * reference.numpy()
        _require_close(optimizer.averages[0].numpy(), average, message, rtol=0, atol=1e-6)
    optimizer.finalize_variable_values([variable])
    _require_close(variable.numpy(), average, message, rtol=0, atol=1e-6)


def clipping_comes_before_the_rule(make: Make) -> None:
    """The rule is given the clipped gradient, whichever of Keras's three limits is set."""
    grads = [10 * g for g in gradients()]
    norms = [np.linalg.norm(g) for g in grads]
    by_norm = path(make(), [g * min(1, 2.0 / n) for g, n in zip(grads, norms, strict=True)])
    message = "Clipping must come before the rule: pass `clipnorm` and the like on to the base class."
    _require_close(path(make(clipnorm=2), grads), by_norm, message, rtol=1e-7, atol=1e-6)
    _require_close(path(make(global_clipnorm=2), grads), by_norm, message, rtol=1e-7, atol=1e-6)
    by_value = path(make(), [np.clip(g, -3, 3) for g in grads])
    _require_close(path(make(clipvalue=3), grads), by_value, message, rtol=1e-7, atol=1e-6)


def a_skipped_step_changes_nothing(make: Make) -> None:
    """`skip_nonfinite` leaves weights and state as they are where a gradient is infinite or NaN, and counts it."""
    grads = gradients(4)
    bad = [grads[0], grads[1] * np.where(np.arange(12).reshape(4, 3) == 5, np.nan, 1), grads[2], grads[3]]
    optimizer = make(skip_nonfinite=True, weight_decay=0.1)
    good = path(make(weight_decay=0.1), [grads[0], grads[2], grads[3]])
    message = "A skipped step must leave weights and state untouched: keep all state in `state_names`."
    _require_close(path(optimizer, bad)[[0, 1, 2, 3]], good[[0, 0, 1, 2]], message, rtol=1e-7, atol=1e-6)
    _require(optimizer.skipped_steps == 1, "`skipped_steps` must count the steps that were left out.")
    _require(int(optimizer.iterations.numpy()) == 4, "`iterations` must count every step, skipped ones included.")


def saved_state_goes_on_bit_for_bit(make: Make) -> None:
    """A training that is saved and loaded takes the steps of one that was never interrupted."""
    grads, optimizer, variable = gradients(5), make(), keras.Variable(START)
    for g in grads[:3]:
        _step(optimizer, [variable], [g])
    store: dict[str, Any] = {}
    optimizer.save_own_variables(store)
    again, loaded = make(), keras.Variable(variable.numpy())
    again.build([loaded])
    again.load_own_variables({key: np.asarray(value) for key, value in store.items()})
    for g in grads[3:]:
        _step(optimizer, [variable], [g])
        _step(again, [loaded], [g])
    message = f"`{_name(optimizer)}` forgets something when it is saved: keep all state in `state_names`."
    _require_close(loaded.numpy(), variable.numpy(), message, rtol=0, atol=0)


def narrow_weights_move_as_rounded_wide_ones(make: Make) -> None:
    """bfloat16 weights carry what rounding drops, so a rule computes in the type of the gradient that it is given."""
    start, grads = START.astype("float32"), gradients(5)
    narrow, optimizer = keras.Variable(start, dtype="bfloat16"), make()
    rounded = ops.convert_to_numpy(ops.cast(narrow, "float32"))
    for g in grads:
        _step(optimizer, [narrow], [g.astype("float32")])
    message = f"`{_name(optimizer)}` moves bfloat16 weights in another way: compute in the type of `g`, without casts."
    wide = _end_of(make(), grads, rounded)
    _require_close(ops.convert_to_numpy(ops.cast(narrow, "float32")), wide, message, rtol=2**-7, atol=1e-3)


def an_optimizer_trains_in_fit(make: Make) -> None:
    """The same numbers come out of `fit` however Keras runs the step."""
    name = _name(make())
    with _explained(f"`{name}` cannot train a model with `compile` and `fit`."):
        model = _model(make())
        loss = _fit(model, _X, _Y)["loss"]
        jitted = _fit(_model(make(), jit_compile=True), _X, _Y)["loss"]
    _require(np.isfinite(loss).all(), f"`{name}` brings the loss to {loss}: try a smaller learning rate in the check.")
    _require_close(jitted, loss, f"`{name}` takes other steps with `jit_compile=True`.", rtol=2e-5, atol=0)


OPTIMIZER_CONTRACT = (
    an_optimizer_is_made_again_from_its_configuration,
    an_optimizer_has_the_state_that_it_names,
    an_optimizer_treats_each_variable_as_if_it_were_alone,
    an_optimizer_takes_the_same_steps_in_a_graph,
    weight_decay_takes_its_fraction_before_the_step,
    accumulated_gradients_act_as_their_mean,
    the_moving_average_follows_the_updates,
    clipping_comes_before_the_rule,
    a_skipped_step_changes_nothing,
    saved_state_goes_on_bit_for_bit,
    narrow_weights_move_as_rounded_wide_ones,
    an_optimizer_trains_in_fit,
)
"""What `check_optimizer` checks, one promise after the other."""


def check_optimizer(make: Make) -> None:
    """Check a subclass of `RuleOptimizer`: state, graphs, clipping, accumulation, averages, saving, `fit`.

    Args:
        make: The class, or a function that makes one and hands keyword arguments on to it, such as
            `functools.partial(MyOptimizer, 0.01)`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_optimizer(keras_ch8.optimizers.Momentum)  # doctest: +SKIP
    """
    for promise in OPTIMIZER_CONTRACT:
        promise(make)


def check_closure_optimizer(make: Make) -> None:
    """Check a subclass of `ClosureOptimizer`: its method, saving, and that it minimizes in `fit`.

    Args:
        make: The class, or a function that makes one and hands keyword arguments on to it.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_closure_optimizer(keras_ch8.optimizers.LBFGS)  # doctest: +SKIP
    """
    with _explained("It takes the arguments of its base class: end `__init__` with `**kwargs` and hand them on."):
        optimizer = make(iterations_per_step=2, name="mine")
    name, base = _name(optimizer), keras_ch8.optimizers.ClosureOptimizer
    _require(isinstance(optimizer, base), f"`{name}` must inherit from `{base.__name__}`.")
    with _explained(
        f"`{name}.method` must return a method of `keras_ch8.second_order` with the optimizer's arguments."
    ):
        method = optimizer.method
    _require(
        isinstance(method, keras_ch8.second_order.Method),
        f"`{name}.method` must return a method of `keras_ch8.second_order`. Received: {method!r}.",
    )
    _require(
        optimizer.method == method,
        f"`{name}.method` must return equal methods at each call, from the arguments alone: what is remembered between "
        "steps belongs into the state of the method.",
    )
    _check_that_keras_saves_it(optimizer)

    def losses(**arguments: Any) -> list[float]:
        model = _model(make(**arguments))
        with _explained(f"`{name}` cannot train a model with `compile` and `fit`."):
            return _fit(model, _X, _Y, batch_size=len(_X), epochs=4 // arguments.get("iterations_per_step", 1))["loss"]

    ones = losses()
    _require(
        np.isfinite(ones).all() and ones[-1] < ones[0],
        f"`{name}` does not lower the loss of a small network in 3 iterations: {ones}.",
    )
    message = f"Two iterations in a step of `{name}` must be two steps: the method must keep all it remembers as state."
    _require_close(losses(iterations_per_step=2), ones[::2], message, rtol=1e-3, atol=1e-6)


# --- callbacks --------------------------------------------------------------------------------------------------------


class _Interruption(Exception):
    """Ends a training in the middle."""


class _Interrupts(keras.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            raise _Interruption


def check_callback(make: Make, *, changes_training: bool = False, on: Training = _small_training) -> None:
    """Check a callback: it watches without a trace, over several trainings, and can be copied.

    Args:
        make: The class, or a function without arguments that makes one.
        changes_training: Whether it is meant to change weights, rates or the number of epochs. Otherwise the training
            must end bit for bit as one without it. Defaults to `False`.
        on: A function that makes a compiled model with inputs and targets, for a callback that needs a certain one.
            Defaults to a small network.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_callback(keras_ch8.callbacks.GradientClippingLogger)  # doctest: +SKIP
    """
    with _explained("The callback cannot be made: check a function without arguments, such as a `functools.partial`."):
        callback = make()
    name = _name(callback)
    _require(isinstance(callback, keras.callbacks.Callback), f"`{name}` must inherit from `keras.callbacks.Callback`.")
    (bare, x, y), (watched, *_) = on(), on()
    expected, optimizer = _fit(bare, x, y), watched.optimizer
    with _explained(f"`{name}` does not survive a `fit`."):
        found = _fit(watched, x, y, [callback])
    pairs = [(watched, bare)] + ([(optimizer, bare.optimizer)] if watched.optimizer is optimizer else [])
    left = {attribute for one, other in pairs for attribute in vars(one).keys() ^ vars(other).keys()}
    _require(
        not left,
        f"`{name}` leaves attributes on the model or its optimizer: {sorted(left)}. Keep them on the callback, and "
        "take back in `on_train_end` what is replaced on an instance.",
    )
    if not changes_training:
        message = f"`{name}` changes the training. Read copies of weights, or say `changes_training=True`."
        for one, other in zip(watched.get_weights(), bare.get_weights(), strict=True):
            _require_close(one, other, message, rtol=0, atol=0)
        for quantity, values in expected.items():
            _require_close(found.get(quantity, []), values, f"{message} `{quantity}` differs.", rtol=0, atol=0)
    with _explained(f"`{name}` cannot be used in a second training: set in `on_train_begin` what belongs to one."):
        _fit(watched, x, y, [callback])
        _fit(on()[0], x, y, [callback])
    with _explained(f"A used `{name}` cannot be copied: leave the model and open files out in `__getstate__`."):
        copied = copy.deepcopy(callback)
        pickle.dumps(callback)
        _fit(on()[0], x, y, [copied])
    died, watched_when_died = on()[0], on()[0]
    for model, watching in ((died, []), (watched_when_died, [make()])):
        with contextlib.suppress(_Interruption):
            _fit(model, x, y, [*watching, _Interrupts()])
    left = vars(watched_when_died).keys() - vars(died).keys()
    _require(not left, f"After a training that was interrupted `{name}` leaves {sorted(left)} on the model.")


# --- stopping ---------------------------------------------------------------------------------------------------------


def check_stopping_criterion(criterion: Any) -> None:
    """Check a stopping criterion: a value with one pure function of the epochs so far.

    Args:
        criterion: One, with its arguments.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_stopping_criterion(keras_ch8.stopping.Patience(3))
    """
    name, base = _name(criterion), keras_ch8.stopping.Criterion
    _require(isinstance(criterion, base), f"`{name}` must inherit from `{base.__name__}`.")
    _check_that_it_is_a_value(criterion)
    watched = list(criterion.watched("val_loss"))
    _require(
        all(isinstance(quantity, str) and mode in ("auto", "min", "max") for quantity, mode in watched),
        f"`{name}.watched` must yield the name and the mode ('min', 'max' or 'auto') of each quantity.",
    )
    for curve in _curves():
        history = keras_ch8.stopping.EpochHistory("val_loss", {"val_loss": "min", "loss": "min"})
        answers = []
        for epoch, value in enumerate(curve):
            logs = {quantity: value for quantity in ("loss", "val_loss", *(q for q, _ in watched))}
            history = history.after(epoch, logs, epoch + 1.0)
            with _explained(f"`{name}.evaluate` must decide on any positive numbers, and on NaN."):
                reason = criterion.evaluate(history)
            answers.append(reason)
            _check_reason(name, reason, history)
        first = criterion.evaluate(history)
        criterion.evaluate(history.since(len(history) // 2))
        _require(
            criterion.evaluate(history) == first == answers[-1],
            f"`{name}.evaluate` must be a pure function of the epochs: it answered {answers[-1]!r} and then "
            f"{criterion.evaluate(history)!r} to the same ones. Read the past from its argument, and remember nothing.",
        )


def _curves() -> Iterator[list[float]]:
    falling = [1 / (1 + epoch) for epoch in range(30)]
    yield falling
    yield falling[::-1]
    yield [math.nan, *falling, math.nan, *falling[::-1], math.nan]
    yield list(np.abs(1 + 0.1 * np.cumsum(np.random.default_rng(0).normal(size=60))) + 0.01)


def _check_reason(name: str, reason: Any, history: Any) -> None:
    if reason is None:
        return
    _require(
        isinstance(reason, keras_ch8.stopping.Reason),
        f"`{name}.evaluate` must return a `stopping.Reason` or None. Received: {reason!r}.",
    )
    _require(
        reason.epoch == history.epoch,
        f"`{name}` must date its reason to the last epoch, {history.epoch}. Received: epoch={reason.epoch!r}. "
        "Write `past.epoch`.",
    )
    _require(
        isinstance(reason.message, str) and len(reason.message.split()) > 2,
        f"The reason of `{name}` must say in a sentence, with the number, why the training ends. "
        f"Received: message={reason.message!r}.",
    )


# --- schedules --------------------------------------------------------------------------------------------------------


def check_schedule(schedule: Any, steps: int = 1000) -> None:
    """Check a learning-rate schedule: a pure function of the step that compiled training steps can read.

    Args:
        schedule: One, with its arguments. Lengths in epochs, batches or percent are resolved for 10 epochs.
        steps: Number of steps over which it is checked. Defaults to `1000`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_schedule(keras_ch8.schedules.LinearDecay(0.1, "10ep"))
    """
    name = _name(schedule)
    _require(
        isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule),
        f"`{name}` must be a `keras.optimizers.schedules.LearningRateSchedule`.",
    )
    _check_that_keras_saves_it(schedule)
    again = type(schedule).from_config(schedule.get_config())
    for each in (schedule, again):
        if hasattr(each, "resolve"):
            each.resolve(
                keras_ch8.schedules.Clock(steps_per_epoch=steps / 10, batches_per_step=1.0, steps=float(steps))
            )
    at = sorted({0, 1, 2, steps // 3, steps // 2, steps - 1, steps, 10 * steps})
    with _explained(f"`{name}` must give a rate for each step, counted from 0, as an integer or as a tensor."):
        rates = np.array([float(schedule(k)) for k in at])
        of_tensors = np.array([float(schedule(ops.convert_to_tensor(k, "int64"))) for k in at])
        dtype = keras.backend.standardize_dtype(ops.convert_to_tensor(schedule(1)).dtype)
    _require(
        np.isfinite(rates).all() and (rates >= 0).all(),
        f"The rates of `{name}` must be finite and at least 0. Received: {rates} at the steps {at}.",
    )
    _require(
        dtype == keras.config.floatx(),
        f"`{name}` must give a rate of type {keras.config.floatx()}. Received: {dtype}. Write `rate(k)` and leave the "
        "cast to the base class.",
    )
    message = f"`{name}` must depend on the step alone: no attribute may change when it is called."
    _require_close(of_tensors, rates, message, rtol=1e-6, atol=0)
    _require_close([float(schedule(k)) for k in reversed(at)], rates[::-1], message, rtol=0, atol=0)
    message = f"A `{name}` that is made again from its configuration must give the same rates."
    _require_close([float(again(k)) for k in at], rates, message, rtol=1e-6, atol=0)
    with _explained(f"`{name}` cannot be part of a compiled step: write `rate` in `keras.ops`, without `if` on `k`."):
        traced = backend.trace(schedule)
        compiled = [float(traced(ops.convert_to_tensor(k, "int64"))) for k in at]
    message = f"`{name}` gives other rates in a compiled step: write `rate` in `keras.ops`."
    _require_close(compiled, rates, message, rtol=1e-6, atol=0)


# --- clipping ---------------------------------------------------------------------------------------------------------


def check_clipping_rule(rule: Any) -> None:
    """Check a clipping rule: a saved value that shortens gradients of any size, and never lengthens one.

    Args:
        rule: One, with its arguments.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_clipping_rule(keras_ch8.clipping.ByNorm(1.0))
    """
    name, base = _name(rule), keras_ch8.clipping.Rule
    _require(isinstance(rule, base), f"`{name}` must inherit from `clipping.GlobalRule` or `clipping.TensorRule`.")
    _check_that_it_is_a_value(rule)
    _check_that_keras_saves_it(rule)
    is_global = hasattr(rule, "coefficient")
    _require(
        is_global or hasattr(rule, "clip"),
        f"`{name}` must define `coefficient(norm, **state)`, one factor for the whole gradient, or "
        "`clip(g, theta, axes)`, which clips one tensor.",
    )
    grads = [np.array([3.0, 4.0], "float32"), START]
    for size in (0.0, 1e-20, 1.0, 1e4, 1e20):
        variables = [keras.Variable(np.ones_like(g)) for g in grads]
        scaled = [np.float32(size) * g for g in grads]
        with _explained(f"`{name}` cannot clip. Write it in `keras.ops`, and return what the base class says."):
            kept = _clipped(rule, variables, scaled)
        _require(
            all(np.isfinite(c).all() for c in kept),
            f"`{name}` must give finite numbers for a finite gradient. Received: {kept} for one of size {size:g}. "
            "Divide with `keras_ch8.clipping.shrink_to`, and take norms that do not overflow.",
        )
        longer = [
            np.linalg.norm(c) > np.linalg.norm(g.astype("float64")) * (1 + 1e-5)
            for c, g in zip(kept, scaled, strict=True)
        ]
        _require(
            not any(longer),
            f"`{name}` makes a gradient of size {size:g} longer: a factor must be at most 1.",
        )
        turned = [bool((c * g < 0).any()) for c, g in zip(kept, scaled, strict=True)]
        _require(not any(turned), f"`{name}` changes the sign of an entry: a factor must be at least 0.")


def _clipped(rule: Any, variables: list[keras.Variable], grads: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return what is left of gradients: the step of gradient descent with rate 1 from 0, backwards."""
    kept = [keras.Variable(np.zeros_like(g)) for g in grads] if not getattr(rule, "needs_theta", False) else variables
    before = [v.numpy().astype("float64") for v in kept]
    keras_ch8.optimizers.SGD(1.0, clip=rule).apply([ops.convert_to_tensor(g) for g in grads], kept)
    return [b - v.numpy() for b, v in zip(before, kept, strict=True)]


# --- monitors ---------------------------------------------------------------------------------------------------------


def check_monitor(monitor: Any, *, on: Training = _small_training) -> None:
    """Check a monitor: it measures a probe while `fit` runs, changes nothing, and keeps no state of its own.

    Args:
        monitor: One, of a subclass of `monitors.Monitor`.
        on: A function that makes a compiled model with inputs and targets, for a monitor of certain layers. Defaults
            to a small network.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> from keras_ch8.monitors._step_length import StepLengthMonitor
        >>> keras_ch8.testing.check_monitor(StepLengthMonitor())  # doctest: +SKIP
    """
    name, base = _name(monitor), keras_ch8.monitors.Monitor
    _require(isinstance(monitor, base), f"`{name}` must inherit from `monitors.Monitor`.")
    _require(isinstance(getattr(monitor, "name", None), str), f"`{name}` must have a `name`, a string.")
    before = copy.deepcopy(vars(monitor))
    (bare, x, y), (watched, *_) = on(), on()
    diagnosis = keras_ch8.callbacks.Diagnosis((x, y), checks=[monitor], when=1, budget=None)
    _fit(bare, x, y)
    with warnings.catch_warnings(), _explained(f"`{name}` stops the training."):
        warnings.simplefilter("error")
        _fit(watched, x, y, [diagnosis])
    for one, other in zip(watched.get_weights(), bare.get_weights(), strict=True):
        _require_close(
            one, other, f"`{name}` changes the weights: measure in `tensors`, write nothing.", rtol=0, atol=0
        )
    _require(
        vars(monitor) == before,
        f"`{name}` keeps state between measurements: {vars(monitor)}. Read what was measured from "
        "`past.of(self.name)`.",
    )
    if monitor.source == "spectrum":  # measured where there is reason to, which this training need not give
        return
    if monitor.source == "probe":
        _require(
            len(diagnosis.past.of(monitor.name)) > 1,
            f"`{name}` has measured nothing: `tensors` must return tensors by name, and `reading(**arrays)` what they "
            "mean. If it is for certain layers, give a model that has them by `on=`.",
        )
    with _explained(f"`{name}.numbers` must return numbers by name, `claims` a list of claims, from the past alone."):
        numbers, claims = monitor.numbers(diagnosis.past), monitor.claims(diagnosis.past)
        numbers = {key: float(value) for key, value in numbers.items()}
    _require(
        all(isinstance(claim, keras_ch8.verdicts.Claim) for claim in claims),
        f"`{name}.claims` must return a list of `verdicts.Claim`. Received: {claims!r}.",
    )
    _require(
        repr(monitor.claims(diagnosis.past)) == repr(claims),
        f"`{name}.claims` must be a pure function of the past: it says two things of the same one.",
    )


# --- initializers -----------------------------------------------------------------------------------------------------


def check_initializer(make: Make, shape: tuple[int, ...] = (6, 4)) -> None:
    """Check an initializer: any floating type, the same values from the same seed, saved with its layer.

    Args:
        make: The class, or a function that makes one; called with `seed=`, if it takes one.
        shape: A shape that it can start. Defaults to `(6, 4)`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_initializer(keras_ch8.initializers.Orthogonal)
    """
    try:
        seeded, one, other = True, make(seed=3), make(seed=3)
    except TypeError:
        with _explained("The initializer cannot be made: check a function such as `functools.partial(Mine, 0.1)`."):
            seeded, one, other = False, make(), make()
    name = _name(one)
    _require(isinstance(one, keras.initializers.Initializer), f"`{name}` must be a `keras.initializers.Initializer`.")
    _check_that_keras_saves_it(one)
    with _explained(f"`{name}` cannot be called with a shape and a type."):
        first, same = (ops.convert_to_numpy(i(shape, "float32")) for i in (one, other))
        second = ops.convert_to_numpy(one(shape, "float32"))
    _require(
        first.shape == shape and np.isfinite(first).all(),
        f"`{name}` must return finite values of the shape that it is asked for, {shape}. Received: {first.shape}.",
    )
    _require_close(
        same, first, f"Two `{name}` with the same arguments must begin with the same values.", rtol=0, atol=0
    )
    if seeded:
        _require(
            (first != second).any(),
            f"A `{name}` that two layers share must start them apart: draw each call with the next of `seeds`.",
        )
    for dtype in ("bfloat16", "float16", "float32"):
        with _explained(
            f"`{name}` must serve {dtype}: write `draw` or `values`, and leave the cast to the base class."
        ):
            values = make(**({"seed": 3} if seeded else {}))(shape, dtype)
        found = keras.backend.standardize_dtype(values.dtype)
        _require(found == dtype, f"`{name}` must return the type that it is asked for, {dtype}. Received: {found}.")
        wide = ops.convert_to_numpy(ops.cast(ops.convert_to_tensor(first), dtype)).astype("float32")
        message = f"The values of `{name}` in {dtype} must be those in float32, rounded."
        _require_close(ops.convert_to_numpy(values).astype("float32"), wide, message, rtol=0, atol=0)


# --- pacings ----------------------------------------------------------------------------------------------------------


def check_pacing(pacing: Any) -> None:
    """Check a pacing of a curriculum: a function of the progress that rises from its start to 1.

    Args:
        pacing: One, with its arguments.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_pacing(keras_ch8.curriculum.Linear(0.2))
    """
    name, base = _name(pacing), keras_ch8.curriculum.Pacing
    _require(isinstance(pacing, base), f"`{name}` must inherit from `curriculum.Pacing`.")
    _check_that_it_is_a_value(pacing)
    with _explained(f"`{name}` must give the fraction of the examples for an array of progress in [0, 1]."):
        fractions = np.asarray(pacing(_U), "float64")
        single = [float(pacing(u)) for u in (0.0, 0.31, 1.0)]
    _require(fractions.shape == _U.shape, f"`{name}` must give one number for each u: write it in NumPy, without `if`.")
    _require(
        0 < fractions[0] <= 1, f"`{name}` must begin above 0 and at most at 1. Received: c(0) = {fractions[0]:.4g}."
    )
    _require(
        fractions[-1] == 1,
        f"`{name}` must end with all examples: c(1) must be 1 exactly. Received: {fractions[-1]!r}.",
    )
    falls = np.diff(fractions)
    _require(
        (falls >= -1e-16).all(),
        f"`{name}` must rise. It falls by {-falls.min():.3g} at u = {_U[int(falls.argmin())]:.3g}.",
    )
    message = f"`{name}` must give a number the value that it has in an array."
    _require_close(single, fractions[[0, 310, 1000]], message, rtol=1e-14, atol=0)
    left = np.asarray(pacing.oldest(_U))
    _require(
        ((left >= 0) & (left <= fractions)).all(),
        f"`{name}.oldest` must be the fraction of the examples that is left behind: at least 0 and at most c(u).",
    )


__all__ = [
    "check_callback",
    "check_clipping_rule",
    "check_closure_optimizer",
    "check_initializer",
    "check_monitor",
    "check_optimizer",
    "check_pacing",
    "check_schedule",
    "check_stopping_criterion",
]


def __dir__() -> list[str]:
    return sorted(__all__)
