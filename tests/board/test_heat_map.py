"""The heat map: brighter is larger, what is not on the scale has another colour, and the PNG holds these pixels."""

import numpy as np
import tensorflow as tf

from keras_ch8.board.heat_map import CELL, NONFINITE, ZERO, heat_map, png


def test_a_larger_norm_is_brighter_by_its_logarithm():
    pixels = heat_map(np.logspace(-30, 30, 61)[None])
    brightness = pixels[0, ::CELL] @ [0.299, 0.587, 0.114]
    assert (np.diff(brightness) > 0).all()
    np.testing.assert_allclose(heat_map(np.logspace(0, 1, 61)[None]), pixels, atol=1)  # a half, rounded


def test_zero_infinity_and_nan_are_not_on_the_scale():
    colours = heat_map(np.array([[0.0, np.nan, np.inf, 1.0, 2.0]]))[0, ::CELL].tolist()
    assert colours[:3] == [list(ZERO), list(NONFINITE), list(NONFINITE)]
    for off in (ZERO, NONFINITE):
        every = heat_map(np.logspace(0, 1, 100)[None])[0].astype(int)
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
    values[0, 6_789], values[1, 1_234] = 100.0, np.nan
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
