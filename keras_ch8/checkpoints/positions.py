"""Where the data of a training are, and how they are brought there again."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import keras

from ..data import ArraySource
from ..integration import backend, keras_private
from ..integration.fit import Place, Training


class Position(ABC):
    """Where the data of a training are.

    Args:
        training: The training that reads them.
    """

    within_epochs = True
    """Whether a training can go on in the middle of an epoch, and reads what it would have read."""
    said = ""
    """What the user is told of them, once."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self._place = Place()

    @property
    @abstractmethod
    def description(self) -> dict[str, Any]:
        """What a training that goes on must have in common with the one before."""

    def epoch_begins(self) -> None:
        """Note where the data are at the beginning of an epoch, before its first batch is read."""
        self._place = self._training.place_now()

    def taken(self, batch: int | None) -> dict[str, Any]:
        """Return the position before a batch of the running epoch, or at the end of the training."""
        return self._place._asdict()

    def put(self, state: Mapping[str, Any]) -> None:
        """Go on from a position in the training that begins."""
        self._training.place = Place(**state)

    def begin_epoch(self, state: Mapping[str, Any]) -> None:  # noqa: B027  (what cannot do better begins there anyhow)
        """Go on from the beginning of the epoch of a position, in data that are not those of then."""

    def example(self) -> Any:
        """Return something of the shape and type of a batch, to build a model on; None where it is not known."""
        return None


class OfSource(Position):
    """A source of `keras_ch8.data`, which finds its place itself."""

    def __init__(self, training: Training, source: Any, said: str = "") -> None:
        super().__init__(training)
        self._source, self.said = source, said

    @property
    def description(self) -> dict[str, Any]:
        """Its examples by shape and type, and its batches."""
        source = self._source
        return {"examples": repr(source.examples), "count": source.count, "batch_size": source.batch_size,
                "batches": source.steps, "shuffle": source.shuffle}  # fmt: skip

    def taken(self, batch: int | None) -> dict[str, Any]:
        """Return seed, epoch and batch."""
        state: dict[str, Any] = self._source.get_state()
        return state if batch is None else state | {"epoch": self._source.epoch, "step": batch}

    def put(self, state: Mapping[str, Any]) -> None:
        """Let the source go on from there."""
        self._source.set_state(state)

    def begin_epoch(self, state: Mapping[str, Any]) -> None:
        """Let the source begin with that epoch."""
        self._source.seek(state.get("epoch", 0))

    def example(self) -> Any:
        """Return shapes and types of a batch."""
        return keras.tree.map_structure(
            lambda a: None if a is None else keras.KerasTensor((None, *a.shape[1:]), _type_in_fit(a)),
            self._source.take([0]),
        )


class OfDataset(Position):
    """A `tf.data.Dataset` that gives the same again: what was read is skipped."""

    def __init__(self, training: Training, dataset: Any) -> None:
        super().__init__(training)
        self._dataset, self._steps = dataset, training.arguments.get("steps_per_epoch")

    @property
    def description(self) -> dict[str, Any]:
        """Shapes and types of its elements, and their number."""
        return {"elements": repr(self._dataset.element_spec), "batches": int(self._dataset.cardinality()),
                "steps_per_epoch": self._steps}  # fmt: skip

    def example(self) -> Any:
        """Return the shapes and types of a batch; nothing is read, since that would change the order of shuffles."""
        specification = self._dataset.element_spec
        return keras.tree.map_structure(lambda s: keras.KerasTensor(tuple(s.shape), s.dtype.name), specification)


class OfEpochs(Position):
    """Data that can only be begun anew: a training goes on at the beginning of an epoch.

    Args:
        training: The training that reads them.
        why: Why it does, as the end of a sentence.
    """

    within_epochs = False

    def __init__(self, training: Training, why: str) -> None:
        super().__init__(training)
        self._kind = type(training.arguments.get("x")).__name__
        self._steps = training.arguments.get("steps_per_epoch")
        self.said = (
            "`Resume`: after an interruption this training goes on at the beginning of an epoch, not at the very "
            f"batch, because {why}. Give `fit` a `keras_ch8.data.ArraySource` to lose nothing."
        )

    @property
    def description(self) -> dict[str, Any]:
        """Their class, and the steps that `fit` was given."""
        return {"kind": self._kind, "steps_per_epoch": self._steps}

    def epoch_begins(self) -> None:
        """Note how long an epoch is; which one it is makes no difference."""
        self._place = Place(length=self._training.place_now().length)


def of(training: Training) -> Position:
    """Return the position of the data of a training; arrays are given to a source first, where that can be."""
    x: Any = training.arguments.get("x")
    if all(hasattr(x, name) for name in ("adapter_for", "get_state", "set_state")):
        return OfSource(training, x)
    if backend.is_dataset(x):
        why = backend.why_not_skipped(x)
        if not why and training.arguments.get("steps_per_epoch") is not None and int(x.cardinality()) >= 0:
            why = "`steps_per_epoch` is given for data that end (`.repeat()` lets them go on)"
        return OfEpochs(training, f"of its `tf.data.Dataset` {why}") if why else OfDataset(training, x)
    if isinstance(x, keras.utils.PyDataset):
        return OfEpochs(training, "Keras draws the order of a `PyDataset` anew")
    if hasattr(x, "__next__"):
        return OfEpochs(training, "a generator can only be begun anew")
    return _of_arrays(training)


def _of_arrays(training: Training) -> Position:
    """Let arrays be read through a source, as `fit` would read them but in an order that is known."""
    given = training.arguments
    if given.get("steps_per_epoch") is not None:
        return OfEpochs(training, "`steps_per_epoch` makes other epochs of arrays than a source has")
    shuffle = given.get("shuffle", True)
    if shuffle == "batch":
        return OfEpochs(training, "`shuffle='batch'` is Keras's own order")
    arrays = given.get("x"), given.get("y"), given.get("sample_weight")
    validation: dict[str, Any] = {}
    try:
        if given.get("validation_split") and given.get("validation_data") is None:
            arrays, last = keras_private.validation_split(arrays, given["validation_split"])
            validation = {"validation_split": 0.0, "validation_data": tuple(last)}
        source = ArraySource(*arrays, batch_size=given.get("batch_size") or 32, shuffle=bool(shuffle))
    except (TypeError, ValueError) as error:
        return OfEpochs(training, f"its data are not arrays that a source takes ({type(error).__name__}: {error})")
    given |= {"x": source, "y": None, "sample_weight": None} | validation
    said = (
        f"`Resume` lets `fit` read its arrays through `keras_ch8.data.ArraySource(batch_size={source.batch_size}, "
        f"shuffle={source.shuffle})`, so that the training can go on at the very batch."
    )
    return OfSource(training, source, said)


def _type_in_fit(array: Any) -> str:
    """Return the type that `fit` gives examples of this array."""
    return keras.config.floatx() if array.dtype.kind == "f" else array.dtype.name
