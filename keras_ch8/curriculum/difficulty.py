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
