"""Every default and limit of a clipping rule; a row of an embedding as a unit; variables without a path."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import clipping, extend
from keras_ch8 import optimizers as ours
from keras_ch8.clipping.rule import Clipper


def test_the_defaults():
    assert clipping.Adaptive() == clipping.Adaptive(0.01, 0.001, unit_axes={})
    assert clipping.ByPercentile() == clipping.ByPercentile(10, 1000)


def test_the_limits_of_the_arguments_are_allowed():
    rules = [clipping.ByPercentile(0, 2), clipping.ByPercentile(100)]
    assert [(rule.p, rule.memory) for rule in rules] == [(0, 2), (100, 1000)]


INF = float("inf")


@pytest.mark.parametrize(
    "make, received",
    [
        (lambda: clipping.ByNorm(INF), "limit=inf"),
        (lambda: clipping.ByValue(INF), "limit=inf"),
        (lambda: clipping.ByGlobalNorm(INF), "limit=inf"),
        (lambda: clipping.ByPercentile(-1), "p=-1"),
        (lambda: clipping.Adaptive(ratio=INF), "ratio=inf"),
        (lambda: clipping.Adaptive(epsilon=0.0), "epsilon=0.0"),
        (lambda: ours.SGD(clipnorm=0.0), "clipnorm=0.0"),
    ],
)
def test_beyond_them_they_are_refused(make, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        make()


@pytest.mark.parametrize("name", ["embeddings", "kernel"])
def test_some_rows_of_an_embedding_are_clipped_as_in_the_dense_gradient(name):
    """In `embeddings` a row is a unit, which is clipped without the other rows; in `kernel` a column."""
    start = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    rows, values = np.array([1, 4]), np.array([[3.0, 0.0, 1.0], [0.0, 1e-4, 0.0]], "float32")
    dense = np.zeros((6, 3), "float32")
    dense[rows] = values
    axis = 1 if name == "embeddings" else 0
    limit = 0.01 * np.linalg.norm(start, axis=axis, keepdims=True)
    norm = np.linalg.norm(dense, axis=axis, keepdims=True)
    expected = start - dense * np.minimum(1, limit / np.where(norm, norm, 1))
    for g in (tf.IndexedSlices(values, rows, (6, 3)), tf.constant(dense)):
        variable = keras.Variable(start, name=name)
        ours.SGD(1.0, clip=clipping.Adaptive(0.01)).apply([g], [variable])
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5, atol=1e-7)


def test_a_pattern_is_searched_in_the_order_in_which_it_is_given():
    rule = clipping.Adaptive(unit_axes={"kernel": 1, "dense/kernel": 0})
    dense = keras.layers.Dense(2, use_bias=False, name="dense")
    dense.build((None, 3))
    assert rule.units([dense.kernel]) == [(1,)]


def test_a_negative_axis_is_counted_from_the_end():
    variable = keras.Variable(np.zeros((4, 3, 2)), name="kernel")
    for axes, expected in ((-1, (2,)), ((-3, 1), (0, 1)), ((0, 2), (0, 2))):
        assert clipping.Adaptive(unit_axes={"kernel": axes}).units([variable]) == [expected]


def test_what_a_variable_is_is_known_by_its_name():
    assert clipping.Adaptive().units([keras.Variable(np.zeros((4, 3, 2)), name="embeddings")]) == [(2,)]
    assert clipping.Adaptive(unit_axes={"mine": 1}).units([tf.Variable(np.zeros((4, 3)), name="mine")]) == [(1,)]


def test_what_is_given_by_name_only_and_what_is_no_axis():
    with pytest.raises(TypeError):
        clipping.Adaptive(0.01, 1e-3, {})
    with pytest.raises(ValueError, match="an axis is an integer"):
        clipping.Adaptive(unit_axes={"kernel": (0, True)})


@dataclasses.dataclass(frozen=True)
class Halved(extend.TensorRule):
    """Halves each tensor; says nothing of the weights, and so is handed none."""

    seen: list = dataclasses.field(default_factory=list, compare=False)

    def clip(self, g, theta, axes):
        self.seen.append(theta)
        return 0.5 * g


def test_a_rule_that_needs_no_weights_is_handed_none_and_a_sparse_gradient_stays_sparse():
    variables = [keras.Variable(np.ones((6, 3), "float32"), name="embeddings")]
    rows = tf.IndexedSlices(tf.ones((2, 3)), tf.constant([1, 4]), (6, 3))
    for rule in (Halved(), clipping.Adaptive(0.01)):  # of the second a unit is a row, so no other row is needed
        [clipped], _, _ = Clipper(rule, variables, None).tensors([rows], variables, [0])
        assert isinstance(clipped, tf.IndexedSlices)
        assert clipped.values.shape == (2, 3)
    columns = dataclasses.replace(Halved(), seen=[])
    free = [keras.Variable(np.ones((6, 3), "float32"), name="kernel")]  # of which a unit is a column
    [clipped], _, _ = Clipper(columns, free, None).tensors([rows], free, [0])
    assert isinstance(clipped, tf.IndexedSlices)
    assert columns.seen == [None]


def test_without_a_rule_nothing_is_clipped_and_nothing_is_measured():
    clipper = Clipper(None, [], None)
    assert clipper.tensors([1.0, 2.0], [], []) == ([1.0, 2.0], -1.0, 0.0)
    assert clipper.factor([1.0], [0.5], None) is None
    assert clipper.state == {}


@pytest.mark.parametrize("base, method", [(extend.GlobalRule, "coefficient"), (extend.TensorRule, "clip")])
def test_a_rule_that_does_not_say_how_it_clips_is_refused(base, method):
    unwritten = dataclasses.dataclass(frozen=True)(type("Unwritten", (base,), {}))
    with pytest.raises(TypeError, match=method):
        ours.SGD(clip=unwritten())


@pytest.mark.parametrize("p", [0, 50, 90, 100])
def test_a_percentile_of_few_norms_lies_between_its_neighbours(p):
    """Norms that rise: each is above the percentile of those so far."""
    rule, norms = clipping.ByPercentile(p, memory=8), np.array([1.0, 3.0, 4.0, 10.0], "float32")
    state = {name: tf.zeros(shape) for name, shape in rule.state_shapes().items()}
    for i, norm in enumerate(norms):
        factor, state = rule.coefficient(tf.constant(norm), **state)
        assert float(factor) == pytest.approx(np.percentile(norms[: i + 1], p) / norm)
