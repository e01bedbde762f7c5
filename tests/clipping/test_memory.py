"""The rules that remember norms beside their papers' formulae in float64, and what they do not remember."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, clipping
from keras_ch8 import optimizers as ours
from tests.optimizers.algorithms import step
from tests.oracles import clipping as oracle

RNG = np.random.default_rng(0)
NORMS = RNG.lognormal(sigma=0.3, size=60)
NORMS[[27, 33, 34, 50]] *= [30, 8, 80, 1e4]
PAIRS = np.stack([NORMS, RNG.lognormal(mean=-4, sigma=0.2, size=60)], axis=1)
PAIRS[45, 1] *= 50


def left_of(rule, rows, build=None, **options):
    """Return the norms that are left of rows of norms, one for each tensor: the steps of SGD with rate 1, backwards."""
    rows = np.atleast_2d(np.asarray(rows, "float32").T).T
    variables = [keras.Variable(np.zeros(2)) for _ in rows[0]]
    optimizer, kept = ours.SGD(1.0, clip=rule, **options), []
    for row in rows:
        before = [v.numpy() for v in variables]
        step(optimizer, variables, [np.array([0.6, 0.8], "float32") * norm for norm in row])
        kept.append([np.linalg.norm(v.numpy().astype("float64") - b) for v, b in zip(variables, before, strict=True)])
    return np.array(kept), optimizer


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("settings", [(2.5, 0.97, 25), (1.0, 0.5, 2), (4.0, 0.1, 10)], ids=str)
def test_z_scores_are_those_of_the_paper(settings):
    kept, _ = left_of(clipping.ByZScore(*settings), NORMS)
    expected = oracle.by_z_score(NORMS, *settings)
    np.testing.assert_allclose(kept[:, 0], expected, rtol=2e-3)  # positions in float32 are differences of sums
    assert (np.array(expected)[[33, 50]] < 0.5 * NORMS[[33, 50]]).all()


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("settings", [(1.05, 0.98, 40, 1.0), (2.0, 0.5, 5, 0.7), (1.0, 0.0, 1, 100.0)], ids=str)
def test_the_history_of_each_tensor_is_that_of_the_paper(settings):
    kept, _ = left_of(clipping.ByTensorHistory(*settings), PAIRS)
    expected = oracle.by_tensor_history(PAIRS, *settings)
    np.testing.assert_allclose(kept, expected, rtol=1e-3, atol=1e-5)
    assert expected[45, 1] < 0.1 * PAIRS[45, 1]  # the spike of the one tensor
    assert expected[45, 0] > 0.3 * min(PAIRS[45, 0], expected[44, 0])  # which takes nothing from the other


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("scale", [1e-25, pytest.param(1e15, marks=pytest.mark.full), 1e25])
def test_norms_of_any_size_are_judged_alike(scale):
    """Squares of such norms leave the range of float32."""
    for rule in (
        clipping.ByZScore(2.0, 0.9, warm_up=5),
        clipping.ByTensorHistory(2.0, warm_up=5, limit=2.0),
    ):
        norms, large = NORMS[:, None].astype("float32"), (NORMS[:, None] * scale).astype("float32")
        if isinstance(rule, clipping.ByTensorHistory):
            same = clipping.ByTensorHistory(2.0, warm_up=5, limit=2.0 * scale)
        else:
            same = rule
        np.testing.assert_allclose(_clipped(same, large) / scale, _clipped(rule, norms), rtol=1e-4)


def _clipped(rule, rows):
    """Return the clipped norms, by the pure function of a rule."""
    if isinstance(rule, clipping.ByZScore):
        state = {name: tf.zeros(shape) for name, shape in rule.state_shapes().items()}
    else:
        state = {name: tf.zeros(1) for name in rule.state_names}
    kept = []
    for row in rows:
        norm = tf.constant(row[0] if isinstance(rule, clipping.ByZScore) else row)
        factor, state = (rule.coefficient if isinstance(rule, clipping.ByZScore) else rule.factors)(norm, **state)
        kept.append(np.ravel(norm * factor))
    return np.array(kept, "float64")


def test_norms_that_do_not_change_have_no_deviation_and_the_first_that_rises_comes_down_to_them():
    kept, _ = left_of(clipping.ByZScore(warm_up=3), [2.0, 2.0, 2.0, 2.0, 10.0, 2.0])
    np.testing.assert_allclose(kept[:, 0], [2, 2, 2, 2, 2, 2], rtol=1e-6)


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rule", [
    clipping.ByZScore(1.0, warm_up=2), clipping.ByTensorHistory(1.5, warm_up=2, limit=5.0),
], ids=lambda rule: type(rule).__name__)  # fmt: skip
@pytest.mark.parametrize("skip", [True, False])
def test_what_is_not_finite_is_not_remembered(rule, broken, skip):
    states = []
    for norms in ([1.0, 2.0, broken, 3.0, 100.0], [1.0, 2.0, 3.0, 100.0]):
        _, optimizer = left_of(rule, norms, skip_nonfinite=skip)
        states.append({name: v.numpy() for name, v in optimizer._clipper.state.items()})
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name])
        assert np.isfinite(value).all()


def test_a_spike_of_one_entry_that_is_infinite_is_not_hidden():
    for rule in (clipping.ByZScore(1.0, warm_up=2), clipping.ByTensorHistory(warm_up=1)):
        kept, _ = left_of(rule, [1.0, 2.0, 1.0, np.inf])
        assert not np.isfinite(kept[-1]).all()


def test_a_tensor_whose_gradient_was_0_at_first_still_moves():
    rows = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 3.0], [1.0, 3.0]])
    kept, _ = left_of(clipping.ByTensorHistory(1.5, warm_up=1, limit=10.0), rows)
    np.testing.assert_allclose(kept, rows, rtol=1e-6)


def test_a_tensor_without_a_gradient_keeps_its_history():
    optimizer = ours.SGD(1.0, clip=clipping.ByTensorHistory(2.0, warm_up=1, limit=10.0))
    a, b = keras.Variable([0.0]), keras.Variable([0.0])
    optimizer.build([a, b])
    for gradient, variables in (([1.0, 2.0], [a, b]), ([50.0], [a]), ([50.0], [b])):
        optimizer.apply([keras.ops.array([g]) for g in gradient], variables)
    assert (float(a[0]), float(b[0])) == (-3.0, -6.0)
    np.testing.assert_array_equal(optimizer._clipper.state["counts"].numpy(), [1, 1])


def test_a_sparse_gradient_is_clipped_as_the_dense_one():
    rows, values = np.array([1, 4, 1]), np.array([[3.0, 0.0], [0.0, 4.0], [0.0, 8.0]], "float32")
    dense = np.zeros((6, 2), "float32")
    np.add.at(dense, rows, values)
    results = []
    for g in (tf.IndexedSlices(values, rows, (6, 2)), tf.constant(dense)):
        variable, optimizer = keras.Variable(np.zeros((6, 2))), ours.SGD(1.0, clip=clipping.ByTensorHistory(limit=2.0))
        optimizer.apply([g], [variable])
        results.append(variable.numpy())
    np.testing.assert_allclose(*results, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(results[0]), 2.0, rtol=1e-6)


def test_updates_are_remembered_and_not_micro_steps():
    for rule, name in ((clipping.ByZScore(), "count"), (clipping.ByTensorHistory(), "counts")):
        _, optimizer = left_of(rule, [1.0, 3.0, 5.0, 7.0, 100.0], gradient_accumulation_steps=2)
        assert float(np.max(optimizer._clipper.state[name].numpy())) == 2


def test_a_curve_of_clipping_is_told_as_of_the_rules_that_clip_tensor_by_tensor():
    x, y = RNG.normal(size=(32, 4)).astype("float32"), RNG.normal(size=(32, 1)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(ours.SGD(0.1, clip=clipping.ByTensorHistory(limit=0.01)), "mse")
    logger = callbacks.GradientClippingLogger()
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[logger])
    assert "clipped 100.0% of 4 steps" in " ".join(logger.findings())


@pytest.mark.parametrize("make, received", [
    (lambda: clipping.ByZScore(0), r"`threshold`.*threshold=0\. 2\.5 is ZClip's"),
    (lambda: clipping.ByZScore(float("inf")), "threshold=inf"),
    (lambda: clipping.ByZScore(rho=1.0), r"rho=1\.0"),
    (lambda: clipping.ByZScore(warm_up=1), "warm_up=1"),
    (lambda: clipping.ByTensorHistory(0.99), r"`ratio`.*ratio=0\.99"),
    (lambda: clipping.ByTensorHistory(rho=-0.1), r"rho=-0\.1"),
    (lambda: clipping.ByTensorHistory(warm_up=0), "warm_up=0"),
    (lambda: clipping.ByTensorHistory(limit=0.0), r"limit=0\.0"),
])  # fmt: skip
def test_bad_arguments_are_refused(make, received):
    with pytest.raises(ValueError, match=received):
        make()


def test_the_defaults_are_those_of_the_papers():
    assert clipping.ByZScore() == clipping.ByZScore(2.5, 0.97, 25)
    assert clipping.ByTensorHistory() == clipping.ByTensorHistory(1.05, 0.98, 100, 1.0)
