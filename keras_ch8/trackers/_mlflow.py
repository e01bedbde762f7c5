"""MLflow."""

import hashlib
import os
import posixpath
import re
from collections.abc import Mapping
from typing import Any, final

from .. import _checks
from ..verdicts.verdict import Verdict
from .base import ServerTracker, StepPoints

AT_ONCE = 1000
"""Metrics that MLflow takes in one call."""


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


LONGEST = 250
"""Characters of a name that MLflow takes."""


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
