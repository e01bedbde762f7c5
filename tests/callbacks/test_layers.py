"""The norm of each layer: variables put together, and an epoch of any length in one picture."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_ch8.board import tags
from keras_ch8.callbacks.board import pictures
from keras_ch8.callbacks.board.pictures import LayerMap

VARIABLES = [SimpleNamespace(path=path) for path in ("net/a/kernel", "net/a/bias", "net/b/kernel")]


def frame(layers, nonfinite=0):
    layers = np.array(layers, "float32")
    return SimpleNamespace(
        layers=layers, steps=np.arange(len(layers)), nonfinite=np.broadcast_to(nonfinite, len(layers))
    )


def test_a_layer_is_its_variables_as_one_vector():
    layers = LayerMap(VARIABLES)
    series = layers.series(frame([[3, 4, 12], [0, 1, np.nan]]))
    assert layers.names == ["net/a", "net/b"]
    assert [series[t][1].tolist() for t in (tags.LAYER_NORM_WORST, tags.LAYER_NORM_MEDIAN, tags.LAYER_NORM_BEST)] == [
        [12, 1], [8.5, 0.5], [5, 0]
    ]  # fmt: skip


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_broken_layer_leaves_the_others_as_they_are(broken):
    series = LayerMap(VARIABLES).series(frame([[broken, 1, 2]], nonfinite=1))
    np.testing.assert_array_equal(LayerMap(VARIABLES).series(frame([[0, 1, 2]]))[tags.LAYER_NORM_BEST][1], [1])
    np.testing.assert_array_equal(series[tags.LAYER_NORM_WORST][1], [broken])


@pytest.mark.parametrize("steps, calls", [(7, [7]), (45, [45]), (45, [7] * 6 + [3]), (333, [10] * 33 + [3])])
def test_an_epoch_of_any_length_is_told_apart_evenly(monkeypatch, steps, calls):
    monkeypatch.setattr(pictures, "COLUMNS", 10)
    drawn = []
    layers, norms = LayerMap(VARIABLES), np.random.default_rng(0).lognormal(size=(steps, 3))
    norms[:, 1] = 0
    for part in np.split(norms, np.cumsum(calls)[:-1]):
        layers.series(frame(part))
    layers.draw(SimpleNamespace(heat_map=lambda tag, norms, *_: drawn.append(norms)), tags.LAYER_MAP, steps)
    (columns,) = drawn
    width = int(2 ** np.ceil(np.log2(steps / columns.shape[1])))
    assert columns.shape[1] == -(-steps // width) < 20
    ends = np.arange(0, steps, width)
    np.testing.assert_allclose(columns, np.maximum.reduceat(norms[:, [0, 2]], ends, axis=0).T, rtol=1e-6)
    layers.draw(SimpleNamespace(heat_map=None), tags.LAYER_MAP, steps)  # nothing is left for the next epoch
