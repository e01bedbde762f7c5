"""What `fit` is given."""

from typing import TYPE_CHECKING, Any, final

import numpy as np

from .. import _checks
from ..integration import backend, epochs, keras_private
from . import _rows
from ._assemble import dataset_of

if TYPE_CHECKING:
    from ._source import ArraySource


@final
class TrainingPass(keras_private.DataAdapter):
    """The epochs of a source, one after the other, in one `fit`.

    Keras calls `on_epoch_begin` before it asks for the first batch of an epoch and after the callbacks' own, so
    whatever they changed, sampler or position, holds for this epoch. It calls `on_epoch_end` after the last batch, and
    once before the first epoch.
    """

    def __init__(self, source: "ArraySource", loop: epochs.BatchLoop) -> None:
        _checks.inside_source(loop.arguments, "y", "sample_weight")
        _check(source, loop.arguments)
        self._source, self._loop = source, loop
        source.lend(None)  # by a training that has died
        self._padded = not source.has_smaller_batch
        self._weighted = source.weighted or _rows.is_weighted(source.plan(source.epoch), self._padded)
        if self._weighted and source.examples.y is None:
            raise ValueError(
                "Weights of a plan, and padded rows, act in the loss between `y` and the prediction. Received: a "
                f"sampler or `source.weighted` that asks for them, for {source.examples}. Where the target is the "
                "input, give it to the source as `y` too."
            )
        self._tables: list[np.ndarray] = []

    @property
    def num_batches(self) -> int:
        """Batches of a whole epoch: what the progress bar and schedules are told."""
        return self._source.steps

    @property
    def batches_given(self) -> int:
        """Batches of the running epoch that the training has taken, without those that were prefetched."""
        return self._loop.batches_given

    def get_tf_dataset(self) -> Any:
        """Return the batches of an epoch, of the one that runs when they are asked for."""
        source, class_weight = self._source, self._loop.arguments["class_weight"]
        examples = source.examples if class_weight is None else source.examples.weighted_by_class(class_weight)
        types = ["int64", "float32"] if self._weighted else ["int64"]
        size = source.batch_size // source.shard[1]
        rows = backend.planned(lambda: self._tables, types, size, full=self._padded)
        return dataset_of(examples, rows, source.prefetch)

    def on_epoch_begin(self) -> None:
        """Decide the epoch, and count its batches from here on."""
        source = self._source
        epoch, step = source.start(self)
        plan, (worker, workers) = source.plan(epoch), source.shard
        if _rows.is_weighted(plan, self._padded) and not self._weighted:
            raise ValueError(
                "In one `fit`, the plans of all epochs must have weights or padded rows, or none. Received: one that "
                f"has, for epoch {epoch}, after others that have not. Set `source.weighted = True` before `fit`."
            )
        size = source.batch_size // workers
        part = np.s_[step:, worker * size : (worker + 1) * size]
        self._tables = [table[part] for table in _rows.tables(plan, self._weighted, self._padded)]
        self._loop.set_length(len(self._tables[0]))

    def on_epoch_end(self) -> None:
        """Go on to the next epoch."""
        if not self._loop.is_before_first_epoch:
            self._source.end(self)


def _check(source: "ArraySource", arguments: dict[str, Any]) -> None:
    """Refuse what Keras would drop, or what the order of the source cannot follow."""
    if arguments.get("batch_size") not in (None, source.batch_size):
        raise ValueError(
            f"The source decides the batches, which have {source.batch_size} examples. Received in `fit`: "
            f"batch_size={arguments['batch_size']}. Give `batch_size` to the source."
        )
    if arguments.get("shuffle") == "batch" or (not arguments.get("shuffle", True) and source.shuffle):
        raise ValueError(
            f"The source decides the order of the examples. Received in `fit`: shuffle={arguments['shuffle']!r}. "
            "Give `shuffle=False` to the source for the order of the arrays."
        )
    if (steps := arguments["steps_per_epoch"]) is not None:
        raise ValueError(
            f"An epoch of the source has {source.steps} batches. Received in `fit`, or from "
            f"`keras.config.set_max_steps_per_epoch`: steps_per_epoch={steps}. Leave it out; for shorter epochs give "
            "the source fewer examples."
        )
