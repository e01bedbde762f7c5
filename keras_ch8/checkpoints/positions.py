"""Where the data of a training are, and how they are brought there again."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import keras

from ..data import ArraySource
from ..integration import backend, keras_private
from ..integration.fit import DataPosition, Training
from .fingerprint import of_arrays
from .state import ValidationPosition

NOTHING_LOST = "Give `fit` a `keras_ch8.data.ArraySource` to lose nothing."


class Position(ABC):
    """Where the data of a training are.

    Args:
        training: The training that reads them.
    """

    within_epochs = True
    """Whether a training can go on in the middle of an epoch, and reads what it would have read."""
    said = ""
    """What a warning says of them, once."""
    differs = ""
    """In what a training that goes on differs from one that nothing interrupts; "" for in nothing."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self._place = DataPosition()

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
        self._training.place = DataPosition(**state)

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
        """Its examples by shape, type and some of the values, and its batches."""
        source = self._source
        return {"examples": repr(source.examples), "count": source.count, "batch_size": source.batch_size,
                "batches": source.steps, "shuffle": source.shuffle, "contents": _of_source(source)}  # fmt: skip

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
    """A `tf.data.Dataset`: its passes are begun again, its variables put back, and what was read is skipped.

    Args:
        training: The training that reads it.
        dataset: The data set.
        why: Why it then does not give the same, so that a training goes on at the beginning of an epoch; "" if it does.
    """

    def __init__(self, training: Training, dataset: Any, why: str) -> None:
        super().__init__(training)
        self._dataset, self._steps = dataset, training.arguments.get("steps_per_epoch")
        self._variables = backend.written_variables(dataset)
        self._values: list[Any] = []
        """Those of the variables when the running pass was begun."""
        self.within_epochs = not why
        if why:
            self.differs = _another_order(f"of its `tf.data.Dataset` {why}")
        elif backend.calls_python(dataset):
            self.said = (
                "`Resume` takes the functions in Python that the `tf.data.Dataset` calls to give the same again when "
                "they are called again: what they remember, such as a generator of NumPy, begins anew."
            )

    @property
    def description(self) -> dict[str, Any]:
        """Shapes and types of its elements, and their number."""
        return {"elements": repr(self._dataset.element_spec), "batches": int(self._dataset.cardinality()),
                "steps_per_epoch": self._steps}  # fmt: skip

    def epoch_begins(self) -> None:
        """Note where the data are, and where the variables were when the pass was begun."""
        super().epoch_begins()
        if not self.within_epochs:
            self._place = self._place._replace(read=0)
        if self._place.read == 0:
            self._values = [variable.numpy() for variable in self._variables]

    def taken(self, batch: int | None) -> dict[str, Any]:
        """Return the place, and the values of the variables at the beginning of the pass."""
        return super().taken(batch) | {"variables": self._values}

    def put(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        place = dict(state)
        self._values = place.pop("variables")
        _assign(self._variables, self._values)
        super().put(place)

    def example(self) -> Any:
        """Return the shapes and types of a batch; nothing is read, since that would change the order of shuffles."""
        specification = self._dataset.element_spec
        return keras.tree.map_structure(lambda s: keras.KerasTensor(tuple(s.shape), s.dtype.name), specification)


class OfEpochs(Position):
    """Data that can only be begun anew: a training goes on at the beginning of an epoch.

    Args:
        training: The training that reads them.
        why: Why it does, as the end of a sentence.
        is_same: Whether an epoch then gives what it would have given.
    """

    within_epochs = False

    def __init__(self, training: Training, why: str, is_same: bool) -> None:
        super().__init__(training)
        given = training.arguments
        self._kind = type(given.get("x")).__name__
        self._steps = given.get("steps_per_epoch")
        self._contents = of_arrays({name: given.get(name) for name in ("x", "y", "sample_weight")})
        if is_same:
            self.said = (
                "`Resume`: after an interruption this training goes on at the beginning of an epoch, not at the very "
                f"batch, because {why}. {NOTHING_LOST}"
            )
        else:
            self.differs = _another_order(why)

    @property
    def description(self) -> dict[str, Any]:
        """Their class, the steps that `fit` was given, and some of the values of arrays."""
        return {"kind": self._kind, "steps_per_epoch": self._steps, "contents": self._contents}

    def epoch_begins(self) -> None:
        """Note how long an epoch is; which one it is makes no difference."""
        self._place = DataPosition(length=self._training.place_now().length)


class Validation:
    """Where the data are that a training is validated on: each validation begins them again.

    Args:
        training: The training.
    """

    def __init__(self, training: Training) -> None:
        self._training, self._data = training, training.validation_data
        self._dataset = self._data if backend.is_dataset(self._data) else None
        self._variables = [] if self._dataset is None else backend.written_variables(self._dataset)
        self._begun_before = 0
        why = self._why_not_the_same()
        self.differs = f"validations read other examples or another order, because {why}" if why else ""

    def _why_not_the_same(self) -> str:
        if self._dataset is not None:
            why = backend.why_not_the_same(self._dataset)
            return f"of the `tf.data.Dataset` for validation {why}" if why else ""
        if hasattr(self._data, "__next__"):
            return "a generator can only be begun anew"
        changes = isinstance(self._data, keras.utils.PyDataset) and _changes_with_epochs(self._data)
        return "the `PyDataset` for validation changes with the epochs" if changes else ""

    @property
    def description(self) -> dict[str, Any]:
        """What they are, by shape and type, and some of the values of arrays."""
        data = self._data
        if self._dataset is not None:
            return {"elements": repr(self._dataset.element_spec), "batches": int(self._dataset.cardinality())}
        contents = _of_source(data) if isinstance(data, ArraySource) else of_arrays({"validation_data": data})
        return {"kind": type(data).__name__, "contents": contents}

    def taken(self) -> ValidationPosition:
        """Return how often they were begun, and the values of the variables that they write."""
        passes = self._begun_before + keras_private.validation_passes(self._training.model)
        return {"passes": passes, "variables": [variable.numpy() for variable in self._variables]}

    def put(self, state: ValidationPosition) -> None:
        """Begin them as often as they were, for nothing: a shuffle then has the order that comes next."""
        self._begun_before = state["passes"]
        if self._dataset is not None:
            for _ in range(self._begun_before):
                iter(self._dataset)
        _assign(self._variables, state["variables"])


def of(training: Training) -> Position:
    """Return the position of the data of a training; arrays are given to a source first, where that can be."""
    x: Any = training.arguments.get("x")
    if all(hasattr(x, name) for name in ("adapter_for", "get_state", "set_state")):
        return OfSource(training, x)
    is_cut = training.arguments.get("steps_per_epoch") is not None
    if backend.is_dataset(x):
        why = backend.why_not_the_same(x)
        if not why and is_cut and int(x.cardinality()) >= 0:
            why = "`steps_per_epoch` is given for data that end (`.repeat()` lets them go on)"
        return OfDataset(training, x, why)
    if isinstance(x, keras.utils.PyDataset):
        if is_cut:
            return OfEpochs(training, "`steps_per_epoch` cuts the passes of a `PyDataset`", is_same=False)
        if _changes_with_epochs(x):
            return OfEpochs(training, "a `PyDataset` that changes with the epochs begins anew", is_same=False)
        return OfEpochs(training, "Keras draws the order of a `PyDataset` anew", is_same=True)
    if hasattr(x, "__next__"):
        why = "a generator can only be begun anew (of `tf.data.Dataset.from_generator` what was read is skipped)"
        return OfEpochs(training, why, is_same=False)
    return _of_arrays(training)


def _of_arrays(training: Training) -> Position:
    """Let arrays be read through a source, as `fit` would read them but in an order that is known."""
    given = training.arguments
    if given.get("steps_per_epoch") is not None:
        return OfEpochs(training, "`steps_per_epoch` makes other epochs of arrays than a source has", is_same=False)
    shuffle = given.get("shuffle", True)
    if shuffle == "batch":
        return OfEpochs(training, "`shuffle='batch'` is Keras's own order", is_same=backend.has_seed())
    arrays = given.get("x"), given.get("y"), given.get("sample_weight")
    validation: dict[str, Any] = {}
    try:
        if given.get("validation_split") and given.get("validation_data") is None:
            arrays, last = keras_private.validation_split(arrays, given["validation_split"])
            validation = {"validation_split": 0.0, "validation_data": tuple(last)}
        source = ArraySource(*arrays, batch_size=given.get("batch_size") or 32, shuffle=bool(shuffle))
    except (TypeError, ValueError) as error:
        why = f"its data are not arrays that a source takes ({type(error).__name__}: {error})"
        are_arrays = all(hasattr(leaf, "shape") for leaf in keras.tree.flatten(given["x"]))
        return OfEpochs(training, why, is_same=are_arrays and (not shuffle or backend.has_seed()))
    given |= {"x": source, "y": None, "sample_weight": None} | validation
    said = (
        f"`Resume` lets `fit` read its arrays through `keras_ch8.data.ArraySource(batch_size={source.batch_size}, "
        f"shuffle={source.shuffle})`, so that the training can go on at the very batch."
    )
    return OfSource(training, source, said)


def _another_order(why: str) -> str:
    return f"it goes on at the beginning of an epoch, with other examples or another order, because {why}"


def _changes_with_epochs(data: keras.utils.PyDataset) -> bool:
    """Whether the class of a `PyDataset` does something at the turn of an epoch, such as shuffling."""
    theirs = keras.utils.PyDataset
    return any(getattr(type(data), name) is not getattr(theirs, name) for name in ("on_epoch_begin", "on_epoch_end"))


def _of_source(source: Any) -> dict[str, str]:
    examples = getattr(source, "examples", None)
    return of_arrays({name: getattr(examples, name, None) for name in ("x", "y", "sample_weight")})


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=False):
        variable.assign(value)


def _type_in_fit(array: Any) -> str:
    """Return the type that `fit` gives examples of this array."""
    return keras.config.floatx() if array.dtype.kind == "f" else array.dtype.name
