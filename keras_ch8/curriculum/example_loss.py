"""The compiled loss, example by example."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from .. import _batches
from .._types import Data, Tensor, Tree
from ..curvature.objective import Objective, tensors_of
from ..integration import backend, keras_private

BATCH = 256
"""Examples in one forward pass."""


class ExampleLoss:
    """The loss of each example of a batch, as compiled, from forward passes.

        loss of example i <- n dJ / dw_i        where J is the mean over a batch of n, and w_i the weight of the example

    So it is right for any compiled loss that is a mean of the examples' own, with several outputs and their weights;
    regularization drops out. The model runs as in inference, and nothing of it changes.

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
            found.append(self._of_batch(*take(rows)[:2]))
        return np.concatenate([np.zeros(0), *found])[: len(indices)]

    def _of_batch(self, x: Tree, y: Tree) -> np.ndarray:
        is_first = self._derivatives is None
        if is_first:
            self._trace(x, y)
        data = [tensors_of(part) for part in (x, y)]
        found = self._losses(data)
        if is_first:
            self._check(data, found)
        return found

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
                "The losses of single examples are read from what their weights do to the loss of a batch, so it must "
                f"be the mean of theirs. Received: a loss that says {found[largest]:.3g} for an example in its batch, "
                f"and {alone:.3g} for it alone: it sums, divides by the sum of the weights, or has masks. Compile the "
                'model with losses of reduction="sum_over_batch_size", Keras\'s default, and without masks, or give '
                "the difficulties as numbers."
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
