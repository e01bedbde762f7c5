"""A cure tried: the same training without it and with it."""

import contextlib
import copy
import dataclasses
import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from .integration import backend, keras_private

backend.require_tensorflow("keras_ch8.cure")

from . import _checks, _objects
from ._describe import section, short
from ._plot import COLORS, axes_of, finished
from ._result import Result, Table
from ._sandbox import StopAfter, generators_kept, new_model
from .callbacks import Diagnosis
from .callbacks.doctor import Doctor
from .verdicts.verdict import LEVELS, Verdict
from .verdicts.wording import digits

SAME_EXAMPLES = ("batch_wasteful",)
"""Kinds whose cure makes more steps of the same examples: they are compared after as many epochs, not steps."""
HELD_OUT = ("overfitting", "too_long")
"""Kinds whose cure lowers the loss on the validation data, not that on the training data."""
OF_EACH_CLASS = ("imbalance",)
"""Kinds whose cure lowers the mean over the classes of the loss on each: what it costs the common one is its price."""
ON_TRAINING_DATA = "loss on the training data"
"""What is compared, unless the kind or the cure asks for another loss."""
OF_LENGTH = ("too_short", "too_long")
"""Kinds that are about the length of the trial, as it was asked for."""


@dataclasses.dataclass(frozen=True, repr=False)
class CureTrial(Result):
    """What `cure` has found: one entry for the training without the cure, and one for that with it.

    Args:
        verdict: The verdict whose cure was tried.
        levels: Level of the verdict's kind at the end of each; "" where nothing was said of it.
        losses: Loss after each training of what `predict` gives for its training data; infinite where it is not finite.
            Of `overfitting` and `too_long` it is that for the validation data, of `imbalance` the mean over the
            classes. Where the cure writes the targets otherwise, both are for these. Where it changes the loss
            function, both are by the new one; where that cannot compare the outputs without the cure with the targets,
            each is over its own start, and infinite if it has fallen below 0.
        loss: Which of these it is, in words.
        curves: For each, the steps at which its epochs ended, and the training loss then.
        verdicts: All verdicts of each, the most serious first.
        reason: Why the cure could not be tried; "" if it was.
        before: What was found of the cure before this one, where that did not help; `None` if this is the first.
    """

    verdict: Verdict
    levels: tuple[str, str] = ("", "")
    losses: tuple[float, float] = (math.nan, math.nan)
    loss: str = ON_TRAINING_DATA
    curves: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    verdicts: tuple[tuple[Verdict, ...], ...] = ()
    reason: str = ""
    before: "CureTrial | None" = None

    @property
    def has_left(self) -> bool:
        """Whether the verdict is less serious with the cure than it was found."""
        return not self.reason and _rank(self.levels[1]) < _rank(self.verdict.level)

    @property
    def has_fallen(self) -> bool:
        """Whether the loss is lower with the cure."""
        return not self.reason and self.losses[1] < self.losses[0]

    @property
    def helps(self) -> bool:
        """Whether the verdict has left and the loss has fallen."""
        return self.has_left and self.has_fallen

    def plot(self, ax: Any = None) -> Any:
        """Draw the training loss over the steps, without the cure and with it, with matplotlib; return the axes."""
        ax = axes_of(ax)
        for number, (name, (steps, losses)) in enumerate(zip(("without", "with"), self.curves, strict=False)):
            ax.plot(steps, losses, ".-", color=COLORS[number], label=f"{name} the cure")
        return finished(ax, f"Cure of {self.verdict.kind}", "step", "training loss", "training")

    def _headline(self) -> str:
        if self.reason:
            return f"The cure of {self.verdict.kind} was not tried: {self.reason}"
        left = "is still there" if not self.has_left else "is less serious" if self.levels[1] == "watch" else "is gone"
        link, fell = "and" if self.has_left == self.has_fallen else "but", "lower" if self.has_fallen else "not lower"
        before, after = (digits(x, 3) if math.isfinite(x) else "infinite" for x in self.losses)
        said = (
            f"{self.verdict.kind} {left}, {link} the {self.loss} is {fell}: {after} with the cure, {before} without it."
        )
        passed_over = (self.verdict.kind, *OF_LENGTH)
        others = (v for said in self.verdicts[-1:] for v in said if v.level == "act" and v.kind not in passed_over)
        then = next((f"{v.kind}: {v.cure}" for v in others), "") if self.has_left else self.verdict.then
        first = "" if self.before is None else f"The first fix did not help, but this one does: {self.verdict.cure}"
        return " ".join(filter(None, [first, said, then and f"What to do next: {then}"]))

    def _table(self) -> Table | None:
        if self.reason:
            return None
        columns = "training", f"level of {self.verdict.kind}", self.loss, "other ACT verdicts"
        others = [
            ", ".join(v.kind for v in said if v.level == "act" and v.kind != self.verdict.kind)
            for said in self.verdicts
        ]
        levels = [level or "not reported" for level in self.levels]
        rows = list(zip(("without the cure", "with the cure"), levels, self.losses, others, strict=True))
        return Table(columns, rows, 1 if self.helps else None)


@section("8.2")
def cure(
    model_factory: Callable[[], keras.Model],
    data: tuple[Any, Any],
    verdict: Verdict,
    *,
    batch_size: int = 32,
    epochs: int = 10,
    validation_data: tuple[Any, Any] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    seed: int = 0,
    **fit_arguments: Any,
) -> CureTrial:
    """Train for equally many steps without and with the fix of a verdict, and tell whether it helps (section 8.2).

    Where it does not, a third training has the next cure, `verdict.then_code`, if there is one.

    The cure is `verdict.code`, run before `fit` with the names `model`, `x`, `y`, `batch_size`, `epochs`, `callbacks`,
    `class_weight`, `keras`, `keras_ch8` and `np`, as it would be in your script. Both trainings have the same seed,
    and a `Diagnosis` each. A smaller batch (of `batch_wasteful`) is compared after as many examples, not steps; a
    training that is to have more epochs has them. The code is executed: give a verdict of your own training, not one
    out of a file that you do not trust. Code that puts other data in the place of `x` or `y` is run on the validation
    data, too.

    Args:
        model_factory: Makes a new model, compiled, each time that it is called, with its own layers and optimizer.
        data: Arrays `(x, y)`.
        verdict: A verdict of a `callbacks.Diagnosis`, with code.
        batch_size: Examples in a batch. Defaults to `32`.
        epochs: Passes over the data, without the cure. Defaults to `10`.
        validation_data: Arrays `(x, y)` for `fit`, and as the probe of the Diagnosis; `None` for none. Defaults to
            `None`.
        callbacks: Those of your training, such as `keras.callbacks.ReduceLROnPlateau`. Each training has copies of its
            own, and yours stay as they are; a `Doctor` and a `Diagnosis` are left out. Defaults to `()`.
        seed: Seed of both trainings. Defaults to `0`.
        **fit_arguments: More arguments of `fit`, such as `class_weight`.

    Returns:
        A `CureTrial`: of the next cure where only that helps, and of the first otherwise. Where the cure has no code,
        or the code does not suit the model, it has a `reason`.

    Raises:
        TypeError: If `model_factory` is not a function, `verdict` is not a verdict, or `callbacks` is not a list of
            callbacks.
        ValueError: If `data` is not two arrays, a number lies outside its range, the model is not compiled, or
            `model_factory` returns the same model again, or one with the same layers, weights or optimizer. Your model
            is left as it is then.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(512, 3)).astype("float32")
        >>> def model():
        ...     model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        ...     model.compile(keras_ch8.optimizers.SGD(1.0), "mse")
        ...     return model
        >>> diagnosis = keras_ch8.callbacks.Diagnosis(verbose=False)
        >>> sick = model()
        >>> _ = sick.fit(x, x[:, :1], epochs=10, callbacks=[diagnosis], verbose=0)
        >>> diagnosis.verdicts[0].code  # doctest: +ELLIPSIS
        'model.optimizer.learning_rate = 0.2...'
        >>> found = keras_ch8.cure(model, (x, x[:, :1]), diagnosis.verdicts[0])
        >>> found.has_left, found.has_fallen
        (True, True)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """
    if not isinstance(data, tuple) or len(data) != 2 or not all(hasattr(part, "shape") for part in data):
        raise ValueError(
            "`data` must be two arrays (x, y), so that both trainings see the same examples. Received: "
            f"{type(data).__name__}. Convert some batches of the data set to arrays."
        )
    _objects.function("model_factory", model_factory, returns="a new compiled model")
    if not isinstance(verdict, Verdict):
        raise TypeError(
            f"`verdict` must be a verdict of a `Doctor` or a `callbacks.Diagnosis`. Received: verdict={short(verdict)} "
            f"of type {type(verdict).__name__}. Use one of its `verdicts`."
        )
    _objects.examples(**{"data[0]": data[0], "data[1]": data[1]})
    batch_size = _checks.count("batch_size", batch_size, 1, meaning="the examples in a batch", fix="Try 32.")
    _checks.seed(seed)
    _objects.pair("validation_data", validation_data, or_none=True)
    epochs = _checks.count("epochs", epochs, 1, meaning="the passes over the data", fix="Try 10.")
    callbacks = _objects.list_of("callbacks", callbacks, keras.callbacks.Callback, "callbacks of Keras")
    with generators_kept():
        new_model(model_factory)
    if not verdict.code:
        return CureTrial(verdict, reason=f"it has no code that fits every model. {verdict.cure}".strip())
    without, *cured = (
        Fit(*data, batch_size, epochs, seed, validation_data, fit_arguments, callbacks) for _ in range(3)
    )
    without.prepare(model_factory, "")
    found = _tried(verdict, model_factory, without, cured[0])
    if found.helps or not verdict.then_code:
        return found
    following = dataclasses.replace(verdict, cure=verdict.then, code=verdict.then_code, then="", then_code="")
    further = _tried(following, model_factory, without, cured[1])
    return dataclasses.replace(further, before=found) if further.helps else found


def _tried(verdict: Verdict, model_factory: Callable[[], keras.Model], without: "Fit", cured: "Fit") -> CureTrial:
    """Train with the cure of a verdict and, unless that has been done, without it."""
    try:
        cured.prepare(model_factory, verdict.code)
    except Exception as error:
        said = keras_private.first_sentence(error)
        return CureTrial(verdict, reason=f"its code does not fit this model ({type(error).__name__}: {said})")
    if not without.curve:
        without.run(None)
    cured.run(steps_like(verdict.kind, without, cured))
    fits = without, cured
    before, after = (next((v.level for v in fit.verdicts if v.kind == verdict.kind), "") for fit in fits)
    loss, losses = compared(verdict.kind, *fits)
    return CureTrial(
        verdict,
        levels=(before, after),
        losses=losses,
        loss=loss,
        curves=tuple(fit.curve for fit in fits if fit.curve),
        verdicts=tuple(fit.verdicts for fit in fits),
    )


def compared(kind: str, without: "Fit", cured: "Fit") -> tuple[str, tuple[float, float]]:
    """Return the losses that say whether the cure of a kind has helped, and what they are; see `CureTrial`."""
    if kind in HELD_OUT and without.validation_data is not None:
        return "loss on the validation data", (without.validated, cured.validated)
    if kind in OF_EACH_CLASS:
        return "loss averaged over the classes", (without.of_each_class(), cured.of_each_class())
    has_same_loss = without.model.loss == cured.model.loss
    if has_same_loss and not np.array_equal(without.y, cured.y):
        with contextlib.suppress(Exception):  # where the loss cannot compare one model's output with the other's
            return ON_TRAINING_DATA, (without.evaluated(cured.x, cured.y), cured.at_end)
    if not has_same_loss:
        with contextlib.suppress(Exception):
            if math.isfinite(by_the_new := without.evaluated(cured.x, cured.y, by=cured.model)):
                return ON_TRAINING_DATA, (by_the_new, cured.at_end)
        parts = _over(without.at_end, without.at_start), _over(cured.at_end, cured.at_start)
        return "fraction of the initial loss that is left", parts
    return ON_TRAINING_DATA, (without.at_end, cured.at_end)


def _over(end: float, start: float) -> float:
    """Return what is left of a loss; infinite where it was not above 0 or is below it, so that no part is known."""
    return end / start if 0 < start < math.inf and end >= 0 else math.inf


def steps_like(kind: str, without: "Fit", cured: "Fit") -> int | None:
    """Return the steps that the training with the cure has; None for those of its epochs."""
    if kind in SAME_EXAMPLES or cured.epochs != without.epochs:
        return None
    return without.epochs * without.steps_of_epoch


@dataclasses.dataclass
class Fit:
    """One of the two trainings: what its script has as names, and what came of it."""

    x: Any
    y: Any
    batch_size: int
    epochs: int
    seed: int
    validation_data: tuple[Any, Any] | None
    fit_arguments: dict[str, Any]
    callbacks: Sequence[keras.callbacks.Callback] = ()
    verdicts: tuple[Verdict, ...] = ()
    at_start: float = math.inf
    at_end: float = math.inf
    validated: float = math.inf
    curve: tuple[()] | tuple[np.ndarray, np.ndarray] = ()

    def __post_init__(self) -> None:
        """Take copies of the callbacks, but for those that `run` has of its own."""
        given = [each for each in self.callbacks if not isinstance(each, Doctor | Diagnosis)]
        models: dict[int, Any] = {id(callback.model): None for callback in given}  # of a `fit` before: not copied
        self.callbacks = copy.deepcopy(given, models)

    @property
    def steps_of_epoch(self) -> int:
        """Batches of an epoch."""
        return -(-len(self.x) // self.batch_size)

    def prepare(self, model_factory: Callable[[], keras.Model], code: str) -> None:
        """Make the model, and run the code in a script around it."""
        with generators_kept(self.seed):
            model = _objects.made_by("model_factory", model_factory)
            if not model.built:
                keras_private.build_on_inputs(model, self.x[:1])
            data = self.x, self.y
            suite = importlib.import_module(__package__.partition(".")[0])
            own = ("x", "y", "batch_size", "epochs", "callbacks")
            names = {"model": model, "np": np, "keras": keras, "keras_ch8": suite}
            names |= {"class_weight": self.fit_arguments.get("class_weight")}
            names |= {name: getattr(self, name) for name in own}
            exec(compile(code, "<verdict.code>", "exec"), names)
            self.model = names["model"]
            for name in own:
                setattr(self, name, names[name])
            if names["class_weight"] is not None:
                self.fit_arguments = {**self.fit_arguments, "class_weight": names["class_weight"]}
            has_new_data = self.x is not data[0] or self.y is not data[1]
            if self.validation_data is not None and has_new_data:  # those of validation are to be written alike
                names["x"], names["y"] = self.validation_data
                exec(compile(code, "<verdict.code>", "exec"), names)
                self.validation_data = names["x"], names["y"]

    def run(self, steps: int | None) -> None:
        """Train for so many steps, or for all epochs; evaluate before and after."""
        diagnosis = Diagnosis(probe=self.validation_data, verbose=False)
        callbacks = [*self.callbacks, diagnosis]
        epochs = self.epochs
        if steps is not None:
            epochs = -(-steps // self.steps_of_epoch)
            callbacks.append(StopAfter(steps))
        with generators_kept(self.seed):
            self.at_start = self.evaluated(self.x, self.y)
            history = self.model.fit(
                self.x, self.y, batch_size=self.batch_size, epochs=epochs, validation_data=self.validation_data,
                callbacks=callbacks, verbose=0, **self.fit_arguments,
            )  # fmt: skip
            self.at_end = self.evaluated(self.x, self.y)
            self.validated = self.evaluated(*(self.validation_data or (self.x, self.y)))
        self.verdicts = tuple(diagnosis.verdicts)
        losses = np.array(history.history["loss"], "float64")
        self.curve = np.arange(1, len(losses) + 1) * self.steps_of_epoch, losses

    def of_each_class(self) -> float:
        """Return the mean over the classes of the loss on the examples of each, of the training data."""
        y = np.asarray(self.y)
        labels = y.argmax(axis=-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y), -1)[:, 0]
        examples = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        return float(np.mean([self.evaluated(self.x[of_one], self.y[of_one]) for of_one in examples]))

    def evaluated(self, x: Any, y: Any, by: keras.Model | None = None) -> float:
        """Return the loss of what `predict` gives: of a layer's own output, Keras may take the logits behind it.

        It is the loss that this model is compiled with, or another one.
        """
        given = self.model.predict(x, batch_size=256, verbose=0)
        y, y_pred = (keras.tree.map_structure(keras.ops.convert_to_tensor, part) for part in (y, given))
        judge = by or self.model
        if judge.losses:  # what layers add is of the graph that called them last: here, of the first examples
            judge(x[:256], training=False)
        loss = float(judge.compute_loss(x, y, y_pred, training=False))
        return loss if np.isfinite(loss) else math.inf


def _rank(level: str) -> int:
    return LEVELS.index(level) if level else 0
