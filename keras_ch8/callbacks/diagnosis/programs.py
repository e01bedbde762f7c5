"""What is traced to measure a model: once for a model, not once for a training or a callback."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from ..._types import Data, Tensor
from ...curvature.objective import Objective
from ...integration import fit, keras_private
from ...monitors.base import Monitor
from ...monitors.eigenvalues import SpectrumMonitor
from ...monitors.probe import Probe

LARGEST = 256
"""Examples that the spectrum is measured on: every step of Lanczos goes through them twice."""
NAME = "programs of Diagnosis"


class Programs:
    """The graphs by which a model is measured on examples of one shape.

    They are lent to one callback for one training, and kept with the model until the next (see `fit.programs_of`).

    Args:
        model: A compiled model that is built.
        data: x, y and sample_weight of the first examples.
        monitors: What is to be computed.
        loss: Loss to use instead of the compiled one.
    """

    def __init__(
        self,
        model: keras.Model,
        data: Data,
        monitors: Sequence[Monitor],
        loss: Callable[[Tensor, Tensor], Tensor] | None,
    ) -> None:
        self._model, self._needs, self._shapes = model, _needs(model, monitors, loss), _shapes(data)
        probed = [monitor for monitor in monitors if monitor.source == "probe"]
        self.probe = Probe(model, *data, monitors=probed, parts=2, loss=loss, watches=True) if probed else None
        self.spectra: list[tuple[SpectrumMonitor, Objective]] = []
        for monitor in monitors:
            if isinstance(monitor, SpectrumMonitor):
                x, y, sample_weight = _some(data)
                self.spectra.append(
                    (monitor, Objective(model, x, y, sample_weight=sample_weight, loss=loss, watches=True))
                )

    def serve(self, *needs: Any, shapes: Any) -> bool:
        """Whether they are made from these objects, for examples of these shapes."""
        return list(map(id, self._needs)) == list(map(id, needs)) and self._shapes == shapes

    def take(self, data: Data, leave_out: Callable[[str, Exception], None] | None) -> None:
        """Measure on these examples, and tell of a monitor that fails."""
        if self.probe is not None:
            self.probe.take(data)
            self.probe.on_failure = leave_out
        for _, objective in self.spectra:
            objective.take(_some(data))

    def give_back(self) -> None:
        """Be kept for the next training of the model, if it is still compiled as it was."""
        if self.probe is not None:
            self.probe.on_failure = None
        fit.programs_of(self._model)[NAME] = self


def lent(
    model: keras.Model,
    data: Data,
    monitors: Sequence[Monitor],
    leave_out: Callable[[str, Exception], None],
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Programs:
    """Return those that an earlier training has traced, where nothing that they depend on has changed, or new ones."""
    kept: Programs | None = fit.programs_of(model).pop(NAME, None)
    if kept is None or not kept.serve(*_needs(model, monitors, loss), shapes=_shapes(data)):
        kept = Programs(model, data, monitors, loss)
    kept.take(data, leave_out)
    return kept


def _needs(model: keras.Model, monitors: Sequence[Monitor], loss: Any) -> list[Any]:
    """Return all objects that the graphs depend on: another in the place of one makes other graphs."""
    return [model, loss, *monitors, *keras_private.what_loss_depends_on(model), *keras_private.leaves_of(model)]


def _some(data: Data) -> Any:
    return keras.tree.map_structure(lambda a: None if a is None else a[:LARGEST], data)


def _shapes(data: Data) -> Any:
    """Return what tells whether a graph for some examples serves others."""
    return [
        (path, None if a is None else (tuple(a.shape), str(a.dtype))) for path, a in keras.tree.flatten_with_path(data)
    ]
