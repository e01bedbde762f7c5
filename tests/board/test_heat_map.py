"""The heat map: brighter is larger, what is not on the scale has another colour, and the PNG holds these pixels."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_ch8.board.heat_map import CELL, HIGH, LOW, NONFINITE, SCALE, ZERO, framed, heat_map, png


def test_a_larger_norm_is_brighter_by_its_logarithm_on_one_scale_for_all_pictures():
    pixels = heat_map(np.logspace(LOW, HIGH, 61)[None])
    brightness = pixels[0, ::CELL] @ [0.299, 0.587, 0.114]
    assert (np.diff(brightness) > 0).all()
    part = heat_map(np.logspace(LOW, HIGH, 61)[None, 20:30])
    np.testing.assert_array_equal(part, pixels[:, 20 * CELL : 30 * CELL])
    ends = heat_map(np.array([[1e-300, 10.0**LOW, 10.0**HIGH, 1e300]]))[0, ::CELL]
    np.testing.assert_array_equal(ends, [SCALE[0], SCALE[0], SCALE[-1], SCALE[-1]])


@pytest.mark.parametrize("rows, columns", [(1, 1), (2, 3), (12, 40), (100, 999), (700, 2)])
def test_names_steps_and_scale_stand_around_the_map(rows, columns):
    pytest.importorskip("PIL")
    pixels = heat_map(np.random.default_rng(8).lognormal(size=(rows, columns)))
    names = [f"a layer with a long name that says much {row}" for row in range(rows)]
    picture = framed(pixels, names, [*range(1, columns + 1)])
    inner = np.unique(pixels.reshape(-1, 3), axis=0)
    at = np.flatnonzero((picture[picture.shape[0] // 2, :, None] == inner).all(axis=-1).any(axis=-1))
    assert at[0] > 100  # names
    for side in (picture[:, : at[0] - 6], picture[:, at[-1] + 1 :], picture[-14:]):
        assert (side < 128).any()
    assert picture.shape[1] < 1000 + 400
    assert (np.diff(at) == 1).sum() >= 419  # wide enough to be seen


def test_without_pillow_there_is_the_map_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    pixels = heat_map(np.ones((2, 3)))
    assert framed(pixels, ["a", "b"], [1, 2, 3]) is pixels


def test_zero_infinity_and_nan_are_not_on_the_scale():
    colours = heat_map(np.array([[0.0, np.nan, np.inf, 1.0, 2.0]]))[0, ::CELL].tolist()
    assert colours[:3] == [list(ZERO), list(NONFINITE), list(NONFINITE)]
    for off in (ZERO, NONFINITE):
        every = heat_map(np.logspace(LOW, HIGH, 100)[None])[0].astype(int)
        assert np.abs(every - off).sum(axis=1).min() > 60


def test_each_cell_is_a_square_in_its_place():
    values = np.array([[1.0, 2.0, 0.0], [np.nan, 1.0, 1.0]])
    pixels = heat_map(values)
    assert pixels.shape == (2 * CELL, 3 * CELL, 3)
    assert pixels.dtype == np.uint8
    assert (pixels[:CELL, 2 * CELL :] == ZERO).all()
    assert (pixels[CELL:, :CELL] == NONFINITE).all()


def test_many_steps_share_columns_and_the_largest_is_shown():
    values = np.ones((2, 12_000))
    values[0, 6_789], values[1, 1_234] = 1000.0, np.nan
    pixels = heat_map(values)
    assert pixels.shape == (2 * CELL, 1000, 3)
    top, bottom = pixels[0], pixels[CELL]
    assert (top.sum(axis=1) == top.sum(axis=1).max()).nonzero()[0].tolist() == [6_789 // 12]
    assert (bottom == NONFINITE).all(axis=1).nonzero()[0].tolist() == [1_234 // 12]


def test_odd_sizes_and_a_single_value():
    for shape in ((1, 1), (3, 999), (700, 1), (300, 1001)):
        assert heat_map(np.zeros(shape)).shape[1] <= 1000
        assert len(np.unique(heat_map(np.ones(shape)).reshape(-1, 3), axis=0)) == 1


def test_the_png_holds_the_pixels():
    pixels = np.random.default_rng(8).integers(0, 256, (37, 53, 3), np.uint8)
    np.testing.assert_array_equal(tf.io.decode_png(png(pixels)).numpy(), pixels)
