"""A rule that looks at a whole layer, or at theta, is given what it asks for, whatever stands beside the rule."""

import contextlib
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8.telemetry.observation import ObservedOptimizer
from keras_ch8.telemetry.recorder import Wishes
from tests.optimizers.algorithms import NAMES, make, step
from tests.optimizers.layerwise import LAMB, Normalized, Pulled, PulledAlone
from tests.oracles import layerwise as oracle

SHAPES = {(4, 3): 1.0, (7,): 1e-3, (): 20.0, (2, 3, 5): 1e2, (210, 200): 0.05}
RNG = np.random.default_rng(0)
START = [np.asarray(scale * RNG.normal(size=shape), "float32") for shape, scale in SHAPES.items()]
GRADS = [[np.asarray(RNG.normal(size=w.shape) / (1e-3 + abs(w).max()), "float32") for w in START] for _ in range(6)]


def path(optimizer, gradients=GRADS, start=START, dtype="float32"):
    """Return the weights of all layers after every step that is given; gradients that are None are left out."""
    variables, found = [keras.Variable(w, dtype=dtype) for w in start], []
    optimizer.build(variables)
    for gs in gradients:
        step(optimizer, variables, gs)
        found.append([v.numpy() for v in variables])
    return found


def of_box(gradients=GRADS, start=START):
    wide = [[g.astype("float64") for g in gs] for gs in gradients]
    return oracle.lamb([w.astype("float64") for w in start], wide, 0.01, beta_1=0.9, beta_2=0.99, delta=1e-6, lam=0.01)


def assert_same(found, expected, rtol=2e-5):
    for ws, rights in zip(found, expected, strict=True):
        for w, right in zip(ws, rights, strict=True):
            np.testing.assert_allclose(w, right, rtol=rtol, atol=rtol * np.abs(right).max())


def test_each_layer_is_normalized_by_its_own_norm():
    a, b = keras.Variable([0.0, 0.0]), keras.Variable([[0.0], [0.0]])
    step(Normalized(1.0), [a, b], [np.float32([3, 4]), np.float32([[300], [400]])])
    np.testing.assert_allclose(a, [-0.6, -0.8], rtol=1e-6)
    np.testing.assert_allclose(b, [[-0.6], [-0.8]], rtol=1e-6)


@pytest.mark.slow
def test_in_float64_it_is_the_algorithm_to_the_last_digits(float64):
    assert_same(path(LAMB(), dtype="float64"), of_box(), rtol=1e-6)


@pytest.mark.slow
def test_weight_decay_of_keras_is_beside_it_and_the_average_follows():
    lr = 0.01
    optimizer = LAMB(weight_decay=0.5, use_ema=True, ema_momentum=0.5)
    found = path(optimizer, GRADS[:1])
    plain = of_box(GRADS[:1])
    assert_same(found, [[p - lr * 0.5 * w for p, w in zip(plain[0], START, strict=True)]])
    for average, value in zip(optimizer.averages, found[0], strict=True):
        np.testing.assert_array_equal(average.numpy(), value)


def test_a_sparse_gradient_is_the_dense_one():
    table = RNG.normal(size=(9, 4)).astype("float32")
    values, places = RNG.normal(size=(4, 4)).astype("float32"), [1, 3, 1, 4]
    dense = np.zeros_like(table)
    np.add.at(dense, places, values)
    variables, optimizer = [keras.Variable(table), keras.Variable(START[0])], LAMB()
    for gs in GRADS:
        slices = tf.IndexedSlices(tf.constant(values), tf.constant(places), tf.constant([9, 4]))
        optimizer.apply([slices, tf.constant(gs[0])], variables)
    expected = of_box([[dense, gs[0]] for gs in GRADS], [table, START[0]])
    assert_same([[v.numpy() for v in variables]], expected[-1:])


@pytest.mark.slow
def test_the_rows_of_telemetry_tell_of_these_steps():
    optimizer, variables = LAMB(), [keras.Variable(w) for w in START]
    observed = ObservedOptimizer(optimizer, None)
    with contextlib.ExitStack() as exits:
        observed.start(Wishes(rows=8, measure_every=1), exits)
        for gs in GRADS:
            step(optimizer, variables, gs)
    frame, weights = observed.recorder.read(1, 6), [START, *of_box()]
    norms = [np.sqrt(sum(np.sum(g.astype("float64") ** 2) for g in gs)) for gs in GRADS]
    moves = [
        np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(*pair, strict=True))) for pair in itertools.pairwise(weights)
    ]
    np.testing.assert_allclose(frame.norm, norms, rtol=1e-5)
    np.testing.assert_allclose(frame.update, moves, rtol=1e-3)


def test_an_elementwise_rule_may_read_theta_from_a_tile():
    expected = path(PulledAlone(0.1))
    assert_same(path(Pulled(0.1)), expected, rtol=1e-6)
    lone = [[w - 0.1 * (g + 2 * w) for w, g in zip(START, GRADS[0], strict=True)]]
    assert_same(expected[:1], lone, rtol=1e-6)


def test_of_an_embedding_it_reads_the_touched_rows_only():
    table = RNG.normal(size=(20_000, 4)).astype("float32")
    values = np.ones((2, 4), "float32")
    variable = keras.Variable(table)
    Pulled(0.1).apply([tf.IndexedSlices(values, tf.constant([5, 7]), tf.constant([20_000, 4]))], [variable])
    right = table.copy()
    right[[5, 7]] -= 0.1 * (1 + 2 * table[[5, 7]])
    np.testing.assert_allclose(variable.numpy(), right, rtol=1e-6)


def test_the_suite_shares_tiles_and_strangers_do_not():
    for name in NAMES:
        optimizer = make(name)
        optimizer.build([keras.Variable(w) for w in START])
        assert [list(block.parts) for block in optimizer._layout.blocks] == [[4], [0, 1, 2, 3]], name
    stranger = LAMB()
    stranger.build([keras.Variable(w) for w in START])
    assert [list(block.parts) for block in stranger._layout.blocks] == [[i] for i in range(len(START))]
