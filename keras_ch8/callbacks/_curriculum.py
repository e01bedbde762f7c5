"""The easy examples first."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import _checks, _objects, curriculum
from .._duration import Clock, duration
from .._types import Logs
from ..board import tags
from ..curriculum.difficulty import ExampleLoss, judged, numbers
from ..curriculum.pacings import StagedPacing, Step, as_pacing
from ..curriculum.sampler import ORDERS
from ..data import ArraySource
from ..integration import keras_private
from .base import Callback
from .plain import of_another

OTHER_DATA = (
    "`Curriculum` decides the epochs of its source, but `fit` was not given that source. Received: other data in "
    "`fit`. Pass it the same source: model.fit(source, callbacks=[Curriculum(source, ...)])."
)


@dataclass
class _Memory:
    """What is remembered of a training.

    Args:
        seen: Which examples were drawn.
        losses: The model's own, of which the order is made; None before they are taken.
        refreshed: The epoch in which they were.
        epochs: The epochs so far.
        share: The share of the examples that may be drawn.
        length: The batches after which all may be.
    """

    seen: np.ndarray
    losses: np.ndarray | None = None
    refreshed: int = 0
    epochs: int = 0
    share: float = 0.0
    length: float = 1.0


@final
class Curriculum(Callback):
    """Draw the batches from the easy examples first, and from more and more of them (section 8.7.6).

        u      <- min(step / until, 1)
        batch  <- examples out of the first c(u) n in the order of difficulty; of its places, a share `mix` is filled
                  out of all examples at any time

    The source is given to `fit`, and its epochs have as many steps as without. From the step on at which c is 1 its
    batches are those that it would have without a curriculum, example by example. After the training it has its own
    sampler again.

    Whether a curriculum helps is an open question each time: it may where labels are noisy or steps are few, and on
    clean data with time enough random order does as well (Wu et al. 2021). `order="hard"` and `order="random"` are the
    controls, with the same pacing.

    Measures, for each epoch:

        curriculum_share        c at its last step
        curriculum_seen         share of the examples that have been drawn so far
        curriculum_difficulty   mean difficulty of what was drawn in it

    Others can monitor them. `keras_ch8.callbacks.TensorBoard` shows them as `epoch/curriculum_...`, and
    `diagnosis/report` says when all examples were in.

    State: the losses that the order is made of, where they are the model's own, and which examples were seen.

    Args:
        source: A source of `keras_ch8.data`, the one that `fit` is given.
        difficulty: A number for each example, the easiest having the smallest; a function of `(x, y)` that returns
            them, for some thousand examples at a time, such as `curriculum.sequence_length`; `"model_loss"`: the loss
            of the example by the model as it is, taken anew as `measure_every` says.
        pacing: `"linear"`, `"step"`, `"baby_steps"`, `"one_pass"`; a pacing of `keras_ch8.curriculum` with its
            arguments; or a function of u. Defaults to `"linear"`.
        start: Share of the examples at the beginning, where `pacing` is a word. Defaults to `None`: 0.2.
        until: Steps until all examples are in, or "10ep", "500ba", "50%" of the training. Defaults to `"50%"`.
        mix: Share of the places that are filled out of all examples at any time, in [0, 1). Defaults to `0.1`.
        order: `"easy"`, `"hard"` or `"random"`: which examples come first. Defaults to `"easy"`.
        measure_every: After what time the model's own losses are taken anew, at the beginning of an epoch: batches, or
            a string such as "2ep" (epochs). Defaults to `"1ep"`.
        logs: Which of the numbers join Keras's `logs`, and so the progress bar and `History`: `True` for all, or a list
            of names. Defaults to `False`.

    Raises:
        TypeError: If `source` is not a source of `keras_ch8.data`.
        ValueError: If an argument lies outside its range; in `fit`, if it is given other data than `source`.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
        >>> source = keras_ch8.data.ArraySource(x, x[:, :1], batch_size=8, seed=0)
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(), "mse")
        >>> easy_first = keras_ch8.callbacks.Curriculum(source, difficulty=np.abs(x[:, 0]), mix=0, logs=True)
        >>> history = model.fit(source, epochs=4, callbacks=[easy_first], verbose=0).history
        >>> [round(share, 2) for share in history["curriculum_share"]]
        [0.55, 0.95, 1.0, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Bengio et al. (2009), Curriculum Learning;
        Zaremba and Sutskever (2014), Learning to Execute; Wu, Dyer, Neyshabur (2021), When Do Curricula Work?
    """

    section = "8.7.6"

    observes_steps = False

    _remembers = _Memory

    transient: ClassVar[Mapping[str, Any]] = {"_example_loss": None}

    def __init__(
        self,
        source: Any,
        difficulty: Any,
        pacing: Any = "linear",
        start: float | None = None,
        until: int | str = "50%",
        mix: float = 0.1,
        order: str = "easy",
        measure_every: int | str = "1ep",
        logs: bool | Sequence[str] = False,
    ) -> None:
        super().__init__(logs)
        if not all(hasattr(source, name) for name in ("override_sampler", "take", "count", "steps")):
            raise TypeError(
                "`source` has a sampler that decides its epochs, so it must be a source of `keras_ch8.data`. "
                f"Received: an object of type {type(source).__name__}. Create one: keras_ch8.data.ArraySource(x, y)."
            )
        self._of_model = isinstance(difficulty, str)
        if self._of_model:
            meaning = "by which loss of the model the examples are ordered, unless it is numbers or a function"
            _checks.word("difficulty", difficulty, ("model_loss",), meaning=meaning)
        elif callable(difficulty):
            _objects.function("difficulty", difficulty, "x", "y", returns="a number for each example")
        else:
            difficulty = numbers(difficulty, source.count)
        self.source, self.difficulty, self.pacing = source, difficulty, as_pacing(pacing, start)
        self.until = duration("until", until)
        self.mix = _checks.number(
            "mix", mix, 0.0, 1.0, meaning="the share of the places that all examples may fill", fix="Try 0.1."
        )
        self.order = _checks.word("order", order, ORDERS, meaning="which examples come first")
        self.measure_every = duration("measure_every", measure_every)
        self._begin(None)

    def _begin(self, memory: _Memory | None) -> None:
        """Go on from a training, or begin anew."""
        self._memory = memory or _Memory(np.zeros(self.source.count, "bool"))
        self._sampler: curriculum.CurriculumSampler | None = None

    def _refuse_other(self, kept: _Memory) -> None:
        for name, value in (("seen", kept.seen), ("losses", kept.losses)):
            if value is not None and value.shape != (self.source.count,):
                raise of_another(type(self).__name__, f"shape of {name!r}", value.shape, (self.source.count,))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training, unless `set_state` says to go on from it."""
        super().on_train_begin(logs)
        self._begin(self._take_kept())
        self._example_loss = ExampleLoss(self.model)
        if self._of_model and not self.model.built:  # the losses are needed before its first batch could build it
            keras_private.build_on(
                self.model, self.source.take(np.arange(min(self.source.batch_size, self.source.count)))
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take the losses of the model, if it is time; before the first epoch put the curriculum into the source."""
        super().on_epoch_begin(epoch, logs)
        if self._of_model and (self._memory.losses is None or self._is_old(epoch)):
            self._memory.losses, self._memory.refreshed = self._losses_of(np.arange(self.source.count)), epoch
            if self._sampler is not None:
                self._sampler.rank(self._memory.losses)
        if self._sampler is None:
            self._sampler = self._made(epoch)
            self.source.override_sampler(self._sampler)

    def _is_old(self, epoch: int) -> bool:
        """Whether the losses were taken so long ago that they are to be taken anew."""
        every = self.measure_every.batches(self.source.steps, self.params["epochs"]) or 1
        return bool((epoch - self._memory.refreshed) * self.source.steps >= every)

    def _losses_of(self, examples: np.ndarray) -> np.ndarray:
        return self._example_loss(self.source.take, examples)

    def _made(self, epoch: int) -> "curriculum.CurriculumSampler":
        self._memory.length = self._steps()
        return curriculum.CurriculumSampler(
            self.source.sampler,
            judged(self.difficulty, self.source) if self._memory.losses is None else self._memory.losses,
            self.pacing,
            until=self._memory.length,
            mix=self.mix,
            order=self.order,
            seed=self.source.seed,
            first=self.source.get_state()["epoch"] - epoch,
        )

    def _steps(self) -> float:
        """Return the length of the curriculum in batches."""
        accumulated = getattr(self.model.optimizer, "gradient_accumulation_steps", None) or 1
        per_epoch = self.source.steps / accumulated
        return self.until.steps(Clock(per_epoch, accumulated, per_epoch * self.params["epochs"])) * accumulated

    def on_open(self) -> None:
        """Refuse data that are certainly not of the source; of a data set that is seen at the end of the epoch."""
        x, self._has_told = self.session.training.arguments.get("x"), False
        if x is not self.source and isinstance(x, np.ndarray | ArraySource):
            raise ValueError(OTHER_DATA)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the epoch."""
        super().on_epoch_end(epoch, logs)
        sampler = self._sampler
        if sampler is None or sampler.last is None:
            if not self._has_told:
                warnings.warn(OTHER_DATA, UserWarning, stacklevel=2)
            self._has_told = True
            return
        self._memory.epochs = epoch + 1
        is_cut_short = self.source.epoch == epoch + sampler.first
        steps = self.source.step if is_cut_short else self.source.steps
        self._report(sampler.progress(epoch + sampler.first, self.source.steps)[:steps])
        indices = sampler.plan(epoch + sampler.first)[:steps]
        drawn = indices[indices >= 0]
        self._memory.seen[drawn] = True
        values = {
            "share": float(self.pacing(sampler.progress(epoch + sampler.first, self.source.steps)[-1])),
            "seen": float(self._memory.seen.mean()),
            "difficulty": float(sampler.difficulty[drawn].mean()),
        }
        self.session.log(self, logs, {f"curriculum_{name}": value for name, value in values.items()})
        self.session.show({tags.CURRICULUM[name]: value for name, value in values.items()})

    def _report(self, progress: np.ndarray) -> None:
        """Remember where a stage of this epoch has begun, and where all examples were in, given u at its steps."""
        shares = np.concatenate([[self._memory.share], self.pacing(progress)])
        in_stages = isinstance(self.pacing, StagedPacing | Step)
        for place in np.flatnonzero(shares[1:] > shares[:-1]).tolist():
            before, now = shares[place : place + 2]
            if in_stages or before == 0 or now == 1:
                step = self.session.step - len(progress) + place + 1
                self.session.event("stage", f"From now on, {now:.0%} of the examples can be drawn.", step)
        self._memory.share = float(shares[-1])

    def on_close(self) -> None:
        """Give the source its own sampler back."""
        self.source.override_sampler(None)

    def findings(self) -> list[str]:
        """Say when all examples were in."""
        if not self._memory.epochs:
            return []
        u = np.minimum(np.arange(self._memory.epochs * self.source.steps) / self._memory.length, 1.0)
        shares, behind = self.pacing(u), float(self.pacing.oldest(u[-1]))
        then = f"at the end, after {len(u)} steps, {shares[-1]:.0%} of the examples were in"
        if shares[-1] == 1:
            them = f"the last {1 - behind:.0%} were drawn" if behind else "all were in"
            then = f"from step {int(np.argmax(shares == 1)) + 1} of {len(u)} on {them}"
        return [f"The curriculum began with {shares[0]:.0%} of the data, {self.order} examples first; {then}."]
