"""The hook on the iterator that leads `fit`, `evaluate` and `predict` through their batches, for sources of data.

Keras tells data neither which of the three asks for it, nor the other arguments, nor which batch it is at. So data that
have a method `adapter_for(loop)` are asked for the adapter that this loop is to read. What was read ahead of the first
step (`integration.ahead`) is given to the steps here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras.src.backend.tensorflow import trainer as _trainer

from . import fit, registry
from .ahead import Ahead

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
        """Keras's iterator, which asks a source for what it is to read, and can begin in the middle of an epoch.

        The first steps of a `fit` are given what was read ahead.

        A source finds its own place; of a `tf.data.Dataset` the batches that were trained on are skipped.
        """

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            loop = BatchLoop(self, kwargs)
            adapter_for = getattr(kwargs.get("x"), "adapter_for", None)
            self._is_source = False
            if adapter_for is not None and is_active():
                self._is_source = True
                kwargs["x"] = adapter_for(loop)
            self._training = fit.running_training() if loop.trains and is_active() else None
            self._ahead = Ahead() if self._training is None else self._training.ahead
            self.passes = self._skipped = self._to_skip = 0
            self._missing = 0
            """Batches that the next epoch lacks at its beginning."""
            self._shortened = 0
            """Batches that the running epoch lacks there."""
            super().__init__(*args, **kwargs)

        def reset(self) -> None:
            """Begin the training: where another has ended, if it goes on from it."""
            super().reset()
            training, self._training = self._training, None  # what TensorFlow reads a source with would hold the model
            if training is None:
                return
            place, training.place_now = training.place, self._place
            self._missing = training.first_batch
            self.passes = self._to_skip = 0
            if not self._is_source:
                for _ in range(place.passes):
                    iter(self._get_iterator())
                self._to_skip = place.read + self._missing
                if place.length is not None:
                    self._num_batches: int | None = place.length

        def _place(self) -> fit.DataPosition:
            """Return where the data are, at the beginning of an epoch."""
            self._lengthen()
            if self.steps_per_epoch is None or self._current_iterator is None:
                return fit.DataPosition(self.passes, self._to_skip - self._missing, self._num_batches)
            return fit.DataPosition(self.passes - 1, self._skipped + self._steps_seen, self._num_batches)

        def _get_iterator(self) -> Any:
            """Return the data, to be begun once."""
            self._skipped, self._to_skip = self._to_skip, 0
            self.passes += 1
            data = super()._get_iterator()
            return data.skip(self._skipped) if self._skipped else data

        def _enumerate_iterator(self) -> Iterator[tuple[int, int, Any]]:
            """Lead through an epoch; the first may lack batches at its beginning, and counts them all the same."""
            self._lengthen()
            missing = self._shortened = self._missing
            self._missing = 0
            self._add_to_length(-missing)
            for begin, end, data in super()._enumerate_iterator():
                yield begin + missing, end + missing, self._ahead.lead(data)

        def _lengthen(self) -> None:
            lacked, self._shortened = self._shortened, 0
            self._add_to_length(lacked)

        def _add_to_length(self, batches: int) -> None:
            if self._is_source or not batches:
                return
            if self._num_batches is not None:
                self._num_batches += batches
            if self.steps_per_epoch is not None:
                self.steps_per_epoch += batches

    return TFEpochIterator
