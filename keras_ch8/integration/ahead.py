"""The first batches of a `fit`, which are read before its first step for those who ask for them.

Keras's loop is led through them (`integration.epochs`) before it goes on with its own iterator. So whoever else calls
the train function meanwhile, or makes another one, meets what it would meet otherwise.
"""

import itertools
from typing import Any

import keras

from .._types import Tree
from . import backend


class Ahead:
    """What was read ahead of the steps of one training, and what its next step reads from.

    It holds no model: what TensorFlow reads a source with would hold it, too.
    """

    def __init__(self) -> None:
        self.iterator: Any = None
        """Keras's, of the step that is made now."""
        self.error: Exception | None = None
        """What reading the batch after these ended with."""
        self._batches: Any = None
        self._steps_left = 0

    def lead(self, iterator: Any) -> Any:
        """Return what the next step of `fit` reads from, where Keras gives it this iterator."""
        if iterator is not self.iterator or not self._steps_left:
            self.iterator, self._batches, self._steps_left = iterator, None, 0
            return iterator
        self._steps_left -= 1
        return self._batches

    def read(self, examples: int, most: int | None, at_once: int) -> tuple[list[Any], Any]:
        """Return the first batches, of so many examples, and what the step that is made now reads from.

        Args:
            examples: How many examples to read; fewer are read where an epoch has fewer.
            most: How many batches may be read; None for all.
            at_once: The batches of a step.
        """
        read: list[Any] = []
        try:
            for batch in itertools.islice(self.iterator, most):
                read.append(batch)
                examples -= examples_of(batch)
                if examples <= 0 and len(read) % at_once == 0:
                    break
        except Exception as error:
            self.error = error  # of the batch after these, so it is raised when they have been trained on
        if read or self.error is not None:
            self._batches = backend.iterator_of(read, like=self.iterator, fails=self.error is not None)
            self._steps_left = (len(read) + (self.error is not None) - 1) // at_once
        return read, self.iterator if self._batches is None else self._batches


def most_before_a_step(data: Tree, at_once: int) -> int | None:
    """Return how many batches can be read before the first step as bare training reads them; None for all.

    Functions in Python may depend on what steps and callbacks have done, so they are called as often as for that step.
    What reads a variable may depend on each batch of it.
    """
    if backend.is_dataset(data):
        if backend.follows_variables(data):
            return int(at_once == 1)
        return at_once if backend.calls_python(data) else None
    is_source = hasattr(data, "adapter_for")
    return None if is_source or all(hasattr(a, "shape") for a in keras.tree.flatten(data)) else at_once


def examples_of(batch: Tree) -> int:
    """Return the examples of a batch, 1 if that cannot be seen."""
    shapes = [list(getattr(a, "shape", ())) for a in keras.tree.flatten(batch)]
    return next((int(shape[0]) for shape in shapes if shape and shape[0] is not None), 1)
