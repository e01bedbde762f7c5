"""The state of a training between two batches, and where its data are in it and are brought again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import keras
import numpy as np

from .. import _state
from ..data import ArraySource
from ..integration import backend, keras_private
from ..integration.backend.random_numbers import RandomNumbers
from ..integration.fit import DataPosition, Training
from .fingerprint import of_arrays

FORMAT = 6
"""Version of what is written; another is refused."""


class Fingerprint(TypedDict):
    """What a training is: see `checkpoints.fingerprint`."""

    model: dict[str, Any]
    loss: Any
    optimizer: Any
    data: dict[str, Any]
    callbacks: list[Any]
    epochs: int


class ValidationPosition(TypedDict):
    """How often the data for validation were begun, and the values of the variables that they write."""

    passes: int
    variables: list[Any]


@dataclass
class TrainingState:
    """All that a training needs to go on from here.

    Args:
        fingerprint: What the training is.
        epoch: The epoch that is next, or runs.
        batch: The batch of it that is next.
        has_ended: Whether the training had ended, so that nothing is next.
        step: The batches that the model had been trained on, over all its trainings.
        brought: Of those, the batches that this process had brought.
        counted: How many of these the optimizer had counted.
        updates: The updates that the optimizer had made.
        data: The position of the data.
        validation: That of the data for validation.
        callbacks: The states of the callbacks as plain data, by their names.
        random: Where the generators of random numbers were.
        history: The epochs of `History`, and its values.
        switched_by: The name of the `SwitchOptimizer` to whose optimizer the training had gone over; "" for none.
        built_for: For which of the model's variables each optimizer was built.
        variables: A copy of all variables.
    """

    fingerprint: Fingerprint
    epoch: int
    batch: int
    has_ended: bool
    step: int
    brought: int
    counted: int
    updates: int
    data: dict[str, Any]
    validation: ValidationPosition
    callbacks: dict[str, dict[str, Any]]
    random: RandomNumbers
    history: tuple[list[int], dict[str, list[Any]]]
    switched_by: str
    built_for: dict[str, list[int]]
    variables: dict[str, np.ndarray]

    def packed(self) -> dict[str, Any]:
        """Return it as plain data; `variables` is a copy already, and so are the states of the callbacks."""
        copies = {"variables": self.variables, "callbacks": self.callbacks}
        rest = {name: _state.dump(value) for name, value in vars(self).items() if name not in copies}
        return {"format": FORMAT, **rest, **copies}

    @classmethod
    def unpacked(cls, content: Mapping[str, Any]) -> "TrainingState":
        """Return what `packed` has packed; the states of the callbacks stay plain data, which each callback loads.

        Raises:
            ValueError: If another version has, or something else is in it.
        """
        if (found := content.get("format", "an older one")) != FORMAT:
            raise ValueError(
                f"A state must have the format {FORMAT}, which this version of keras_ch8 writes. Received: format "
                f"{found!r}. Resume with the version that wrote it, or pass another `directory`."
            )
        given = {name: value for name, value in content.items() if name != "format"}
        try:
            values = {name: value if name == "callbacks" else _state.load(value) for name, value in given.items()}
        except ValueError as error:
            raise _other_content(str(error)) from error
        if fault := _state.fault(values, _state.types_of(cls)):
            raise _other_content(fault)
        state = cls(**values)
        epochs = state.fingerprint["epochs"]
        if not 0 <= state.epoch <= epochs or state.batch < 0:
            raise _other_content(f"epoch={state.epoch}, batch={state.batch} of {epochs} epochs")
        return state


def _other_content(fault: str) -> ValueError:
    return ValueError(
        f"A state must have the layout that this version of keras_ch8 writes. Received: one in which {fault}. Resume "
        "with the version that wrote it, or pass another `directory`."
    )


# --- where the data of a training are, and how they are brought there again ------------------------------------------


NOTHING_LOST = "Pass `fit` a `keras_ch8.data.ArraySource` to lose nothing."


class Position:
    """Where the data of a training are.

    Args:
        training: The training that reads them.
        description: What a training that goes on must have in common with the one before.
    """

    within_epochs = True
    """Whether a training can go on in the middle of an epoch, and reads what it would have read."""
    said = ""
    """What a warning says of them, once."""
    differs = ""
    """In what a training that goes on differs from one that nothing interrupts; "" for in nothing."""

    def __init__(self, training: Training, description: dict[str, Any]) -> None:
        self._training, self.description = training, description
        self._place = DataPosition()

    def epoch_begins(self) -> None:
        """Note where the data are at the beginning of an epoch, before its first batch is read."""
        self._place = self._training.place_now()

    def taken(self, batch: int | None) -> dict[str, Any]:
        """Return the position before a batch of the running epoch, or at the end of the training."""
        return self._place._asdict()

    def put(self, state: Mapping[str, Any]) -> None:
        """Go on from a position in the training that begins."""
        self._training.place = DataPosition(**state)

    def begin_epoch(self, state: Mapping[str, Any]) -> None:
        """Go on from the beginning of the epoch of a position, in data that are not those of then, if that can be."""

    def example(self) -> Any:
        """Return something of the shape and type of a batch, to build a model on; None where it is not known."""
        return None


class OfSource(Position):
    """A source of `keras_ch8.data`, which finds its place itself."""

    def __init__(self, training: Training, source: Any, said: str = "") -> None:
        super().__init__(training, {
            "examples": repr(source.examples), "count": source.count, "batch_size": source.batch_size,
            "batches": source.steps, "shuffle": source.shuffle, "contents": _of_source(source),
        })  # fmt: skip
        self._source, self.said = source, said

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

        def of_batch(array: Any) -> Any:
            dtype = keras.config.floatx() if array.dtype.kind == "f" else array.dtype.name
            return keras.KerasTensor((None, *array.shape[1:]), dtype)

        return keras.tree.map_structure(lambda a: None if a is None else of_batch(a), self._source.take([0]))


class OfDataset(Position):
    """A `tf.data.Dataset`: its passes are begun again, its variables put back, and what was read is skipped.

    Args:
        training: The training that reads it.
        dataset: The data set.
        why: Why it then does not give the same, so that a training goes on at the beginning of an epoch; "" if it does.
    """

    def __init__(self, training: Training, dataset: Any, why: str) -> None:
        steps = training.arguments.get("steps_per_epoch")
        super().__init__(training, _of_elements(dataset) | {"steps_per_epoch": steps})
        self._dataset = dataset
        self._variables = backend.written_variables(dataset)
        self._values: list[Any] = []
        """Those of the variables when the running pass was begun."""
        self.within_epochs = not why
        if why:
            self.differs = _another_order(f"of its `tf.data.Dataset` {why}")
        elif backend.calls_python(dataset):
            self.said = (
                "`Resume` assumes that the Python functions called by the `tf.data.Dataset` return the same values "
                "again. Their own state, such as a NumPy generator, is not saved."
            )

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
        given = training.arguments
        contents = of_arrays({name: given.get(name) for name in ("x", "y", "sample_weight")})
        steps = given.get("steps_per_epoch")
        super().__init__(
            training, {"kind": type(given.get("x")).__name__, "steps_per_epoch": steps, "contents": contents}
        )
        if is_same:
            self.said = (
                "`Resume`: after an interruption, this training resumes at the start of an epoch instead of the exact "
                f"batch, because {why}. {NOTHING_LOST}"
            )
        else:
            self.differs = _another_order(why)

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
        self.differs = f"validation reads different examples or a different order, because {why}" if why else ""

    def _why_not_the_same(self) -> str:
        if self._dataset is not None:
            why = backend.why_not_the_same(self._dataset)
            return f"of the `tf.data.Dataset` for validation {why}" if why else ""
        if hasattr(self._data, "__next__"):
            return "a generator can only be restarted"
        changes = isinstance(self._data, keras.utils.PyDataset) and _changes_with_epochs(self._data)
        return "the `PyDataset` for validation changes with the epochs" if changes else ""

    @property
    def description(self) -> dict[str, Any]:
        """What they are, by shape and type, and some of the values of arrays."""
        if self._dataset is not None:
            return _of_elements(self._dataset)
        data = self._data
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


def position_of(training: Training) -> Position:
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
            return OfEpochs(training, "a `PyDataset` that changes between epochs is restarted", is_same=False)
        return OfEpochs(training, "Keras draws a new order of a `PyDataset`", is_same=True)
    if hasattr(x, "__next__"):
        why = "a generator can only be restarted (of `tf.data.Dataset.from_generator` what was read is skipped)"
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
        f"With `Resume`, `fit` reads its arrays through `keras_ch8.data.ArraySource(batch_size={source.batch_size}, "
        f"shuffle={source.shuffle})`, so that the training can resume at the exact batch."
    )
    return OfSource(training, source, said)


def _another_order(why: str) -> str:
    return f"it resumes at the start of an epoch, with different examples or in a different order, because {why}"


def _changes_with_epochs(data: keras.utils.PyDataset) -> bool:
    """Whether the class of a `PyDataset` does something at the turn of an epoch, such as shuffling."""
    theirs = keras.utils.PyDataset
    return any(getattr(type(data), name) is not getattr(theirs, name) for name in ("on_epoch_begin", "on_epoch_end"))


def _of_elements(dataset: Any) -> dict[str, Any]:
    """Return shapes and types of the elements of a `tf.data.Dataset`, and their number."""
    return {"elements": repr(dataset.element_spec), "batches": int(dataset.cardinality())}


def _of_source(source: Any) -> dict[str, str]:
    examples = getattr(source, "examples", None)
    return of_arrays({name: getattr(examples, name, None) for name in ("x", "y", "sample_weight")})


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=False):
        variable.assign(value)
