"""What is seen of the trainings of a script, in its process: where each stands, what was found, and how good it is."""

import contextlib
import dataclasses
import itertools
import math
import pickle
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ... import _batches
from ..._preflight import preflight
from ..._types import Data
from ...callbacks import Diagnosis
from ...callbacks.doctor import Doctor
from ...integration import fit, of_scripts
from ...monitors.held_out import are_arrays
from ...proof.score import Measure, floor, measures_of, name_of, score
from ._messages import EVALUATE, HELD_OUT, TRAINING, VALIDATION, Job, Score, SeenEvaluate, SeenFit
from ._place import Position

SHARE = 0.2
"""Part of the training data that is held out."""
MOST = 20_000
"""Examples that a score is computed on, at most."""


@dataclasses.dataclass(frozen=True)
class Scale:
    """How a script is scored, as the first trial without a cure decides.

    Args:
        measures: Of each output; () where the loss, negated, is the score.
        loss: Name of the loss: with another, losses are not comparable.
    """

    measures: tuple[Measure, ...]
    loss: str


class Seen:
    """Sees each `fit` and `evaluate` of this process, and tells of each when it is over, also by an error.

    Args:
        job: The run.
        tell: Called with a `SeenFit` or a `SeenEvaluate`.
    """

    def __init__(self, job: Job, tell: Callable[[Any], None]) -> None:
        self.job, self.tell = job, tell
        self._scale = None if job.scale is None else pickle.loads(job.scale)
        self._models: list[keras.Model] = []
        self._x: Data = None
        of_scripts.see("fit", self._fit)
        of_scripts.see("evaluate", self._evaluate)

    def _fit(self, go: Callable[[], Any], model: keras.Model, arguments: dict[str, Any]) -> Any:
        if fit.running():  # by a callback
            return go()
        self._models += [model] * (not any(model is known for known in self._models))
        number = next(i for i, known in enumerate(self._models) if known is model)
        seen = SeenFit(_place_in(self.job.root), number, _to_score_on(arguments))
        self._x, watcher = arguments.get("x"), _watcher_in(arguments, self.job.logs)
        held_out = _held_out(arguments, self.job.scored_on, self.job.seed or 0)
        try:
            history = go()
        except BaseException as error:
            found = _found_by(watcher)
            if not found["verdicts"] and isinstance(error, Exception):
                found |= _before_it(model, arguments)
            self.tell(dataclasses.replace(seen, **found))
            raise
        found, logs = _found_by(watcher), history.history
        losses = logs.get("val_loss") or logs.get("loss") or [math.nan]
        steps = history.params.get("steps") or 1
        found["curve"] = tuple(((i + 1.0) * steps, float(loss)) for i, loss in enumerate(losses))
        if held_out is not None:
            found["score"] = _scored(model, held_out, arguments.get("y"), losses[-1], self._scale)
        self.tell(dataclasses.replace(seen, **found))
        return history

    def _evaluate(self, go: Callable[[], Any], model: keras.Model, arguments: dict[str, Any]) -> Any:
        result = go()
        if self._models and not fit.running() and arguments.get("x") is not self._x:
            held_out = arguments["x"], arguments.get("y"), arguments.get("steps")
            loss = result["loss"] if isinstance(result, dict) else np.ravel(result)[0]
            is_asked = self.job.scored_on == EVALUATE
            self.tell(SeenEvaluate(_scored(model, held_out, None, loss, self._scale) if is_asked else Score()))
        return result


# --- a call of `fit` --------------------------------------------------------------------------------------------------


def _place_in(folder: str) -> tuple[str, Position] | None:
    """Return where the innermost call in a file of a folder stands, as file and position; None if there is none."""
    frame: Any = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(folder) and "site-packages" not in code.co_filename:
            position = next(itertools.islice(code.co_positions(), frame.f_lasti // 2, None))
            return code.co_filename[len(folder) :].lstrip("/\\"), position
        frame = frame.f_back
    return None


def _watcher_in(arguments: dict[str, Any], logs: str) -> Doctor | Diagnosis:
    """Return the `Doctor` or `Diagnosis` among the callbacks, or a new one that was put there."""
    given = arguments.get("callbacks")
    if isinstance(given, keras.callbacks.CallbackList):
        listed = given.callbacks
    else:
        listed = arguments["callbacks"] = keras.tree.flatten(given or [])
    watchers = [each for each in listed if isinstance(each, Doctor | Diagnosis)]
    if not watchers:
        watchers = [Doctor(logs) if logs else Diagnosis(verbose=False)]
        listed += watchers
    return watchers[0]


def _found_by(watcher: Doctor | Diagnosis) -> dict[str, Any]:
    run = watcher.runs[-1] if isinstance(watcher, Doctor) else watcher
    verdicts = tuple(verdict for verdict in run.verdicts if verdict.level != "ok")
    return {"verdicts": verdicts, "state": run.state}


def _before_it(model: keras.Model, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what can be seen without a step, of a training that an error ends before it was looked at."""
    with contextlib.suppress(Exception):  # what ends the training may end this, too
        found = preflight(model, arguments.get("x"), arguments.get("y"), steps=0)
        return {"verdicts": found.verdicts, "state": found.state}
    return {}


# --- a score ----------------------------------------------------------------------------------------------------------


def _to_score_on(arguments: dict[str, Any]) -> str:
    """Return on which examples a training can be scored."""
    if arguments.get("validation_data") is not None or arguments.get("validation_split"):
        return VALIDATION
    return HELD_OUT if are_arrays(_arrays(arguments.get("x"))) else TRAINING


def _held_out(arguments: dict[str, Any], scored_on: str, seed: int) -> tuple[Data, Data, int | None] | None:
    """Return x and y to score on, and the batches to read of a data set; None for no score.

    What is held out here leaves the arguments.
    """
    if scored_on == VALIDATION and (held_out := arguments.get("validation_data")) is not None:
        x, y = held_out[:2] if isinstance(held_out, tuple | list) else (held_out, None)
        return x, y, arguments.get("validation_steps")
    if scored_on == VALIDATION and (share := arguments.get("validation_split")):
        x, y = _arrays((arguments["x"], arguments.get("y")))
        at = math.floor(_batches.examples_of(x) * (1 - share))  # where Keras splits
        return *_batches.take((x, y), slice(at, None))[:2], None
    if scored_on == HELD_OUT and _to_score_on(arguments) == HELD_OUT:
        names = ("x", "y", "sample_weight")
        data = _arrays(tuple(arguments.get(name) for name in names))
        order = np.random.Generator(np.random.PCG64(seed)).permutation(_batches.examples_of(data[0]))
        count = max(1, round(SHARE * len(order)))
        kept = _batches.take(data, np.sort(order[count:]))
        arguments |= {name: part for name, part in zip(names, kept, strict=True) if part is not None}
        return *_batches.take(data, order[:count])[:2], None
    return (arguments["x"], arguments.get("y"), arguments.get("steps_per_epoch")) if scored_on == TRAINING else None


def _scored(
    model: keras.Model, held_out: tuple[Data, Data, int | None], y: Data, loss: float, scale: Scale | None
) -> Score:
    """Return the score of a model by its outputs, or else by the loss.

    Args:
        model: The model.
        held_out: The examples, as `_held_out` gives them.
        y: All targets that it was trained on; `None` where they are not known.
        loss: Its loss on the examples, or what comes nearest to it.
        scale: How to score; `None` if that is to be decided.
    """
    name = str(getattr(model.loss, "name", None) or getattr(model.loss, "__name__", model.loss))
    if scale is None or scale.measures:
        with contextlib.suppress(Exception):  # outputs and targets may have any form
            targets, outputs = _outputs(model, *held_out)
            own = measures_of(model, targets if y is None else _arrays(y), outputs)
            # a cure may write the labels otherwise, but decides not anew whether they are classes
            are_alike = scale is None or [each.name for each in own] == [each.name for each in scale.measures]
            measures = own if are_alike or scale is None else scale.measures
            value = score(measures, model, targets, outputs)
            if scale is not None or math.isfinite(value) or (measures and not math.isfinite(loss)):
                scale = scale or Scale(measures, name)
                floors = floor(measures, model, targets, outputs)
                return Score(value, name_of(measures), 1.0, floors, pickle.dumps(scale))
    scale = scale or Scale((), name)
    is_comparable = not scale.measures and name == scale.loss
    return Score(-float(loss) if is_comparable else math.nan, "loss", 0.0, 0.0, pickle.dumps(scale))


def _outputs(model: keras.Model, x: Data, y: Data, steps: int | None) -> tuple[Data, Data]:
    """Return targets and outputs of a model for some examples, as arrays."""
    x, y = _arrays(x), _arrays(y)
    if not _batches.is_data_set(x):
        some = slice(None, None, -(-_batches.examples_of(x) // MOST))
        x, y, _ = _batches.take((x, y), some)
        return y, model.predict(x, verbose=0)
    pairs, count = [], 0
    batches = map(x.__getitem__, range(len(x))) if isinstance(x, keras.utils.PyDataset) else x
    for batch in itertools.islice(batches, steps):
        inputs, targets, _ = keras.utils.unpack_x_y_sample_weight(batch)
        pairs.append((targets, model.predict_on_batch(inputs)))
        count += _batches.examples_of(inputs)
        if count >= MOST:
            break
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *pairs)


def _arrays(tree: Data) -> Any:
    """Return arrays in place of what can be one, such as a data frame; the data themselves where some cannot."""
    if hasattr(tree, "to_numpy"):
        return tree.to_numpy()
    if tree is None or _batches.is_data_set(tree) or hasattr(tree, "__next__"):
        return tree
    return keras.tree.map_structure(lambda leaf: leaf if leaf is None else np.asarray(leaf), tree)
