"""Every default and limit of a clipping rule, and a rule at work."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import clipping, extend
from keras_ch8 import optimizers as ours
from keras_ch8.clipping.rule import Clipper


def test_the_defaults():
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
        (lambda: ours.SGD(clipnorm=0.0), "clipnorm=0.0"),
    ],
)
def test_beyond_them_they_are_refused(make, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        make()


@dataclasses.dataclass(frozen=True)
class Halved(extend.TensorRule):
    def clip(self, g):
        return 0.5 * g


def test_a_sparse_gradient_stays_sparse():
    rows = tf.IndexedSlices(tf.ones((2, 3)), tf.constant([1, 4]), (6, 3))
    clipped = Clipper(Halved(), None).clip({0: rows}, lambda grads: [tf.convert_to_tensor(g) for g in grads.values()])
    assert isinstance(clipped.after[0], tf.IndexedSlices)
    np.testing.assert_array_equal(clipped.after[0].values, np.full((2, 3), 0.5))


def test_without_a_rule_nothing_is_clipped_and_nothing_is_measured():
    clipper, grads = Clipper(None, None), {0: tf.ones(2)}
    clipped = clipper.clip(grads, lambda grads: list(grads.values()))
    assert (clipped.after, clipped.factor, clipped.norm, clipped.nonfinite) == (grads, None, -1.0, 0.0)
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
