"""Early stopping, and then training on the validation examples too."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from .. import _checks, _objects, stopping
from .._describe import section, short
from .._plot import COLORS, axes_of, finished, line
from .._result import Result, Table
from .._sandbox import StopAfter
from .._types import Data
from ..callbacks import EarlyStopping
from ..stopping.criterion import Reason, StopReason

STRATEGIES = ("same_steps", "same_epochs", "until_loss")


@dataclasses.dataclass(frozen=True, repr=False)
class Retraining(Result):
    """The result of `retrain_on_all_data`.

    Args:
        strategy: As asked for.
        reason: How the first training ended.
        best_epoch: Its best epoch, counted from 0.
        first: Its history, as `fit` returns it.
        second: The history of the training on all data.
        steps: Batches of the training on all data.
        target: With `"until_loss"` the loss that the validation examples were to reach; otherwise `None`.
        reached: With `"until_loss"` whether they did before `max_epochs`; otherwise `True`.
    """

    strategy: str
    reason: Reason
    best_epoch: int
    first: dict[str, list[float]]
    second: dict[str, list[float]]
    steps: int
    target: float | None = None
    reached: bool = True

    def plot(self, ax: Any = None) -> Any:
        """Draw the losses of both trainings and the best epoch, with matplotlib; return the axes."""
        ax = axes_of(ax)
        curves = {
            "first training": self.first.get("loss", ()),
            "first training, validation": self.first.get("val_loss", ()),
            "training on all data": self.second.get("loss", ()),
        }
        for number, (name, losses) in enumerate(curves.items()):
            if len(losses):
                ax.plot(range(1, len(losses) + 1), losses, label=name, **line(number))
        ax.axvline(self.best_epoch + 1, color=COLORS[-1], linestyle=":", label=f"best epoch: {self.best_epoch + 1}")
        if self.target is not None:
            ax.axhline(self.target, color=COLORS[4], linestyle="--", label=f"loss to reach: {self.target:.3g}")
        return finished(ax, "Early stopping, then training on all data", "epoch", "loss", "losses")

    def _headline(self) -> str:
        return (
            f"Trained on all data for {self.steps} steps ({self.strategy}); the best epoch was {self.best_epoch + 1}."
        )

    def _table(self) -> Table:
        rows: list[tuple[str, object]] = [
            ("early stopping", self.reason.message),
            ("best epoch", self.best_epoch + 1),
            ("strategy", self.strategy),
            ("steps on all data", self.steps),
        ]
        if self.target is not None:
            rows.append(("loss to reach", f"{self.target:.4g}: {'reached' if self.reached else 'not reached'}"))
        return Table(("quantity", "value"), rows)


@section("8.1")
def retrain_on_all_data(
    model_factory: Callable[[], keras.Model],
    data: tuple[Data, ...],
    validation_data: tuple[Data, ...],
    *,
    strategy: str = "same_steps",
    early_stopping: EarlyStopping | None = None,
    max_epochs: int = 1000,
    batch_size: int = 32,
    **fit_arguments: Any,
) -> tuple[keras.Model, Retraining]:
    """Stop early on validation data, then train on them too (section 7.8, algorithms 7.2 and 7.3).

        same_steps    a new model, trained on all data for as many steps as the best epoch had (algorithm 7.2)
        same_epochs   a new model, for as many passes over all data
        until_loss    the same model, from its best weights, until the loss on the validation examples has fallen to
                      that of the training examples at the best epoch (algorithm 7.3); it may never, hence `max_epochs`

    A length in percent (of a schedule) is of `max_epochs` in both trainings, so that the same step has the same rate.

    Args:
        model_factory: Function that returns a new compiled model.
        data: Arrays `(x, y)` or `(x, y, sample_weight)`, also nested, to train on.
        validation_data: The same, to stop on.
        strategy: One of the above. Defaults to `"same_steps"`.
        early_stopping: A `callbacks.EarlyStopping`. Defaults to one with `patience=5`.
        max_epochs: Epochs after which either training ends in any case. Defaults to `1000`.
        batch_size: Examples in a batch. Defaults to `32`.
        **fit_arguments: For `fit`, in both trainings: `verbose`, `callbacks`, `class_weight`, ...

    Returns:
        The model and a `Retraining`.

    Raises:
        TypeError: If the data are not arrays.
        ValueError: If an argument lies outside its range, or only one part of the data has sample weights.

    Example:
        >>> def factory():
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        ...     model.compile(keras_ch8.optimizers.SGD(0.05), "mse")
        ...     return model
        >>> x = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
        >>> y = x @ [[1.0], [2.0]]
        >>> model, report = keras_ch8.training.retrain_on_all_data(
        ...     factory, (x[:96], y[:96]), (x[96:], y[96:]), max_epochs=10, verbose=0)
        >>> report.steps == 3 * (report.best_epoch + 1)
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithms 7.2 and 7.3.
    """
    _objects.function("model_factory", model_factory, returns="a new compiled model")
    _objects.pair("data", data)
    _objects.pair("validation_data", validation_data)
    if early_stopping is not None and not isinstance(early_stopping, EarlyStopping):
        raise TypeError(
            "`early_stopping` must be a `keras_ch8.callbacks.EarlyStopping`, or None for one with patience=5. "
            f"Received: early_stopping={short(early_stopping)} of type {type(early_stopping).__name__}."
        )
    if not isinstance(strategy, str) or strategy not in STRATEGIES:
        raise ValueError(
            f"`strategy` must be one of {', '.join(map(repr, STRATEGIES))}. Received: strategy={short(strategy)}. Try "
            "'same_steps'."
        )
    max_epochs = _checks.count("max_epochs", max_epochs, 1, meaning="the epochs of a training", fix="Try 1000.")
    batch_size = _checks.count("batch_size", batch_size, 1, meaning="the examples in a batch", fix="Try 32.")
    if taken := {"epochs", "initial_epoch", "steps_per_epoch", "validation_split"} & set(fit_arguments):
        raise ValueError(
            "`retrain_on_all_data` decides how long both trainings are, and stops on `validation_data`. Received: "
            f"{', '.join(sorted(taken))}. Leave this out; `max_epochs` bounds both trainings."
        )
    stop = EarlyStopping(patience=5, restore_best_weights=True) if early_stopping is None else early_stopping
    if strategy == "until_loss" and not stop.restore_best_weights:
        raise ValueError(
            "`until_loss` continues from the best weights. Received: an `EarlyStopping` that does not restore them. "
            "Create it with restore_best_weights=True."
        )
    train, validation_data = tuple(data), tuple(validation_data)
    if len(train) != len(validation_data):
        raise ValueError(
            "The two parts of the data are joined, so either both or neither must have sample weights. Received: "
            f"{len(train)} arrays to train on and {len(validation_data)} to stop on."
        )
    all_data = _joined(train, validation_data)
    callbacks = keras.tree.flatten(fit_arguments.pop("callbacks", None) or [])

    def fit(
        model: keras.Model, data: tuple[Data, ...], epochs: int, *own: keras.callbacks.Callback, **more: Any
    ) -> dict[str, list[float]]:
        data_x, data_y, *weight = data
        return model.fit(
            data_x,
            data_y,
            sample_weight=weight[0] if weight else None,
            epochs=epochs,
            batch_size=batch_size,
            callbacks=[*callbacks, *own],
            **fit_arguments | more,
        ).history

    model = _objects.made_by("model_factory", model_factory)
    first = fit(model, train, max_epochs, stop, validation_data=validation_data)
    if stop.reason is None or stop.best is None:
        raise ValueError(
            f"Early stopping found no best epoch: `{stop.monitor}` was always NaN. Lower the learning rate, or clip "
            "the gradient."
        )
    epochs = stop.best_epoch + 1
    per_epoch, per_epoch_of_all = (
        math.ceil(len(keras.tree.flatten(data)[0]) / batch_size) for data in (train, all_data)
    )
    target, reached = None, True
    if strategy == "until_loss":
        target, loss = _loss(model, train, batch_size), _loss(model, validation_data, batch_size)
        down = EarlyStopping(
            "loss", criterion=stopping.Threshold(target), evaluate_on=validation_data, logs=["measured_loss"]
        )
        second = fit(model, all_data, max_epochs, down) if loss > target else {}
        reached = loss <= target or (down.reason is not None and down.reason.why is StopReason.THRESHOLD)
        steps = len(second.get("loss", ())) * per_epoch_of_all
    else:
        model = _objects.made_by("model_factory", model_factory)
        of_epoch = per_epoch if strategy == "same_steps" else per_epoch_of_all
        last = StopAfter(epochs * of_epoch)
        second = fit(model, all_data, math.ceil(max_epochs * of_epoch / per_epoch_of_all), last)
        steps = last.done
    return model, Retraining(strategy, stop.reason, stop.best_epoch, first, second, steps, target, reached)


def _loss(model: keras.Model, data: tuple[Data, ...], batch_size: int) -> float:
    x, y, weight = (*data, None)[:3]
    return float(model.evaluate(x, y, batch_size, verbose=0, sample_weight=weight, return_dict=True)["loss"])


def _joined(some: tuple[Data, ...], others: tuple[Data, ...]) -> tuple[Data, ...]:
    for leaf in keras.tree.flatten((some, others)):
        if not hasattr(leaf, "shape") or not len(leaf.shape):
            raise TypeError(
                f"The training and validation examples are joined, so they must be arrays. Received: {short(leaf)} of "
                f"type {type(leaf).__name__}. Convert them to arrays."
            )
    return tuple(
        keras.tree.map_structure(lambda a, b: np.concatenate([np.asarray(a), np.asarray(b)]), a, b)
        for a, b in zip(some, others, strict=True)
    )
