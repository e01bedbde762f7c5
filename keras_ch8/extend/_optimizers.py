"""The contract of an optimizer of one rule for each tensor, one promise after the other."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

import keras_ch8

from ..integration import backend
from ._require import (
    START,
    Make,
    X,
    Y,
    explained,
    fit,
    name_of,
    require,
    require_close,
    require_that_keras_saves,
    small_model,
)


def gradients(steps: int = 5, shape: tuple[int, ...] = START.shape) -> list[np.ndarray]:
    """Return one random gradient for each step."""
    return list(np.random.default_rng(0).normal(size=(steps, *shape)).astype("float32"))


def _step(optimizer: Any, variables: list[keras.Variable], grads: Sequence[np.ndarray]) -> None:
    with explained(
        f"`{name_of(optimizer)}` cannot take a step. `rule(g, lr, t, **state)` is traced as a graph, so it must be "
        "written in `keras.ops` without `if` on tensors, and must return `(delta_theta, new_state)`."
    ):
        optimizer.apply([ops.convert_to_tensor(g) for g in grads], variables)


def an_optimizer_is_made_again_from_its_configuration(make: Make) -> None:
    """Keras saves an optimizer with its model and makes it again when the model is loaded."""
    with explained("An optimizer takes Keras's arguments: end `__init__` with `**kwargs` and pass them to `super()`."):
        optimizer = make(clipnorm=1.5, weight_decay=0.01, skip_nonfinite=True, name="mine")
    base = keras_ch8.extend.RuleOptimizer
    require(isinstance(optimizer, base), f"`{name_of(optimizer)}` must inherit from `{base.__name__}`.")
    require_that_keras_saves(optimizer)
    optimizer, grads = make(), gradients(2)
    again = type(optimizer).from_config(optimizer.get_config())
    message = (
        f"`{name_of(optimizer)}` takes different steps when it is recreated from its configuration: name each argument "
        "of its own in `hyperparameters`."
    )
    require_close(_end_of(again, grads, START), _end_of(optimizer, grads, START), message, rtol=0, atol=0)


def an_optimizer_has_the_state_that_it_names(make: Make) -> None:
    """State is saved and shown by the names in `state_names`, in the shape of the variable, and begins at 0."""
    optimizer, variable = make(), keras.Variable(START)
    optimizer.build([variable])
    before = optimizer.state_of(variable)
    require(
        all(not value.any() for value in before.values()),
        f"The state of `{name_of(optimizer)}` must start at 0: `rule` can tell the first step by t = 1.",
    )
    _step(optimizer, [variable], gradients(1))
    after = optimizer.state_of(variable)
    require(
        set(after) == set(type(optimizer).state_names) and all(v.shape == START.shape for v in after.values()),
        f"`{name_of(optimizer)}` must name in `state_names` what `rule` returns as new state.",
    )


def an_optimizer_treats_each_variable_as_if_it_were_alone(make: Make) -> None:
    """Small variables of an elementwise rule share one vector, so such a rule must not look at other entries."""
    starts, sizes = (START, 100 * np.ones(5, "float32")), (1.0, 1000.0)
    grads = [size * np.stack(gradients(4, s.shape)) for s, size in zip(starts, sizes, strict=True)]
    together, optimizer = [keras.Variable(s) for s in starts], make()
    for g in zip(*grads, strict=True):
        _step(optimizer, together, g)
    for variable, start, own in zip(together, starts, grads, strict=True):
        require_close(
            variable.numpy(),
            _end_of(make(), list(own), start),
            f"`{name_of(optimizer)}` moves a variable differently if there is a second one. Say `elementwise = True` "
            "only if each entry of the step depends on the same entry of gradient, theta and state alone.",
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
    with explained(f"`{name_of(optimizer)}` cannot be part of a compiled training step: write `rule` in `keras.ops`."):
        apply = backend.trace(lambda g: optimizer.apply([g], [variable]))
        for g in grads:
            apply(ops.convert_to_tensor(g))
    message = (
        f"`{name_of(optimizer)}` takes different steps in a graph: `rule` must not read or write Python attributes."
    )
    require_close(variable.numpy(), _end_of(make(), grads, START), message, rtol=1e-5, atol=1e-7)


def a_group_moves_as_alone_at_its_rate(make: Make) -> None:
    """`groups` multiply the rate and the weight decay of some weights, which may share one vector with others."""
    group = keras_ch8.optimizers.Group("slow", learning_rate=0.25, weight_decay=False)
    optimizer, slow_alone = make(weight_decay=0.5, groups=[group]), make(weight_decay=0.0)
    slow, fast = (keras.Variable(START, name=name) for name in ("slow", "fast"))
    slow_alone.learning_rate = 0.25 * float(slow_alone.learning_rate)
    grads = gradients(4)
    for g in grads:
        _step(optimizer, [slow, fast], [g, g])
    message = (
        f"`{name_of(optimizer)}` must move a group as it moves alone at the rate of the group: compute with `lr` entry "
        "by entry, since it has an entry for each of `g` where an elementwise rule has variables of several groups."
    )
    require_close(slow.numpy(), _end_of(slow_alone, grads, START), message, rtol=1e-5, atol=1e-7)
    require_close(fast.numpy(), _end_of(make(weight_decay=0.5), grads, START), message, rtol=1e-5, atol=1e-7)


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
    message = f"`{name_of(optimizer)}` forgets something when it is saved: keep all state in `state_names`."
    require_close(loaded.numpy(), variable.numpy(), message, rtol=0, atol=0)


def narrow_weights_move_as_rounded_wide_ones(make: Make) -> None:
    """bfloat16 weights carry what rounding drops, so a rule computes in the type of the gradient that it is given."""
    grads, narrow, optimizer = gradients(5), keras.Variable(START, dtype="bfloat16"), make()
    rounded = ops.convert_to_numpy(ops.cast(narrow, "float32"))
    for g in grads:
        _step(optimizer, [narrow], [g])
    message = f"`{name_of(optimizer)}` moves bfloat16 weights differently: compute in the type of `g`, without casts."
    wide = _end_of(make(), grads, rounded)
    require_close(ops.convert_to_numpy(ops.cast(narrow, "float32")), wide, message, rtol=2**-7, atol=1e-3)


def an_optimizer_trains_in_fit(make: Make) -> None:
    """The same numbers come out of `fit` however Keras runs the step."""
    name = name_of(make())
    with explained(f"`{name}` cannot train a model with `compile` and `fit`."):
        model = small_model(make())
        loss = fit(model, X, Y)["loss"]
        jitted = fit(small_model(make(), jit_compile=True), X, Y)["loss"]
    require(np.isfinite(loss).all(), f"`{name}` brings the loss to {loss}: try a smaller learning rate in the check.")
    require_close(jitted, loss, f"`{name}` takes different steps with `jit_compile=True`.", rtol=2e-5, atol=0)


OPTIMIZER_CONTRACT = (
    an_optimizer_is_made_again_from_its_configuration,
    an_optimizer_has_the_state_that_it_names,
    an_optimizer_treats_each_variable_as_if_it_were_alone,
    an_optimizer_takes_the_same_steps_in_a_graph,
    a_group_moves_as_alone_at_its_rate,
    saved_state_goes_on_bit_for_bit,
    narrow_weights_move_as_rounded_wide_ones,
    an_optimizer_trains_in_fit,
)
"""What `check_optimizer` checks, one promise after the other."""


def check_optimizer(make: Make) -> None:
    """Check a subclass of `RuleOptimizer`: its arguments, its state, graphs, groups, saving, narrow weights, `fit`.

    Clipping, weight decay, accumulation and averages are the base class's, and act the same around every rule.

    Args:
        make: The class, or a function that makes one and hands keyword arguments on to it, such as
            `functools.partial(MyOptimizer, 0.01)`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.extend.check_optimizer(keras_ch8.optimizers.Momentum)  # doctest: +SKIP
    """
    for promise in OPTIMIZER_CONTRACT:
        promise(make)
