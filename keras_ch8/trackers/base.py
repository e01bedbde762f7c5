"""What every tracker is, and one of your own may be; and the one that writes a text file, with an object a line."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import IO, Any, ClassVar, final

from .. import _objects
from ..board.record import Event
from ..verdicts.verdict import Verdict


class Tracker:
    """Gets what a training writes for TensorBoard: its points, verdicts, events and settings (section 8.2).

    A subclass overrides what it wants to get; nothing is asked of it. `prepare` is called in the thread of the
    training, before its first step, and must be quick. All else is called in a thread that the tracker has for itself,
    one call after another, so it may take its time: where it waits for a server, neither the training nor another
    tracker does. One that raises gets no more of this training, with one warning, and the training goes on.

        prepare()                      look at what only the training's thread sees; raise if a package is missing
        open(directory)                a training begins, the first one or a later one
        hyperparameters(values)        settings of the run that are new, or new again
        describe(name, description)    what a series is, in Markdown, before its first point
        log(step, values)              points of some series at a step
        verdict(verdict)               the level of a verdict has changed, or at the end what it says
        event(event)                   something happened at a step
        flush()                        keep what was given so far: every 5 s, and before the end
        close(report)                  the training has ended; also after an error, of the tracker too

    Two more are called in the thread of the training, where `callbacks.Resume` lets it go on in another process:

        state()                        a text that says which run it is, such as its id
        go_on(state)                   go on with that run when it is opened next

    A step is a batch that the model has been trained on. Of one series steps go forward; another one may be at an
    earlier step. A value may be infinite or NaN. A tracker can be used for one training after another, and can be
    copied and pickled at any time.

    Attributes of the class that a subclass may set:

        transient     names of the attributes that belong to a run, such as open files: None at first, and in a copy

    Example:
        >>> class Prints(keras_ch8.extend.Tracker):
        ...     def log(self, step, values):
        ...         for name, value in values.items():
        ...             if name == "epoch/loss":
        ...                 print(f"step {step}: {value:.1f}")
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> board = keras_ch8.callbacks.TensorBoard(tempfile.mkdtemp(), log_to=[Prints()])
        >>> _ = model.fit(np.zeros((32, 2)), np.ones((32, 1)), callbacks=[board], verbose=0)
        step 1: 1.0

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    transient: ClassVar[Sequence[str]] = ()

    def __init__(self) -> None:
        vars(self).update(dict.fromkeys(self.transient))

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | dict.fromkeys(self.transient)

    def __repr__(self) -> str:
        shown: dict[str, Any] = {}
        for name, value in vars(self).items():
            if name not in self.transient and not name.startswith("_") and value not in (None, False):
                shown |= value if isinstance(value, dict) else {name: value}  # arguments that are passed on
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def state(self) -> str:
        """Return what another process needs to go on with the run of this training; `""` for nothing."""
        return ""

    def go_on(self, state: str) -> None:
        """Go on with the run of a training that another process has begun, when it is opened next.

        Args:
            state: What `state` has returned there.
        """

    def prepare(self) -> None:
        """Look at what only the thread of the training sees, such as the run that is active there."""

    def open(self, directory: str) -> None:
        """Begin with a training.

        Args:
            directory: That of the run of TensorBoard, where files may be written.
        """

    def hyperparameters(self, values: Mapping[str, Any]) -> None:
        """Take settings of the run: numbers, texts and booleans by name.

        Args:
            values: Those that are new, or have changed.
        """

    def describe(self, name: str, description: str) -> None:
        """Take what a series is, with its unit and section; `""` where that is not known."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take points.

        Args:
            step: Batches that the model has been trained on.
            values: A number by the name of each series that has a point there.
        """

    def verdict(self, verdict: Verdict) -> None:
        """Take a verdict that is new, or whose level has changed; at the end again, where what it says is another."""

    def event(self, event: Event) -> None:
        """Take something that happened: `event.step`, `event.kind` and `event.text`."""

    def flush(self) -> None:
        """Bring what was given so far to where a crash does not destroy it."""

    def close(self, report: str | None) -> None:
        """End a training.

        Args:
            report: Path of the page of the run, `report.html`. `None` where there is none, and after an error of the
                tracker: then only what is open is to be closed. It may come after a `close` that has raised.
        """


@final
class JSONL(Tracker):
    """Write a training into one file, with an object of JSON on each line (section 8.2).

    The `type` of a line says what else it has:

        "hyperparameters"   values: {name: number, text or boolean}, of those that are new
        "series"            name, description: what a series is
        "row"               step, values: {name of the series: number}
        "verdict"           kind, level, finding, cure, section, step, measured, why, code, series, value
        "event"             step, kind, text
        "end"               report: path of the page of the run

    JSON has no NaN and no infinity, so they are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, of which Python's
    `float` makes numbers. What was given is on the disk some seconds later.

    Args:
        path: The file, which is overwritten; a second training with the same tracker goes on with it. Defaults to
            `None`: `run.jsonl` in the folder of the run, beside its report, with which a run goes on.

    Example:
        >>> board = keras_ch8.callbacks.TensorBoard("logs", log_to=[keras_ch8.trackers.JSONL()])
        >>> lines = map(json.loads, open("logs/optimization/run.jsonl"))  # doctest: +SKIP
        >>> [line["finding"] for line in lines if line["type"] == "verdict"]  # doctest: +SKIP

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    section = "8.2"

    transient = ("_file", "_has_begun")
    _file: IO[str] | None
    _has_begun: bool | None

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        _objects.path("path", path, or_none=True)
        self.path = None if path is None else os.fspath(path)

    def open(self, directory: str) -> None:
        """Open the file; one that was begun here, or is in the folder of the run, goes on."""
        path = self.path or os.path.join(directory, "run.jsonl")
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        self._file = open(path, "a" if self._has_begun or self.path is None else "w", encoding="utf-8")  # noqa: SIM115
        self._has_begun = True

    def go_on(self, state: str) -> None:
        """Go on with the file, as another process has left it, when it is opened next."""
        self._has_begun = True

    def flush(self) -> None:
        """Bring all to the disk."""
        if self._file is not None:
            self._file.flush()
            if not os.path.exists(self._file.name):  # writing to a deleted file succeeds
                raise FileNotFoundError(f"{self._file.name} is gone")

    def hyperparameters(self, values: Mapping[str, Any]) -> None:
        """Write a line for all."""
        self._line("hyperparameters", values=values)

    def describe(self, name: str, description: str) -> None:
        """Write a line."""
        self._line("series", name=name, description=description)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write a line for all."""
        self._line("row", step=step, values={name: _number(value) for name, value in values.items()})

    def verdict(self, verdict: Verdict) -> None:
        """Write a line."""
        self._line("verdict", **vars(verdict))

    def event(self, event: Event) -> None:
        """Write a line."""
        self._line("event", **event._asdict())

    def close(self, report: str | None) -> None:
        """Write the last line, and close the file."""
        if report is not None:
            self._line("end", report=report)
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _line(self, kind: str, /, **content: Any) -> None:
        if self._file is not None:
            self._file.write(json.dumps({"type": kind} | content, allow_nan=False) + "\n")


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
