"""How much of the last direction the next one keeps: d <- -g + beta d_old, with y = g - g_old."""

from collections.abc import Callable
from typing import Any

from keras import ops

from .. import _numerics
from ._vector import dot


def fletcher_reeves(g: Any, g_old: Any, d_old: Any) -> Any:
    """Return beta = g . g / g_old . g_old (equation 8.31)."""
    return _numerics.safe_ratio(dot(g, g), dot(g_old, g_old), 0)


def polak_ribiere(g: Any, g_old: Any, d_old: Any) -> Any:
    """Return beta = max(0, g . y / g_old . g_old) (equation 8.32); the 0 is a restart along -g."""
    return ops.maximum(_numerics.safe_ratio(dot(g, g - g_old), dot(g_old, g_old), 0), 0)


def hestenes_stiefel(g: Any, g_old: Any, d_old: Any) -> Any:
    """Return beta = max(0, g . y / d_old . y)."""
    y = g - g_old
    return ops.maximum(_numerics.safe_ratio(dot(g, y), dot(d_old, y), 0), 0)


def dai_yuan(g: Any, g_old: Any, d_old: Any) -> Any:
    """Return beta = g . g / d_old . y."""
    return _numerics.safe_ratio(dot(g, g), dot(d_old, g - g_old), 0)


BETAS: dict[str, Callable[[Any, Any, Any], Any]] = {
    function.__name__: function for function in (polak_ribiere, fletcher_reeves, hestenes_stiefel, dai_yuan)
}
"""The formulae by name."""
