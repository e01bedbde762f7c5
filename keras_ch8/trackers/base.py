"""What every tracker is, and one of your own may be."""

import contextlib
import importlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any, ClassVar, NamedTuple

from .. import _checks, _objects
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


class FileTracker(Tracker):
    """A tracker that writes text files.

    Args:
        path: The file; `None` for one in the folder of the run.
        append: Whether to go on with a file that is there already; that in the folder of the run always goes on.
    """

    filename: ClassVar[str]
    """Name of the file in the folder of the run."""
    endings: ClassVar[Sequence[str]] = ("",)
    """What is put behind the name of each file, before the dot."""
    transient = ("_files", "_has_begun")
    _files: Sequence[IO[str]]
    _has_begun: bool | None

    def __init__(self, path: str | os.PathLike[str] | None = None, append: bool = False) -> None:
        super().__init__()
        _objects.path("path", path, or_none=True)
        self.path = None if path is None else os.fspath(path)
        self.append = _checks.flag("append", append, meaning="whether to go on with a file that is there")

    def open(self, directory: str) -> None:
        """Open the files; those that were begun here, or are in the folder of the run, go on."""
        root, extension = os.path.splitext(self.path or os.path.join(directory, self.filename))
        os.makedirs(os.path.dirname(os.path.abspath(root)), exist_ok=True)
        mode = "a" if self.append or self._has_begun or self.path is None else "w"
        with contextlib.ExitStack() as opened:
            paths = [f"{root}{ending}{extension}" for ending in self.endings]
            self._files = [opened.enter_context(open(p, mode, encoding="utf-8", newline="")) for p in paths]
            opened.pop_all()
        self._has_begun = True

    def go_on(self, state: str) -> None:
        """Go on with the files, as another process has left them, when they are opened next."""
        self._has_begun = True

    def flush(self) -> None:
        """Bring all to the disk."""
        for file in self._files or ():
            file.flush()
            if not os.path.exists(file.name):  # writing to a deleted file succeeds
                raise FileNotFoundError(f"{file.name} is gone")

    def close(self, report: str | None) -> None:
        """Close the files."""
        files, self._files = self._files or (), ()
        with contextlib.ExitStack() as closing:  # all of them, if one fails too
            for file in files:
                closing.enter_context(file)


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
