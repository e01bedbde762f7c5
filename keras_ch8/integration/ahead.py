"""The first batches of a `fit`, which are read before its first step for those who ask for them.

Keras's loop is led through them (`integration.epochs`) before it goes on with its own iterator. So whoever else calls
the train function meanwhile, or makes another one, meets what it would meet otherwise.
"""

import itertools
from contextlib import suppress
from typing import Any

import keras

from .._types import Tree
from . import backend, keras_private
from .untouched import has_own_code


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


def build_metrics(model: keras.Model, batch: Any) -> None:
    """Make the variables of metrics, which the first step would make, so that Keras traces it once and not twice.

    Code of the user's is traced as often as without us. What fails here fails in the step, which says so as Keras does.
    """
    compiled = keras_private.compile_arguments(model) if model.compiled else {}
    given = keras.tree.flatten([compiled.get("metrics"), compiled.get("weighted_metrics")])
    parts = [model, *keras_private.losses_of(model), *(metric for metric in given if callable(metric))]
    are_arrays = all(a is None or backend.can_be_cut(a) for a in keras.tree.flatten(batch))
    is_ready = model.built and bool(model.trainable_variables) and not model.run_eagerly and are_arrays
    if is_ready and keras_private.lacks_variables(model) and not has_own_code(*parts):
        with suppress(Exception):
            keras_private.build_on(model, keras.utils.unpack_x_y_sample_weight(batch))


def examples_of(batch: Tree) -> int:
    """Return the examples of a batch, 1 if that cannot be seen."""
    shapes = [list(getattr(a, "shape", ())) for a in keras.tree.flatten(batch)]
    return next((int(shape[0]) for shape in shapes if shape and shape[0] is not None), 1)
