"""Weights & Biases."""

from collections.abc import Mapping
from typing import Any, final

from ..verdicts.verdict import Verdict
from .base import ServerTracker, StepPoints

STEP = "step/number"


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
