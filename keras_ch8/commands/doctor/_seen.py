"""What is seen of the trainings of a script, in its process: where each stands, what was found, and how good it is."""

import contextlib
import dataclasses
import itertools
import math
import os
import pickle
import sys
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

import keras_ch8

from ... import _batches, _net
from ..._preflight import preflight
from ..._types import Data
from ...board import tags
from ...callbacks import Diagnosis, EarlyStopping
from ...callbacks.doctor import Doctor
from ...integration import fit, of_scripts
from ...proof.score import Measure, floor, measures_of, name_of, score
from ._messages import EVALUATE, HALVES, HELD_OUT, TRAINING, VALIDATION, Job, Score, SeenEvaluate, SeenFit
from ._place import Position

PACKAGE = os.path.dirname(keras_ch8.__file__)
OF_EXAMPLES = ("x", "y", "sample_weight")
"""Arguments of `fit` that have a row for each example."""
OF_FRAME, OF_SERIES = ".to_numpy()", ".to_numpy()[:, None]"
"""What makes arrays of data of pandas, with the shapes that Keras gives them."""
SHARES = {HALVES: 0.5, HELD_OUT: 0.2}
"""Part of the validation data, or of the training data, that scores, and that `fit` is not given."""
Examples = tuple[Data, ...]
"""x, y and sample_weight, or the first of them."""
Watcher = Doctor | Diagnosis | None
"""What watches a training; `None` where it is only scored."""
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


class HeldOut(NamedTuple):
    """Examples to score on.

    Args:
        x: Inputs, or a data set.
        y: Targets; `None` with a data set.
        steps: Batches to read of a data set; `None` for all.
        trained_on: All targets of the training; `None` where they are not known.
    """

    x: Data
    y: Data
    steps: int | None = None
    trained_on: Data = None


class Seen:
    """Sees each `fit` and `evaluate` of this process, and tells of each when it is over, also by an error.

    Args:
        job: The run.
        tell: Called with a `SeenFit` or a `SeenEvaluate`.
    """

    def __init__(self, job: Job, tell: Callable[[Any], None]) -> None:
        self.job, self.tell = job, tell
        self._scale = None if job.scale is None else pickle.loads(job.scale)
        self._models: weakref.WeakKeyDictionary[keras.Model, int] = weakref.WeakKeyDictionary()
        self._count = itertools.count()
        self._x = 0  # by its id, because what the script lets go is not held here
        self._net = _net.Net("`doctor`")
        of_scripts.see("fit", self._fit)
        of_scripts.see("evaluate", self._evaluate)

    def _fit(self, go: Callable[[], Any], model: keras.Model, arguments: dict[str, Any]) -> Any:
        if (asked := os.environ.get("KERAS_BACKEND", "tensorflow")) != "tensorflow":
            raise RuntimeError(
                f"`doctor` runs scripts on TensorFlow. Received: one that sets KERAS_BACKEND to {asked!r}."
            )
        if fit.running():  # by a callback
            return go()
        begun = self._net.attempt(lambda: self._begin(model, arguments))
        if begun is None:
            return go()
        seen, watcher, held_out = begun
        try:
            history = go()
        except BaseException:
            found = self._net.attempt(lambda: _before_an_error(watcher, model, arguments), {})
            self.tell(dataclasses.replace(seen, **found))
            raise
        self._net.attempt(lambda: self._end(seen, watcher, history, model, held_out))
        return history

    def _begin(self, model: keras.Model, arguments: dict[str, Any]) -> tuple[SeenFit, Watcher, HeldOut | None]:
        """Return what is known before the first step; the arguments are those that Keras gets."""
        self._x = id(arguments.get("x"))
        number = self._models.setdefault(model, next(self._count))
        listed = _callbacks_in(arguments)
        stops = any(isinstance(each, keras.callbacks.EarlyStopping | EarlyStopping) for each in listed)
        frames = {name: code for name in ("x", "y") if (code := as_array(arguments.get(name)))}
        arguments |= _without_frames(arguments)  # which those who watch take for a data set
        seen = SeenFit(_place_in(self.job.root), number, _to_score_on(arguments), stops, frames)
        held_out = _held_out(arguments, self.job.scored_on, self.job.seed or 0)
        watcher = _watcher_in(listed, self.job.logs) if self.job.watched or self.job.logs else None
        return seen, watcher, held_out

    def _end(self, seen: SeenFit, watcher: Watcher, history: Any, model: keras.Model, held_out: HeldOut | None) -> None:
        """Tell of a training that has ended well."""
        losses = history.history.get("val_loss") or history.history.get("loss") or [math.nan]
        steps = (history.params or {}).get("steps") or 1
        curve = tuple(((i + 1.0) * steps, float(loss)) for i, loss in enumerate(losses))
        score = Score() if held_out is None else _scored(model, held_out, losses[-1], self._scale)
        self.tell(dataclasses.replace(seen, **_found_by(watcher), curve=curve, score=score))

    def _evaluate(self, go: Callable[[], Any], model: keras.Model, arguments: dict[str, Any]) -> Any:
        result = go()
        if model in self._models and not fit.running() and id(arguments.get("x")) != self._x:
            self._net.attempt(lambda: self._evaluated(result, model, arguments))
        return result

    def _evaluated(self, result: Any, model: keras.Model, arguments: dict[str, Any]) -> None:
        held_out = HeldOut(arguments["x"], arguments.get("y"), arguments.get("steps"))
        loss = result["loss"] if isinstance(result, dict) else np.ravel(result)[0]
        is_asked = self.job.scored_on == EVALUATE
        self.tell(SeenEvaluate(_scored(model, held_out, loss, self._scale) if is_asked else Score()))


# --- a call of `fit` --------------------------------------------------------------------------------------------------


def is_in(folder: str, file: str) -> bool:
    """Whether a file in a folder is one of the script, not of a package that is installed there, or of this one."""
    is_other = file.startswith(PACKAGE + os.sep) or "site-packages" in file
    return file.startswith(folder + os.sep) and not is_other


def _place_in(folder: str) -> tuple[str, Position] | None:
    """Return where the innermost call in a file of a folder stands, as file and position; None if there is none."""
    frame: Any = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if is_in(folder, code.co_filename):
            position = next(itertools.islice(code.co_positions(), frame.f_lasti // 2, None))
            return os.path.relpath(code.co_filename, folder), position
        frame = frame.f_back
    return None


def _callbacks_in(arguments: dict[str, Any]) -> list[keras.callbacks.Callback]:
    """Return the list of callbacks that `fit` gets, to which others can be added."""
    given = arguments.get("callbacks")
    if isinstance(given, keras.callbacks.CallbackList):
        return given.callbacks
    listed = arguments["callbacks"] = keras.tree.flatten(given or [])
    return listed


def _watcher_in(listed: list[keras.callbacks.Callback], logs: str) -> Doctor | Diagnosis:
    """Return the `Doctor` or `Diagnosis` in a list of callbacks, or a new one that was put there."""
    watchers = [each for each in listed if isinstance(each, Doctor | Diagnosis)]
    if not watchers:
        watchers = [Doctor(logs) if logs else Diagnosis(verbose=False)]
        listed += watchers
    return watchers[0]


def _found_by(watcher: Watcher) -> dict[str, Any]:
    """Return verdicts and state of a training, and the units of what these measure; nothing without a watcher."""
    if watcher is None:
        return {}
    run = watcher.runs[-1] if isinstance(watcher, Doctor) else watcher
    verdicts = tuple(verdict for verdict in run.verdicts if verdict.level != "ok")
    series = {verdict.series for verdict in verdicts if verdict.series}
    units = {name: tags.diagnosis(name.removeprefix(tags.DIAGNOSIS)).unit for name in series}
    return {"verdicts": verdicts, "further": run.further, "state": run.state, "units": units}


def _before_an_error(watcher: Watcher, model: keras.Model, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what was found before an error, or what can be seen without a step if that was the first."""
    if watcher is None:
        return {}
    found = _found_by(watcher) if getattr(watcher, "runs", True) else {}
    if not found.get("verdicts"):
        with contextlib.suppress(Exception):  # what has ended the training may end this, too
            of_data = preflight(model, arguments.get("x"), arguments.get("y"), steps=0)
            found |= {"verdicts": of_data.verdicts, "state": of_data.state}
    return found


# --- a score ----------------------------------------------------------------------------------------------------------


def _to_score_on(arguments: dict[str, Any]) -> str:
    """Return on which examples a training can be scored."""
    if arguments.get("validation_data") is None and not arguments.get("validation_split"):
        return HELD_OUT if _rows_of(_examples(arguments)) else TRAINING
    with contextlib.suppress(Exception):  # they may have any form
        if _rows_of(_split(arguments)[1]) > (arguments.get("batch_size") or 32):  # a graph is one batch
            return HALVES
    return VALIDATION


def _examples(arguments: dict[str, Any]) -> Examples:
    """Return x, y and sample_weight of a `fit`, as arrays where they can be."""
    return tuple(_arrays(arguments.get(name)) for name in OF_EXAMPLES)


def _split(arguments: dict[str, Any]) -> tuple[Examples, Examples]:
    """Return what `fit` trains on, and what it validates on."""
    if (given := arguments.get("validation_data")) is not None:
        others = given if isinstance(given, tuple | list) else (given,)
        return tuple(map(arguments.get, OF_EXAMPLES)), tuple(map(_arrays, others))
    data = _examples(arguments)
    first = math.floor(_rows_of(data) * (1 - arguments.get("validation_split", 0.0)))  # Keras takes the last ones
    return _batches.take(data, slice(first)), _batches.take(data, slice(first, None))


def _rows_of(data: Examples) -> int:
    """Return how many examples some data have; 0 where they are others than arrays."""
    leaves = [leaf for part in data for leaf in keras.tree.flatten(part) if leaf is not None]
    lengths = {len(leaf) if isinstance(leaf, np.ndarray) and leaf.ndim else 0 for leaf in leaves}
    return lengths.pop() if len(lengths) == 1 else 0


def _held_out(arguments: dict[str, Any], scored_on: str, seed: int) -> HeldOut | None:
    """Return the examples to score a training on; `fit` is not given what it is not to see. None for no score."""
    x, y, own = arguments.get("x"), arguments.get("y"), _to_score_on(arguments)
    if scored_on == TRAINING:
        return HeldOut(x, y, arguments.get("steps_per_epoch"), y)
    if scored_on != own and {scored_on, own} != {HALVES, VALIDATION}:  # a fix may set another size of the batch
        return None
    trained, others = _split(arguments)
    if scored_on == VALIDATION:
        return HeldOut(others[0], others[1] if others[1:] else None, arguments.get("validation_steps"), y)
    whole = others if scored_on == HALVES else trained
    order = np.random.Generator(np.random.PCG64(seed)).permutation(_rows_of(whole))
    first = max(1, round(SHARES[scored_on] * len(order)))
    scored, kept = _batches.take(whole, order[:first]), _batches.take(whole, np.sort(order[first:]))
    if scored_on == HALVES:
        arguments["validation_data"], kept = kept[: len(others)], trained
    arguments |= {name: part for name, part in zip(OF_EXAMPLES, kept, strict=True) if part is not None}
    return HeldOut(scored[0], scored[1], trained_on=y)


def _scored(model: keras.Model, held_out: HeldOut, loss: float, scale: Scale | None) -> Score:
    """Return the score of a model by its outputs, or else by the loss.

    Args:
        model: The model.
        held_out: The examples.
        loss: Its loss on the examples, or what comes nearest to it.
        scale: How to score; `None` if that is to be decided.
    """
    name = str(getattr(model.loss, "name", None) or getattr(model.loss, "__name__", model.loss))
    if scale is None or scale.measures:
        with contextlib.suppress(Exception):  # outputs and targets may have any form
            targets, outputs = _outputs(model, held_out)
            known = targets if held_out.trained_on is None else _arrays(held_out.trained_on)
            own = measures_of(model, known, outputs)
            # a cure may write the labels otherwise, but decides not anew whether they are classes
            are_alike = scale is None or [each.name for each in own] == [each.name for each in scale.measures]
            measures = own if are_alike or scale is None else scale.measures
            value = score(measures, model, targets, outputs)
            if scale is not None or math.isfinite(value) or (measures and not math.isfinite(loss)):
                scale = scale or Scale(measures, name)
                return Score(value, name_of(measures), 1.0, floor(scale.measures), pickle.dumps(scale))
    scale = scale or Scale((), name)
    is_comparable = not scale.measures and name == scale.loss
    return Score(-float(loss) if is_comparable else math.nan, "loss", 0.0, 0.0, pickle.dumps(scale))


def _outputs(model: keras.Model, held_out: HeldOut) -> tuple[Data, Data]:
    """Return targets and outputs of a model for some examples, as arrays."""
    x, y = _arrays(held_out.x), _arrays(held_out.y)
    if not _batches.is_data_set(x):
        some = slice(None, None, -(-_batches.examples_of(x) // MOST))
        x, y, _ = _batches.take((x, y), some)
        return y, model.predict(x, verbose=0)
    pairs, count = [], 0
    batches = map(x.__getitem__, range(len(x))) if isinstance(x, keras.utils.PyDataset) else x
    for batch in itertools.islice(batches, held_out.steps):
        inputs, targets, _ = keras.utils.unpack_x_y_sample_weight(batch)
        pairs.append((targets, model.predict_on_batch(inputs)))
        count += _batches.examples_of(inputs)
        if count >= MOST:
            break
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *pairs)


def _arrays(tree: Data) -> Any:
    """Return arrays in place of what can be one, such as a data frame; the data themselves where some cannot."""
    if tree is None or (not as_array(tree) and (_batches.is_data_set(tree) or hasattr(tree, "__next__"))):
        return tree
    return keras.tree.map_structure(_array, tree)


def _without_frames(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what `fit` gets of pandas, as the arrays that Keras would make of it."""
    found = {name: _arrays(arguments[name]) for name in OF_EXAMPLES if as_array(arguments.get(name))}
    given = arguments.get("validation_data")
    if isinstance(given, tuple | list) and any(map(as_array, given)):
        found["validation_data"] = tuple(_arrays(each) if as_array(each) else each for each in given)
    return found


def _array(leaf: Any) -> Any:
    """Return an array as Keras makes it: of a series of pandas a column."""
    return leaf if leaf is None else np.asarray(leaf)[:, None] if as_array(leaf) == OF_SERIES else np.asarray(leaf)


def as_array(data: Any) -> str:
    """Return what makes an array of a data frame, or of a series, in code; "" for anything else."""
    return "" if not hasattr(data, "to_numpy") else OF_SERIES if np.ndim(data) == 1 else OF_FRAME
