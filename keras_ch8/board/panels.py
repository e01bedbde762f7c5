"""The panels of a run, in the order of the chapter: which series are looked at together, and what is marked there.

The page (`keras_ch8.report`, the tab "Optimization") is made from this one list. A panel is shown where one of its
series has points. A curve of a monitor that is looked at alone needs no line here: its panel is made from what it says
of itself, and stands in the record of the run. Any other series gets a panel from its description.
"""

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import tags
from .tags import Tag

if TYPE_CHECKING:
    from ..monitors.base import Monitor  # which needs TensorFlow; the page does not

STEPS = "batches trained on"
"""What the x axis of nearly all panels is."""


@dataclass(frozen=True)
class ReferenceLine:
    """A horizontal line that values are compared with.

    Args:
        value: Where it is; or the name of a hyperparameter of the run, such as `"batch_size"`.
        label: What it means, such as "the loss rises".
        direction: Of a limit of a rule: on which side of it something is wrong, `"above"` or `"below"`. Defaults to
            `""`: it is no limit.
    """

    value: float | str
    label: str
    direction: str = ""


@dataclass(frozen=True)
class Panel:
    """Some series on one pair of axes.

    Args:
        title: What it shows, in a few words.
        unit: Of the y axis.
        section: Section of the book; panels are in the order of their sections.
        series: Names of series; `*` stands for any text. The first is drawn as a line, the others are told apart.
        kinds: Kinds of verdicts that frame the panel and are marked at the step at which they rose.
        events: Kinds of events that are marked: see `keras_ch8.board.record`.
        lines: Reference lines.
        log: Whether the y axis is logarithmic where all values are positive. Defaults to `True`.
        place: Where it stands among the charts that everyone looks at first, from 1. Defaults to 0: it is folded,
            unless a verdict is about it.
        read: A sentence that says how it is read. Defaults to `""`: what its series say of themselves.
        notes: Sentences that are said too where a series, a kind of verdict, or a kind of event is there.
    """

    title: str
    unit: str
    section: str
    series: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    lines: tuple[ReferenceLine, ...] = ()
    log: bool = True
    place: int = 0
    read: str = ""
    notes: tuple[tuple[str, str], ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}
        return plain | {"lines": [vars(line) for line in self.lines]}


def _panel(title: str, section: str, *series: Tag | str, unit: str = "", **options: object) -> Panel:
    """Return a panel of these series; its unit is that of the first unless it is given."""
    names = tuple(s if isinstance(s, str) else s.name for s in series)
    unit = unit or next(s.unit for s in series if isinstance(s, Tag))
    return Panel(title, unit, section, names, **options)  # type: ignore[arg-type]


def _alone(section: str, tag: Tag, **options: object) -> Panel:
    """Return the panel of one series, which says what it is called."""
    return _panel(tag.title, section, tag, **options)  # type: ignore[arg-type]


def _of(name: str) -> str:
    return f"diagnosis/{name}"


GROUPS = {
    "8.1": "Loss and metrics",
    "8.1.3": "Batch noise",
    "8.2": "The step",
    "8.2.1": "Curvature",
    "8.2.4": "Clipping and spikes",
    "8.2.5": "Layers",
    "8.3": "Learning rate",
    "8.4": "The start",
    "8.6": "Second-order solver",
    "8.7.1": "Batch normalization",
    "8.7.2": "Coordinate descent",
    "8.7.3": "Averages",
    "8.7.6": "Curriculum and continuation",
    "": "Other numbers",
}
"""Headings of the page, by the section with which each begins; the last is for what belongs to no section."""

OF_LOSS, OF_METRIC, OF_RATE, OF_GRADIENT = 1, 2, 3, 4
"""Places of the charts that everyone looks at first."""

PANELS = (
    _alone(
        "8.1.3", tags.LOSS, kinds=("step_too_long", "cliff", "nonfinite"),
        read="It should fall, though it scatters from batch to batch.",
    ),
    _panel(
        "Loss", "8.1", "epoch/loss", "epoch/val_loss",
        unit="loss", kinds=("overfitting", "underfitting", "too_short", "too_long", "oscillation"),
        events=("stop", "restore"), place=OF_LOSS,
        read="It should fall.",
        notes=(("epoch/val_loss", "Where val_loss turns upward, overfitting begins; the star is its best epoch."),),
    ),
    _panel(
        "Surrogate and true loss", "8.1.2",
        tags.SURROGATE, tags.TRUE_LOSS, tags.VAL_SURROGATE, tags.VAL_TRUE_LOSS, unit="loss, and as the metric",
    ),
    _alone("8.1.2", tags.FLAT_EPOCHS, log=False),
    _panel(
        "Early stopping: the metric and its best value", "8.1.2", tags.STOPPING_METRIC, tags.STOPPING_BEST,
        events=("stop", "restore"),
    ),
    _alone("8.1.2", tags.STOPPING_PATIENCE, log=False),
    _panel(
        "Gradient norm", "8.2.4",
        tags.GRADIENT_NORM, tags.GRADIENT_NORM_CLIPPED, tags.GRADIENT_NORM_Q90,
        kinds=("cliff", "exploding", "nonfinite"), events=("spike", "nonfinite"),
        lines=(ReferenceLine("global_clipnorm", "clipping limit"),), place=OF_GRADIENT,
        read="It should stay within one range.",
        notes=(
            ("cliff", "Isolated spikes undo progress."),
            ("spike", "Isolated spikes undo progress."),
            ("exploding", "Steady growth ends in NaN."),
            ("nonfinite", "Steady growth ends in NaN."),
        ),
    ),
    _panel(
        "Clipping: share of the steps, and fraction of the gradient that is left", "8.2.4",
        tags.CLIPPED_SHARE, tags.CLIP_COEFFICIENT, unit="ratio", log=False,
        read="A share near 1 means that the threshold, not the learning rate, sets the length of every step.",
    ),
    _panel(
        "Steps with a gradient spike, and with a NaN gradient", "8.2.4",
        _of("spikes"), _of("nonfinite_steps"), unit="steps", log=False, kinds=("cliff", "nonfinite"),
        read="Counted over the last 5,000 steps at most. Both should be near 0.",
    ),
    _alone("8.2.4", tags.NONFINITE, log=False, kinds=("nonfinite",)),
    _alone("8.2", tags.UPDATE_NORM),
    _panel(
        "Loss on the probe, in training and at inference", "8.2", _of("loss"), _of("inference_loss"), unit="loss",
        kinds=("overfitting", "underfitting", "ill_conditioned"),
        read="If the curves diverge, some layers behave differently at inference than in training.",
    ),
    _panel(
        "Eigenvalues of the Hessian, smallest and largest", "8.2.1",
        _of("eigenvalue_smallest"), _of("eigenvalue_largest"), unit="loss / weight^2", log=False,
        kinds=("ill_conditioned", "saddle"), lines=(ReferenceLine(0.0, "flat"),),
        read="How strongly the loss surface curves. Far apart: ill-conditioned. Smallest far below 0: a saddle point.",
    ),
    _panel(
        "Idle units: dead, saturated, never moved", "8.2.5", _of("fraction_dead"), _of("fraction_saturated"),
        _of("fraction_without_gradient"), unit="fraction", log=False,
        kinds=("dead_units", "saturated_units", "no_gradient"),
        read="Parts of the model that do not learn: near 0 is best.",
    ),
    _alone(
        "8.3.1", tags.LEARNING_RATE, kinds=("step_too_short",), events=("rate",), place=OF_RATE,
        read="Too high, and the loss oscillates; too low, and training is slow.",
    ),
    _alone("8.3.1", tags.EFFECTIVE_RATE),
    _panel(
        "Learning rate of each group of weights", "8.3.1", "step/group_learning_rate_*", unit="weight / gradient",
        read="Each curve is the optimizer's learning rate times the factor of a group.",
    ),
    _panel(
        "Update over weights, of each group", "8.3.1", "step/group_relative_update_*", unit="ratio",
        read="How far one step moves the weights of a group, as a fraction of their norm.",
    ),
    _alone("8.4", tags.WEIGHT_NORM),
    _alone("8.6", tags.SOLVER["step_length"]),
    _alone("8.6", tags.SOLVER["slope"], log=False),
    _panel(
        "Loss evaluations and Hessian products per iteration", "8.6",
        *(tags.SOLVER[name] for name in ("evaluations", "products", "cg_iterations")), unit="evaluations", log=False,
    ),
    _alone("8.6.1", tags.SOLVER["damping"]),
    _alone("8.6.1", tags.SOLVER["radius"]),
    _alone("8.6.1", tags.SOLVER["trust_ratio"], log=False, lines=(ReferenceLine(1.0, "as the model promised"),)),
    _panel(
        "Eigenvalues seen by the solver", "8.6", tags.SOLVER["eigenvalue_smallest"],
        tags.SOLVER["eigenvalue_largest"], log=False, lines=(ReferenceLine(0.0, "flat"),),
    ),
    _panel(
        "Restarts, skipped pairs, negative curvature", "8.6",
        *(tags.SOLVER[name] for name in ("restarted", "skipped_pair", "negative_curvature")), log=False,
    ),
    _alone("8.7.2", tags.BLOCK, log=False),
    _panel("Gradient of each block", "8.7.2", "step/block_gradient_norm_*", unit="loss / weight"),
    _alone("8.7.3", tags.AVERAGE_DISTANCE),
    _panel(
        "Curriculum: examples available and drawn", "8.7.6",
        tags.CURRICULUM["share"], tags.CURRICULUM["seen"], unit="fraction", log=False, events=("stage",),
    ),
    _alone("8.7.6", tags.CURRICULUM["difficulty"], log=False),
    _panel(
        "Continuation: annealed numbers of the model", "8.7.6", "epoch/continuation_*", unit="as the part", log=False,
        events=("stage",),
    ),
)  # fmt: skip
"""All panels that are known beforehand. Curves of monitors that are looked at alone, metrics of the user
(`epoch/accuracy` with `val_accuracy`) and series of the user's own get panels as they come."""


def of_series(name: str) -> list[Panel]:
    """Return the panels that show a series."""
    return [p for p in PANELS if any(fnmatch.fnmatchcase(name, pattern) for pattern in p.series)]


def of_tag(tag: Tag) -> Panel:
    """Return the panel of a series of the user's own."""
    return Panel(tag.title, tag.unit, tag.section, (tag.name,))


def of_monitors(monitors: Sequence["Monitor"]) -> Iterator[Panel]:
    """Yield a panel for each curve that is looked at alone, framed by the kinds whose rules speak of it.

    A rule that speaks of no curve frames all of its monitor.
    """
    rules = [(each, rule.kind, {q.series for q in rule.spoken if q.series}) for each in monitors for rule in each.rules]
    for monitor in monitors:
        for curve in monitor.curves:
            name = tags.DIAGNOSIS + curve.name
            if not of_series(name):
                kinds = dict.fromkeys(kind for of, kind, said in rules if name in said or (not said and of is monitor))
                lines = tuple(ReferenceLine(*line) for line in curve.lines)
                yield Panel(curve.title, curve.unit, curve.section, (name,), tuple(kinds), (), lines, curve.log)
