"""Whether two sets of weights are one function."""

from typing import Any

import keras
import numpy as np

from .. import _checks
from .._section import section


@section("8.2.2")
def difference(model: Any, other: Any, x: Any) -> float:
    """Return how far a model's outputs are from those with other weights (section 8.2.2).

        max |f(x) - f_other(x)| / max |f(x)|        over examples and entries; the largest of several outputs

    A few units of rounding (1e-7 in float32, times the depth) say that on these examples the function is the same. Both
    run as in prediction, with moving statistics and without Dropout.

    Args:
        model: A built model. It stays as it is.
        other: Weights of the same model, as from `model.get_weights()`; or another model.
        x: Inputs, as for `predict`; all go through at once.

    Returns:
        Number of at least 0; `inf` where all outputs of `model` are 0 and those of the other are not, NaN if an output
        is.

    Raises:
        ValueError: If `other` are not weights of this model, or outputs have other shapes.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> twice = [2 * w for w in model.get_weights()]
        >>> round(keras_ch8.symmetries.difference(model, twice, np.ones((5, 4))), 6)
        1.0

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.2.
    """
    _checks.keras_3(model)
    _checks.keras_3(other)
    x = keras.tree.map_structure(keras.ops.convert_to_tensor, x)
    first = _outputs(model, [], x)
    second = _outputs(other, [], x) if isinstance(other, keras.Model) else _outputs(model, _fitting(model, other), x)
    if [f.shape for f in first] != [s.shape for s in second]:
        raise ValueError(
            "`other` must have outputs of the same shapes. Received: "
            f"{[s.shape for s in second]} beside {[f.shape for f in first]}."
        )
    return float(np.max([_relative(f, s) for f, s in zip(first, second, strict=True)]))


def _outputs(model: Any, weights: list[tuple[Any, Any]], x: Any) -> list[np.ndarray]:
    with keras.StatelessScope(state_mapping=weights):
        outputs = model(x, training=False)
    return [keras.ops.convert_to_numpy(output).astype("float64") for output in keras.tree.flatten(outputs)]


def _fitting(model: Any, weights: Any) -> list[tuple[Any, Any]]:
    expected, shapes = [tuple(v.shape) for v in model.weights], [np.shape(w) for w in weights]
    if shapes != expected:
        raise ValueError(
            "`other` must be a model, or weights of this one as from `model.get_weights()`, of shapes "
            f"{expected}. Received: shapes {shapes}."
        )
    return [(v, keras.ops.convert_to_tensor(w, v.dtype)) for v, w in zip(model.weights, weights, strict=True)]


def _relative(first: np.ndarray, second: np.ndarray) -> float:
    apart, scale = np.abs(first - second).max(), np.abs(first).max()
    return float(apart / scale) if scale > 0 else (np.inf if apart > 0 else float(apart))
