"""Difficulty: what models find hard that have not seen it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _batches, _checks
from .._section import section
from .example_loss import ExampleLoss, rows_of


@section("8.7.6")
def cross_validated_loss(
    build: Callable[[], Any],
    x: Any,
    y: Any = None,
    *,
    folds: int = 5,
    epochs: int = 10,
    batch_size: int = 32,
    seed: int = 0,
    **fit_arguments: Any,
) -> np.ndarray:
    """Return the loss of each example by a model that was trained on the others (section 8.7.6).

        difficulty of example i <- L(f(x_i; theta trained on the folds without i), y_i)

    No example is judged by a model that has learned it by heart, so a false label is hard.

    Args:
        build: Function that returns a new compiled model.
        x: Arrays, also nested.
        y: Their targets. Defaults to `None`.
        folds: Parts of the data, and models. Defaults to `5`.
        epochs: Epochs of each training. Defaults to `10`.
        batch_size: Examples in a batch of it. Defaults to `32`.
        seed: Seed of the folds. Defaults to `0`.
        **fit_arguments: For `fit`: `class_weight`, `callbacks`, ...

    Returns:
        Numbers, one for each example.

    Raises:
        ValueError: If there are fewer examples than folds, or the loss of the model is no mean over the examples.

    Example:
        >>> def build():
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile(keras_ch8.optimizers.SGD(0.1), "mse")
        ...     return model
        >>> x = np.linspace(-1, 1, 20)[:, None]
        >>> y = np.where(np.arange(20)[:, None] == 7, 9.0, x)
        >>> int(np.argmax(keras_ch8.curriculum.cross_validated_loss(build, x, y, folds=2)))
        7

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Hacohen and Weinshall (2019), On The Power
        of Curriculum Learning in Training Deep Networks.
    """
    folds = _checks.count("folds", folds, 2, meaning="the parts of the data", mend="Try 5.")
    count, take = _batches.examples_of(x), rows_of(x, y)
    if count < folds:
        raise ValueError(f"Each fold needs an example. Received: {count} examples for folds={folds}. Take fewer folds.")
    losses = np.zeros(count)
    for fold in np.array_split(np.random.default_rng([seed, 0, 4]).permutation(count), folds):
        model = build()
        some_x, some_y = take(np.setdiff1d(np.arange(count), fold))
        model.fit(some_x, some_y, epochs=epochs, batch_size=batch_size, **{"verbose": 0} | fit_arguments)
        losses[fold] = ExampleLoss(model)(take, fold)
    return losses
