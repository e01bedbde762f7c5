"""The one sink: everything that the suite measures, for TensorBoard."""

import os
from typing import Any, final

import numpy as np

from .. import _checks, _telemetry
from ..board import layout, tags
from ..board.window import Windows
from ..board.writer import RunWriter
from ._base import AbstractCallback
from ._layers import LayerMap
from ._report import Report
from ._watch import numbers_in


@final
class TensorBoard(AbstractCallback):
    """Write the loss, the metrics and what every step of the optimizer did for TensorBoard (section 8.2).

    Works with any Keras optimizer. Everything goes to `<log_dir>/optimization`, a run of its own, so that
    `keras.callbacks.TensorBoard(log_dir)` may stand beside it. The step is `optimizer.iterations`: it goes on in a
    second `fit`, and in a resumed one. Long runs are written in windows of steps, about 900 for the whole run, with
    mean, smallest and largest value, so that a spike of one step is seen however long the run is. Other callbacks of
    the suite write through this one, in whatever order they are listed. If a training step is interrupted or fails,
    what was not yet written is written; if another callback raises, when the model is trained again, or Python ends.

    Shown, with `/min` and `/max` where spikes matter:

        ch8/loss                     loss of each minibatch
        ch8/gradient_norm            |g|, before clipping
        ch8/update_norm              |delta theta|, at every `measure_every`-th step
        ch8/effective_rate           |delta theta / g|: median, 5 % and 95 % quantile over a sample of the parameters
        ch8/weight_norm              |theta|, whenever telemetry is read: every 500 steps or 5 s, and after an epoch
        ch8/learning_rate
        ch8/nonfinite                entries of the gradient that are infinite or NaN
        ch8_batch/..., ch8_epoch/... what Keras reports after batches and epochs, validation included

    Of a method of section 8.6 a row is an iteration, and `ch8_solver/...` has step length, evaluations and the like.
    With a clipping rule, `ch8/gradient_norm_clipped`, `ch8/clip_coefficient` and `ch8/clipped_share` besides. The
    dashboard Custom Scalars shows them in groups, Text the report of the run. If writing fails, one warning says so,
    and the training goes on.

    Args:
        log_dir: Folder of the run. Defaults to `"logs"`.
        measure_every: At which steps the update and the effective rate are measured. Defaults to `10`.
        layers: Whether to write the norm of each layer's gradient: the largest, the median and the smallest as scalars,
            and all of them as one picture for each epoch. Defaults to `False`.

    Raises:
        OSError: In `fit`, before the first step, if `log_dir` cannot be written.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.Adam(), "mse")
        >>> board = keras_ch8.callbacks.TensorBoard(tempfile.mkdtemp())
        >>> _ = model.fit(np.ones((64, 2)), np.ones((64, 1)), callbacks=[board], verbose=0)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    def __init__(
        self, log_dir: str | os.PathLike[str] = "logs", *, measure_every: int = 10, layers: bool = False
    ) -> None:
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        self.measure_every = _checks.count(
            "measure_every", measure_every, 1, meaning="at which steps the update is measured", mend="Try 10."
        )
        self.layers = layers

    def on_open(self) -> None:
        """Open the run, and write what is known before the first step."""
        session = self.session
        steps, epochs = session.params["steps"], session.params["epochs"]
        self._windows = Windows(steps * epochs * session.iterations_per_step if steps else None)
        self._layer_map = LayerMap(self.model.trainable_variables) if self.layers else None
        self._report = Report(session)
        self._writer = session.writer = RunWriter.open(self.log_dir, session.step + 1)
        self._writer.layout(layout.custom_scalars())
        self._writer.text(tags.REPORT, self._report.beginning(), session.step)

    def on_frame(self, frame: _telemetry.Frame, logs: dict[str, Any]) -> None:
        """Add the rows to the windows, and write those that are full."""
        series: dict[tags.Tag, Any] = {
            tags.GRADIENT_NORM: (frame.steps, frame.norm),
            tags.NONFINITE: (frame.steps, frame.nonfinite),
            tags.UPDATE_NORM: (frame.measured, frame.update),
            tags.EFFECTIVE_RATE: _effective_rate(frame),
            tags.WEIGHT_NORM: (frame.steps[-1:], np.array([self.session.listener.norm_of_weights()])),
        }
        if not np.isnan(frame.learning_rate).all():
            series[tags.LEARNING_RATE] = frame.steps, frame.learning_rate
        if frame.loss is not None:
            series[tags.LOSS] = frame.steps, frame.loss
        if self.session.shows_clipping:
            series[tags.GRADIENT_NORM_CLIPPED] = frame.steps, frame.clipped
            series[tags.CLIP_COEFFICIENT] = frame.steps, frame.coefficient
            series[tags.CLIPPED_SHARE] = frame.steps, frame.was_clipped.astype(float)
        series |= {tags.solver(name): (frame.steps, values) for name, values in frame.numbers.items()}
        if self._layer_map:
            series |= self._layer_map.series(frame)
        for name, value in self._of_keras(logs).items():
            if name != "loss":
                series[tags.batch(name)] = (frame.steps[-1:], np.array([value]))
        self._report.add(series)
        self._writer.points(self._windows.add(series))

    def _of_keras(self, logs: dict[str, Any]) -> dict[str, float]:
        """Return the numbers in `logs` that come from Keras: those of the suite have tags of their own."""
        return {name: value for name, value in numbers_in(logs).items() if name not in self.session.own_logs}

    def on_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Write what Keras reports of the epoch."""
        step = self.session.step
        self._writer.scalars(step, {tags.epoch(name).name: value for name, value in self._of_keras(logs).items()})
        if self._layer_map:
            self._layer_map.draw(self._writer, step)

    def findings(self) -> list[str]:
        """Return why a method of section 8.6 has ended the training."""
        reason = getattr(self.session.listener.optimizer, "stop_reason", None)
        return [reason] if reason else []

    def on_close(self) -> None:
        """Write the last window and the report."""
        self._writer.points(self._windows.flush())
        self._writer.text(tags.REPORT, self._report.end(), self.session.step)


def _effective_rate(frame: _telemetry.Frame) -> tuple[np.ndarray, ...]:
    """Return steps, median and the two other quantiles, of the steps at which a sampled parameter has a gradient."""
    some = ~np.isnan(frame.rates[:, 1])
    return tuple(x[some] for x in (frame.measured, *frame.rates.T[[1, 0, 2]]))
