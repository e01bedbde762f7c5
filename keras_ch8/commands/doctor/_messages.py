"""What the command and the process of a script tell each other. The command waits for no import of Keras."""

import dataclasses
import math
from collections.abc import Mapping

from ...verdicts.remedies import Remedy
from ...verdicts.state import NOT_DIAGNOSED, OverallState
from ...verdicts.verdict import Verdict
from ._place import Position

HALVES, VALIDATION, EVALUATE, HELD_OUT, TRAINING = SOURCES = (
    "one half of the script's validation data, drawn anew for each seed, while `fit` validates on the other half",
    "the validation data of the script",
    "the data that the script evaluates on",
    "a fifth of the training data, held out because the script has no validation data",
    "the training data, because the script has no validation data and none could be held out",
)
"""On which examples a script is scored: the first that there is."""
STOPS = "Early stopping chooses the epoch by the same examples, so that a gain by it looks larger than it is."
"""What is not checked where validation data score that cannot be halved."""

LARGEST = 500 * 10**6
"""Bytes of what is copied, at most: a folder for each trial, a file that a trial writes."""
OLDER = "older"
"""Folder with what trials were about to write elsewhere, each with a file that tells its path."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A run of a script.

    Args:
        root: The folder with its files.
        cwd: The folder that it is run in.
        script: The file.
        module: Its name, where it is run as `python -m MODULE`; "" where it is not.
        arguments: What it is given on the command line.
        moved: Folders that Python would import from, and what stands in their place.
        told: The file that it tells what is seen of it.
        seed: By how much its seeds are shifted, and where its generators begin; `None` leaves them alone.
        scored_on: The examples to score on; "" for no score: then all that is done is to watch.
        scale: How to score, as `SeenFit` has it; `None` lets the process decide.
        log: The file that it prints to; "" for the screen.
        temporary: Folder for its temporary files; "" for that of the system.
        logs: Folder that its trainings are written to, for a page; "" for none.
        watched: Whether it is diagnosed, and not only scored.
    """

    root: str
    cwd: str
    script: str
    module: str
    arguments: tuple[str, ...]
    moved: dict[str, str]
    told: str
    seed: int | None = None
    scored_on: str = ""
    scale: bytes | None = None
    log: str = ""
    temporary: str = ""
    logs: str = ""
    watched: bool = True


@dataclasses.dataclass(frozen=True)
class Score:
    """How good a model is.

    Args:
        value: The higher the better; NaN where it was not asked for, or is not finite.
        of: What it is, such as `"accuracy"`; "" where it was not asked for.
        best: That of a perfect model.
        floor: That of the best constant prediction.
        scale: How it was scored, for another process.
    """

    value: float = math.nan
    of: str = ""
    best: float = 1.0
    floor: float = 0.0
    scale: bytes | None = None


@dataclasses.dataclass(frozen=True)
class SeenFit:
    """What is seen of one `fit`.

    Args:
        place: The file, relative to the folder, and where the call stands in it; `None` if it is in no file there.
        model: Which of the models that the script has trained so far, counted from 0.
        scored_on: On which examples it can be scored.
        stops: Whether a callback chooses its epoch.
        frames: What makes an array of `x` and of `y`, in code, where they are data of pandas.
        verdicts: What was found, the most serious first.
        further: What else the training might need; `()`, as `verdicts`, if it was not watched.
        units: The unit of each series that the verdicts name.
        state: What they come to, and what could not be checked.
        curve: Step and loss at the end of each epoch.
        score: Its score.
    """

    place: tuple[str, Position] | None
    model: int
    scored_on: str
    stops: bool = False
    frames: Mapping[str, str] = dataclasses.field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    further: tuple[Remedy, ...] = ()
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    state: OverallState = NOT_DIAGNOSED
    curve: tuple[tuple[float, float], ...] = ()
    score: Score = Score()


@dataclasses.dataclass(frozen=True)
class SeenEvaluate:
    """What is seen of one `evaluate` of a trained model, on other data than those that it was trained on."""

    score: Score = Score()


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a script has ended.

    Args:
        seconds: How long it took.
        error: What error has ended it, in one line; "" where it ended well, or called `sys.exit`.
        status: What it gave to `sys.exit`; 0 where it did not.
        written: Files that it has opened to write, or moved to their place.
    """

    seconds: float = 0.0
    error: str = ""
    status: int = 0
    written: tuple[str, ...] = ()
