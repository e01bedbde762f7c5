"""One training of a kind, and what it has left."""

import contextlib
import dataclasses
import functools
import warnings

import keras
import numpy as np

from keras_ch8 import callbacks
from keras_ch8 import optimizers as ours

from .registry import KINDS

OPTIMIZERS = {
    "Momentum": lambda: ours.Momentum(0.01, momentum=0.9),
    "Adam": lambda: ours.Adam(0.01),
    "keras SGD": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "keras Adam": lambda: keras.optimizers.Adam(0.01),
}


@dataclasses.dataclass
class Run:
    """What a training has reported and left.

    Args:
        logs: What was reported of each epoch.
        weights: All weights of the model.
        steps: How often each optimizer that trains has stepped. The last one does so once a batch.
        is_built: Whether Keras calls the model built.
        names: Attributes that the model and its optimizers have then.
    """

    logs: list
    weights: list
    steps: dict
    is_built: bool
    names: dict

    @property
    def batches(self):
        """How many batches were trained."""
        return list(self.steps.values())[-1]


WATCHING = {
    "TensorBoard": lambda kind, arguments, log_dir: callbacks.TensorBoard(log_dir),
    "GradientClippingLogger": lambda kind, arguments, log_dir: callbacks.GradientClippingLogger(),
    "Diagnosis": lambda kind, arguments, log_dir: callbacks.Diagnosis(probe=kind.probe(arguments)),
    "EarlyStopping": lambda kind, arguments, log_dir: callbacks.EarlyStopping(kind.monitor, patience=99, mode="min"),
    "PolyakAveraging": lambda kind, arguments, log_dir: callbacks.PolyakAveraging(0.5, evaluate="raw", final="raw"),
    "SurrogateGap": lambda kind, arguments, log_dir: callbacks.SurrogateGap(
        true=kind.pair[0], surrogate=kind.pair[1], mode=kind.pair[2]
    ),
}
"""What watches and changes nothing: functions of the kind, the arguments of its `fit` and a folder."""


def can_watch(watcher, kind):
    """Whether a kind has what a callback needs at all."""
    return watcher != "SurrogateGap" or kind.pair is not None


def watching(kind, arguments, log_dir):
    """Return everything that watches, together."""
    names = [name for name in WATCHING if can_watch(name, kind)]
    return [WATCHING[name](kind, arguments, log_dir) for name in names]


def optimizers_of(model):
    """Return every optimizer that a model holds, those inside of others too, by the path to it."""
    found, queue = {}, [("model", model)]
    while queue:
        path, holder = queue.pop()
        for name, value in vars(holder).items():
            parts = value if isinstance(value, list | tuple) else [value]
            for i, part in enumerate(parts):
                if isinstance(part, keras.optimizers.Optimizer) and all(part is not other for other in found.values()):
                    found[f"{path}.{name}[{i}]"] = part
                    queue.append((f"{path}.{name}[{i}]", part))
    return found


def attributes(model):
    """Return the names of the attributes of a model and of its optimizers."""
    return {path: set(vars(holder)) for path, holder in ({"model": model} | optimizers_of(model)).items()}


def train(kind, model, arguments, listed=()):
    """Train a model as its kind is trained; return what that has left."""
    logs = []
    with keras_may_warn(kind):
        for _ in range(kind.fits):
            history = model.fit(**arguments, callbacks=list(listed), verbose=0).history
            logs += [dict(zip(history, row, strict=True)) for row in zip(*history.values(), strict=True)]
    steps = {name: int(getattr(model, name).iterations) for name in kind.optimizers}
    return Run(logs, model.get_weights(), steps, model.built, attributes(model))


@contextlib.contextmanager
def keras_may_warn(kind):
    """Let Keras say what it says in any training of this kind."""
    with warnings.catch_warnings():
        if kind.keras_warns:
            warnings.filterwarnings("ignore", kind.keras_warns, UserWarning)
        yield


def made(kind, optimizer):
    """Return a fresh model and the arguments of its `fit`, always from the same seeds."""
    keras.utils.set_random_seed(8)
    return kind.make(OPTIMIZERS[optimizer])


@functools.cache
def bare(name, optimizer):
    """Return what a training without any callback of the suite has left."""
    return train(KINDS[name], *made(KINDS[name], optimizer))


def difference(run, other):
    """Return the largest relative difference of two trainings, in logs or weights; 0 where every bit is the same."""
    largest = 0.0
    assert len(run.logs) == len(other.logs), f"{len(run.logs)} epochs, and {len(other.logs)}"
    for mine, its in zip(run.logs, other.logs, strict=True):
        assert set(mine) <= set(its), f"not reported any more: {set(mine) - set(its)}"
        largest = max([largest, *(relative(value, its[name]) for name, value in mine.items())])
    return max([largest, *(relative(a, b) for a, b in zip(run.weights, other.weights, strict=True))])


def relative(a, b):
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(a)), np.finfo("float64").tiny))
