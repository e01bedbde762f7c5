"""The hook on the iterator that leads `fit`, `evaluate` and `predict` through their batches, for sources of data.

Keras tells data neither which of the three asks for it, nor the other arguments, nor which batch it is at. So data that
have a method `adapter_for(loop)` are asked for the adapter that this loop is to read.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras.src.backend.tensorflow import trainer as _trainer

from . import registry

EPOCH_ITERATOR = "keras.src.backend.tensorflow.trainer.TFEpochIterator"


def install(for_: str) -> None:
    """Put the hook in the place of the iterator."""
    why = (
        "`fit`, `evaluate` and `predict` ask a source for data in the same way, and only the iterator knows the "
        "position in an epoch and can begin one in its middle."
    )
    registry.install(registry.attribute(_trainer, "TFEpochIterator", EPOCH_ITERATOR), _asking, why, for_)


class BatchLoop:
    """One `fit`, `evaluate` or `predict`, as the iterator that leads it through the batches of an adapter.

    Args:
        iterator: Keras's iterator.
        arguments: What the user gave beside the data, by the names that `fit` has for it.
    """

    def __init__(self, iterator: Any, arguments: dict[str, Any]) -> None:
        self._iterator = iterator
        steps = arguments.get("steps_per_epoch") or keras.config.max_steps_per_epoch()
        self.arguments = {**arguments, "steps_per_epoch": steps}

    @property
    def trains(self) -> bool:
        """Whether this is `fit`, which alone knows weights of classes."""
        return "class_weight" in self.arguments

    @property
    def batches_given(self) -> int:
        """Batches of this epoch that the compiled step has been given; 0 at its end."""
        return int(self._iterator._steps_seen)

    @property
    def is_before_first_epoch(self) -> bool:
        """Whether the loop, in `on_epoch_end`, has not reached the end of an epoch, but starts over."""
        return self._iterator._current_iterator is None

    def set_length(self, batches: int) -> None:
        """Set the length of the next epoch, in `on_epoch_begin`."""
        self._iterator._num_batches = batches


def _asking(theirs: Any, is_active: Callable[[], bool]) -> Any:
    class TFEpochIterator(theirs):
        """Keras's iterator, which asks a source for what it is to read."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            adapter_for = getattr(kwargs.get("x"), "adapter_for", None)
            if adapter_for is not None and is_active():
                kwargs["x"] = adapter_for(BatchLoop(self, kwargs))
            super().__init__(*args, **kwargs)

    return TFEpochIterator
