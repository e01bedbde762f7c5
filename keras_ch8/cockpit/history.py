"""A run for people who go on with it: its curves as arrays or frames, its verdicts and events, and its pictures."""

import os
from typing import Any, final

import numpy as np

from .._describe import short, spelled
from .._plot import grid
from .._result import Result, Table
from ..board.panels import Panel, ReferenceLine
from ..board.record import Event
from ..verdicts.state import OverallState
from ..verdicts.verdict import Verdict
from . import curves, event_files
from .charts import panels_of
from .curves import HISTORY, Pictured, RunCurve, names_of
from .document import Document, Run
from .records import state_in, verdicts_of

MOST_NAMED = 10
"""Runs that an error names, at most."""


@final
class RunHistory(Result):
    """What `keras_ch8.read_run` returns: `print` says what was found, `plot` draws it, `frame` is for pandas.

    `history[name]` is a curve, and `history.curves` has all of them.

    Args:
        run: What the event files of the run say.
        folder: The folder of these files.
    """

    def __init__(self, run: Run, folder: str) -> None:
        said = run.said
        self.name = run.name
        """What `keras_ch8.report` calls it."""
        self.folder = folder
        """Folder of its event files."""
        self.step: int = run.step
        """Batches that the model had been trained on when it was last written."""
        self.ended: bool | None = said["ended"]
        """Whether the training has ended; `None` where that is not known."""
        self.hyperparameters: dict[str, Any] = said["hyperparameters"]
        """Settings of the training by their names."""
        self.verdicts: list[Verdict] = verdicts_of(said)
        """The verdicts that stood at the end, the gravest first."""
        self.state: OverallState = state_in(said["state"])
        """What they come to; `state.name` is one of `keras_ch8.verdicts.state.STATES`."""
        self.events: list[Event] = [Event(**event) for event in said["events"]]
        """What happened at a step, in order: clipping, spikes, changes of the rate, and the like."""
        self.problem = run.problems
        """What could not be read, and why; `""` for nothing."""
        described = {name: run.tag(name) for name in run.shown()}
        panels = [_panel(data) for data in panels_of(described, [said])]
        in_order = dict.fromkeys(name for panel in panels for name in names_of(panel, described))
        rest = [name for name in run.series() if name not in in_order]
        self.curves: dict[str, RunCurve] = {name: _curve(run, name) for name in (*in_order, *sorted(rest))}
        """All its curves by their names, in the order of the chapter."""
        self._pictured = Pictured(
            self.name,
            {name: curve for name, curve in self.curves.items() if np.isfinite(curve.values).any()},
            self.verdicts,
            self.events,
            self.hyperparameters,
            {name: [ReferenceLine(**line) for line in lines] for name, lines in said["lines"].items()},
        )
        drawable = [panel for panel in (HISTORY, *panels) if names_of(panel, self._pictured.curves)]
        self.panels: dict[str, Panel] = {panel.title: panel for panel in drawable}
        """What `plot` can draw, by title."""

    def __getitem__(self, name: str) -> RunCurve:
        if name not in self.curves:
            raise KeyError(
                f"The name must be that of a curve of this run. Received: {short(name)}. Pass one of: "
                f"{', '.join(map(repr, self.curves)) or 'nothing, since the run has no points'}."
            )
        return self.curves[name]

    def plot(self, what: str = HISTORY.title, ax: Any = None) -> Any:
        """Draw the training history, or other panels of the page, with matplotlib.

        Verdicts are marked at the step since which they stand, and events at theirs.

        Args:
            what: `"Training history"`: the losses of training and validation, with all verdicts and events. Or the
                title of a panel (`history.panels` has them), the name of a series, or a section of the book, such as
                `"8.2.4"`, for all panels of it and of those below it. Defaults to the training history.
            ax: Axes to draw one panel on. Defaults to `None`: new ones.

        Returns:
            The axes; of several panels, the list of them.

        Raises:
            ValueError: If `what` names no panel that has data, or several panels while `ax` is given.
            ImportError: If matplotlib is not installed.
        """
        found = self._found(what)
        if len(found) == 1:
            return curves.draw(found[0], self._pictured, ax)
        if ax is not None:
            raise ValueError(
                f"`ax` is for one panel. Received: what={short(what)}, which stands for {len(found)} panels. Leave "
                f"`ax` out, or pass the title of one: {', '.join(repr(panel.title) for panel in found)}."
            )
        return [curves.draw(panel, self._pictured, ax) for panel, ax in zip(found, grid(len(found)), strict=True)]

    def _found(self, what: str) -> list[Panel]:
        """Return the panels with that title, of that series, or of that section."""
        of_page = [panel for panel in self.panels.values() if panel is not HISTORY]
        ways = (
            [panel for title, panel in self.panels.items() if title.casefold() == what.casefold()],
            [panel for panel in of_page if what in names_of(panel, self.curves)],
            [panel for panel in of_page if f"{panel.section}.".startswith(f"{what}.")],
        )
        found: list[Panel] = next(filter(None, ways), [])
        if not found:
            raise ValueError(
                "`what` must be a panel of this run by its title, a section of the book that it has panels of, or the "
                f"name of a series. Received: what={short(what)}. Pass one of: "
                f"{', '.join(map(repr, self.panels)) or 'nothing, since it has no points'}."
            )
        return found

    def frame(self) -> Any:
        """Return the curves as a `pandas.DataFrame`: a row for each step, a column for each curve.

        A column `.../min` and one `.../max` stand beside a curve that has windows of several steps. Where a curve has
        no point at a step there is NaN: `frame["epoch/val_loss"].dropna()` is the curve.

        Raises:
            ImportError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "`frame` needs pandas, which is not installed. Install it with `pip install pandas`. `curves` has the "
                "same without it."
            ) from error
        columns: dict[str, Any] = {}
        for name, curve in self.curves.items():
            band = {f"{name}/min": curve.low, f"{name}/max": curve.high} if curve.has_band else {}
            for column, values in ({name: curve.values} | band).items():
                columns[column] = pandas.Series(values, index=curve.steps)
        return pandas.DataFrame(columns).rename_axis(index="step")

    def _headline(self) -> str:
        ended = {True: ", ended", False: ", not ended", None: ""}[self.ended]
        last = {name: c.values[-1] for name in ("loss", "val_loss") if (c := self.curves.get(f"epoch/{name}"))}
        validated = self.curves["epoch/val_loss"].values if "val_loss" in last else np.zeros(0)
        if np.isfinite(validated).any():
            last["val_loss_best"] = validated[np.isfinite(validated)].min()
        losses = [f"{name} {value:.4g}" for name, value in last.items()]
        wrong = [_short(verdict) for verdict in self.verdicts if verdict.level != "ok"]
        found = f"{', '.join(wrong)}." if wrong else " ".join([self.state.headline, *self.state.reasons[:1]])
        head = "; ".join(filter(None, [f"run {self.name!r}, step {self.step}{ended}", ", ".join(losses), found]))
        return f"{head} {self.problem}".rstrip()

    def _table(self) -> Table:
        """Return a row for each curve, those that a verdict is about first; the gravest is marked."""
        wrong = [verdict for verdict in self.verdicts if verdict.level != "ok"]
        rank = {verdict.series: place for place, verdict in reversed(list(enumerate(wrong)))}
        names = sorted(self.curves, key=lambda name: rank.get(name, len(wrong)))
        rows = [
            (
                f"{name} [{self.curves[name].unit or '1'}]",
                len(self.curves[name]),
                *_extremes(self.curves[name]),
                ", ".join(_short(verdict) for verdict in wrong if verdict.series == name),
            )
            for name in names
        ]
        columns = ("curve [unit]", "points", "last", "smallest", "largest", "verdict")
        return Table(columns, rows, marked=0 if names and names[0] in rank else None)


@spelled
def read_run(log_dir: str | os.PathLike[str]) -> RunHistory:
    """Return the curves, verdicts and events of the one run below a folder (section 8.2).

    All points are read, with all the digits that were written. The run may have been cut short, or may still go on.

    Args:
        log_dir: The `log_dir` of `keras_ch8.callbacks.TensorBoard`, or the folder of one run below it.

    Returns:
        A `RunHistory`.

    Raises:
        FileNotFoundError: If there is no such folder, or no run of this package in it.
        ValueError: If there are several runs.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.Adam(), "mse")
        >>> folder = tempfile.mkdtemp()
        >>> board = keras_ch8.callbacks.TensorBoard(folder)
        >>> _ = model.fit(np.ones((64, 2)), np.ones((64, 1)), epochs=3, callbacks=[board], verbose=0)
        >>> history = keras_ch8.read_run(folder)
        >>> history["step/loss"].steps
        array([1, 2, 3, 4, 5, 6])
        >>> history.hyperparameters["optimizer"]
        'Adam'

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """
    found = event_files.runs_below(log_dir)
    if len(found) == 1:
        (folder, run), *_ = found.items()
        return RunHistory(run, folder)
    newest = sorted(found, key=lambda folder: found[folder].last_written, reverse=True)
    more = f", and {len(newest) - MOST_NAMED} more" if len(newest) > MOST_NAMED else ""
    raise ValueError(
        f"`log_dir` must hold one run. Received: log_dir={os.fspath(log_dir)!r}, which holds {len(newest)}, the newest "
        f"first: {', '.join(map(repr, newest[:MOST_NAMED]))}{more}. Pass the folder of one of them, such as "
        f"`keras_ch8.read_run({newest[0]!r})`; `keras_ch8.report` shows all of them on one page."
    )


def _curve(run: Run, name: str) -> RunCurve:
    steps, *columns = zip(*run.points(name), strict=True)
    values, low, high = (np.array(column, float) for column in columns)
    return RunCurve(name, np.array(steps, np.int64), values, low, high, **run.tag(name))


def _panel(data: Document) -> Panel:
    """Return a panel as it was before it became data."""
    lists = {key: tuple(map(str, data[key])) for key in ("series", "kinds", "events")}
    notes = tuple((what, said) for what, said in data.get("notes", ()))
    lines = tuple(ReferenceLine(**line) for line in data["lines"])
    return Panel(**data | lists | {"lines": lines, "notes": notes})


def _short(verdict: Verdict) -> str:
    return f"{verdict.level.upper()} {verdict.kind}"


def _extremes(curve: RunCurve) -> tuple[float | None, float | None, float | None]:
    """Return the last, the smallest and the largest value; those that are not finite are left to the last."""
    low, high = (edge[np.isfinite(edge)] for edge in (curve.low, curve.high))
    return float(curve.values[-1]), float(low.min()) if len(low) else None, float(high.max()) if len(high) else None
