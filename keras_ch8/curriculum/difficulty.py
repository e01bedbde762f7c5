"""Difficulties: how hard each example is, as numbers of which the smallest is the easiest."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from .. import _batches, _checks, _objects, data
from .._describe import section
from .._types import Data, Tensor, Tree
from ..curvature.objective import Objective, tensors_of
from ..integration import backend, keras_private

CHUNK = 4096
"""Examples for which a function of `(x, y)` is called at a time."""
BUCKETS = 5
"""Buckets of equal size, from the easiest to the hardest, whose losses are shown."""
PER_BUCKET = 50
"""Examples of a bucket on which its loss is measured."""


@section("8.7.6")
def sequence_length(x: np.ndarray, y: Data = None, *, padding: float = 0) -> np.ndarray:
    """Return the number of time steps of each sequence, without padding (section 8.7.6).

        length of example i <- number of t with x[i, t] != padding

    A step of several features is padding if all of them are.

    Args:
        x: Array of shape (examples, time) or (examples, time, ...).
        y: Not used; it is there so that the function itself can be passed as `difficulty`. Defaults to `None`.
        padding: What fills short sequences up, at either end. Defaults to `0`.

    Returns:
        Integers, one for each example.

    Raises:
        ValueError: If `x` has no axis of time.

    Example:
        >>> keras_ch8.curriculum.sequence_length(np.array([[5, 1, 2], [7, 0, 0]])).tolist()
        [3, 1]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Bengio et al. (2009), Curriculum Learning.
    """
    x = _objects.numbers("x", x)
    _checks.finite("padding", padding, meaning="what fills sequences up", fix="Try 0.")
    if x.ndim < 2:
        raise ValueError(
            "`x` must have an axis of examples and one of time. Received: an array of shape "
            f"{x.shape}. Pad the sequences to one length, as `keras.utils.pad_sequences` does."
        )
    return (x != padding).reshape(*x.shape[:2], -1).any(axis=-1).sum(axis=1)


@section("8.7.6")
def teacher_loss(model: keras.Model, x: Data, y: Data = None) -> np.ndarray:
    r"""Return the loss of each example by a trained model, as it was compiled (section 8.7.6).

    .. math::

        \text{difficulty of example }i \leftarrow L (f (x_i; \theta \text{ of the teacher}), y_i)

    Without sample weights and regularization, at inference. Examples that the teacher has been trained on look easier
    than they are, false labels above all: see `cross_validated_loss`.

    Args:
        model: A trained and compiled model, the teacher.
        x: Inputs: an array, or arrays in a list, tuple or dict, with the examples along the first axis.
        y: Targets, likewise. Defaults to `None`, for a loss that reads none.

    Returns:
        An array with one number for each example.

    Raises:
        TypeError: If `model` is not a `keras.Model`.
        ValueError: If the model is not compiled, or its loss is not the mean of the losses of the examples.

    Example:
        >>> teacher = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        >>> teacher.compile(loss="mse")
        >>> keras_ch8.curriculum.teacher_loss(teacher, np.array([[1.0], [2.0]]), np.array([[1.0], [5.0]])).tolist()
        [0.0, 9.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Weinshall, Cohen, Amir (2018), Curriculum
        Learning by Transfer Learning.
    """
    _objects.examples(x=x, y=y)
    _objects.inputs("x", x, _objects.model(model))
    _objects.targets(y, model)
    return ExampleLoss(model)(rows_of(x, y), np.arange(_batches.examples_of(x)))


@section("8.7.6")
def cross_validated_loss(
    model_factory: Callable[[], keras.Model],
    x: Data,
    y: Data = None,
    *,
    folds: int = 5,
    epochs: int = 10,
    batch_size: int = 32,
    seed: int = 0,
    **fit_arguments: Any,
) -> np.ndarray:
    """Return the loss of each example by a model that was trained on the others (section 8.7.6).

        difficulty of example i <- L(f(x_i; theta trained on the folds without i), y_i)

    No example is judged by a model that has memorized it, so a false label is hard.

    Args:
        model_factory: Function without arguments that returns a new compiled model.
        x: Inputs: an array, or arrays in a list, tuple or dict, with the examples along the first axis.
        y: Targets, likewise. Defaults to `None`, for a loss that reads none.
        folds: Integer of at least 2: into how many parts the data are cut, and how many models are trained, each
            without one of the parts. Defaults to `5`.
        epochs: Epochs of each training. Defaults to `10`.
        batch_size: Examples in a batch of each training. Defaults to `32`.
        seed: Seed of the folds. Defaults to `0`.
        **fit_arguments: More arguments of `fit`, such as `class_weight` or `callbacks`.

    Returns:
        An array with one number for each example.

    Raises:
        TypeError: If `model_factory` is not a function, or does not return a model.
        ValueError: If an argument lies outside its range, there are fewer examples than folds, or the loss of the model
            is not the mean of the losses of the examples.

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
    folds = _checks.count("folds", folds, 2, meaning="the parts of the data", fix="Try 5.")
    _objects.function("model_factory", model_factory, returns="a new compiled model")
    _objects.examples(x=x, y=y)
    epochs = _checks.count("epochs", epochs, 1, meaning="the epochs of each training", fix="Try 10.")
    batch_size = _checks.count("batch_size", batch_size, 1, meaning="the examples in a batch", fix="Try 32.")
    seed = _checks.seed(seed) or 0
    count, take = _batches.examples_of(x), rows_of(x, y)
    if count < folds:
        raise ValueError(f"Each fold needs an example. Received: {count} examples for folds={folds}. Use fewer folds.")
    losses = np.zeros(count)
    for fold in np.array_split(np.random.default_rng([seed, 0, 4]).permutation(count), folds):
        model = _objects.made_by("model_factory", model_factory)
        _objects.inputs("x", x, model)
        _objects.targets(y, model)
        some_x, some_y = take(np.setdiff1d(np.arange(count), fold))
        model.fit(some_x, some_y, epochs=epochs, batch_size=batch_size, **{"verbose": 0} | fit_arguments)
        losses[fold] = ExampleLoss(model)(take, fold)
    return losses


def numbers(value: Sequence[float] | np.ndarray, count: int) -> np.ndarray:
    """Return a number for each example; else raise ValueError."""
    found = _objects.numbers("difficulty", value)
    _checks.length("difficulty", found, count, of="the examples")
    if np.isnan(found).any():
        raise ValueError(
            f"`difficulty` orders the examples, so it must be numbers. Received: NaN for {int(np.isnan(found).sum())} "
            f"of {count} examples, the first at {int(np.argmax(np.isnan(found)))}. Set these to a large number to "
            "place them last."
        )
    return found


def judged(difficulty: Callable[..., np.ndarray] | np.ndarray, source: "data.ArraySource") -> np.ndarray:
    """Return the numbers as they come, or what a function of (x, y) returns for the examples of a source."""
    if not callable(difficulty):
        return numbers(difficulty, source.count)
    chunks = np.array_split(np.arange(source.count), -(-source.count // CHUNK))
    found = [np.asarray(difficulty(*source.take(chunk)[:2]), "float64") for chunk in chunks]
    return numbers(np.concatenate(found), source.count)


def samples_of_buckets(difficulty: np.ndarray) -> np.ndarray:
    """Return (BUCKETS, some) examples: of equal buckets from the easiest to the hardest, evenly spaced in the order."""
    order = np.argsort(difficulty, kind="stable")
    places = np.arange(BUCKETS * PER_BUCKET) * len(order) // (BUCKETS * PER_BUCKET)
    return order[places].reshape(BUCKETS, PER_BUCKET)


BATCH = 256
"""Examples in one forward pass."""


class ExampleLoss:
    """The loss of each example of a batch, as compiled, from forward passes.

        loss of example i <- n dJ / dw_i        where J is the mean over a batch of n, and w_i the weight of the example

    So it is right for any compiled loss that is a mean of the examples' own, with several outputs and their weights;
    regularization drops out. The model runs as at inference, and nothing of it changes.

    Args:
        model: A built and compiled model.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._derivatives: Any = None

    def __call__(self, take: Callable[[np.ndarray], tuple[Any, ...]], indices: np.ndarray) -> np.ndarray:
        """Return the losses of some examples; `take(indices)` gives x and y, and perhaps more."""
        size = min(BATCH, len(indices))
        found = []
        for begin in range(0, len(indices), size):
            rows = np.resize(indices[begin : begin + size], size)  # the last batch begins again: one shape for all
            data = [tensors_of(part) for part in take(rows)[:2]]
            if is_first := self._derivatives is None:
                self._trace(*data)
            found.append(self._losses(data))
            if is_first:
                self._check(data, found[-1])
        return np.concatenate([np.zeros(0), *found])[: len(indices)]

    def _losses(self, data: list[Tree]) -> np.ndarray:
        size = _batches.examples_of(data)
        return size * self._derivatives(*data, keras.ops.ones(size)).numpy().astype("float64")

    def _check(self, data: list[Tree], found: np.ndarray) -> None:
        """Compare the largest loss with that of its example in a batch of its own."""
        largest = int(np.argmax(np.abs(found)))
        row = slice(largest, largest + 1)
        (alone,) = self._losses(keras.tree.map_structure(lambda a: None if a is None else a[row], data))
        if not np.isclose(alone, found[largest], rtol=1e-2, equal_nan=True):
            raise ValueError(
                "The losses of single examples are computed from their weights in the loss of a batch, so that loss "
                f"must be the mean over the examples. Received: a loss that says {found[largest]:.3g} for an example "
                f"in its batch, and {alone:.3g} for it alone: it sums, divides by the sum of the weights, or has "
                'masks. Compile the model with losses of reduction="sum_over_batch_size", Keras\'s default, and '
                "without masks, or pass the difficulties as numbers."
            )

    def _trace(self, x: Tree, y: Tree) -> None:
        objective = Objective(self.model, x, y, training=False)
        with keras.StatelessScope():
            outputs = keras_private.call(self.model, objective.data[0], training=False)

        def derivatives(x: Tree, y: Tree, weights: Tensor) -> Tensor:
            theta = [backend.as_tensor(v) for v in objective.variables]
            (slopes,) = backend.gradients(lambda w: objective.value_at(theta, (x, y, _like(outputs, w[0]))), [weights])
            return slopes

        self._derivatives = backend.trace(derivatives)


def _like(outputs: Tree, weights: Tensor) -> Tensor:
    """Return the weights for each output with as many axes as its loss has: Keras does not add those of a sequence."""
    return keras.tree.map_structure(
        lambda output: keras.ops.reshape(weights, (-1, *[1] * (len(output.shape) - 2))), outputs
    )


def rows_of(*parts: Data) -> Callable[[np.ndarray], tuple[Any, ...]]:
    """Return a function that takes rows of arrays, also nested."""
    return lambda indices: tuple(
        keras.tree.map_structure(lambda a: None if a is None else np.asarray(a)[indices], part) for part in parts
    )
