"""What `evaluate` and `predict` are given."""

from typing import TYPE_CHECKING, Any, final

from .. import _checks
from ..integration import backend, epochs, keras_private
from ._assemble import dataset_of

if TYPE_CHECKING:
    from ._source import ArraySource


@final
class InOrder(keras_private.DataAdapter):
    """Every example of a source once, in the order of the arrays; the last batch has what is left."""

    def __init__(self, source: "ArraySource", loop: epochs.BatchLoop) -> None:
        _checks.inside_source(loop.arguments, "y", "sample_weight")
        self._source = source
        self._batch_size = loop.arguments.get("batch_size") or source.batch_size

    @property
    def num_batches(self) -> int:
        """Batches of a pass."""
        return -(-self._source.count // self._batch_size)

    def get_tf_dataset(self) -> Any:
        """Return the batches."""
        source = self._source
        return dataset_of(source.examples, backend.in_order(source.count, self._batch_size), source.prefetch)
