"""The averages of the weights of one model, and the way into the model and back, bit for bit."""

import contextlib
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from ..._duration import Duration
from ..._types import Data
from ...integration import backend, fit, keras_private
from ...layers import recalibrate
from ...layers.batch_normalization import trainable_normalizations
from ..session import states
from .weight_average import AverageUpdater, AveragingPlan, WeightAverage, clock_of

NAME = "average of the weights"
"""Under which a model keeps what was traced to average it."""

_left_in: "weakref.WeakKeyDictionary[keras.Model, Swap]" = weakref.WeakKeyDictionary()
"""The weights as they were trained, of models that a training has left with others."""


def restore_trained_weights(model: keras.Model) -> None:
    """Put the weights back that the last training has brought, but where somebody has set others since."""
    left = _left_in.pop(model, None)
    if left is not None:
        left.back()


AVERAGED = {
    "average": {"updates": int, "start": int, "averages": [np.ndarray]},
    "held": (None, [np.ndarray]),
}
"""What a state of an `AveragedModel` is made of: see `session.states`."""


class AveragedModel:
    """Averages of the trainable weights, with what statistics of batch normalization go with them.

    Args:
        model: A model that is built.
        plan: Which mean to take.
        batch_norm: As in `PolyakAveraging`.
        data: Inputs to recalibrate with.
        average: What an earlier training of the model has traced, if there is any.
    """

    def __init__(
        self, model: keras.Model, plan: AveragingPlan, batch_norm: str, data: Data, average: WeightAverage | None = None
    ) -> None:
        self.model, self._plan, self._data = model, plan, data
        trained, statistics = _trained(model), _statistics(model)
        self.average = WeightAverage(_averaged(model, batch_norm), plan.mean) if average is None else average
        self._swapped = trained + (statistics if batch_norm != "keep" else [])
        self.swap = Swap(self._swapped)
        self._recalibrates = batch_norm == "recalibrate" and bool(statistics)

    def begin(self, params: dict[str, Any], epoch: int, state: Mapping[str, Any] | None) -> None:
        """Begin a training of this length in this epoch, or go on in it from what `state` has returned."""
        clock = clock_of(self.model, params)
        self.average.set_length(clock)
        self.swap = Swap(self._swapped)
        if state is None:
            self._plan.warn_if_too_long(clock)
            before = Duration(float(epoch), "ep")
            updates = round(before.steps(clock(before))) if params["steps"] else 0
            self.average.begin(updates, max(self._plan.first(clock), updates))
        else:
            shapes = [average.shape for average in state["average"]["averages"]]
            expected = [tuple(variable.shape) for variable in self.average.variables]
            if shapes != expected:
                raise states.refuse("PolyakAveraging", "shapes of the averages", shapes, expected)
            self.average.begin(**state["average"])
            if state["held"] is not None:
                self._swap_for(state["held"]).set(state["held"])

    def state(self) -> dict[str, Any]:
        """Return the averages, and the weights where the averages are in their place."""
        held = self.swap.held
        return {"average": self.average.state(), "held": held and [np.asarray(value) for value in held]}

    def show(self, state: Mapping[str, Any]) -> None:
        """Take what `state` has returned at the end of a training; what that has left in the model stays there."""
        self.average.begin(**state["average"])
        if state["held"] is not None:
            self.swap = self._swap_for(state["held"])
            self.swap.hold(state["held"])
            self.leave()

    def _swap_for(self, held: Sequence[Any]) -> "Swap":
        """Return a swap of the variables of which values were held: of all weights after `put_all`."""
        swap = Swap(self._swapped)
        if len(held) > len(self._swapped):
            swap.widen(self.model.weights)
        return swap

    def keep_own(self) -> None:
        """Have the averages in variables of their own, since those that were traced serve another training now."""
        with self.model.distribute_strategy.scope():
            self.average = self.average.copied()

    def put_in(self) -> None:
        """Put the averages into the model; the weights are held."""
        self.swap.put(self._write)

    def put_all(self, weights: list[np.ndarray]) -> None:
        """Put weights that `get_weights` of the model has returned into it; all that were there are held."""
        self.swap.widen(self.model.weights)
        self.swap.put(lambda: self.model.set_weights(weights))

    def leave(self) -> None:
        """Let the next training of the model that is averaged go on from the weights that are held now."""
        _left_in[self.model] = self.swap

    @contextlib.contextmanager
    def swapped(self) -> Iterator[None]:
        """Have the averages in the model, and restore what was there, whatever it was."""
        aside = Swap(self.swap.variables)
        aside.put(self._write)
        try:
            yield
        finally:
            aside.back()

    def raw_weights(self) -> list[np.ndarray]:
        """Return the weights of the model as they are trained."""
        raw = dict(zip(map(id, self.swap.variables), self.swap.values(), strict=True))
        return [np.asarray(raw[id(v)]) if id(v) in raw else v.numpy() for v in self.model.weights]

    def distance(self) -> float:
        """Return the Euclidean distance between the trainable weights and their averages."""
        return self.average.distance(self.swap.values()[: len(_trained(self.model))])

    def _write(self) -> None:
        self.average.put_in()
        if self._recalibrates:
            recalibrate(self.model, self._data)


def take_cached(model: keras.Model, plan: AveragingPlan, batch_norm: str) -> AverageUpdater | None:
    """Return what an earlier training has traced to average a model so, for one training; None if there is nothing."""
    updater, owner = fit.programs_of(model).pop(NAME, (None, None))
    if updater is None or updater.average.mean != plan.mean:
        return None
    if list(map(id, updater.average.variables)) != list(map(id, _averaged(model, batch_norm))):
        return None
    earlier = owner()
    if earlier is not None:
        earlier.keep_own()
    return updater


def put_in_cache(updater: AverageUpdater, averaged: AveragedModel) -> None:
    """Keep what was traced for the next training of the model, with the average of this one in it."""
    fit.programs_of(averaged.model)[NAME] = updater, weakref.ref(averaged)


def _averaged(model: keras.Model, batch_norm: str) -> list[Any]:
    """Return the variables that are averaged."""
    return _trained(model) + (_statistics(model) if batch_norm == "average" else [])


def _trained(model: keras.Model) -> list[Any]:
    return [v for v in model.trainable_variables if not keras_private.is_overwritten_by_gradient(v)]


def _statistics(model: keras.Model) -> list[Any]:
    return [v for layer in trainable_normalizations(model) for v in layer.non_trainable_variables]


class Swap:
    """Holds the values of variables while others are in their place.

    Args:
        variables: The variables.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        self.variables = list(variables)
        self.held: Sequence[Any] | None = None
        self._left: list[int] | None = None
        """What was put in, as prints; None while it is being put in, when all that is there is ours."""

    def put(self, write: Callable[[], None]) -> None:
        """Hold the values, unless they are held, and let `write` set others; what was set meanwhile stays."""
        foreign, known = self._foreign(), self._left
        if self.held is None:
            self._left, self.held = None, [backend.copy(v) for v in self.variables]
        self._left = None
        try:
            write()
            left = self._prints()
        except BaseException:
            self.back()
            self._assign(foreign)
            raise
        self._assign(foreign)
        self._left = [known[i] if known is not None and i in foreign else left[i] for i in range(len(left))]

    def hold(self, values: Sequence[Any]) -> None:
        """Hold these values, where what stands in the variables was put in before."""
        self.held, self._left = list(values), self._prints()

    def back(self) -> None:
        """Put the values back, but where somebody has set others meanwhile: those stay.

        An interruption loses nothing: what is back already is left alone the next time.
        """
        if self.held is not None:
            foreign = self._foreign()
            self._assign({i: value for i, value in enumerate(self.held) if i not in foreign})
            self.held = None

    def widen(self, variables: Sequence[Any]) -> None:
        """Hold the values of these, too."""
        known = {id(v) for v in self.variables}
        more = [v for v in variables if id(v) not in known]
        if self.held is not None:
            self.held = [*self.held, *(backend.copy(v) for v in more)]
            if self._left is not None:
                self._left += [_print(v) for v in more]
        self.variables += more

    def _foreign(self) -> dict[int, Any]:
        """Return the values that somebody else has set since ours were put in, by their place."""
        if self.held is None or self._left is None:
            return {}
        changed = [i for i, (now, left) in enumerate(zip(self._prints(), self._left, strict=True)) if now != left]
        return {i: backend.copy(self.variables[i]) for i in changed}

    def _assign(self, values: Mapping[int, Any]) -> None:
        for i, value in values.items():
            backend.native(self.variables[i]).assign(value)

    def set(self, values: Sequence[Any]) -> None:
        """Set the variables."""
        for variable, value in zip(self.variables, values, strict=True):
            backend.native(variable).assign(value)

    def values(self) -> Sequence[Any]:
        """Return the values that are held, or those in the variables."""
        return self.held if self.held is not None else [backend.copy(v) for v in self.variables]

    def _prints(self) -> list[int]:
        return [_print(v) for v in self.variables]


def _print(variable: keras.Variable) -> int:
    return hash(variable.numpy().tobytes())
