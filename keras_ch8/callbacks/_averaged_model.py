"""The averages of the weights of one model, and the way into the model and back."""

import contextlib
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..integration import backend, keras_private
from ..layers import recalibrate
from ..layers.batch_normalization import trainable_normalizations
from ..schedules.duration import Duration
from ._averaging_plan import Plan, clock_of
from ._swap import Swap
from ._weight_average import WeightAverage

_left_in: "weakref.WeakKeyDictionary[Any, Swap]" = weakref.WeakKeyDictionary()
"""The weights as they were trained, of models that a training has left with others."""


def give_back_what_was_trained(model: Any) -> None:
    """Put the weights back that the last training has brought, but where somebody has set others since."""
    left = _left_in.pop(model, None)
    if left is not None:
        left.back()


class AveragedModel:
    """Averages of the trainable weights, with what statistics of batch normalization go with them.

    Args:
        model: A model that is built.
        plan: Which mean to take.
        batch_norm: As in `PolyakAveraging`.
        data: Inputs to recalibrate with.
    """

    def __init__(self, model: Any, plan: Plan, batch_norm: str, data: Any) -> None:
        self.model, self._plan, self._data = model, plan, data
        trained, statistics = _trained(model), _statistics(model)
        self._log_alpha = backend.scalar(0.0, "float64")
        averaged = trained + (statistics if batch_norm == "average" else [])
        self.average = WeightAverage(averaged, lambda n: plan.rate(n, backend.as_tensor(self._log_alpha)))
        self._swapped = trained + (statistics if batch_norm != "keep" else [])
        self.swap = Swap(self._swapped)
        self._recalibrates = batch_norm == "recalibrate" and bool(statistics)
        self._made_for = [id(v) for v in trained + statistics]

    def is_of(self, model: Any) -> bool:
        """Whether these are averages of all that there is to average in a model."""
        return self.model is model and self._made_for == [id(v) for v in _trained(model) + _statistics(model)]

    def begin(self, params: dict[str, Any], epoch: int, state: Mapping[str, Any] | None) -> None:
        """Begin a training of this length in this epoch, or go on in it from what `state` has returned."""
        clock = clock_of(self.model, params)
        self._log_alpha.assign(self._plan.log_decay(clock))
        self.swap = Swap(self._swapped)
        if state is None:
            self._plan.warn_if_too_long(clock)
            before = Duration(float(epoch), "ep")
            updates = round(before.steps(clock(before))) if params["steps"] else 0
            self.average.begin(updates, max(self._plan.first(clock), updates))
        else:
            self.average.begin(**state["average"])
            if state["held"] is not None:
                trained = Swap(self._swapped)
                if len(state["held"]) > len(self._swapped):  # those of `put_all`
                    trained.widen(self.model.weights)
                trained.set(state["held"])

    def state(self) -> dict[str, Any]:
        """Return the averages, and the weights where the averages are in their place."""
        held = self.swap.held
        return {"average": self.average.state(), "held": held and [np.asarray(value) for value in held]}

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
        """Have the averages in the model, and give back what was there, whatever it was."""
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


def _trained(model: Any) -> list[Any]:
    return [v for v in model.trainable_variables if not keras_private.is_overwritten_by_gradient(v)]


def _statistics(model: Any) -> list[Any]:
    return [v for layer in trainable_normalizations(model) for v in layer.non_trainable_variables]
