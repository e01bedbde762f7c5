"""The contracts of what depends on its arguments alone: clipping rules, criteria, schedules, pacings, initializers."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

import keras_ch8

from .._describe import short
from ..clipping.rule import ClippingRule
from ..integration import backend
from ._require import START, Make, explained, name_of, require, require_a_value, require_close, require_that_keras_saves


def check_clipping_rule(rule: Any) -> None:
    """Check a clipping rule: a saved value that shortens gradients of any size, and never lengthens one.

    Args:
        rule: An object of a class derived from `extend.GlobalRule` or `extend.TensorRule`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.extend.check_clipping_rule(keras_ch8.clipping.ByNorm(1.0))
    """
    name, base = name_of(rule), ClippingRule
    require(isinstance(rule, base), f"`{name}` must inherit from `extend.GlobalRule` or `extend.TensorRule`.")
    require_a_value(rule)
    require_that_keras_saves(rule)
    require(
        hasattr(rule, "coefficient") or hasattr(rule, "clip"),
        f"`{name}` must define `coefficient(norm, **state)`, one factor for the whole gradient, or "
        "`clip(g)`, which clips one tensor.",
    )
    grads = [np.array([3.0, 4.0], "float32"), START]
    for size in (0.0, 1e-20, 1.0, 1e4, 1e20):
        scaled = [np.float32(size) * g for g in grads]
        with explained(f"`{name}` cannot clip. Write it in `keras.ops`, and return what the base class says."):
            kept = _clipped(rule, scaled)
        require(
            all(np.isfinite(c).all() for c in kept),
            f"`{name}` must give finite numbers for a finite gradient. Received: {kept} for one of size {size:g}. "
            "Divide by a norm only where it is above the limit, and take norms that do not overflow.",
        )
        longer = [
            np.linalg.norm(c) > np.linalg.norm(g.astype("float64")) * (1 + 1e-5)
            for c, g in zip(kept, scaled, strict=True)
        ]
        require(
            not any(longer),
            f"`{name}` makes a gradient of size {size:g} longer: a factor must be at most 1.",
        )
        turned = [bool((c * g < 0).any()) for c, g in zip(kept, scaled, strict=True)]
        require(not any(turned), f"`{name}` changes the sign of an entry: a factor must be at least 0.")


def _clipped(rule: Any, grads: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return what is left of gradients: the step of gradient descent with rate 1 from 0, backwards."""
    variables = [keras.Variable(np.zeros_like(g)) for g in grads]
    keras_ch8.optimizers.SGD(1.0, clip=rule).apply([ops.convert_to_tensor(g) for g in grads], variables)
    return [-v.numpy().astype("float64") for v in variables]


def check_stopping_criterion(criterion: Any) -> None:
    """Check a stopping criterion: a value with one pure function of the epochs so far.

    Args:
        criterion: An object of a class derived from `extend.Criterion`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.extend.check_stopping_criterion(keras_ch8.stopping.Patience(3))
    """
    name, base = name_of(criterion), keras_ch8.extend.Criterion
    require(isinstance(criterion, base), f"`{name}` must inherit from `{base.__name__}`.")
    require_a_value(criterion)
    watched = list(criterion.watched("val_loss"))
    require(
        all(isinstance(quantity, str) and mode in ("auto", "min", "max") for quantity, mode in watched),
        f"`{name}.watched` must yield the name and the mode ('min', 'max' or 'auto') of each quantity.",
    )
    for curve in _curves():
        history = keras_ch8.extend.EpochHistory("val_loss", {"val_loss": "min", "loss": "min"})
        answers = []
        for epoch, value in enumerate(curve):
            logs = {quantity: value for quantity in ("loss", "val_loss", *(q for q, _ in watched))}
            history = history.after(epoch, logs, epoch + 1.0)
            with explained(f"`{name}.evaluate` must decide on any positive numbers, and on NaN."):
                reason = criterion.evaluate(history)
            answers.append(reason)
            _check_reason(name, reason, history)
        first = criterion.evaluate(history)
        criterion.evaluate(history.since(len(history) // 2))
        require(
            criterion.evaluate(history) == first == answers[-1],
            f"`{name}.evaluate` must be a pure function of the epochs: it answered {answers[-1]!r} and then "
            f"{criterion.evaluate(history)!r} to the same ones. Read all from its argument, and remember nothing.",
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
    require(
        isinstance(reason, keras_ch8.extend.Reason),
        f"`{name}.evaluate` must return a `extend.Reason` or None. Received: {short(reason)}.",
    )
    require(
        reason.epoch == history.epoch,
        f"`{name}` must date its reason to the last epoch, {history.epoch}. Received: epoch={short(reason.epoch)}. "
        "Write `history.epoch`.",
    )
    require(
        isinstance(reason.message, str) and len(reason.message.split()) > 2,
        f"The reason of `{name}` must say in a sentence, with the number, why the training ends. "
        f"Received: message={short(reason.message)}.",
    )


def check_schedule(schedule: Any, steps: int = 1000) -> None:
    """Check a learning-rate schedule: a pure function of the step that compiled training steps can read.

    Args:
        schedule: An object of a class derived from `extend.Schedule`, or another learning-rate schedule of Keras.
            Lengths in epochs, batches or percent are resolved for a training of 10 epochs.
        steps: Number of training steps over which it is checked. Defaults to `1000`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.extend.check_schedule(keras_ch8.schedules.LinearDecay(0.1, "10ep"))
    """
    name = name_of(schedule)
    require(
        isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule),
        f"`{name}` must be a `keras.optimizers.schedules.LearningRateSchedule`.",
    )
    require_that_keras_saves(schedule)
    again = type(schedule).from_config(schedule.get_config())
    for each in (schedule, again):
        if hasattr(each, "resolve"):
            each.resolve(keras_ch8.extend.Clock(steps_per_epoch=steps / 10, batches_per_step=1.0, steps=float(steps)))
    at = sorted({0, 1, 2, steps // 3, steps // 2, steps - 1, steps, 10 * steps})
    with explained(f"`{name}` must give a rate for each step, counted from 0, as an integer or as a tensor."):
        rates = np.array([float(schedule(k)) for k in at])
        of_tensors = np.array([float(schedule(ops.convert_to_tensor(k, "int64"))) for k in at])
        dtype = keras.backend.standardize_dtype(ops.convert_to_tensor(schedule(1)).dtype)
    require(
        np.isfinite(rates).all() and (rates >= 0).all(),
        f"The rates of `{name}` must be finite and at least 0. Received: {rates} at the steps {at}.",
    )
    require(
        dtype == keras.config.floatx(),
        f"`{name}` must give a rate of type {keras.config.floatx()}. Received: {dtype}. Write `rate(k)` and leave the "
        "cast to the base class.",
    )
    message = f"`{name}` must depend on the step alone: no attribute may change when it is called."
    require_close(of_tensors, rates, message, rtol=1e-6, atol=0)
    require_close([float(schedule(k)) for k in reversed(at)], rates[::-1], message, rtol=0, atol=0)
    message = f"A `{name}` that is recreated from its configuration must return the same rates."
    require_close([float(again(k)) for k in at], rates, message, rtol=1e-6, atol=0)
    with explained(f"`{name}` cannot be part of a compiled step: write `rate` in `keras.ops`, without `if` on `k`."):
        traced = backend.trace(schedule)
        compiled = [float(traced(ops.convert_to_tensor(k, "int64"))) for k in at]
    message = f"`{name}` gives different rates in a compiled step: write `rate` in `keras.ops`."
    require_close(compiled, rates, message, rtol=1e-6, atol=0)


PROGRESS = np.linspace(0, 1, 1001)


def check_pacing(pacing: Any) -> None:
    """Check a pacing of a curriculum: a function of the progress that rises from its start to 1.

    Args:
        pacing: An object of a class derived from `extend.Pacing`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.extend.check_pacing(keras_ch8.curriculum.pacings.Linear(0.2))
    """
    name, base = name_of(pacing), keras_ch8.extend.Pacing
    require(isinstance(pacing, base), f"`{name}` must inherit from `extend.Pacing`.")
    require_a_value(pacing)
    with explained(f"`{name}` must give the fraction of the examples for an array of progress in [0, 1]."):
        fractions = np.asarray(pacing(PROGRESS), "float64")
        single = [float(pacing(u)) for u in (0.0, 0.31, 1.0)]
    require(
        fractions.shape == PROGRESS.shape,
        f"`{name}` must give one number for each u: write it in NumPy, without `if`.",
    )
    require(
        0 < fractions[0] <= 1, f"`{name}` must start above 0 and at most at 1. Received: c(0) = {fractions[0]:.4g}."
    )
    require(
        fractions[-1] == 1,
        f"`{name}` must end with all examples: c(1) must be 1 exactly. Received: {short(fractions[-1])}.",
    )
    falls = np.diff(fractions)
    require(
        (falls >= -1e-16).all(),
        f"`{name}` must rise. It falls by {-falls.min():.3g} at u = {PROGRESS[int(falls.argmin())]:.3g}.",
    )
    message = f"`{name}` must return the same fraction for a single number u as for this u in an array."
    require_close(single, fractions[[0, 310, 1000]], message, rtol=1e-14, atol=0)
    left = np.asarray(pacing.oldest(PROGRESS))
    require(
        ((left >= 0) & (left <= fractions)).all(),
        f"`{name}.oldest` must be the fraction of the examples that is left behind: at least 0 and at most c(u).",
    )


def check_initializer(make: Make, shape: tuple[int, ...] = (6, 4)) -> None:
    """Check an initializer: any floating type, the same values from the same seed, saved with its layer.

    Args:
        make: The class, or a function that makes one; it is called with `seed=`, if it takes a seed.
        shape: Shape of the weights that it is asked for, a tuple of integers. Defaults to `(6, 4)`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.extend.check_initializer(keras_ch8.initializers.Orthogonal)
    """
    try:
        seeded, one, other = True, make(seed=3), make(seed=3)
    except TypeError:
        with explained(
            "The initializer cannot be made without arguments. Pass a function that makes one, such as "
            "`functools.partial(Mine, 0.1)`."
        ):
            seeded, one, other = False, make(), make()
    name = name_of(one)
    require(isinstance(one, keras.initializers.Initializer), f"`{name}` must be a `keras.initializers.Initializer`.")
    require_that_keras_saves(one)
    with explained(f"`{name}` cannot be called with a shape and a type."):
        first, same = (ops.convert_to_numpy(i(shape, "float32")) for i in (one, other))
        second = ops.convert_to_numpy(one(shape, "float32"))
    require(
        first.shape == shape and np.isfinite(first).all(),
        f"`{name}` must return finite values of the shape that it is asked for, {shape}. Received: {first.shape}.",
    )
    require_close(same, first, f"Two `{name}` with the same arguments must begin with the same values.", rtol=0, atol=0)
    if seeded:
        require(
            (first != second).any(),
            f"A `{name}` that two layers share must start them apart: draw each call with the next of `seeds`.",
        )
    for dtype in ("bfloat16", "float16", "float32"):
        with explained(f"`{name}` must return {dtype}. Write `draw` or `values`, and leave the cast to the base."):
            values = make(**({"seed": 3} if seeded else {}))(shape, dtype)
        found = keras.backend.standardize_dtype(values.dtype)
        require(found == dtype, f"`{name}` must return the type that it is asked for, {dtype}. Received: {found}.")
        wide = ops.convert_to_numpy(ops.cast(ops.convert_to_tensor(first), dtype)).astype("float32")
        message = f"The values of `{name}` in {dtype} must be those in float32, rounded."
        require_close(ops.convert_to_numpy(values).astype("float32"), wide, message, rtol=0, atol=0)
