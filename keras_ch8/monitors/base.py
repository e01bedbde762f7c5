"""What every monitor is, what it is shown, and the one registry of all monitors.

A monitor is one file: it says to which `sets` it belongs, what it computes, which rules judge it, which curves it draws
and which kinds of verdict it adds. Nothing else has to know of it.
"""

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import keras

from .._describe import short
from .._types import Tensor
from ..integration import backend
from ..verdicts.kinds import Kind
from ..verdicts.kinds import register as register_kind
from ..verdicts.rules import Rule, judge
from ..verdicts.verdict import Claim
from .measurement_log import MeasurementLog
from .model_facts import facts
from .numbers_of_cures import known_to_cures

SETS = ("cheap", "standard", "full")
"""The sets of monitors, by name."""
SERIES = "diagnosis/"
"""How the name of each series of a monitor begins."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """A number of a monitor that TensorBoard draws and `fit` logs, under `diagnosis/<name>`.

    Args:
        name: Its name, which no other monitor uses.
        title: What its chart is called, in a few words.
        unit: Its unit, such as `"loss"` or `"ratio"`.
        text: One sentence that TensorBoard shows beside the chart.
        section: Section of the book.
        log: Whether the y axis is logarithmic where all values are positive. Defaults to `True`.
        lines: Values that it is compared with besides the limits of rules, each with what it means: a number, or the
            name of a hyperparameter of the run. Defaults to `()`.
    """

    name: str
    title: str
    unit: str
    text: str
    section: str
    log: bool = True
    lines: tuple[tuple[float | str, str], ...] = ()


@dataclasses.dataclass
class LayerCall:
    """One call of a layer as tensors: its inputs, its outputs, and the gradients of the loss with respect to both.

    The loss is the mean over the examples of the probe, so the gradients of one example are those of its own loss
    divided by the number of examples.

    Args:
        layer: The layer.
        inputs: Its first argument, with the examples along the first axis.
        mask: The mask that it was called with, or `None`.
        outputs: Its first output.
        input_gradient: Gradient with respect to `inputs`, of the same shape; `None` where these are not floats.
        output_gradient: Gradient with respect to `outputs`, of the same shape.
        is_output: Whether the model returns what this layer returns.
    """

    layer: keras.layers.Layer
    inputs: Tensor
    mask: Tensor
    outputs: Tensor
    input_gradient: Tensor
    output_gradient: Tensor
    is_output: bool


@dataclasses.dataclass
class Evaluation:
    """The probe at one point: loss and gradient, also of each of its parts, and the calls of the recorded layers."""

    loss: Tensor
    gradient: Tensor
    part_gradients: list[Tensor]
    calls: list[LayerCall]
    penalty: Tensor = 0.0
    """What of the loss layers have added, such as regularizers."""
    losses: Tensor | None = None
    """The rest of it for each example; None where that is not known."""


@dataclasses.dataclass
class Snapshot:
    """What a monitor computes from, as tensors of a graph.

    Args:
        variables: The trainable variables of the model.
        theta: Their values, all in one vector, the first variable first. So are all that follow; `cut` undoes it.
        d: The last update of the optimizer; `None` for a measurement without a step.
        before: The `Evaluation` at theta - d: `loss`, `gradient`, `part_gradients` (that of each part of the probe),
            `calls` (a `LayerCall` for each call of a recorded layer), `penalty` (the part of the loss that layers have
            added). `None` for a measurement without a step.
        now: The same at theta.
        inference_loss: The loss at theta with the model as at inference; `None` unless a monitor with `needs_inference`
            records a layer of the model.
        examples: Number of examples in the probe.
        without_loss: Those of the variables that only lead to outputs without a loss.
        chance: The loss of each example by the best constant prediction; `None` where it is not known.
    """

    variables: list[keras.Variable]
    theta: Tensor
    d: Tensor | None
    before: Evaluation | None
    now: Evaluation
    inference_loss: Tensor
    examples: int
    without_loss: Sequence[keras.Variable] = ()
    chance: Tensor | None = None

    def cut(self, vector: Tensor) -> list[Tensor]:
        """Return what a vector has for each variable, in its shape."""
        return backend.cut(vector, [tuple(variable.shape) for variable in self.variables])


class Monitor:
    """Base of all monitors: one quantity, what it means, and what it says of the training.

    A monitor has no state but its settings: everything that has been measured so far is in the `MeasurementLog`.
    Subclass it for a monitor of your own, and give an object of the class to `callbacks.Diagnosis(checks=[...])`: its
    numbers are drawn, its rules judged, and its verdicts reported like all others. With `sets`, it is found by its
    name, too.

    A subclass sets `name`, and overrides what it needs of

        tensors(snapshot)    what is computed on the probe, in the compiled graph: tensors by name
        reading(**arrays)    the measurement made of these arrays, scalars as numbers, which the log keeps
        numbers(past)        numbers to draw, by the names of `curves`
        measure(past)        the quantities that `rules` judge, by name
        newest(past)         the newest measurement of those of which several are judged together
        remarks(past)        what the sentences say in brackets, by kind

    Raises:
        ValueError: When a subclass is defined whose `sets` are not all among "cheap", "standard" and "full", or whose
            name, kinds or curves another monitor has already.

    Example:
        A warning when the loss on the probe is above 3:

        >>> from keras_ch8.extend import Curve, Kind, Limit, Monitor, Quantity, Rule
        >>> loss = Quantity("probe_loss", "Loss on the probe.", "it is {:.2g}".format, series="diagnosis/high_loss")
        >>> class HighLoss(Monitor):
        ...     name = "high_loss"
        ...     kinds = (Kind("high_loss", "8.2", "The loss is high.", "The loss is low", "Train longer."),)
        ...     curves = (Curve("high_loss", "Loss of the probe", "loss", "Loss on the probe.", "8.2"),)
        ...     rules = (
        ...         Rule(
        ...             kind="high_loss",
        ...             says="The loss is high",
        ...             limits=(Limit(loss, "above", watch=3.0, act=30.0, source="Experience."),),
        ...         ),
        ...     )
        ...
        ...     def tensors(self, snapshot):
        ...         return {"loss": snapshot.now.loss}
        ...
        ...     def reading(self, loss):
        ...         return loss
        ...
        ...     def numbers(self, log):
        ...         return {"high_loss": log.of(self.name)[-1]}
        ...
        ...     def measure(self, log):
        ...         return {"probe_loss": log.of(self.name)[-1]}
        >>> x, y = np.ones((8, 1)), np.full((8, 1), 4.0)
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(keras_ch8.optimizers.SGD(1e-6), "mse")
        >>> diagnosis = keras_ch8.callbacks.Diagnosis((x, y), checks=[HighLoss()], measure_every=1, budget=None)
        >>> _ = model.fit(x, y, batch_size=4, epochs=1, callbacks=[diagnosis], verbose=0)
        >>> print(diagnosis.verdicts[0])
        WATCH high_loss (high_loss, since step 2): The loss is high: it is 16. Fix: Train longer.
        >>> print(*diagnosis.verdicts[0].why)
        It is 16: WATCH at 3 or more, ACT at 30 or more (Experience.).
    """

    name: ClassVar[str]
    sets: ClassVar[tuple[str, ...]] = ()
    """To which of "cheap", "standard" and "full" it belongs; to none, it is given as an object only."""
    order: ClassVar[int] = 100
    """Where it stands in a set, the smallest first; of equal ones by name."""
    source: ClassVar[str] = "probe"
    """When it judges: as there is something new of the "probe", the "spectrum", the "rows" of the steps or the "epochs"
    of `fit`, or at the "finish" of a training that no error has ended."""
    needs_step: ClassVar[bool] = False
    """Whether it says nothing without an update of the optimizer."""
    needs_inference: ClassVar[bool] = False
    """Whether it asks for the loss as at inference, where the model has a layer whose calls it records."""
    passes: ClassVar[float] = 0.0
    """How often the examples pass forward and backward for it alone, beside the two passes that all of the probe share;
    a third for forward only. So often as this allows a training is measured."""
    kinds: ClassVar[tuple[Kind, ...]] = ()
    """The kinds of verdict that it adds to `verdicts.kinds.KINDS`."""
    curves: ClassVar[tuple[Curve, ...]] = ()
    """The numbers that it draws."""
    rules: ClassVar[tuple[Rule, ...]] = ()
    """What its quantities mean."""
    reading: ClassVar[Callable[..., Any]]
    """What is made of what `tensors` computed, of scalars as numbers: a frozen dataclass, or a method that returns one;
    of a monitor of the probe."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _register(cls)

    @classmethod
    def of_set(cls, name: str) -> Self:
        """Return the monitor as it is in one of its sets."""
        del name
        return cls()

    def records(self, layer: keras.layers.Layer) -> bool:
        """Whether the calls of this layer are recorded."""
        return False

    def kinds_for(self, layers: Sequence[keras.layers.Layer]) -> set[str]:
        """Return the kinds of trouble that a model with such layers can have, of those that the rules can find."""
        del layers
        return {rule.kind for rule in self.rules}

    def tensors(self, snapshot: Snapshot) -> dict[str, Any]:
        """Return what is computed, by name: tensors of the graph, or facts that do not change.

        Nothing if the model has nothing to measure.
        """
        return {}

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return what is worth a curve, by the names of `curves`."""
        return {}

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return the quantities that the rules judge, by name; NaN where one is not known.

        A quantity that is left out keeps the rules that need it from saying anything, also that all is well.
        """
        return {}

    def newest(self, log: MeasurementLog) -> dict[str, float]:
        """Return the newest measurement of quantities that are judged by several, by name; reasons say it, too.

        Those whose series is drawn need not be there: the last point is the newest measurement.
        """
        return {}

    def drawn(self, log: MeasurementLog) -> dict[str, float]:
        """Return the last point of each series that shows a quantity of the rules, by the name of the series."""
        return {f"{SERIES}{name}": float(value) for name, value in self.numbers(log).items()}

    def remarks(self, log: MeasurementLog) -> Mapping[str, str]:
        """Return what the sentence of a kind says in brackets, such as the name of a layer."""
        return {}

    def claims(self, log: MeasurementLog) -> list[Claim]:
        """Return what the rules say of the log, of all kinds that can be judged by now."""
        measured = self.measure(log)
        if not measured:
            return []
        known, has = known_to_cures(log), facts(log)
        return self.said(measured, self.remarks(log), self.newest(log), self.drawn(log), known, has)

    def said(self, *measured: Any, **known: Any) -> list[Claim]:
        """Return what `rules.judge` says; at the end it counts at once, as no other measurement follows."""
        claims = judge(self.rules, *measured, **known)
        return [dataclasses.replace(claim, proven=True) for claim in claims] if self.source == "finish" else claims


def lines(monitors: Iterable[Monitor]) -> dict[str, list[dict[str, Any]]]:
    """Return the limits of the rules as lines for charts: by series, each with value, label and direction.

    Only those of quantities that a series shows as they are judged, or as they are newest.

    Example:
        >>> from keras_ch8.monitors.base import chosen, lines
        >>> [line["value"] for line in lines(chosen(["batch_statistics"]))["diagnosis/batch_norm_gap"]]
        [0.3]
    """
    kinds: dict[str, dict[tuple[float, str, str], list[str]]] = {}
    for rule in (rule for monitor in monitors for rule in monitor.rules):
        for limit in rule.judged:
            if limit.quantity.series:
                limits = kinds.setdefault(limit.quantity.series, {})
                for level, value in limit.limits(rule.at_most):
                    named = limits.setdefault((value, level, limit.direction), [])
                    named += [rule.kind] if rule.kind not in named else []
    return {
        series: [
            {"value": value, "label": f"{level}: {', '.join(of)}", "direction": direction}
            for (value, level, direction), of in sorted(limits.items())
        ]
        for series, limits in kinds.items()
    }


# --- the registry --------------------------------------------------------------------------------------------------

REGISTERED: dict[str, type[Monitor]] = {}
"""The monitors that belong to a set, by name."""
CURVES: dict[str, tuple[Curve, str]] = {}
"""The curves of all monitors, also of those of the user, with the class that draws them, by name."""
_MADE: dict[type[Monitor], list[Monitor]] = {}


def members(name: str) -> tuple[Monitor, ...]:
    """Return the monitors of a set, in order."""
    ordered = sorted(_registered().values(), key=lambda cls: (cls.order, cls.name))
    return tuple(_of_set(cls, name) for cls in ordered if name in cls.sets)


def chosen(checks: str | Sequence[str | Monitor]) -> tuple[Monitor, ...]:
    """Return the monitors of a set, or those that are listed, by name or as they are.

    Raises:
        ValueError: If no set or monitor has such a name.
    """
    if isinstance(checks, str) and checks in SETS:
        return members(checks)
    if isinstance(checks, str) or not isinstance(checks, Sequence):
        raise _unknown(checks)
    return tuple(_one(check) for check in checks)


def _register(cls: type[Monitor]) -> None:
    """Let the suite know of a class, its kinds and its curves; the same class, defined anew, takes its own place."""
    path = f"{cls.__module__}.{cls.__qualname__}"
    if not set(cls.sets) <= set(SETS):
        raise ValueError(
            f"`sets` of a monitor must be some of {', '.join(map(repr, SETS))}. Received: sets={short(cls.sets)} of "
            f"{cls.__qualname__}. Use some of these, or none."
        )
    if "sets" in vars(cls) and cls.sets:
        other = REGISTERED.get(cls.name, cls)
        other_path = f"{other.__module__}.{other.__qualname__}"
        if other_path != path:
            raise ValueError(
                f"Each monitor needs a name of its own. Received: name={cls.name!r} of {path}, already used by "
                f"{other_path}. Choose another."
            )
    for curve in vars(cls).get("curves", ()):
        known, drawn_by = CURVES.get(curve.name, (curve, path))
        if known != curve and drawn_by != path:
            raise ValueError(
                f"Each curve needs a name of its own. Received: {short(curve)} of {path}, whose name is that of "
                f"{short(known)} of {drawn_by}. Choose another."
            )
    for kind in vars(cls).get("kinds", ()):
        register_kind(kind, path)
    if "sets" in vars(cls) and cls.sets:
        REGISTERED[cls.name] = cls
    CURVES.update({curve.name: (curve, path) for curve in vars(cls).get("curves", ())})


def _registered() -> dict[str, type[Monitor]]:
    """Return all registered monitors, those included whose files nobody has imported yet."""
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{__package__}.{module.name}")
    return REGISTERED


def _of_set(cls: type[Monitor], name: str) -> Monitor:
    """Return a monitor as it is in a set: one object, whoever asks, for all sets in which its settings are the same."""
    monitor = cls.of_set(name)
    known = _MADE.setdefault(cls, [])
    for other in known:
        if vars(other) == vars(monitor):
            return other
    known.append(monitor)
    return monitor


def _one(check: Any) -> Monitor:
    if isinstance(check, Monitor):
        return check
    found = _registered().get(check) if isinstance(check, str) else None
    if found is None:
        raise _unknown(check)
    return _of_set(found, max(found.sets, key=SETS.index))


def _unknown(check: Any) -> ValueError:
    names = [monitor.name for monitor in members("full")]
    return ValueError(
        f"`checks` is 'cheap', 'standard' or 'full', or a list of monitors: {', '.join(names)}. Received: "
        f"{short(check)}. Use some of these, or pass a `Monitor` of your own."
    )
