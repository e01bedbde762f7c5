"""Loss and gradient as Keras computes them op by op, and a model given back as it was."""

import contextlib

import keras
import numpy as np
import tensorflow as tf


@contextlib.contextmanager
def restored(model):
    """Give every variable of a model its value back."""
    seeds = [layer.seed_generator.state for layer in model._flatten_layers() if hasattr(layer, "seed_generator")]
    variables = [*model.variables, *seeds]
    before = [v.numpy() for v in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


def flat(arrays):
    return np.concatenate([np.asarray(a, "float64").ravel() for a in arrays])


def eager(model, x, y, sample_weight=None, weights=None):
    """Return loss and flat gradient of an ordinary call in training, at the given trainable weights."""
    with restored(model):
        for variable, value in zip(model.trainable_variables, weights or [], strict=bool(weights)):
            variable.assign(value)
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True), sample_weight=sample_weight)
        grads = tape.gradient(loss, [v.value for v in model.trainable_variables])
    return float(loss), flat([tf.convert_to_tensor(g) for g in grads])


def rows(data, some):
    """Return some examples of arrays in any structure."""
    return keras.tree.map_structure(lambda a: a[some], data)


def weights_of(model):
    return [v.numpy() for v in model.trainable_variables]


def moved(model, size, seed=0):
    """Return the weights that an update of this length, in a random direction, would have started from."""
    rng = np.random.default_rng(seed)
    d = [rng.normal(size=v.shape) for v in model.trainable_variables]
    scale = size / np.linalg.norm(flat(d))
    before = [w - scale * step for w, step in zip(weights_of(model), d, strict=True)]
    return before, scale * flat(d)
