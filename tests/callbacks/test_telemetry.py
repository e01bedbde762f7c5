"""The row of every step is what a loop by hand finds, for our optimizers and Keras's, however `fit` runs."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, clipping
from keras_ch8 import optimizers as ours
from keras_ch8.callbacks.session import batch_counter
from keras_ch8.telemetry.observation import ObservedOptimizer
from keras_ch8.telemetry.recorder import Wishes
from tests.board.readers import python_loader
from tests.callbacks.runs import BATCH, STEPS, Frames, X, Y, by_hand, fit, network
from tests.marks import mostly
from tests.networks import Counted, Unbuilt

OPTIMIZERS = {"ours": ours.SGD, "Keras": keras.optimizers.SGD}
both = pytest.mark.parametrize("kind", OPTIMIZERS)
WAYS = [
    {"jit_compile": False}, {"jit_compile": True}, {"run_eagerly": True}, {"steps_per_execution": 4},
]  # fmt: skip


def pairs(quick):
    """Return the kinds with the ways; behind `slow` but for this one."""
    return [
        pytest.param(kind, way, marks=() if (kind, i) == quick else pytest.mark.slow, id=f"{way}-{kind}")
        for i, way in enumerate(WAYS)
        for kind in OPTIMIZERS
    ]


def check(frames, expected, rtol=1e-5):
    np.testing.assert_array_equal(frames.steps, np.arange(1, 2 * STEPS + 1))
    for name in ("loss", "norm", "clipped"):
        np.testing.assert_allclose(getattr(frames, name), expected[name], rtol=rtol, err_msg=name)
    np.testing.assert_array_equal(frames.measured, frames.steps)
    np.testing.assert_allclose(frames.update, expected["update"], rtol=max(rtol, 1e-4))
    np.testing.assert_array_equal(frames.nonfinite, 0)


@pytest.mark.broad
@pytest.mark.parametrize("kind, way", pairs(("ours", 0)))
def test_every_step_is_what_a_loop_by_hand_finds(kind, way):
    frames = Frames()
    fit(network(OPTIMIZERS[kind](0.1), **way), [frames])
    check(frames, by_hand(0.1))
    np.testing.assert_allclose(frames.learning_rate, 0.1)
    # The update is a difference of rounded weights here, and the smallest gradients are lost in it.
    np.testing.assert_allclose(frames.rates[:, 1], 0.1, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("kind, way", pairs(("Keras", 0)))
def test_where_nobody_asks_to_measure_the_other_numbers_are_the_same(kind, way):
    frames, expected = Frames(observes_updates=None), by_hand(0.1)
    fit(network(OPTIMIZERS[kind](0.1), **way), [frames])
    np.testing.assert_array_equal(frames.steps, np.arange(1, 2 * STEPS + 1))
    for name in ("loss", "norm", "clipped"):
        np.testing.assert_allclose(getattr(frames, name), expected[name], rtol=1e-5, err_msg=name)
    np.testing.assert_array_equal(frames.nonfinite, 0)
    np.testing.assert_allclose(frames.learning_rate, 0.1)
    assert [len(x) for x in (frames.measured, frames.update, frames.rates)] == [0, 0, 0]


@pytest.mark.slow
@pytest.mark.broad
@both
def test_where_nobody_asks_to_measure_no_step_branches(kind, monkeypatch):
    branches, cond = [], tf.cond
    monkeypatch.setattr(tf, "cond", lambda *args: branches.append(1) or cond(*args))
    fit(network(OPTIMIZERS[kind](0.1), jit_compile=False), [Frames(observes_updates=None)])
    assert not branches
    fit(network(OPTIMIZERS[kind](0.1), jit_compile=False), [Frames()])
    assert branches


@pytest.mark.slow
@pytest.mark.broad
@both
def test_where_nobody_asks_to_measure_a_norm_out_of_range_is_0_or_infinite(kind):
    for size, norm in ((1e-25, 0.0), (1e25, np.inf)):
        frames, model = Frames(observes_updates=None), network("sgd")
        model.compile(OPTIMIZERS[kind](0.0), lambda y, p, size=size: size * keras.losses.mean_squared_error(y, p))
        fit(model, [frames])
        np.testing.assert_array_equal(frames.norm, norm)
        assert np.isnan(frames.nonfinite).all()


@pytest.mark.broad
@both
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_in_mixed_precision_it_is_the_true_gradient_and_loss(kind, policy):
    frames = Frames()
    fit(network(OPTIMIZERS[kind](0.1), policy), [frames])
    check(frames, by_hand(0.1), rtol=0.03)


RULES = {
    "by_global_norm": (
        clipping.ByGlobalNorm(0.5),
        lambda gs: [g * min(1, 0.5 / np.sqrt(sum(np.sum(h * h) for h in gs))) for g in gs],
    ),
    "by_value": (clipping.ByValue(0.05), lambda gs: [np.clip(g, -0.05, 0.05) for g in gs]),
    "by_norm": (clipping.ByNorm(0.2), lambda gs: [g * min(1, 0.2 / np.linalg.norm(g)) for g in gs]),
}


@pytest.mark.slow
@pytest.mark.broad
@both
@pytest.mark.parametrize("rule", RULES)
def test_the_norm_before_and_after_clipping(kind, rule):
    frames, (rule, clip) = Frames(), RULES[rule]
    if kind == "ours":
        fit(network(ours.SGD(0.1, clip=rule)), [frames])
    else:
        fit(network(keras.optimizers.SGD(0.1)), [callbacks.ClipGradients(rule), frames])
    expected = by_hand(0.1, clip=clip)
    assert (expected["clipped"] < expected["norm"]).all()
    check(frames, expected)
    np.testing.assert_allclose(frames.coefficient, expected["clipped"] / expected["norm"], rtol=1e-5)
    assert frames.was_clipped.all()


HAS_MULTI = hasattr(keras.optimizers, "MultiOptimizer")


@pytest.mark.slow
@pytest.mark.skipif(not HAS_MULTI, reason="this Keras has no MultiOptimizer")
def test_an_optimizer_made_of_several_has_all_but_one_learning_rate_and_that_of_each(tmp_path):
    two = {"dense.*/bias": keras.optimizers.SGD(0.1, name="head")}
    two = keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1, name="rest"), two)
    frames = Frames()
    fit(network(keras.optimizers.MultiOptimizer(two)), [frames, callbacks.TensorBoard(tmp_path)])
    check(frames, by_hand(0.1))
    with python_loader(tmp_path) as board:
        assert "step/learning_rate" not in board.scalars()
        rates = [board.scalars()[f"step/{name}/learning_rate"][-1] for name in ("rest", "head")]
        assert rates == [(2 * STEPS, pytest.approx(0.1))] * 2
        assert len(board.steps("step/gradient_norm")) == 2 * STEPS


@pytest.mark.slow
def test_accumulated_gradients_are_seen_as_the_update_sees_them():
    frames = Frames()
    fit(network(ours.SGD(0.1, gradient_accumulation_steps=2)), [frames])
    np.testing.assert_array_equal(frames.steps, np.arange(2, 2 * STEPS + 1, 2))  # in batches
    whole = Frames()
    fit(network(ours.SGD(0.1)), [whole], batch_size=2 * BATCH)
    np.testing.assert_allclose(frames.norm, whole.norm, rtol=1e-5)
    np.testing.assert_allclose(frames.update, whole.update, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.broad
@both
@pytest.mark.parametrize("size", [1e-25, 1e19, 1e25])
def test_a_norm_whose_square_is_no_float_is_seen(kind, size):
    frames = Frames()
    model = network("sgd")
    model.compile(OPTIMIZERS[kind](0.0), lambda y, p: size * keras.losses.mean_squared_error(y, p))
    fit(model, [frames])
    plain = Frames()
    fit(network(ours.SGD(0.0)), [plain])
    np.testing.assert_allclose(frames.norm / size, plain.norm, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.broad
@both
def test_infinite_and_nan_entries_are_counted_and_shown(kind):
    x = X.copy()
    x[BATCH : 2 * BATCH, 0] = np.nan
    skips = {"skip_nonfinite": True} if kind == "ours" else {}
    model, frames = network(OPTIMIZERS[kind](0.1, **skips)), Frames()
    model.fit(x, Y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[frames])
    broken = np.array([False, True, not skips, not skips, not skips, not skips])
    np.testing.assert_array_equal(frames.nonfinite, broken * model.count_params())
    np.testing.assert_array_equal(np.isnan(frames.norm), broken)
    np.testing.assert_array_equal(np.isnan(frames.loss), broken)


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly(pytest.mark.full, ["Adam", "Momentum", "Adagrad"], "Adam"))
def test_measured_at_every_kth_step_with_weight_decay(name):
    frames, every = Frames(observes_updates=3), Frames()
    for f in (frames, every):
        fit(network(getattr(ours, name)(0.01, weight_decay=0.1)), [f])
    np.testing.assert_array_equal(frames.measured, [3, 6, 9, 12])
    np.testing.assert_array_equal(frames.update, every.update[2::3])
    start = network("sgd").get_weights()
    one = Frames()
    model = network(getattr(ours, name)(0.01, weight_decay=0.1))
    fit(model, [one], epochs=1, steps_per_epoch=1)
    moved = np.concatenate([(a - b).ravel() for a, b in zip(start, model.get_weights(), strict=True)])
    np.testing.assert_allclose(one.update, np.linalg.norm(moved), rtol=1e-4)


@pytest.mark.slow
def test_op_by_op_a_step_that_is_not_measured_leaves_the_same_row():
    some, every = Frames(observes_updates=3), Frames()
    for frames in (some, every):
        fit(network(ours.Adam(0.01, global_clipnorm=0.5), run_eagerly=True), [frames])
    for name in ("steps", "loss", "learning_rate", "norm", "clipped"):
        np.testing.assert_array_equal(getattr(some, name), getattr(every, name), err_msg=name)
    np.testing.assert_array_equal(some.measured, [3, 6, 9, 12])
    np.testing.assert_array_equal(some.update, every.update[2::3])


@pytest.mark.slow
def test_op_by_op_the_update_is_measured_after_the_constraints():
    model, frames = network(ours.SGD(0.1), run_eagerly=True), Frames()
    for variable in model.trainable_variables:
        variable.constraint = keras.constraints.MaxNorm(0.1)
    before = model.get_weights()
    fit(model, [frames], epochs=1, steps_per_epoch=1)
    moved = np.concatenate([(a - b).ravel() for a, b in zip(before, model.get_weights(), strict=True)])
    np.testing.assert_allclose(frames.update, np.linalg.norm(moved), rtol=1e-4)
    assert frames.update[0] > 2 * 0.1 * frames.norm[0]  # the constraints have moved the weights further


def test_op_by_op_each_observer_has_the_rows_of_its_steps():
    optimizer, variable = ours.SGD(0.1), keras.Variable(np.ones(3, "float32"))
    for last in (3, 6):
        observed = ObservedOptimizer(optimizer)
        with contextlib.ExitStack() as exits:
            observed.start(Wishes(rows=8), exits)
            for k in range(last - 2, last + 1):
                optimizer.apply([tf.fill([3], float(k))], [variable])
        frame = observed.recorder.read(1, last)
        np.testing.assert_array_equal(frame.steps, [last - 2, last - 1, last])
        np.testing.assert_allclose(frame.norm, np.sqrt(3) * frame.steps, rtol=1e-6)


@pytest.mark.slow
def test_an_embedding_among_large_and_small_variables():
    ids = np.random.default_rng(0).integers(0, 50, (32, 3))
    for kind, optimizer in OPTIMIZERS.items():
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Embedding(20_000, 4), keras.layers.Flatten(), keras.layers.Dense(300, "tanh")]
        model = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(300), keras.layers.Dense(1)])
        before = [v.numpy() for v in model.trainable_variables]
        model.compile(optimizer(0.1), "mse")
        frames = Frames()
        model.fit(ids, np.ones(32), batch_size=32, verbose=0, callbacks=[frames])
        moved = np.concatenate(
            [(a - v.numpy()).ravel() for a, v in zip(before, model.trainable_variables, strict=True)]
        )
        np.testing.assert_allclose(frames.update, np.linalg.norm(moved), rtol=1e-4, err_msg=kind)
        np.testing.assert_allclose(frames.norm, np.linalg.norm(moved) / 0.1, rtol=1e-4, err_msg=kind)


@pytest.mark.slow
def test_many_fits_trace_once_more_and_a_bare_one_is_as_before():
    model = Counted([keras.Input((6,)), keras.layers.Dense(2)])
    optimizer = ours.Adam()
    model.compile(optimizer, "mse", jit_compile=False)
    fit(model, [])
    variables, bare, once = len(optimizer.variables), model.train_function, model.traces
    for _ in range(3):
        fit(model, [Frames()])
        assert model.train_function is bare
        fit(model, [])
    assert model.traces == once + 1
    assert len(optimizer.variables) == variables


@pytest.mark.slow
def test_steps_that_are_read_late_are_still_there(monkeypatch):
    monkeypatch.setattr(batch_counter, "READ_EVERY", 4)
    frames = Frames()
    fit(network(ours.SGD(0.1), steps_per_execution=4), [frames])
    check(frames, by_hand(0.1))
    assert len(frames.frames) > 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras's own, false here
def test_data_of_unknown_length_leaves_no_row_of_a_step_that_was_not():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH).filter(lambda *_: True)
    for kind, optimizer in OPTIMIZERS.items():
        frames = Frames()
        network(optimizer(0.1), jit_compile=False).fit(data, epochs=2, shuffle=False, verbose=0, callbacks=[frames])
        if kind == "ours":  # Keras's own optimizers count a step without data
            check(frames, by_hand(0.1))


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("optimizer", ["sgd", "keras_ch8>Adam"])
def test_a_model_that_its_first_batch_builds_is_heard_from_the_first_step(optimizer):
    def train(*callbacks):
        keras.utils.set_random_seed(0)
        model = Unbuilt(5)
        model.compile(optimizer, "mse")
        return fit(model, callbacks)["loss"]

    frames = Frames()
    assert train(frames) == train()
    np.testing.assert_array_equal(frames.steps, np.arange(1, 2 * STEPS + 1))


@pytest.mark.slow
def test_a_training_that_dies_before_its_first_step_leaves_a_model_that_can_be_trained():
    class Fails(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            raise RuntimeError("no")

    model, frames = Unbuilt(5), Frames()
    model.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match="no"):
        fit(model, [frames, Fails()])
    fit(model, [frames])
    np.testing.assert_array_equal(frames.steps, np.arange(1, 2 * STEPS + 1))
