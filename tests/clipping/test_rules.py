"""Clipping rules beside the same rules in float64 NumPy, also where a plain sum of squares fails."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import clipping, extend
from keras_ch8 import optimizers as ours
from keras_ch8.clipping.rule import Clipper
from tests.optimizers.algorithms import FEW, make, random_grads, step

PAIR = [np.array([3.0, 4.0], "float32"), np.array([0.0, 12.0], "float32")]


def clipped(rule, grads, start=None, dtype="float32"):
    """Return what is left of some gradients: the step of SGD with rate 1, backwards."""
    start = [np.zeros(np.shape(g), dtype) for g in grads] if start is None else start
    variables = [keras.Variable(s, dtype=dtype) for s in start]
    step(ours.SGD(1.0, clip=rule), variables, grads)
    return [s - v.numpy() for s, v in zip(start, variables, strict=True)]


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("rule", [
    clipping.ByGlobalNorm(13.1), clipping.ByNorm(12.1), clipping.ByValue(12.1), clipping.ByPercentile(100),
], ids=str)  # fmt: skip
def test_what_is_within_the_limit_stays_bit_for_bit(rule):
    for got, g in zip(clipped(rule, PAIR), PAIR, strict=True):
        np.testing.assert_array_equal(got, g)


@pytest.mark.broad
@pytest.mark.parametrize("size", [1e-30, 1e-20, 1.0, 1e19, 1e20, 1e34])
@pytest.mark.parametrize("shape", [(3, 2), (300, 200)], ids=["tile", "single"])
@pytest.mark.parametrize("rule", [clipping.ByGlobalNorm, clipping.ByNorm], ids=lambda rule: rule.__name__)
def test_gradients_of_any_size_clip_to_the_limit(rule, shape, size):
    g = (size * np.random.default_rng(0).normal(size=shape)).astype("float32")
    limit = 0.5 if size >= 1 else 0.5 * size
    (got,) = clipped(rule(limit), [g])
    wide = g.astype("float64")
    np.testing.assert_allclose(got, wide * limit / np.linalg.norm(wide), rtol=2e-5)


def test_keras_gives_nan_where_a_cliff_is_steepest():
    variable = keras.Variable([0.0, 0.0])
    keras.optimizers.SGD(1.0, global_clipnorm=1.0).apply([keras.ops.array([1e20, 1e20])], [variable])
    assert np.isnan(variable.numpy()).all()
    (got,) = clipped(clipping.ByGlobalNorm(1.0), [np.full(2, 1e20, "float32")])
    np.testing.assert_allclose(got, np.sqrt([0.5, 0.5]), rtol=1e-6)


@pytest.mark.parametrize("rule", [clipping.ByGlobalNorm(1.0), clipping.ByNorm(1.0)], ids=str)
def test_in_float64_the_arithmetic_is_float64(rule, float64):
    g = np.random.default_rng(0).normal(size=(4, 3)) * 1e200
    (got,) = clipped(rule, [g], dtype="float64")
    np.testing.assert_allclose(got, (g / 1e200) / np.linalg.norm(g / 1e200), rtol=1e-12)


def test_an_infinite_entry_is_not_hidden_but_for_by_value():
    g = np.array([np.inf, 1.0], "float32")
    assert not np.isfinite(clipped(clipping.ByGlobalNorm(1.0), [g])[0]).all()
    assert not np.isfinite(clipped(clipping.ByNorm(1.0), [g])[0]).all()
    np.testing.assert_array_equal(clipped(clipping.ByValue(0.5), [g])[0], [0.5, 0.5])


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("word, rule", [
    ("clipnorm", clipping.ByNorm), ("clipvalue", clipping.ByValue), ("global_clipnorm", clipping.ByGlobalNorm),
])  # fmt: skip
def test_the_words_of_keras_are_these_rules(name, word, rule):
    paths = []
    for options in ({word: 0.3}, {"clip": rule(0.3)}):
        optimizer, variables = make(name, **options), [keras.Variable(np.ones((4, 3))), keras.Variable(np.ones(3))]
        for g in random_grads(3):
            step(optimizer, variables, [g, 10 * g[0]])
        paths.append(np.concatenate([v.numpy().ravel() for v in variables]))
    np.testing.assert_array_equal(*paths)


def test_clipping_acts_on_the_mean_of_the_micro_steps():
    variable = keras.Variable([0.0, 0.0])
    optimizer = ours.SGD(1.0, clip=clipping.ByGlobalNorm(1.0), gradient_accumulation_steps=2)
    for g in ([3.0, 9.0], [3.0, -1.0]):  # mean (3, 4)
        step(optimizer, [variable], [np.array(g, "float32")])
    np.testing.assert_allclose(variable.numpy(), [-0.6, -0.8], rtol=1e-6)


@pytest.mark.slow
def test_a_sparse_gradient_is_clipped_as_the_dense_one_with_rows_that_occur_twice():
    rows, values = np.array([1, 4, 1]), np.array([[3.0, 0.0], [0.0, 4.0], [0.0, 8.0]], "float32")
    dense = np.zeros((6, 2), "float32")
    np.add.at(dense, rows, values)
    for rule in (clipping.ByGlobalNorm(1.0), clipping.ByNorm(1.0), clipping.ByValue(1.0)):
        start = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
        results = []
        for g in (tf.IndexedSlices(values, rows, (6, 2)), dense):
            variable, optimizer = keras.Variable(start), ours.SGD(1.0, clip=rule)
            optimizer.apply([g if isinstance(g, tf.IndexedSlices) else keras.ops.array(g)], [variable])
            results.append(variable.numpy())
        np.testing.assert_allclose(*results, atol=1e-6)
        assert np.abs(results[0] - start).max() > 1e-4


@pytest.mark.parametrize("p", [0, 10, 50, 100])
def test_the_limit_of_autoclip_is_the_percentile_of_the_last_norms(p):
    norms = np.random.default_rng(0).lognormal(size=30).astype("float32")
    variable, optimizer = keras.Variable([0.0]), ours.SGD(1.0, clip=clipping.ByPercentile(p, memory=8))
    for i, norm in enumerate(norms):
        before = variable.numpy()[0]
        step(optimizer, [variable], [np.array([norm])])
        limit = np.percentile(norms[max(0, i - 7) : i + 1], p)
        np.testing.assert_allclose(before - variable.numpy()[0], min(norm, limit), rtol=1e-4, atol=1e-5)


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_autoclip_is_not_poisoned(broken):
    moved = []
    for norms in ([1.0, 2.0, broken, 3.0, 100.0], [1.0, 2.0, 3.0, 100.0]):
        variable = keras.Variable([0.0])
        optimizer = ours.SGD(1.0, clip=clipping.ByPercentile(50, memory=8), skip_nonfinite=True)
        for norm in norms:
            step(optimizer, [variable], [np.array([norm], "float32")])
        moved.append(variable.numpy())
        state = optimizer._clipper.state
        assert int(state["count"].numpy()) == 4
        assert np.isfinite(state["norms"].numpy()).all()
    np.testing.assert_array_equal(*moved)


def test_autoclip_remembers_updates_and_not_micro_steps():
    optimizer = ours.SGD(1.0, clip=clipping.ByPercentile(50, memory=8), gradient_accumulation_steps=2)
    variable = keras.Variable([0.0])
    for g in (1.0, 3.0, 5.0, 7.0, 100.0):
        step(optimizer, [variable], [np.array([g], "float32")])
    norms = optimizer._clipper.state["norms"].numpy()
    np.testing.assert_allclose(norms, [2, 6, 0, 0, 0, 0, 0, 0])


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("rule", [
    clipping.ByPercentile(30, memory=5),
    *(pytest.param(rule, marks=pytest.mark.slow) for rule in (
        clipping.ByValue(0.1), clipping.ByNorm(0.1), clipping.ByGlobalNorm(0.1),
    )),
], ids=str)  # fmt: skip
def test_a_saved_model_keeps_its_rule_and_what_it_remembers(rule, tmp_path):
    x, y = random_grads(1, (16, 4))[0], random_grads(1, (16, 1), seed=1)[0]
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.compile(ours.Momentum(0.1, clip=rule), "mse")
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.clip == rule
    for m in (model, loaded):
        m.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    for a, b in zip(
        model.variables + model.optimizer.variables, loaded.variables + loaded.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


BAD = [
    (lambda: ours.Adam(clip=1.0), TypeError, r"`clip` must be a rule.*Received: clip=1\.0 of type float.*`clipnorm`"),
    (lambda: ours.Adam(clip=clipping.ByNorm(1.0), clipnorm=1.0), ValueError,
     r"Only one of.*Received: clip=ByNorm\(limit=1\.0\), clipnorm=1\.0\. Keep one"),
    (lambda: ours.Adam(clip=clipping.ByNorm(1.0), clipvalue=1.0), ValueError, r"Only one of"),
    (lambda: ours.Adam(clip=clipping.ByNorm(1.0), global_clipnorm=1.0), ValueError, r"Only one of"),
]  # fmt: skip


@pytest.mark.parametrize("build, error, message", BAD)
def test_a_bad_rule_raises_at_construction(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_norm_beyond_float32_is_no_step_and_not_nan():
    (got,) = clipped(clipping.ByGlobalNorm(1.0), [np.full(1000, 1e38, "float32")])
    np.testing.assert_array_equal(got, np.zeros(1000))


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
