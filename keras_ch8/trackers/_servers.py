"""Trackers that write to a server of experiments: MLflow, and Weights & Biases."""

import hashlib
import importlib
import importlib.util
import json
import os
import posixpath
import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, final

from .. import _checks
from ..board.record import Event
from ..verdicts.verdict import Verdict
from .base import Tracker

AT_ONCE = 1000
"""Metrics that MLflow takes in one call."""
LONGEST = 250
"""Characters of a name that MLflow takes."""
STEP = "step/number"
"""The x axis of Weights & Biases."""


class StepPoints(NamedTuple):
    """Points of a step.

    Args:
        time: When they came, in milliseconds since 1970.
        step: Batches that the model had been trained on.
        values: By the names of the series.
    """

    time: int
    step: int
    values: Mapping[str, float]


class ServerTracker(Tracker):
    """A tracker for a package that has runs: the user's active one goes on, otherwise there is one of its own.

    Points are kept for some seconds and sent together; verdicts and events are kept for the tables at the end.
    """

    package: ClassVar[str]
    """What is to be installed."""
    transient: ClassVar[Sequence[str]] = ("theirs", "own", "run", "link", "rows", "notes")
    theirs: str | None
    """The id of the user's run."""
    own: str | None
    """The id of the last run of its own."""
    run: str
    """The id of the run that is written."""
    link: Any
    """The object of the package by which that is done."""
    rows: list[StepPoints]
    """Points that are still to be sent."""
    notes: dict[str, list[dict[str, Any]]]
    """The tables of the run, `"verdicts"` and `"events"`, of which there are any."""

    def state(self) -> str:
        """Return which run is written, and what its tables have so far; its thread may add to them meanwhile."""
        notes = {name: list(rows) for name, rows in list((self.notes or {}).items())}
        return json.dumps({"own": self.own, "run": self.run, "notes": notes})

    def go_on(self, state: str) -> None:
        """Go on with its own run, and with the tables if it is that run that is opened next."""
        vars(self).update(json.loads(state))

    def active(self, package: Any) -> str | None:
        """Return the id of the user's run, if there is one; its package has been imported."""
        raise NotImplementedError

    def begin(self, package: Any) -> str:
        """Return the id of the user's run, or the last one of its own, or a new one; set `link`."""
        raise NotImplementedError

    def send(self, rows: list[StepPoints]) -> None:
        """Send points."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Look for a run of the user's. Who has one has imported the package, for which others need not wait here."""
        if self.package not in sys.modules and importlib.util.find_spec(self.package) is None:
            raise ModuleNotFoundError(
                f'`{self.package}` is not installed. Install it with `pip install "keras_ch8[{self.package}]"`'
            )
        package = sys.modules.get(self.package)
        self.theirs = None if package is None else self.active(package)

    def open(self, directory: str) -> None:
        """Begin, and keep the notes that there are if the run is that of the last training."""
        run = self.begin(importlib.import_module(self.package))
        if run != self.run:
            self.run, self.notes = run, {}
        self.own = self.own if self.theirs else run
        self.rows = []

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Keep them until `flush`."""
        self.rows.append(StepPoints(int(1000 * time.time()), step, values))

    def verdict(self, verdict: Verdict) -> None:
        """Note it."""
        self.notes.setdefault("verdicts", []).append(vars(verdict) | {"why": " ".join(verdict.why)})

    def event(self, event: Event) -> None:
        """Note it."""
        self.notes.setdefault("events", []).append(event._asdict())

    def flush(self) -> None:
        """Send what was kept."""
        rows, self.rows = self.rows, []
        if rows:
            self.send(rows)


@final
class MLflow(ServerTracker):
    """Write a training to MLflow; `pip install "keras_ch8[mlflow]"` (section 8.2).

    The run that is active in the thread of `fit` goes on and stays active; otherwise there is a run of its own, with
    which a later training with the same tracker goes on, also in another process by `callbacks.Resume`. Points are
    metrics over the batches trained on, settings are parameters, which stay as they are first, a verdict is a tag. At
    the end the page, `verdicts.json` and `events.json` are artifacts. `-x40-` in a name is a character that MLflow
    refuses; an infinite value it keeps as 1.8e308.

    Args:
        tracking_uri: Address of the server or store, as `"sqlite:///mlflow.db"`. Defaults to `None`: MLflow's own.
        experiment: Name of the experiment, which is made if it is missing. Defaults to `None`: MLflow's own.

    Example:
        >>> board = keras_ch8.callbacks.TensorBoard("logs", log_to=[keras_ch8.trackers.MLflow(experiment="vision")])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    section, package = "8.2", "mlflow"

    def __init__(self, tracking_uri: str | None = None, experiment: str | None = None) -> None:
        super().__init__()
        self.tracking_uri = _checks.text("tracking_uri", tracking_uri, meaning="where the runs are kept", or_none=True)
        self.experiment = _checks.text("experiment", experiment, meaning="the name of the experiment", or_none=True)

    def active(self, package: Any) -> str | None:
        """Return the run of this thread, unless it is elsewhere."""
        run = package.active_run() if self.tracking_uri in (None, package.get_tracking_uri()) else None
        return run and run.info.run_id

    def begin(self, package: Any) -> str:
        """Make the client, and a run where there is none."""
        self.link = package.MlflowClient(self.tracking_uri)
        run = self.theirs or self.own
        return run or self.link.create_run(experiment_id(self.link, self.experiment)).info.run_id

    def send(self, rows: list[StepPoints]) -> None:
        """Send points as metrics."""
        from mlflow.entities import Metric

        metrics = [Metric(spelled(name), x, row.time, row.step) for row in rows for name, x in row.values.items()]
        for first in range(0, len(metrics), AT_ONCE):
            self.link.log_batch(self.run, metrics=metrics[first : first + AT_ONCE])

    def hyperparameters(self, values: Mapping[str, Any]) -> None:
        """Set those parameters that the run has not yet, since MLflow lets none change."""
        known = self.link.get_run(self.run).data.params
        for name in [name for name in values if spelled(name) not in known]:
            self.link.log_param(self.run, spelled(name), values[name])

    def verdict(self, verdict: Verdict) -> None:
        """Set a tag."""
        super().verdict(verdict)
        self.link.set_tag(self.run, f"verdict/{spelled(verdict.kind)}", str(verdict)[:5000])

    def close(self, report: str | None) -> None:
        """Send the artifacts, and end a run of its own."""
        if report is not None:
            self.link.log_artifact(self.run, report)
            for name, notes in self.notes.items():
                self.link.log_dict(self.run, notes, f"{name}.json")
        if self.theirs is None:
            self.link.set_terminated(self.run)


def spelled(name: str) -> str:
    """Return a name that MLflow takes, another one for every other name.

    What it refuses, anything but letters, digits, underscores, periods, dashes, spaces and slashes, becomes its code:
    `a@1` becomes `a-x40-1`. So do the slashes and periods of what is no path, such as `a//b`, and the dash of what
    looks like a code. Of what is too long the end becomes a hash.
    """
    refused = r"[^\w. /-]|-(?=x)"
    is_path = posixpath.normpath(name) == name and not name.startswith(("/", ".."))
    made = re.sub(refused if is_path and name != "." else rf"{refused}|[./]", lambda c: f"-x{ord(c[0]):x}-", name)
    if 0 < len(made) <= LONGEST:
        return made
    return f"{made[: LONGEST - 50]}-x-{hashlib.sha1(name.encode()).hexdigest()}"


def experiment_id(client: Any, name: str | None) -> str:
    """Return the id of an experiment, which is made where there is none; without a name, of that which is set."""
    if name is None:
        return os.environ.get("MLFLOW_EXPERIMENT_ID", "0")  # where `mlflow.set_experiment` puts it too
    there = client.get_experiment_by_name(name)
    made: str = client.create_experiment(name) if there is None else there.experiment_id
    return made


@final
class WandB(ServerTracker):
    """Write a training to Weights & Biases; `pip install "keras_ch8[wandb]"` (section 8.2).

    The run that is active goes on and stays open; else it has its own, which a later training with this tracker
    resumes, also in another process by `callbacks.Resume`. The x axis is `step/number`, batches trained on; W&B's own
    step counts rows: give `wandb.log` no `step=`. Settings new to the config are added. A verdict is `verdict/<kind>`
    in the summary; one to act on is an alert too. At the end come `diagnosis/verdicts`, `.../events`, `.../report`.

    Args:
        **init: Arguments of `wandb.init` for a run of its own, such as `project="vision"` or `mode="offline"`.

    Example:
        >>> board = keras_ch8.callbacks.TensorBoard("logs", log_to=[keras_ch8.trackers.WandB(project="vision")])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    section, package = "8.2", "wandb"

    def __init__(self, **init: Any) -> None:
        super().__init__()
        self.init = init

    def active(self, package: Any) -> str | None:
        """Return the run of this process."""
        return package.run and package.run.id

    def begin(self, package: Any) -> str:
        """Begin or resume a run of its own, which is not `wandb.run`, or take the user's."""
        again = {"id": self.own, "resume": "allow"} if self.own else {}
        self.link = package.run if self.theirs else package.init(**({"reinit": "create_new"} | again | self.init))
        self.link.define_metric(STEP, hidden=True)
        return self.link.id

    def describe(self, name: str, description: str) -> None:
        """Choose the x axis; W&B would take a name with a star for a pattern."""
        if "*" not in name:
            self.link.define_metric(name, step_metric=STEP)

    def send(self, rows: list[StepPoints]) -> None:
        """Log them."""
        for row in rows:
            self.link.log({**row.values, STEP: row.step})

    def hyperparameters(self, values: Mapping[str, Any]) -> None:
        """Add those settings to the config that it does not have."""
        self.link.config.update({name: values[name] for name in values.keys() - self.link.config.keys()})

    def verdict(self, verdict: Verdict) -> None:
        """Say how it stands, and alert the user to what calls for action."""
        noted = [note["kind"] for note in self.notes.get("verdicts", []) if note["step"] == verdict.step]
        super().verdict(verdict)
        self.link.summary[f"verdict/{verdict.kind}"] = str(verdict)
        if verdict.level == "act" and verdict.kind not in noted:
            self.link.alert(f"{verdict.kind}: {verdict.finding}", str(verdict), level="WARN")

    def close(self, report: str | None) -> None:
        """Log the tables and the page, and finish a run of its own."""
        import wandb

        if report is not None:
            said: dict[str, Any] = {"diagnosis/report": wandb.Html(report, inject=False)}
            for name, notes in self.notes.items():
                said[f"diagnosis/{name}"] = wandb.Table(columns=[*notes[0]], data=[[*note.values()] for note in notes])
            self.link.log(said)
        if self.theirs is None:
            self.link.finish()
