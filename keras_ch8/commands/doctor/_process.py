"""Runs a script in processes of their own: first as its user does, then in copies of its folder, without a trace."""

import contextlib
import dataclasses
import filecmp
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import reduction
from pathlib import Path
from typing import Any

from ._messages import OLDER, Ended, Job, SeenEvaluate, SeenFit

LINKED = {".git", ".hg", ".svn", "node_modules"}
"""Folders that a copy has as links, beside virtual environments: they are large, and no training writes there."""
PREFIX = "keras_ch8-doctor-"
"""Of the folder with the copies, which is no part of one where that is inside of what is copied."""
LEAST, SLOWER = 60.0, 10.0
"""A trial that takes more seconds, and so many times as long as the first run, hangs, and is ended."""
TO_END = 5.0
"""Seconds until Ctrl-C is passed on to the first run: if it has not ended by then, this process alone has got it."""
ENDS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Ctrl-C, a kill, and a terminal that is closed: all end a session in order."""

_FORKS = sys.platform == "linux"
"""Whether runs are forks of a process that has imported Keras; elsewhere each imports it, which takes seconds."""
_PROCESSES: Any = multiprocessing.get_context("forkserver" if _FORKS else "spawn")
if _FORKS:
    _PROCESSES.set_forkserver_preload([f"{__package__}._child"])


@dataclasses.dataclass(frozen=True)
class Target:
    """What is to be run.

    Args:
        script: The file.
        module: Its name, where it is run as `python -m MODULE`; "" where it is not.
        arguments: What it is given on the command line.
        cwd: The folder that it is run in.
    """

    script: Path
    module: str
    arguments: tuple[str, ...]
    cwd: Path

    @property
    def roots(self) -> list[Path]:
        """The folders that a trial gets a copy of, first the one with the script: that and `cwd`, or the outer one."""
        folder = self.script.parent
        if folder.is_relative_to(self.cwd):
            return [self.cwd]
        return [folder] if self.cwd.is_relative_to(folder) else [folder, self.cwd]


@dataclasses.dataclass(frozen=True)
class Ran:
    """What came of a run: what was seen in it, in order, and how it ended."""

    seen: tuple[SeenFit | SeenEvaluate, ...]
    ended: Ended

    @property
    def fits(self) -> list[SeenFit]:
        """What was seen of each `fit`."""
        return [each for each in self.seen if isinstance(each, SeenFit)]


class Workplace:
    """Where a script is run: in its own folder first, in copies of what that found there from then on.

    Args:
        target: What is to be run.
        tell: Told in a line what each trial gives.
        in_place: Whether a copy has links to all files that are not Python's.
        draws: Whether trials write their curves to the folder `runs`, to that of their program, that of their seed.
        screen: File descriptors that the first run prints to, as its output and its errors.
    """

    def __init__(
        self,
        target: Target,
        tell: Callable[[str], None],
        *,
        in_place: bool = False,
        draws: bool = False,
        screen: Sequence[int] = (1, 2),
    ) -> None:
        self.target, self.tell, self.in_place, self.draws, self.screen = target, tell, in_place, draws, screen
        self.outside: list[str] = []
        """Files outside of the folders that the first run wrote: trials write there, too."""
        self._kept: dict[str, Path] = {}
        self._patience = LEAST

    def __enter__(self) -> "Workplace":
        self._handlers = {each: signal.getsignal(each) for each in ENDS}
        for each, theirs in self._handlers.items():
            if theirs != signal.SIG_IGN:  # as under nohup
                signal.signal(each, signal.default_int_handler)
        self._temporary = tempfile.TemporaryDirectory(prefix=PREFIX)
        self.folder = Path(self._temporary.name).resolve()
        self.runs = self.folder / "runs"
        (self.folder / OLDER).mkdir()
        self._copy(self.target.roots, self.folder / "found")
        return self

    def __exit__(self, *error: object) -> None:
        for each in ENDS:  # another one would leave files half written
            signal.signal(each, signal.SIG_IGN)
        try:
            with self._temporary:
                self._put_back()
        finally:
            for each, theirs in self._handlers.items():
                signal.signal(each, theirs)

    def first_run(self) -> Ran:
        """Run the script as its user does, and keep what it wrote."""
        roots, begun = self.target.roots, time.time_ns()
        ran = self._run(dict(zip(roots, roots, strict=True)), self.folder, screen=self.screen)
        self._patience = max(LEAST, SLOWER * ran.ended.seconds)
        try:
            self._keep(ran, begun)
        except KeyboardInterrupt:
            raise Interrupted(ran) from None
        return ran

    def _keep(self, ran: Ran, begun: int) -> None:
        """Keep what a run that began at some time, in ns, has written."""
        roots = self.target.roots
        new = {path for root in roots for path, stat in files_in(root) if stat.st_mtime_ns >= begun}
        own = [os.fstat(each) for each in (1, 2)]  # what `doctor` prints may go to a file of the folder
        (self.folder / "kept").mkdir()
        for number, path in enumerate(sorted(new.union(filter(os.path.isfile, ran.ended.written)))):
            kept = self.folder / "kept" / str(number)
            with contextlib.suppress(*NOT_THERE):
                stat = os.stat(path)
                is_opened_only = max(stat.st_mtime_ns, stat.st_ctime_ns) < begun  # as by `np.memmap`, and maybe huge
                is_own = any(os.path.samestat(stat, each) for each in own)
                if is_opened_only or is_own or (path not in ran.ended.written and _is_text(path)):
                    continue
                shutil.copy2(path, kept)
                self._kept[path] = kept  # only when it is whole, because it will stand in the place of the file
        self.outside = [path for path in self._kept if not any(Path(path).is_relative_to(root) for root in roots)]

    def trial(self, edits: Mapping[str, bytes], **job: Any) -> Ran:
        """Run the script in a copy of its folder.

        Args:
            edits: What else stands in some files, by their paths in the folder.
            **job: Seed and score, as `Job` takes them.
        """
        self._put_back()  # so that each begins from the same files
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="trial-") as name:
            folder = Path(name)
            copies = self._copy(sorted((self.folder / "found").iterdir()), folder)
            moved = dict(zip(self.target.roots, copies, strict=True))
            for file, content in edits.items():
                path = moved[self.target.roots[0]] / file
                path.unlink()  # which may be a link
                path.write_bytes(content)
            return self._run(moved, folder, self._patience, log=str(folder / "log"), temporary=str(folder), **job)

    def found(self, file: str) -> Path:
        """Return a copy of a file as the first run found it, by its path in the folder."""
        return self.folder / "found" / "0" / file

    def _copy(self, roots: Sequence[Path], into: Path) -> list[Path]:
        into.mkdir(exist_ok=True)
        copies = [into / str(number) for number in range(len(roots))]
        for root, folder in zip(roots, copies, strict=True):
            copy(root, folder, self.in_place)
        return copies

    def _put_back(self) -> None:
        """Put back what the first run wrote, and what else was there, where a trial has written since."""
        for file in (self.folder / OLDER).glob("*.path"):
            self._kept.setdefault(file.read_text(), file.with_suffix(""))
            file.unlink()
        for path, kept in list(self._kept.items()):
            try:
                if not (os.path.isfile(path) and filecmp.cmp(path, kept, shallow=False)):
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    shutil.copy2(kept, path)
            except OSError as error:
                rescued = os.path.join(tempfile.mkdtemp(prefix=PREFIX), os.path.basename(path))
                os.rename(self._kept.pop(path), rescued)  # this needs no room on a disk that is full
                self.tell(f"{path} cannot be put back ({error.strerror}): {rescued} is what your run has left.")

    def _run(
        self,
        moved: Mapping[Path, Path],
        folder: Path,
        patience: float | None = None,
        screen: Sequence[int] | None = None,
        **how: Any,
    ) -> Ran:
        """Run the script with some folders in the place of its own; what is seen of it comes by a file of `folder`."""
        target, told = self.target, str(folder / "told")

        def there(path: Path) -> str:
            inside = next(((old, new) for old, new in moved.items() if path.is_relative_to(old)), (path, path))
            return str(inside[1] / path.relative_to(inside[0]))

        imported = {path: there(Path(path)) for path in sys.path if os.path.isabs(path)}
        root = str(moved[target.roots[0]])
        job = Job(root, there(target.cwd), there(target.script), target.module, target.arguments, imported, told, **how)
        return apart(job, patience, screen)


# --- a process --------------------------------------------------------------------------------------------------------


def apart(job: Job, patience: float | None, screen: Sequence[int] | None) -> Ran:
    """Run a script in a process of its own.

    Args:
        job: The run.
        patience: Seconds after which it is ended; `None` for a run that belongs to the terminal, and takes its time.
        screen: File descriptors that it prints to; `None` for a file.
    """
    begun = time.monotonic()
    process = _PROCESSES.Process(target=_begin, args=(job, _Screen(screen) if screen else None))
    process.start()
    try:
        process.join(patience)
        is_over = process.exitcode is not None
    except KeyboardInterrupt:
        if patience is None:  # it has got Ctrl-C from the terminal, too, unless that went to this process alone
            with contextlib.suppress(KeyboardInterrupt):
                process.join(TO_END)
                if process.exitcode is None:
                    os.kill(process.pid, signal.SIGINT)
                    process.join()  # it may save its model; another Ctrl-C ends it
        raise Interrupted(Ran(tuple(_told(job)), Ended())) from None
    finally:
        _end(process, patience is not None)
    seen = [*_told(job)]
    if seen and isinstance(seen[-1], Ended):
        if patience is None and seen[-1].error.startswith(KeyboardInterrupt.__name__):  # which this process may ignore
            raise Interrupted(Ran(tuple(seen), Ended()))
        return Ran(tuple(seen[:-1]), seen[-1])
    why = f"It ended with exit code {process.exitcode}." if is_over else f"It took more than {patience:.0f} s."
    seconds = time.monotonic() - begun  # of a script that is ended, or ends itself by `os._exit`
    return Ran(tuple(seen), Ended(seconds, why if process.exitcode or not is_over else ""))


def _told(job: Job) -> Iterator[Any]:
    """Yield what a process has told: in a file, since Ctrl-C while a pipe is read would lose a message."""
    with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError), open(job.told, "rb") as file:
        while True:
            yield pickle.load(file)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with what was seen before."""

    def __init__(self, ran: Ran) -> None:
        super().__init__()
        self.ran = Ran(tuple(each for each in ran.seen if not isinstance(each, Ended)), ran.ended)


class _Screen:
    """File descriptors that go to another process."""

    def __init__(self, descriptors: Sequence[int]) -> None:
        self.descriptors = descriptors

    def __reduce__(self) -> tuple[Any, ...]:
        if sys.platform == "win32":  # a process has the screen of the one that begins it
            return list, ()
        return list, ([reduction.DupFd(each) for each in self.descriptors],)


def _begin(job: Job, screen: Any) -> None:
    from ._child import run

    run(job, screen)


def _end(process: Any, is_leader: bool) -> None:
    """End a process, and those that it has begun where it leads them."""
    if is_leader and hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


# --- a copy of a folder -----------------------------------------------------------------------------------------------


NOT_THERE = (FileNotFoundError, PermissionError)
"""Of a file that goes while it is looked at, or that the script cannot read either."""


def files_in(folder: str | os.PathLike[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield path and facts of each file that a copy of a folder has as its own."""
    entries = []
    with contextlib.suppress(*NOT_THERE):
        entries = list(os.scandir(folder))
    for entry in entries:
        if is_linked(entry):
            continue
        if entry.is_dir():
            yield from files_in(entry.path)
        with contextlib.suppress(*NOT_THERE):
            if entry.is_file():
                yield entry.path, entry.stat()


def copy(folder: str | os.PathLike[str], into: Path, in_place: bool) -> None:
    """Copy a folder; with `in_place`, only Python's files are copied, and the others are links."""
    into.mkdir()
    for entry in list(os.scandir(folder)):
        there = into / entry.name
        with contextlib.suppress(*NOT_THERE):
            if is_linked(entry) or (in_place and entry.is_file() and not entry.name.endswith(".py")):
                there.symlink_to(os.path.realpath(entry.path))
            elif entry.is_dir():
                copy(entry.path, there, in_place)
            elif entry.is_file():
                shutil.copy2(entry.path, there)


def _is_text(path: str) -> bool:
    """Whether a file is text, as git decides: not seen as written by Python, it is one that its user has saved."""
    with open(path, "rb") as file:
        return b"\0" not in file.read(8000)


def is_linked(entry: os.DirEntry[str]) -> bool:
    """Whether a copy has a link in the place of something: it is one, or a folder that is not copied."""
    is_known = entry.name in LINKED or entry.name.startswith(PREFIX)
    is_environment = os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))
    return entry.is_symlink() or (entry.is_dir() and (is_known or is_environment))
