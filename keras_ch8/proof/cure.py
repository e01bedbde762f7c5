"""A program of functions: one that makes a model, its data, and what `fit` is given."""

import ast
import copy
import dataclasses
import importlib
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from ..integration import backend, keras_private

backend.require_tensorflow("keras_ch8.cure")

from .. import _checks, _objects
from .._batches import picked
from .._describe import section, short
from .._sandbox import generators_kept, new_model
from ..callbacks import Diagnosis
from ..callbacks.diagnosis.probe_data import ProbeData
from ..callbacks.doctor import Doctor
from ..verdicts.arrays import targets_of
from ..verdicts.verdict import Verdict
from .program import NO_CODE, Outcome, Program
from .result import Proof
from .rounds import prove
from .score import R2, Measure, floor, measures_of, name_of, score

Examples = tuple[Any, Any]
OF_FIT = {"batch_size": 32, "epochs": 10, "class_weight": None}
"""Arguments of `fit` that the code of a fix knows by name, beside x, y and the callbacks, with what they are else."""
BATCH = 256
"""Examples that a model is called on at once."""
HALF = "Scores are from every second validation example; `fit` validates on the others."
FIFTH = "Scores are from a fifth of the examples, held out of the training at random, anew for each seed."


@dataclasses.dataclass(frozen=True, eq=False)
class Functions:
    """A `Program` of a function that makes a model, of arrays, and of arguments of `fit`.

    Args:
        model_factory: Makes a new compiled model.
        data: Examples `(x, y)`.
        held: Validation data `(x, y)`; `None` where some of the others are held out.
        callbacks: Those of the training.
        fit: Further arguments of `fit`.
        measures: How it is scored.
        codes: The code of the fixes that are in it.
    """

    model_factory: Callable[[], keras.Model]
    data: Examples
    held: Examples | None
    callbacks: Sequence[keras.callbacks.Callback]
    fit: Mapping[str, Any]
    measures: tuple[Measure, ...]
    codes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The code of the fixes."""
        return "\n".join(self.codes)

    def with_cure(self, verdict: Verdict) -> Program | str:
        """Return this program with the code of a verdict in front of `fit`, unless that would mix up the weights."""
        if not verdict.code:
            return NO_CODE
        if self.fit.get("sample_weight") is not None and "x, y = x[" in verdict.code:
            return "It chooses or reorders the examples, but not their `sample_weight`."
        return dataclasses.replace(self, codes=(*self.codes, verdict.code))

    def train(self, seed: int, watched: bool = False) -> Outcome:
        """Train with a seed, and score the model on examples that neither a step nor a callback has seen."""
        begun, diagnosis = time.monotonic(), Diagnosis(verbose=False)
        known: dict[str, Any] = {"measure": name_of(self.measures), "unchecked": (HALF if self.held else FIFTH,)}
        try:
            with generators_kept(seed):
                known |= self._trained(seed, diagnosis if watched else None)
        except Exception as error:
            known["error"] = f"{type(error).__name__}: {keras_private.first_sentence(error)[:200]}"
        verdicts, seconds = tuple(diagnosis.verdicts), time.monotonic() - begun
        known |= {"verdicts": verdicts, "further": diagnosis.further, "state": diagnosis.state.name}
        return Outcome(**known, seconds=seconds)

    def _trained(self, seed: int, diagnosis: Diagnosis | None) -> dict[str, Any]:
        """Return the score and the curve of a training, which may be watched."""
        trained, watched, scored = self._parts(seed)
        names = self._names(trained, seed)
        for code in self.codes:
            exec(compile(code, "<verdict.code>", "exec"), names)
        of_fit = {name: names[name] for name in (*OF_FIT, "x", "y")} | {"sample_weight": trained[2]}
        if watched is not None:
            of_fit["validation_data"] = self._written(names, trained, watched)
            if diagnosis is not None:
                diagnosis.probe = ProbeData(of_fit["validation_data"])
        model, callbacks = names["model"], [*names["callbacks"], *([diagnosis] if diagnosis else [])]
        logs = model.fit(**{"verbose": 0, **self.fit, **of_fit}, callbacks=callbacks).history
        outputs = outputs_of(model, self._written(names, trained, scored)[0])
        steps = -(-_length((names["x"],)) // (names["batch_size"] or 32))
        curve = enumerate(logs.get("val_loss", logs["loss"]), 1)
        return {
            "score": score(self.measures, model, scored[1], outputs),
            "floor": floor(self.measures),
            "curve": tuple((float(steps * epoch), float(loss)) for epoch, loss in curve),
        }

    def _parts(self, seed: int) -> tuple[tuple[Any, ...], Any, Any]:
        """Return the examples to train on, with weights if there are some, those to validate on, and those to score."""
        trained, watched = (*self.data, self.fit.get("sample_weight")), None
        if self.held is not None:
            watched, scored = (picked(self.held, slice(half, None, 2)) for half in (0, 1))
        else:
            order = np.random.default_rng(seed).permutation(_length(self.data))
            last = len(order) - max(1, len(order) // 5)
            trained, scored = picked(trained, np.sort(order[:last])), picked(self.data, order[last:])
        return trained, watched, picked(scored, self._are_complete(scored))

    def _are_complete(self, examples: Examples) -> Any:
        """Return which examples have finite numbers, and no target that stands for a missing one; all, if none has."""
        there = np.ones(_length(examples), bool)
        for array in keras.tree.flatten(examples):
            if array.dtype.kind == "f":
                there &= np.isfinite(array.reshape(len(there), -1)).all(axis=1)
        if self.measures == (Measure(R2),):
            stand_in = targets_of(self.data[1]).stand_in
            there &= (examples[1] != stand_in).reshape(len(there), -1).all(axis=1)
        return there if there.any() else slice(None)

    def _names(self, trained: tuple[Any, ...], seed: int) -> dict[str, Any]:
        """Return the names of a script in front of `fit`, with a new model and copies of the callbacks."""
        model, (x, y, _) = _objects.made_by("model_factory", self.model_factory), trained
        keras.utils.set_random_seed(seed)  # the function may have set another, always the same
        if not model.built:
            keras_private.build_on_inputs(model, picked(x, slice(1)))
        known: dict[int, Any] = {id(each.model): None for each in self.callbacks}  # of a `fit` before: not copied
        names = {"model": model, "x": x, "y": y, "callbacks": copy.deepcopy(list(self.callbacks), known)}
        suite = importlib.import_module(__package__.partition(".")[0])
        return names | {name: self.fit.get(name, default) for name, default in OF_FIT.items()} | {
            "keras": keras, "keras_ch8": suite, "np": np,
        }  # fmt: skip

    def _written(self, names: Mapping[str, Any], trained: tuple[Any, ...], others: Examples) -> Examples:
        """Return other examples as the code writes those of the training, together with which they are read."""
        codes = [code for code in map(writing, self.codes) if code]
        if not codes:
            return others
        x, y = keras.tree.map_structure(lambda *two: np.concatenate(two), trained[:2], others)
        names = {**names, "x": x, "y": y}
        for code in codes:
            exec(compile(code, "<verdict.code>", "exec"), names)
        return picked((names["x"], names["y"]), slice(_length(trained), None))


def outputs_of(model: keras.Model, x: Any) -> Any:
    """Return what a model gives for examples, as arrays; nothing is traced, which `predict` would do for each model."""
    starts = range(0, _length((x,)), BATCH)
    parts = [model(picked(x, slice(start, start + BATCH)), training=False) for start in starts]
    return keras.tree.map_structure(lambda *of: np.concatenate(list(map(keras.ops.convert_to_numpy, of))), *parts)


def writing(code: str) -> str:
    """Return the lines of code that write x or y anew, and what these need, but not those that choose some of both."""
    needed, kept = {"x", "y"}, list[ast.stmt]()
    for line in reversed(ast.parse(code).body):
        names = [node for node in ast.walk(line) if isinstance(node, ast.Name)]
        stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        if stored & needed and not stored >= {"x", "y"}:
            kept.insert(0, line)
            needed |= {node.id for node in names}
    return ast.unparse(ast.Module(kept, []))


def _length(examples: Any) -> int:
    return len(keras.tree.flatten(examples)[0])


@section("8.2")
def cure(
    model_factory: Callable[[], keras.Model],
    data: Examples,
    verdicts: Sequence[Verdict] | None = None,
    *,
    validation_data: Examples | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    fit: Mapping[str, Any] | None = None,
    seeds: int = 3,
    rounds: int = 3,
    minutes: float | None = None,
) -> Proof:
    """Find the fixes that make a training better, and prove it with seeds that did not choose them (section 8.2).

    Your training runs once, watched. Then each fix of an ACT verdict is tried in pairs of trainings with the same seed,
    one without the fix and one with it. A fix is proven if it is worse with no seed, and with most of them gains 0.05
    of accuracy or R2, or halves the error. The next round goes on from there. In the end, as many fresh seeds compare
    your training with all fixes that were chosen. Only what is proven there too is proposed. If it is not, there is one
    more check, with new seeds again: of one fix more, for the seeds that lag, or of all but the last. What each trial
    has shown is printed in a line; Ctrl-C ends it with what was found.

    Scores are comparable whatever a fix changes: they are made from your own targets, on examples that neither a step
    nor a callback has seen. They are the accuracy for classes (averaged over the classes where one has at least 93 % of
    the examples), and R2 for numbers.

    The code of a fix is executed: pass verdicts of your own training, not of a file that you do not trust. It knows
    `model`, `x`, `y`, `batch_size`, `epochs`, `callbacks`, `class_weight`, `keras`, `keras_ch8` and `np`. What it does
    to `x` and `y`, it does to the validation data.

    Args:
        model_factory: Makes a new model, compiled, each time that it is called, with its own layers and optimizer.
        data: Arrays `(x, y)`.
        verdicts: Whose fixes to try first, such as `doctor.verdicts`. Defaults to `None`: those of the first run.
        validation_data: Arrays `(x, y)`: `fit` gets one half, the other is for the scores. Defaults to `None`: a fifth
            of `data` is held out for the scores, another one for each seed, and `fit` gets no validation data.
        callbacks: Those of your training, such as `keras.callbacks.ReduceLROnPlateau`. Each training has copies of its
            own, and yours stay as they are; a `Doctor` and a `Diagnosis` are left out. Defaults to `()`.
        fit: Other arguments of your `fit`, such as `{"epochs": 20}`. Defaults to `None`: 10 epochs, 32 examples in a
            batch.
        seeds: Pairs for each fix, at most, and for the last check. Defaults to `3`.
        rounds: Fixes in the result, at most. Defaults to `3`.
        minutes: No training begins that would probably end later. What is left out is said. Defaults to `None`: no
            limit.

    Returns:
        A `Proof`, to print: its `patched.text` is the code that is proposed, if any is.

    Raises:
        TypeError: If `model_factory` is not a function, `verdicts` are none, or `callbacks` is not a list of callbacks.
        ValueError: If `data` are not arrays (x, y), a number lies outside its range, `fit` has an argument that has its
            place here, the model is not compiled, or `model_factory` returns the same model again, or one with the same
            layers, weights or optimizer. Your model is left as it is then.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(512, 3)).astype("float32")
        >>> def model():
        ...     model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        ...     model.compile(keras_ch8.optimizers.SGD(1.0), "mse")
        ...     return model
        >>> found = keras_ch8.cure(model, (x, x[:, :1]))  # doctest: +ELLIPSIS
        Fix for "Learning rate too high": Lower the learning rate from ...
        >>> found.state
        'proven'
        >>> print(found.patched.text)  # doctest: +ELLIPSIS
        model.optimizer.learning_rate = 0.2...

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """
    _objects.function("model_factory", model_factory, returns="a new compiled model")
    for name, value in (("data", data), ("validation_data", validation_data)):
        _objects.pair(name, value, or_none=name != "data")
        _objects.examples(**{f"{name}[{place}]": part for place, part in enumerate((value or ())[:2])})
    fit = _settings(fit)
    if verdicts is not None:
        given = _objects.list_of("verdicts", verdicts, Verdict, "verdicts, as `doctor.verdicts` is")
        verdicts = [verdict for verdict in given if verdict.level != "ok"]
    seeds = _checks.count("seeds", seeds, 1, meaning="the trainings in a comparison", fix="Try 3.")
    rounds = _checks.count("rounds", rounds, 1, meaning="the fixes in the result, at most", fix="Try 3.")
    if minutes is not None:
        minutes = _checks.positive("minutes", minutes, meaning="the time for all trainings", fix="Try 10.")
    callbacks = _objects.list_of("callbacks", callbacks, keras.callbacks.Callback, "callbacks of Keras")
    with generators_kept():
        model = new_model(model_factory)
        outputs = outputs_of(model, picked(data[0], slice(2)))
    arrays: list[Any] = [
        part and keras.tree.map_structure(np.asarray, tuple(part[:2])) for part in (data, validation_data)
    ]
    callbacks = [each for each in callbacks if not isinstance(each, Doctor | Diagnosis)]
    program = Functions(model_factory, arrays[0], arrays[1], callbacks, fit, measures_of(model, data[1], outputs))
    return prove(program, verdicts, seeds=seeds, rounds=rounds, minutes=minutes)


def _settings(fit: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return further arguments of `fit`; refuse what is none, and those that have their place elsewhere."""
    known = {*inspect.signature(keras.Model.fit).parameters} - {"self", "x", "y", "callbacks", "validation_data"}
    if fit is not None and not (isinstance(fit, Mapping) and known >= {*fit}):
        raise ValueError(
            f"`fit` must be a dict of further arguments of `fit`: {', '.join(sorted(known))}. Received: "
            f"fit={short(fit)}. Try `fit={{'epochs': 20}}`, and pass `data`, `callbacks` and `validation_data` by "
            "themselves."
        )
    return dict(fit or {})
