"""Feeds trackers with what a run of TensorBoard is written, each in a thread of its own."""

import contextlib
import json
import os
import queue
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from operator import methodcaller
from typing import Any

from .._describe import short
from ..board.record import Event
from ..board.tags import is_edge
from ..board.window import Point
from ..verdicts.verdict import Verdict
from .base import JSONL, Tracker

FLUSH_SECONDS = 5.0
"""The longest time between two flushes."""

PATIENCE = 30.0
"""Seconds that the end of a training waits for all trackers together, at most."""

GRACE = 1.0
"""Seconds that it waits for one that has failed, so that its files are closed."""

QUEUE = 10_000
"""Calls that wait for a tracker, at most."""

Call = Callable[[Tracker], None]


class Feed:
    """One tracker in one training: a queue of calls, and the thread that makes them.

    Each tracker has its own, so that one that waits for its server keeps nothing from the others. After the first error
    it gets no more data.

    Args:
        tracker: Who is fed.
        folder: That of the run.
    """

    def __init__(self, tracker: Tracker, folder: str) -> None:
        self.tracker = tracker
        self.error: BaseException | None = None
        """Why it gets no more data."""
        self.is_known = False
        """Whether the user was warned of that."""
        self._folder = folder
        self._report: str | None = None
        self._queue: queue.Queue[Call | None] = queue.Queue(QUEUE)
        self._flushes: list[threading.Event] = []
        self._worker = threading.Thread(
            target=self._work, name=f"keras_ch8 tracker {type(tracker).__name__}", daemon=True
        )
        try:
            tracker.prepare()
            self._worker.start()
        except Exception as error:
            self.error = error

    def put(self, call: Call | None) -> None:
        """Queue a call; None is the last one. Where too many wait, the tracker is given up."""
        try:
            if self.error is None:
                self._queue.put_nowait(call)
        except queue.Full:
            self.error = TimeoutError(f"{QUEUE} calls wait for it")

    def flushed(self) -> threading.Event:
        """Let the tracker flush, and return what says that it has."""
        done = threading.Event()
        self._flushes.append(done)

        def flush(tracker: Tracker) -> None:
            tracker.flush()
            done.set()

        self.put(flush)
        if self.error is not None:
            done.set()
        return done

    def end(self, report: str | None) -> None:
        """Queue the end."""
        self._report = report
        self.put(None)

    def join(self, deadline: float) -> None:
        """Wait until it has ended, but not for ever."""
        if self._worker.ident is None:
            return
        rest = max(0.0, deadline - time.monotonic())
        self._worker.join(rest if self.error is None else min(rest, GRACE))
        if self._worker.is_alive() and self.error is None:
            self.error = TimeoutError(f"it has not kept all within {PATIENCE:g} s after the end of the training")

    def _work(self) -> None:
        """Call the tracker until the end or the first error."""
        try:
            self.tracker.open(self._folder)
            self._make_calls()
            if self.error is None:
                self.tracker.flush()
                self.tracker.close(self._report)
                return
        except BaseException as error:  # also of a library that exits; raised where the training sees it
            self.error = self.error or error
        for done in self._flushes:  # nobody is to wait for what is not called any more
            done.set()
        with contextlib.suppress(BaseException):  # the first error is what counts
            self.tracker.close(None)

    def _make_calls(self) -> None:
        due = time.monotonic() + FLUSH_SECONDS
        while self.error is None:
            if time.monotonic() >= due:
                self.tracker.flush()
                due = time.monotonic() + FLUSH_SECONDS
            try:
                call = self._queue.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                continue
            if call is None:
                return
            call(self.tracker)


class Feeds:
    """All trackers of a training, as a `board.writer.RunListener` of its run.

    Args:
        trackers: Who is fed.
        folder: That of the run.
        report: Path of the page of the run, which is written before the run ends.
        reported: The record that they had in full before an interruption; "" where the run begins.
        states: What each needs to go on after one.
    """

    def __init__(
        self, trackers: Iterable[Tracker], folder: str, report: str, reported: str = "", states: Iterable[str] = ()
    ) -> None:
        self._report = report
        self._feeds: list[Feed] = []
        self._hyperparameters: dict[str, Any] = {}
        self._verdicts: dict[str, Verdict] = {}
        """What was reported last of each kind."""
        self._events: set[Event] = set()
        trackers = list(trackers)
        if reported:
            self.record(reported)
            for tracker, state in zip(trackers, states, strict=False):  # of another script there may be fewer
                tracker.go_on(state)
        self._feeds = [Feed(tracker, folder) for tracker in trackers]
        self._warn()

    def describe(self, name: str, description: str) -> None:
        """Pass on what a series says of itself."""
        if not is_edge(name):
            self._put(methodcaller("describe", name, description))

    def points(self, points: Iterable[Point]) -> None:
        """Pass on points, those of a step together; not the edges of bands, of which trackers would draw charts."""
        rows: dict[int, dict[str, float]] = {}
        for step, values in points:
            if drawn := {name: float(value) for name, value in values.items() if not is_edge(name)}:
                rows.setdefault(int(step), {}).update(drawn)

        def log(tracker: Tracker) -> None:
            for step, values in sorted(rows.items()):
                tracker.log(step, values)

        self._put(log)

    def record(self, text: str) -> None:
        """Pass on what is new in a record."""
        record = json.loads(text)
        known, settings = self._hyperparameters, record["hyperparameters"]
        new = {name: x for name, x in settings.items() if x is not None and (name not in known or known[name] != x)}
        if new:
            known |= new
            self._put(methodcaller("hyperparameters", new))
        for verdict in [Verdict(**each) for each in record["verdicts"]]:
            reported = self._verdicts.get(verdict.kind)
            has_risen = reported is None or (reported.level, reported.step) != (verdict.level, verdict.step)
            if has_risen or (record["ended"] and reported != verdict):
                self._verdicts[verdict.kind] = verdict
                self._put(methodcaller("verdict", verdict))
        for event in [Event(**each) for each in record["events"]]:
            if event not in self._events:
                self._events.add(event)
                self._put(methodcaller("event", event))
        self._warn()

    def flush(self) -> None:
        """Wait until those that write files have brought what they were given to the disk, but not for ever."""
        done = [feed.flushed() for feed in self._feeds if isinstance(feed.tracker, JSONL)]
        deadline = time.monotonic() + PATIENCE
        for each in done:
            each.wait(max(0.0, deadline - time.monotonic()))

    def close(self, is_whole: bool = True) -> None:
        """Wait until all have kept what they were given, but not for ever."""
        report = self._report if os.path.exists(self._report) else None
        deadline = time.monotonic() + PATIENCE
        for feed in self._feeds:
            feed.end(report)
        for feed in self._feeds:
            feed.join(deadline)
        self._warn()

    def _put(self, call: Call) -> None:
        for feed in self._feeds:
            feed.put(call)
        self._warn()

    def _warn(self) -> None:
        """Warn once of each tracker that has failed."""
        for feed in self._feeds:
            if feed.error is not None and not feed.is_known:
                feed.is_known = True
                why = f"{type(feed.error).__name__}: {feed.error}".rstrip(".")
                warnings.warn(
                    f"`{feed.tracker!r}` gets no more data, but training continues: {why}. The last seconds may be "
                    "lost.",
                    RuntimeWarning,
                    stacklevel=2,
                )


def checked(log_to: Any) -> tuple[Tracker, ...]:
    """Return the trackers of an argument `log_to`; refuse what is none."""
    given = list(log_to) if isinstance(log_to, list | tuple) else [log_to]
    for one in given:
        if not isinstance(one, Tracker):
            name = getattr(one, "__name__", None)
            fix = f"Make one: `{name}()`." if name else "Pass, for example, `[keras_ch8.trackers.JSONL()]`."
            raise TypeError(
                "`log_to` must be a list of trackers: those of `keras_ch8.trackers`, or objects of a subclass of its "
                f"`Tracker`. Received: {short(one)} of type {type(one).__name__}. {fix}"
            )
    if len({id(one) for one in given}) < len(given) or not isinstance(log_to, list | tuple):
        raise TypeError(
            f"`log_to` must be a list in which each tracker stands once. Received: {short(log_to)}. Create one tracker "
            "for each destination, and put them in a list."
        )
    return tuple(given)
