"""Difficulty: what a model that has learned finds hard."""

from typing import Any

import numpy as np

from .. import _batches
from .._section import section
from .example_loss import ExampleLoss, rows_of


@section("8.7.6")
def teacher_loss(model: Any, x: Any, y: Any = None) -> np.ndarray:
    """Return the loss of each example by a trained model, as it was compiled (section 8.7.6).

        difficulty of example i <- L(f(x_i; theta of the teacher), y_i)

    Without sample weights and regularization, in inference. Examples that the teacher has been trained on look easier
    than they are, false labels above all: see `cross_validated_loss`.

    Args:
        model: A trained and compiled model, the teacher.
        x: Arrays, also nested.
        y: Their targets. Defaults to `None`.

    Returns:
        Numbers, one for each example.

    Raises:
        ValueError: If the loss of the model is no mean over the examples.

    Example:
        >>> teacher = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        >>> teacher.compile(loss="mse")
        >>> keras_ch8.curriculum.teacher_loss(teacher, np.array([[1.0], [2.0]]), np.array([[1.0], [5.0]])).tolist()
        [0.0, 9.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Weinshall, Cohen, Amir (2018), Curriculum
        Learning by Transfer Learning.
    """
    return ExampleLoss(model)(rows_of(x, y), np.arange(_batches.examples_of(x)))
