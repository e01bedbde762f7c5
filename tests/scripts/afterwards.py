"""What people do with a model once it is trained: keep it, export it, quantize it, copy it."""

import json
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from . import KINDS


def answers(kind, model, arguments, ask=None):
    """Return what a model says of its first examples; nothing where it cannot be called with them."""
    if not kind.has_call:
        return []
    x = kind.probe(arguments)[0]
    x = list(x) if isinstance(x, tuple) else x  # as the model takes several inputs
    said = model.predict(x, batch_size=12, verbose=0) if ask is None else ask(x)
    return [np.asarray(part) for part in keras.tree.flatten(said)]


def state(kind, model):
    """Return all weights of a model, and all variables of the optimizers that train it."""
    optimizers = [getattr(model, name) for name in kind.optimizers]
    return model.get_weights() + [v.numpy() for optimizer in optimizers for v in optimizer.variables]


def exported(kind, model, arguments, folder):
    """Export a model, and return what the SavedModel says."""
    model.export(folder, verbose=False)
    loaded = tf.saved_model.load(str(folder))  # it dies with its last name
    return answers(kind, model, arguments, loaded.serve)


def quantized(kind, model, arguments):
    """Quantize a model to int8, and return what it says then.

    Raises:
        ValueError: If nothing in it has become int8.
    """
    model.quantize("int8")
    if not any(v.dtype == "int8" for v in model.variables):
        raise ValueError("nothing was quantized")
    return answers(kind, model, arguments)


def cloned(kind, model, arguments):
    """Clone a model, give the clone its weights, and return what it says."""
    clone = keras.models.clone_model(model)
    if not clone.built:
        clone(kind.probe(arguments)[0])
    clone.set_weights(model.get_weights())
    return answers(kind, clone, arguments)


def load(folder):
    """Load each `<kind>.keras` of a folder; write what it is to `<kind>.npz`, or why it is not to `<kind>.json`."""
    for path in sorted(Path(folder).glob("*.keras")):
        kind = KINDS[path.stem]
        _, arguments = kind.make(keras.optimizers.SGD)
        try:
            model = keras.models.load_model(path)
            parts = {f"state{i:03}": part for i, part in enumerate(state(kind, model))}
            parts |= {f"answer{i}": part for i, part in enumerate(answers(kind, model, arguments))}
            np.savez(path.with_suffix(".npz"), **parts)
        except Exception as error:
            path.with_suffix(".json").write_text(json.dumps(f"{type(error).__name__}: {error}"))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    where, suite = sys.argv[1:]
    if suite == "with":
        import keras_ch8  # noqa: F401
    load(where)
    if suite == "without":
        assert "keras_ch8" not in sys.modules
