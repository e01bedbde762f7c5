"""An average of the weights along the training."""

import contextlib
import copy
import dataclasses
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, final

import keras
import numpy as np

from .. import _checks
from .._duration import Duration, duration
from .._types import Logs
from ..board import tags
from ..integration import fit, keras_private
from ._switch_optimizer import SwitchOptimizer
from .base import Callback
from .plain import of_another
from .session.shown import fitted
from .weight_average import Averages, Held, Swap, WeightAverage, averaged, clock_of, log_decay, updates_in

DECAY = 0.999
"""Of the exponential mean where nothing is said, as in `torch.optim.swa_utils`."""


@dataclasses.dataclass
class _Memory:
    """What is remembered: the average, and the weights where the average is in the model."""

    average: Averages | None = None
    held: Held | None = None


@final
class PolyakAveraging(Callback):
    r"""Average the weights during training, and use the average instead of them (section 8.7.3).

    The mean is exponential, from theta_hat = 0, and counts about the last 1 / (1 - alpha) updates; where the training
    makes fewer, a warning says so. After the t-th update, for each weight:

    .. math::

        \hat{\theta} &\leftarrow \alpha \hat{\theta} + (1 - \alpha) \theta \\
        \text{average} &\leftarrow \frac{\hat{\theta}}{1 - \alpha^t}

    With `uniform=True` all weights since `start` count the same:

    .. math::

        \text{average} \leftarrow \text{average} + \frac{\theta - \text{average}}{t}

    It works with any Keras optimizer, listed anywhere among the callbacks, and leaves the training as it is: bit for
    bit, unless XLA compiles the model (`jit_compile=True`), which may round a last bit another way. What counts is an
    update: neither the middle of an accumulation of gradients nor a step that is skipped for an infinite gradient.
    Statistics of batch normalization are averaged too; `keras_ch8.layers.recalibrate` takes new ones from data.

    At the end of an epoch callbacks find in the model the weights that were validated. With `evaluate="average"` these
    are the averages, so `EarlyStopping` and `ModelCheckpoint` keep those; before the next epoch the weights are back.
    `BackupAndRestore` needs the weights: by epochs it is refused where it would find averages, by batches it is not.
    Weights that another callback sets, at the end of an epoch or of the training, stay. `with average.swapped():` has
    the averages in the model at any time, and `raw_weights` the weights.

    State: for each weight its average, in float32 or wider, and two counters. `get_state` and `set_state` go on from
    them in another `fit`, with the weights as they were, also where the model has the averages in it; without them each
    `fit` begins a new average. A second `fit` with the same callback trains on from the weights as they were trained
    last and not from their average; weights that somebody has set since stay. If `fit` dies, whoever raises, the model
    has the weights as they were trained, but those that another callback has set stay.

    Differs from Keras's `use_ema` and `SwapEMAWeights`: the average is corrected for its start; updates count, not
    micro-steps; weights come back bit for bit; after an early stop the model has what `final` says; the average may
    begin late, and has statistics of batch normalization of its own.

    Args:
        decay: Share alpha of the average that each update keeps. Defaults to `None`: 0.999, unless `half_life` or
            `uniform` is given.
        half_life: Updates after which the share of a weight is halved, or a string such as `"500ba"` (batches), `"2ep"`
            (epochs) or `"5%"` (of the training): alpha = 2^(-1 / half_life). Defaults to `None`.
        uniform: Whether all weights count the same. Defaults to `False`.
        start: Updates before the first that is averaged, or a string as above; until then the average is theta.
            Defaults to `0`.
        evaluate: What `fit` validates: `"average"` or `"raw"`, the weights as they are trained. Defaults to
            `"average"`.
        final: What the model has after `fit`: `"average"` or `"raw"`. Defaults to `"average"`.

    Raises:
        ValueError: If an argument lies outside its range, or two say the same; in `fit`, if the optimizer or another
            callback cannot go with it.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 2))
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(0.1), "mse")
        >>> average = keras_ch8.callbacks.PolyakAveraging(half_life="1ep")
        >>> _ = model.fit(x, x @ [[1.0], [2.0]], epochs=3, callbacks=[average], verbose=0)
        >>> average.findings()
        ['The weights are averaged over 6 updates.']
        >>> all(np.array_equal(a, b) for a, b in zip(model.get_weights(), average.weights))
        True

    References:
        Polyak and Juditsky (1992), Acceleration of Stochastic Approximation by Averaging; Goodfellow, Bengio, Courville
        (2016), Deep Learning, section 8.7.3.
    """

    section = "8.7.3"

    observes_steps = False
    _needs_fit = True
    # Early, so that others find the weights at the beginning of an epoch, and restore theirs after it.
    _place_in_fit = fit.EARLY
    _remembers = _Memory
    transient: ClassVar[Mapping[str, Any]] = {"_average": None, "_swap": Swap(()), "_is_training": False}

    def __init__(
        self,
        decay: float | None = None,
        *,
        half_life: float | str | None = None,
        uniform: bool = False,
        start: float | str = 0,
        evaluate: str = "average",
        final: str = "average",
    ) -> None:
        super().__init__()
        uniform = _checks.flag("uniform", uniform, meaning="whether all weights count the same")
        _checks.at_most_one({"decay": decay, "half_life": half_life, "uniform": uniform or None}, meaning="which mean")
        decay = DECAY if decay is None else _checks.decay_rate("decay", decay, of="the average")
        self._decay = 1.0 if uniform else decay
        self._half_life = None if half_life is None else duration("half_life", half_life)
        self._start = Duration(0.0, "st") if _checks.is_off(start, 0) else duration("start", start, "at least 0")
        self.evaluate = _checks.word("evaluate", evaluate, ("average", "raw"), meaning="which weights `fit` validates")
        self.final = _checks.word("final", final, ("average", "raw"), meaning="which weights the model has after `fit`")
        self._average: Any = None
        """The `WeightAverage` of the last training; None before the first."""
        self._swap = Swap(())
        """Holds the weights while the averages are in their place."""
        self._is_training = False
        self._copied = _Memory()
        """What the training has brought that this is a copy from; the next one begins without it."""

    # --- the averages ------------------------------------------------------------------------------------------------

    @property
    def updates(self) -> int:
        """How many updates were averaged."""
        return 0 if self._average is None else self._average.count

    @property
    def weights(self) -> list[np.ndarray]:
        """What `model.get_weights` returns with the averages in the model."""
        with self.swapped():
            return self.model.get_weights()

    @property
    def raw_weights(self) -> list[np.ndarray]:
        """What `model.get_weights` returns with the weights as they are trained; after `fit`, as they were last.

        With `final="raw"` nothing is held: they are those in the model, also where another callback has set them.
        """
        held = dict(zip(map(id, self._swap.variables), self._swap.held or (), strict=False))
        return [np.asarray(held[id(v)]) if id(v) in held else v.numpy() for v in self.model.weights]

    @contextlib.contextmanager
    def swapped(self) -> Iterator[None]:
        """Have the averages in the model inside a `with` block, and give back exactly what was there."""
        if not self.updates:
            raise ValueError(
                "`PolyakAveraging` has no average yet. Received: a request for it. Pass it to `fit`, and train for "
                "more updates than `start`."
            )
        aside = Swap(self._average.variables)
        aside.put(self._average.put_in)
        try:
            yield
        finally:
            aside.back()

    def _state(self) -> _Memory:
        return _Memory(self._average.kept(), self._swap.kept()) if self._swap.variables else self._copied

    def __getstate__(self) -> dict[str, Any]:
        kept = self._state() if self._kept is None else self._kept
        return super().__getstate__() | {"_copied": copy.deepcopy(kept)}

    # --- a training --------------------------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Begin to average, or go on: after each step of the training, inside its compiled program."""
        self._refuse([callback for callback in self.session.training.callbacks if callback is not self])
        self._is_training = True
        if self._average is not None and list(map(id, self._swap.variables)) == list(map(id, averaged(self.model))):
            self._swap.back()
            self._begin()
        else:
            self._swap, self._average = Swap(()), WeightAverage(self.model, self._begin)
            if self.model.built:
                self._average.build()
        self.session.after_step.append(self._average.update)

    def _refuse(self, others: Iterable[Any]) -> None:
        """Refuse optimizers that average themselves or make several steps one, and callbacks that need the weights."""
        switches = [callback for callback in others if isinstance(callback, SwitchOptimizer)]
        later = [inner for callback in switches for inner in keras_private.inner_optimizers(callback.to)]
        for inner in [*keras_private.inner_optimizers_of(self.model), *later]:
            for name in ("use_ema", "accumulate_batches"):
                if getattr(inner, name, False):
                    raise ValueError(
                        f"`PolyakAveraging` averages the weights after each training step. Received: {inner.name!r} "
                        f"with {name}=True. Leave `{name}` out."
                    )
        if any(isinstance(other, PolyakAveraging) for other in others):
            raise ValueError("A training can have only one `PolyakAveraging`. Received: several. Keep one.")
        saves = any(isinstance(o, keras.callbacks.BackupAndRestore) and o.save_freq == "epoch" for o in others)
        if saves and self.evaluate == "average" and self.session.training.validates:
            raise ValueError(
                "`BackupAndRestore` would save the averages instead of the weights, and resume from them. Received: "
                'it together with evaluate="average". Use evaluate="raw", or a `save_freq` in batches.'
            )

    def _begin(self) -> None:
        """Begin the average of this training, or go on in it, once the model has its weights."""
        clock, kept = clock_of(self.model, self.session.params), self._take_kept()
        log_alpha = log_decay(self._decay, self._half_life, clock)
        self._copied = _Memory()
        if kept is not None and kept.average is not None:
            self._go_on(log_alpha, kept)
            self._swap.back()
            return
        memory, start = -1 / math.expm1(log_alpha), math.ceil(updates_in(self._start, clock))
        if self._decay < 1 and memory > clock.steps - start:  # which is NaN where it is not known
            warnings.warn(
                f"`PolyakAveraging` averages over about the last {memory:.0f} updates, and this training makes "
                f"{clock.steps - start:.0f}, so the average mostly covers its start. Pass `half_life` as a share of "
                'the training, such as "5%".',
                UserWarning,
                stacklevel=2,
            )
        before = round(np.nan_to_num(self.session.batches.first_epoch * clock.steps_per_epoch))
        self._average.begin(log_alpha, Averages(before, max(start, before)))
        self._swap = Swap(self._average.variables)

    def _go_on(self, log_alpha: float, state: _Memory) -> None:
        """Have the averages of a state, and hold the weights where the averages are in the model."""
        assert state.average is not None  # noqa: S101
        shapes = [average.shape for average in state.average.averages or ()]
        expected = [tuple(variable.shape) for variable in self._average.variables]
        if shapes != expected:
            raise of_another("PolyakAveraging", "shapes of the averages", shapes, expected)
        self._average.begin(log_alpha, state.average)
        self._swap = Swap(self._average.variables)
        if state.held is not None:
            self._swap.hold(state.held)

    def show_results(self, state: _Memory) -> None:
        """Have the averages and the weights as they were trained last, beside what was left in the model."""
        if state.average is not None:
            self._average = WeightAverage(self.model, lambda: self._go_on(0.0, state))
            self._average.build()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Give the weights back, so that others find them."""
        super().on_epoch_begin(epoch, logs)
        self._swap.back()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Give the weights back, where another callback has validated in the middle of an epoch."""
        self._swap.back()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Put the averages in for a validation; others find them at the end of the epoch."""
        if self._is_training and self.evaluate == "average" and self.updates:
            self._swap.put(self._average.put_in)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Show how far the weights are from their average."""
        super().on_epoch_end(epoch, logs)
        if self.updates and self.session.writer is not None:
            self.session.show({tags.AVERAGE_DISTANCE: self._average.distance(self._swap.held)})

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave in the model what `final` says; what others restore, they restore after this."""
        if self._is_training:
            self._is_training = False
            if self.final == "average" and self.updates:
                self._swap.put(self._average.put_in)
            else:
                self._swap.back()
                if self.final == "average":
                    warnings.warn(
                        "`PolyakAveraging` leaves the weights unchanged because it averaged no update: training was "
                        "shorter than `start`, or does not use `model.optimizer`.",
                        UserWarning,
                        stacklevel=2,
                    )
        super().on_train_end(logs)

    def on_close(self) -> None:
        """Of a training that has died, also after its last epoch, give the weights back."""
        if self._is_training or self.session.training.has_died:
            self._swap.back()
        self._is_training = False

    def _summary(self) -> list[str]:
        return [line for sentence in self.findings() for line in fitted(sentence, 1)]

    def findings(self) -> list[str]:
        """Return what the average is made of."""
        return [f"The weights are averaged over {self.updates} updates."] if self.updates else []
