"""The norm of each layer: variables put together."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_ch8.board import tags
from keras_ch8.callbacks.board import LayerNorms

VARIABLES = [SimpleNamespace(path=path) for path in ("net/a/kernel", "net/a/bias", "net/b/kernel")]


def frame(layers, nonfinite=0):
    layers = np.array(layers, "float32")
    return SimpleNamespace(
        layers=layers, steps=np.arange(len(layers)), nonfinite=np.broadcast_to(nonfinite, len(layers))
    )


def test_a_layer_is_its_variables_as_one_vector():
    layers = LayerNorms.of(VARIABLES)
    series = layers.series(frame([[3, 4, 12], [0, 1, np.nan]]))
    assert layers.names == ["net/a", "net/b"]
    assert [series[t][1].tolist() for t in (tags.LAYER_NORM_WORST, tags.LAYER_NORM_MEDIAN, tags.LAYER_NORM_BEST)] == [
        [12, 1], [8.5, 0.5], [5, 0]
    ]  # fmt: skip


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_broken_layer_leaves_the_others_as_they_are(broken):
    series = LayerNorms.of(VARIABLES).series(frame([[broken, 1, 2]], nonfinite=1))
    np.testing.assert_array_equal(LayerNorms.of(VARIABLES).series(frame([[0, 1, 2]]))[tags.LAYER_NORM_BEST][1], [1])
    np.testing.assert_array_equal(series[tags.LAYER_NORM_WORST][1], [broken])
