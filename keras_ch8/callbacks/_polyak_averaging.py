"""An average of the weights along the training."""

import copy
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, final

import keras
import numpy as np

from .. import _checks
from .._describe import short
from .._duration import Duration, duration
from .._types import Data, Logs
from ..board import tags
from ..integration import fit, keras_private
from ._switch_optimizer import SwitchOptimizer
from .averaging.averaged_model import AVERAGED, AveragedModel, put_in_cache, restore_trained_weights, take_cached
from .averaging.second_validation import validated
from .averaging.weight_average import AverageUpdater, AveragingPlan, ExponentialMean, PolynomialMean, WeightAverage
from .base import Callback
from .session.epoch_numbers import numbers_in
from .session.terminal import fitted

SUFFIX = "_average"
"""Of the names of what was measured with the averages in the model."""
ETA = 13.0
"""Of the polynomial mean: about the last 1 / (eta + 1) = 7 % of the training count, as with a half-life of 5 % of it,
but nobody has to know how long it will be. 0 would make it the uniform mean."""


@final
class PolyakAveraging(Callback):
    r"""Average the weights along the training, and use the average in their place (section 8.7.3).

    After the t-th update, for each weight, so that the average is theta after the first one:

    .. math::

        \text{average} \leftarrow \text{average} + \frac{(\theta - \text{average}) (\eta + 1)}{t + \eta}

    With eta = 13 about the last 7 % of the training count, however long it is and wherever it ends. With
    `method="uniform"` eta is 0, and all weights count the same. With `decay` or `half_life` the mean is exponential,
    from theta_hat = 0:

    .. math::

        \hat{\theta} &\leftarrow \alpha \hat{\theta} + (1 - \alpha) \theta \\
        \text{average} &\leftarrow \frac{\hat{\theta}}{1 - \alpha^t}

    which counts about the last 1 / (1 - alpha) updates; where the training makes fewer, a warning says so.

    It works with any Keras optimizer, listed anywhere among the callbacks, and leaves the training as it is: bit for
    bit, unless XLA compiles the model (`jit_compile=True`), which may round a last bit another way. What counts is an
    update: neither the middle of an accumulation of gradients nor a step that is skipped for an infinite gradient.

    At the end of an epoch callbacks find in the model the weights that were validated. With `evaluate="average"` these
    are the averages, so `EarlyStopping` and `ModelCheckpoint` keep those; before the next epoch the weights are back.
    With `"both"`, `val_loss` and the like are of the weights and `val_loss_average` and the like of the averages;
    callbacks that monitor the latter (Keras's need `mode="min"`) keep averages. On one device both are of the same
    examples: those of a data set that shuffles, draws or calls Python are kept in memory meanwhile. `BackupAndRestore`
    needs the weights: by epochs it is refused where it would find averages, by batches it is not. Weights that another
    callback sets, at the end of an epoch or of the training, stay. `evaluate` and `predict` with `callbacks=[average]`
    use the averages.

    State: for each weight its average, in float32 or wider, and two counters. `get_state` and `set_state` go on from
    them in another `fit`, with the weights as they were, also where the model has the averages in it; without them each
    `fit` begins a new average. A `fit` with a `PolyakAveraging`, this or another, trains on from the weights as they
    were trained last and not from their average; weights that somebody has set since stay. If `fit` dies, whoever
    raises, the model has the weights as they were trained, but those that another callback has set stay.

    Differs from Keras's `use_ema` and `SwapEMAWeights`: the average is corrected for its start; updates count, not
    micro-steps; weights come back bit for bit, after `predict` too; after an early stop the model has what `final`
    says; the average may begin late, and has statistics of batch normalization of its own.

    Args:
        decay: Share alpha of the average that each update keeps. Defaults to `None`: the mean is not exponential.
        half_life: Updates after which the share of a weight is halved, or a string such as `"500ba"` (batches), `"2ep"`
            (epochs) or `"5%"` (of the training): alpha = 2^(-1 / half_life). Defaults to `None`.
        method: `"polynomial"` or `"uniform"`. Defaults to `None`: polynomial, unless `decay` or `half_life` is given.
        eta: Exponent of the polynomial mean: the weights after the i-th update count in proportion to about i^eta.
            Defaults to `None`: 13.
        start: Updates before the first that is averaged, or a string as above; until then the average is theta.
            Defaults to `0`.
        evaluate: What `fit` validates: `"average"`, `"raw"`, or `"both"`, in two passes. Defaults to `"average"`.
        final: What the model has after `fit`: `"average"`, `"raw"`, or `"best"`, those weights of all that were
            validated whose loss was smallest. Defaults to `"average"`.
        batch_norm: Which statistics of batch normalization go with the averages: `"average"`, their own averages;
            `"recalibrate"`, new ones from `data`; `"keep"`, those of the weights. Defaults to `"average"`.
        data: Inputs to recalibrate with, as for `keras_ch8.layers.recalibrate`. Defaults to `None`.
        logs: Which of the `val_..._average` of `evaluate="both"` join Keras's `logs`, and so the progress bar and
            `History`: `True` for all, or a list of names. Defaults to `("val_loss_average",)`, the loss.

    Raises:
        ValueError: If an argument lies outside its range, or two say the same; in `fit`, if the optimizer or another
            callback cannot go with it.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 2))
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(0.1), "mse")
        >>> average = keras_ch8.callbacks.PolyakAveraging(half_life="1ep", evaluate="both")
        >>> data = x, x @ [[1.0], [2.0]]
        >>> log = model.fit(*data, epochs=3, validation_data=data, callbacks=[average], verbose=0).history
        >>> log["val_loss"][-1] < log["val_loss_average"][-1] < log["val_loss"][0]
        True

    References:
        Polyak and Juditsky (1992), Acceleration of Stochastic Approximation by Averaging; Shamir and Zhang (2013),
        Stochastic Gradient Descent for Non-smooth Optimization; Goodfellow, Bengio, Courville (2016), Deep Learning,
        section 8.7.3.
    """

    section = "8.7.3"

    observes_steps = False
    _needs_fit = True
    # Early, so that others find the weights at the beginning of an epoch, and restore theirs after it.
    _place_in_fit = fit.EARLY
    _state_parts: ClassVar[Mapping[str, Any]] = {
        "averaged": (None, AVERAGED),
        "best": {"loss": float, "weights": (None, [np.ndarray])},
    }
    transient: ClassVar[Mapping[str, Any]] = {
        "_averaged": None,
        "_updater": None,
        "_aside": None,
        "_is_training": False,
    }

    def __init__(
        self,
        decay: float | None = None,
        *,
        half_life: float | str | None = None,
        method: str | None = None,
        eta: float | None = None,
        start: float | str = 0,
        evaluate: str = "average",
        final: str = "average",
        batch_norm: str = "average",
        data: Data = None,
        logs: bool | Sequence[str] = ("val_loss_average",),
    ) -> None:
        super().__init__(logs)
        meaning = "which mean of the weights to take"
        _checks.at_most_one({"decay": decay, "half_life": half_life, "method": method}, meaning=meaning)
        mean: ExponentialMean | PolynomialMean
        if decay is None and half_life is None:
            method = _checks.word(
                "method", "polynomial" if method is None else method, ("polynomial", "uniform"), meaning=meaning
            )
            fix = "About the last 1 / (eta + 1) of the training count."
            default = ETA if method == "polynomial" else 0.0
            mean = PolynomialMean(
                _checks.number("eta", default if eta is None else eta, 0.0, math.inf, meaning="an exponent", fix=fix)
            )
        else:
            method = "exponential"
            mean = ExponentialMean(
                None if decay is None else _checks.decay_rate("decay", decay, of="the average"),
                None if half_life is None else duration("half_life", half_life, "a number of updates above 0"),
            )
        if eta is not None and method != "polynomial":
            raise ValueError(
                f"`eta` is of the polynomial mean. Received: eta={short(eta)} and a mean that is {method}. Leave one "
                "of them out."
            )
        number = "a number of updates of at least 0"
        begin = Duration(0.0, "st") if _checks.is_off(start, 0) else duration("start", start, number)
        self._plan = AveragingPlan(mean, begin)
        self.evaluate = _checks.word(
            "evaluate", evaluate, ("average", "raw", "both"), meaning="which weights `fit` validates"
        )
        self.final = _checks.word(
            "final", final, ("average", "raw", "best"), meaning="which weights the model has after `fit`"
        )
        words = ("average", "recalibrate", "keep")
        self.batch_norm = _checks.word("batch_norm", batch_norm, words, meaning="which statistics go with the averages")
        if (batch_norm == "recalibrate") != (data is not None):
            raise ValueError(
                '`data` is what batch_norm="recalibrate" takes the statistics from. Received: '
                f"batch_norm={short(batch_norm)} and data of type {type(data).__name__}. Give both, with the x of "
                "`fit` as "
                'data, or neither: batch_norm="average" needs none.'
            )
        self.data = data
        self._averaged: AveragedModel | None = None
        self._updater: AverageUpdater | None = None
        self._best: tuple[float, list[np.ndarray] | None] = (math.inf, None)
        self._copied: Mapping[str, Any] | None = None
        """What the training has brought that this is a copy from; the next one begins without it."""
        self._is_training = False
        self._aside: AbstractContextManager[None] | None = None
        self._of_averages: dict[str, float] = {}
        """What the last validation has measured with the averages in the model, and was not reported yet."""

    # --- the averages ------------------------------------------------------------------------------------------------

    @property
    def updates(self) -> int:
        """How many updates were averaged."""
        return 0 if self._averaged is None else self._averaged.average.count

    @property
    def weights(self) -> list[np.ndarray]:
        """What `model.get_weights` returns with the averages in the model."""
        with self.swapped():
            return (self.model if self._averaged is None else self._averaged.model).get_weights()

    @property
    def raw_weights(self) -> list[np.ndarray]:
        """What `model.get_weights` returns with the weights as they are trained; after `fit`, as they were last.

        With `final="raw"` nothing is held: they are those in the model, also where another callback has set them.
        """
        return self.model.get_weights() if self._averaged is None else self._averaged.raw_weights()

    def swapped(self) -> AbstractContextManager[None]:
        """Have the averages in the model inside a `with` block, and give back exactly what was there."""
        if self._averaged is None or not self.updates:
            raise ValueError(
                "`PolyakAveraging` has averaged nothing yet. Received: a request for its averages. Call `fit` with it, "
                "for more updates than `start`."
            )
        return self._averaged.swapped()

    def _state(self) -> dict[str, Any]:
        if self._averaged is None and self._copied is not None:
            return copy.deepcopy(dict(self._copied))
        loss, weights = self._best
        best = {"loss": loss, "weights": None if weights is None else [np.array(value) for value in weights]}
        return {"averaged": None if self._averaged is None else self._averaged.state(), "best": best}

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_copied": self.get_state()}

    # --- a training --------------------------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Begin to average, or go on: after each step of the training, inside its compiled program."""
        self._end_aside()  # of a call that has died
        model, training = self.model, self.session.training
        restore_trained_weights(model)
        others = [callback for callback in training.callbacks if callback is not self]
        later = [callback.to for callback in others if isinstance(callback, SwitchOptimizer)]
        _refuse_optimizers([*keras_private.optimizers_of(model).values(), *later])
        if any(isinstance(other, PolyakAveraging) for other in others):
            raise ValueError("A training has one average. Received: several `PolyakAveraging`. List one of them.")
        self._averages_stay = _averages_stay(self.evaluate, others, training.validates)
        self._averaged = None
        kept = take_cached(model, self._plan, self.batch_norm)
        self._updater = AverageUpdater(self._make) if kept is None else kept
        if kept is not None:
            self._begin(AveragedModel(model, self._plan, self.batch_norm, self.data, kept.average))
        elif model.built:
            self._updater.begin()
        self.session.after_step.append(self._updater)
        if self.evaluate == "both":
            training.validate = self._validate_both
        self._is_training = True

    def _make(self) -> WeightAverage:
        with self.model.distribute_strategy.scope():
            averaged = AveragedModel(self.model, self._plan, self.batch_norm, self.data)
        self._begin(averaged)
        return averaged.average

    def show_results(self, state: Mapping[str, Any]) -> None:
        """Have the averages and the weights as they were trained last, beside what was left in the model."""
        self._best = state["best"]["loss"], state["best"]["weights"]
        if state["averaged"] is not None:
            self._averaged = AveragedModel(self.model, self._plan, self.batch_norm, self.data)
            self._averaged.show(state["averaged"])

    def _begin(self, averaged: AveragedModel) -> None:
        self._averaged = averaged
        kept, self._copied = self._take_kept(), None
        self._best = (math.inf, None) if kept is None else (kept["best"]["loss"], kept["best"]["weights"])
        averaged.begin(self.session.params, self.session.first_epoch, None if kept is None else kept["averaged"])

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Give the weights back."""
        super().on_epoch_begin(epoch, logs)
        if self._averaged is not None:
            self._averaged.swap.back()

    @property
    def _validates(self) -> bool:
        return self._is_training and self.session.training.is_validating

    def _keep_if_best(self, values: Mapping[str, float]) -> None:
        """Keep the weights in the model, which were just validated, if they are the best."""
        loss = values.get("loss", math.nan)
        if self.final == "best" and loss < self._best[0]:
            self._best = loss, self.model.get_weights()

    def _validate_both(self, evaluate: Callable[..., dict[str, float]], arguments: dict[str, Any]) -> dict[str, float]:
        """Validate a second time with the other weights, and leave in the model what callbacks are to find there."""
        averaged = self._averaged
        if averaged is None or not self.updates:
            self._of_averages = evaluate(**arguments)
            return self._of_averages
        first, again = validated(evaluate, self.session.training, arguments)
        if self._averages_stay:
            averaged.swap.back()
            second = again()
            self._keep_if_best(second)
            averaged.put_in()
            self._of_averages = first
            return second
        with averaged.swapped():
            second = again()
            self._keep_if_best(second)
        self._of_averages = second
        return first

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report what was validated with the averages, and show how far the weights are from them."""
        super().on_epoch_end(epoch, logs)
        measured, self._of_averages = self._of_averages, {}
        self.session.report(self, logs, {f"val_{name}{SUFFIX}": value for name, value in numbers_in(measured).items()})
        if self._averaged is not None and self.updates and self.session.writer is not None:
            self.session.show({tags.AVERAGE_DISTANCE: self._averaged.distance()})

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave in the model what `final` says; what others restore, they restore after this."""
        if self._averaged is not None and self._is_training:
            self._is_training = False
            self._leave_final(self._averaged)
        super().on_train_end(logs)

    def _leave_final(self, averaged: AveragedModel) -> None:
        if self.final == "raw":
            averaged.swap.back()
        elif self.final == "best" and self._best[1] is not None:
            averaged.put_all(self._best[1])
            averaged.leave()
        elif self.final == "average" and self.updates:
            averaged.put_in()
            averaged.leave()
        else:
            averaged.swap.back()
            self._warn()

    def _warn(self) -> None:
        why = (
            "no validation has measured a loss: give `validation_data` to `fit`"
            if self.final == "best"
            else "no update was averaged: the training was shorter than `start`, or makes its updates without "
            "`model.optimizer`"
        )
        warnings.warn(f"`PolyakAveraging` leaves the weights as they are, since {why}.", UserWarning, stacklevel=2)

    def on_close(self) -> None:
        """Of a training that has died, also after its last epoch, give the weights back; keep what was traced."""
        if self._averaged is not None and (self._is_training or self.session.training.has_died):
            self._averaged.swap.back()
        if self._averaged is not None and self._updater is not None:
            put_in_cache(self._updater, self._averaged)
        self._is_training, self._updater = False, None

    def _summary(self) -> list[str]:
        return [line for sentence in self.findings() for line in fitted(sentence, 1)]

    def findings(self) -> list[str]:
        """Return what the average is made of."""
        return [f"The average of the weights is over {self.updates} updates."] if self.updates else []

    # --- validation, and evaluate and predict with callbacks=[average] ------------------------------------------------

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Put the averages in: in a validation until the next epoch begins, otherwise until the end of `evaluate`."""
        if not self._validates:
            self._begin_aside()
        elif self._averages_stay and self._averaged is not None and self.updates:
            self._averaged.put_in()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Of `evaluate` alone, give back what was in the model."""
        if self._validates:
            self._keep_if_best(logs or {})
        else:
            self._end_aside()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Put the averages in."""
        self._begin_aside()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Give back what was in the model."""
        self._end_aside()

    def _begin_aside(self) -> None:
        self._end_aside()  # of a call that has died
        if self._averaged is not None and self._averaged.model is self.model and self.updates:
            self._aside = self._averaged.swapped()
            self._aside.__enter__()

    def _end_aside(self) -> None:
        if self._aside is not None:
            aside, self._aside = self._aside, None
            aside.__exit__(None, None, None)


def _refuse_optimizers(optimizers: Iterable[Any]) -> None:
    """Refuse optimizers that average themselves, and those whose steps cannot be followed."""
    for inner in [each for optimizer in optimizers for each in keras_private.inner_optimizers(optimizer)]:
        if getattr(inner, "use_ema", False):
            raise ValueError(
                f"`PolyakAveraging` averages the weights of any optimizer. Received: {inner.name!r} with use_ema=True, "
                "which puts averages of its own into the model. Leave `use_ema` out."
            )
        if getattr(inner, "accumulate_batches", False):
            raise ValueError(
                f"`PolyakAveraging` takes the weights after each training step. Received: {inner.name!r} with "
                "accumulate_batches=True, which takes one for several batches. Give all examples in one batch."
            )


def _averages_stay(evaluate: str, companions: Iterable[Any], validates: bool) -> bool:
    """Whether callbacks are to find the averages in the model at the end of an epoch that was validated.

    Args:
        evaluate: As in `PolyakAveraging`.
        companions: The other callbacks.
        validates: Whether any epoch is validated.
    """
    companions = list(companions)
    monitors = _monitors_of_keepers(companions)
    wishes = {name.endswith(SUFFIX) for name in monitors}
    if evaluate == "both" and len(wishes) > 1:
        raise ValueError(
            "Callbacks that keep weights find either the weights or the averages in the model. Received: some that "
            f'monitor {" and ".join(map(repr, monitors))}, with evaluate="both". Let all of them monitor '
            '"val_..._average", or none.'
        )
    stay = evaluate == "average" or (evaluate == "both" and wishes == {True})
    if stay and validates and any(map(_saves_at_the_end_of_an_epoch, companions)):
        raise ValueError(
            "`BackupAndRestore` would save the averages in the place of the weights, and go on from them. Received: it "
            f'and evaluate={short(evaluate)}. Take evaluate="raw", "both" with all callbacks on \'val_loss\', or a '
            "`save_freq` in batches, at whose ends the model has the weights."
        )
    return stay


def _saves_at_the_end_of_an_epoch(callback: keras.callbacks.Callback) -> bool:
    return isinstance(callback, keras.callbacks.BackupAndRestore) and callback.save_freq == "epoch"


def _monitors_of_keepers(callbacks: Iterable[Any]) -> list[str]:
    """Return what those callbacks monitor that keep the weights of the best epoch."""
    parts: list[Any] = [part for callback in callbacks for part in (callback, getattr(callback, "rule", None))]
    keeps = ("restore_best_weights", "save_best_only")
    return [part.monitor for part in parts if any(getattr(part, name, False) for name in keeps)]
