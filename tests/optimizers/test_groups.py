"""Groups: each weight moves at the rate, and decays as, the first group says that fits it, in one pass for all."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, clipping, schedules
from keras_ch8 import optimizers as ours
from keras_ch8.optimizers import Group
from keras_ch8.optimizers._layout import TILE
from tests import forked
from tests.callbacks import resuming
from tests.callbacks.runs import STEPS, Frames, fit, network
from tests.callbacks.test_tensorboard import read
from tests.optimizers.algorithms import ALGORITHMS, NAMES, make, random_grads, step
from tests.optimizers.layerwise import LAMB
from tests.optimizers.test_compiled import xla_calls

START = np.linspace(-1.0, 1.5, 12)
CURVATURES = np.logspace(-2, 1.5, 12)
SLOW = Group("slow*", learning_rate=0.125, weight_decay=False)


def gradient(theta):
    return CURVATURES * theta


# --- the algorithm ----------------------------------------------------------------------------------------------------


@pytest.mark.broad
@pytest.mark.parametrize("name", NAMES)
def test_a_group_follows_the_algorithm_at_its_rate_and_others_at_theirs(name, float64):
    optimizer = make(name, groups=[SLOW])
    variables = [keras.Variable(START, dtype="float64", name=one) for one in ("first", "slow_1", "second", "slow_2")]
    for _ in range(50):
        step(optimizer, variables, [gradient(v.numpy()) for v in variables])
    oracle = ALGORITHMS[name][1]
    slow = {"lr": oracle.keywords["lr"] / 8} | ({"decay": 0.0} if "decay" in oracle.keywords else {})
    expected = oracle(START, gradient, 50)[-1], oracle(START, gradient, 50, **slow)[-1]
    for found, one in zip(optimizer.book_variables(), (0, 1, 0, 1), strict=True):
        np.testing.assert_allclose(found, expected[one], rtol=0, atol=1e-9)
    assert np.abs(expected[0] - expected[1]).max() > 1e-3


@pytest.mark.parametrize("shape, dtype", [((4, 3), "float32"), ((300, 200), "float32"), ((4, 3), "bfloat16")])
def test_so_it_is_in_a_tile_in_place_and_with_narrow_weights(shape, dtype):
    start, g = np.full(shape, 0.5, "float32"), np.ones(shape, "float32")
    slow, fast = (keras.Variable(start, dtype=dtype, name=name) for name in ("slow", "fast"))
    optimizer = ours.SGD(0.125, weight_decay=0.5, groups=[Group("slow", learning_rate=0.5, weight_decay=0.25)])
    step(optimizer, [slow, fast], [g, g])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(slow), 0.5 - 0.0625 - 0.0625 * 0.125 * 0.5)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(fast), 0.5 - 0.125 - 0.125 * 0.5 * 0.5)


def test_a_rule_that_looks_at_a_whole_layer_is_given_the_rate_of_the_group():
    starts = np.split(np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3), 2)
    slow, fast = (keras.Variable(start, name=name) for start, name in zip(starts, ("slow", "fast"), strict=True))
    alone = keras.Variable(starts[0])
    g = random_grads(1)[0]
    step(LAMB(0.1, groups=[Group("slow", learning_rate=0.5)]), [slow, fast], [g, g])
    step(LAMB(0.05), [alone], [g])
    np.testing.assert_allclose(slow.numpy(), alone.numpy(), rtol=1e-6)


def test_only_rows_with_a_gradient_move_and_at_the_rate_of_the_group():
    table = keras.Variable(np.zeros((20_000, 4), "float32"), name="table")
    optimizer = ours.Adagrad(0.5, groups=[Group("table", learning_rate=0.25)])
    slices = tf.IndexedSlices(tf.ones((2, 4)), tf.constant([3, 7]), tf.constant([20_000, 4]))
    optimizer.apply([slices], [table])
    moved = np.flatnonzero(table.numpy().any(axis=1))
    assert moved.tolist() == [3, 7]
    np.testing.assert_allclose(table.numpy()[3], -0.125, rtol=1e-6)


def test_a_schedule_and_a_rate_that_changes_are_multiplied():
    rates = [0.4, 0.2, 0.1]
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0, 1], rates)
    optimizer = ours.SGD(schedule, groups=[Group("slow", learning_rate=0.5)])
    slow, fast = keras.Variable([0.0], name="slow"), keras.Variable([0.0], name="fast")
    for _ in rates:
        step(optimizer, [slow, fast], [np.ones(1, "float32")] * 2)
    np.testing.assert_allclose([slow[0], fast[0]], [-0.35, -0.7], rtol=1e-6)
    changed = ours.SGD(1.0, groups=[Group("slow", learning_rate=0.5)])
    changed.learning_rate = 0.25
    step(changed, [slow, fast], [np.ones(1, "float32")] * 2)
    np.testing.assert_allclose([slow[0], fast[0]], [-0.475, -0.95], rtol=1e-6)


def test_clipping_sees_the_whole_gradient_whatever_the_groups():
    slow, fast = keras.Variable([0.0], name="slow"), keras.Variable([0.0], name="fast")
    optimizer = ours.SGD(1.0, global_clipnorm=1.0, groups=[Group("slow", learning_rate=0.5)])
    step(optimizer, [slow, fast], [np.array([3.0], "float32"), np.array([4.0], "float32")])
    np.testing.assert_allclose([slow[0], fast[0]], [-0.3, -0.8], rtol=1e-6)


# --- one pass ---------------------------------------------------------------------------------------------------------


def test_groups_need_no_more_tiles_and_few_of_them_have_several_rates():
    shapes = [(100, 100), (100,)] * 30
    groups = [Group.of_rank(1, learning_rate=0.5), Group("*6", learning_rate=0.1)]
    plain, grouped = ours.Adam(), ours.Adam(groups=groups)
    for optimizer in (plain, grouped):
        optimizer.build([keras.Variable(np.zeros(s, "float32"), name=f"v_{i}") for i, s in enumerate(shapes)])
    lengths = [[block.length for block in optimizer._layout.blocks] for optimizer in (plain, grouped)]
    assert len(lengths[0]) == len(lengths[1]) == -(-30 * 10_100 // TILE)
    rates = [{grouped.grouping.rate(i) for i in block.parts} for block in grouped._layout.blocks]
    assert sum(len(some) > 1 for some in rates) <= 2


@pytest.mark.slow
def test_the_step_calls_as_many_programs_as_without_groups():
    shapes = [(30, 20)] * 100 + [(7,), (), (300, 200), (250, 300)]
    variables = [keras.Variable(np.ones(s, "float32")) for s in shapes]
    grads = [tf.ones(s) for s in shapes]
    groups = [Group.of_rank(1, weight_decay=False), Group("*", learning_rate=0.5)]
    optimizer = ours.Adam(weight_decay=0.1, groups=groups)
    optimizer.build(variables)
    graph = tf.function(lambda: optimizer.apply(grads, variables), autograph=False).get_concrete_function().graph
    assert sum(xla_calls(graph).values()) == 4


# --- which weights ----------------------------------------------------------------------------------------------------


def nested():
    base = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(3)], name="base")
    inputs = keras.Input((4,))
    x = keras.layers.LayerNormalization(name="norm")(base(inputs))
    return keras.Model(inputs, keras.layers.Dense(1, name="head")(x)), base


def factors(model, groups):
    optimizer = ours.AdamW(1e-3, groups=groups)
    optimizer.build(model.trainable_variables)
    return [(optimizer.grouping.rate(i), optimizer.grouping.decay(i)) for i in range(len(model.trainable_variables))]


def test_the_first_group_that_fits_holds():
    model, base = nested()
    groups = [Group.of_layer(base, learning_rate=0.1), Group.of_rank(1, weight_decay=False), Group("head/*", 0.5)]
    found = factors(model, groups)
    assert found == [(0.1, 0.1)] * 4 + [(1.0, 0.0)] * 2 + [(0.5, 0.5), (1.0, 0.0)]


def test_the_rate_falls_with_the_depth_layer_by_layer_also_of_a_model_inside():
    model, base = nested()
    found = [rate for rate, _ in factors(model, Group.by_depth(model, 0.5))]
    assert found == [0.125] * 2 + [0.25] * 2 + [0.5] * 2 + [1.0] * 2
    base.layers[0].trainable = False
    assert [group.learning_rate for group in Group.by_depth(model, 0.5)] == [0.25, 0.5, 1.0]


def test_a_layer_that_rests_but_for_a_part_of_it_has_a_rate_by_its_depth():
    """As after `enable_lora` of a backbone of KerasHub: the layer itself then names no trainable variables."""
    inputs, attention = keras.Input((3, 2)), keras.layers.MultiHeadAttention(1, 2)
    model = keras.Model(inputs, keras.layers.Dense(1)(attention(inputs, inputs)))
    attention.trainable = False
    attention.query_dense.trainable = True
    attention.query_dense.enable_lora(1)
    assert attention.trainable_variables == []
    assert [rate for rate, _ in factors(model, Group.by_depth(model, 0.5))] == [0.5] * 3 + [1.0] * 2


def test_a_group_is_a_value_that_is_saved():
    for group in (Group("a/*", 0.1, False), Group(["a/kernel", "b/kernel"]), Group.of_rank(1, weight_decay=0.5)):
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(group)))
        assert keras.saving.deserialize_keras_object(config) == group
        assert eval(repr(group), {"Group": Group}) == group
    assert Group.of_rank(1).label == "rank 1"
    assert Group(["a", "b", "c"], rank=2).label == "a and 2 more of rank 2"


REFUSED = [
    (lambda: Group("a", 0.0), r"Received: learning_rate=0.0. Try 0.1, or `trainable = False`"),
    (lambda: Group("a", weight_decay=-1.0), r"Received: weight_decay=-1.0. Try False"),
    (lambda: Group([]), r"`paths` says which weights .* Received: paths=\[\]. Try \"encoder/\*\""),
    (lambda: Group.of_rank(-1), "an integer of at least 0. Received: rank=-1"),
    (lambda: Group.of_layer(keras.layers.Dense(1)), "which has none. Pass a layer or a model that is built"),
    (lambda: Group.by_depth(nested()[0], 1.5), r"a number in \(0, 1\]. Received: decay=1.5"),
    (lambda: ours.Adam(groups=Group("a")), r"must be a list of groups, such as `Group\(.* Received: groups=Group"),
    (
        lambda: ours.SGD(groups=[Group("a", weight_decay=0.5)]),
        "which has none. Received: groups with Group.*weight_decay`",
    ),
    (lambda: ours.LBFGS(groups=[Group("a")]), r"takes its own arguments only.*Received: LBFGS\(groups="),
    (lambda: keras.optimizers.Adam(groups=[Group("a")]), "not recognized: {'groups'"),  # Keras's own words
    (lambda: keras.optimizers.Adam(Group("a")), "`learning_rate` should be float"),
    (
        lambda: ours.BlockCoordinateDescent(ours.SGD(groups=[Group("a")]), ["a", "b"]),
        "`inner` must have no `groups`. Received: groups=.*Remove them",
    ),
]


@pytest.mark.parametrize("make_one, message", REFUSED)
def test_what_cannot_be_is_refused_with_the_fix(make_one, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make_one()


UNFIT = [
    (Group("encoder/*"), r"matches none of \['dense/kernel', 'dense/bias', 'head/kernel'\]\. Fix its pattern"),
    (Group("dense/b*"), r"to earlier groups: \['dense/bias'\]\. Move it before them, or remove it"),
]


@pytest.mark.parametrize("group, message", UNFIT)
def test_a_group_without_weights_is_an_error_that_lists_the_paths_and_leaves_the_optimizer_as_it_was(group, message):
    dense, head = keras.layers.Dense(2, name="dense"), keras.layers.Dense(1, use_bias=False, name="head")
    head(dense(np.ones((1, 3))))
    optimizer = ours.SGD(groups=[Group("dense/bias", 0.1), group])
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            optimizer.build([*dense.variables, *head.variables])


def test_weights_of_one_path_cannot_be_told_apart_by_it():
    layers = [keras.layers.Dense(2, name="same") for _ in range(2)]
    for layer in layers:
        layer.build((None, 2))
    variables = [v for layer in layers for v in layer.variables]
    with pytest.raises(ValueError, match=r"Received: groups for \['same/kernel', 'same/bias'\], which occur sev"):
        ours.SGD(groups=[Group.of_layer(layers[0], learning_rate=0.1)]).build(variables)
    ours.SGD(groups=[Group.of_rank(1, learning_rate=0.1)]).build(variables)


def test_groups_cannot_change_once_they_are_compiled():
    optimizer = ours.SGD(groups=[Group("v")])
    optimizer.build([keras.Variable([0.0], name="v")])
    with pytest.raises(AttributeError, match=r"`groups` is compiled into the update step"):
        optimizer.groups = ()


# --- saved, resumed, watched -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_saved_model_goes_on_in_a_new_process_bit_for_bit(tmp_path):
    """Keras drops "encoder/" and "decoder/" from the paths of the loaded weights, and so two have one path."""
    model = (
        "of = lambda name, *sizes: keras.Sequential([keras.layers.Dense(size, 'tanh') for size in sizes], name=name)\n"
        "m = keras.Sequential([keras.Input((4,)), of('encoder', 3, 2), of('decoder', 2, 1)])\n"
        "Group = keras_ch8.optimizers.Group\n"
        "groups = [Group('*encoder/*', learning_rate=0.1, weight_decay=False), Group('*decoder/*', weight_decay=0.5)]\n"
        "m.compile(keras_ch8.optimizers.AdamW(0.05, groups=groups), 'mse')\n"
    )
    uninterrupted, resumed = forked.trained_on(tmp_path / "m.keras", model)
    assert len(uninterrupted) > 500
    assert resumed == uninterrupted


def test_an_optimizer_made_again_for_other_weights_finds_its_groups_anew():
    head, base = keras.Variable([0.0], name="head"), keras.Variable([0.0], name="base")
    first = ours.SGD(1.0, groups=[Group("head", learning_rate=0.5)])
    first.build([head])
    again = ours.SGD.from_config(first.get_config())
    step(again, [base, head], [np.ones(1, "float32")] * 2)
    assert (float(base[0]), float(head[0])) == (-1.0, -0.5)


@pytest.mark.slow
def test_a_resumed_training_is_the_uninterrupted_one_and_other_groups_are_refused(tmp_path):
    def model(factor=0.1):
        groups = [Group.of_rank(1, weight_decay=False), Group("*", learning_rate=factor)]
        return lambda: resuming.small_model(ours.AdamW(schedules.LinearDecay(2e-2, "3ep"), groups=groups))

    def resume():
        return callbacks.Resume(tmp_path, every="1ba")

    whole = resuming.train(model=model())
    resuming.assert_same(resuming.interrupted(resume, [3, 8], model=model()), whole)
    with pytest.raises(ValueError, match=r"optimizer.*groups.*learning_rate: 0.1 then, 0.2 now"):
        resuming.train(callbacks.Resume(tmp_path), model=model(0.2))


@pytest.mark.slow
@pytest.mark.parametrize("way", [{}, {"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_tensorboard_shows_rate_and_update_of_each_group(tmp_path, way):
    model = network("sgd", **way)
    groups = [Group.of_layer(model.layers[0], learning_rate=0.25), Group.of_rank(1)]
    model.compile(ours.SGD(0.1, groups=groups, clip=clipping.ByGlobalNorm(0.5)), "mse", **way)
    before, seen = [w.copy() for w in model.get_weights()], []

    class Weights(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append([w.copy() for w in model.get_weights()])

    frames = Frames()
    fit(model, [callbacks.TensorBoard(tmp_path, measure_every=1), frames, Weights()])
    curves = read(tmp_path)
    names = [f"{number}_{name}" for number, name in enumerate(_labels(model))]
    for name, members, rate in zip(names, ((0, 1), (3,), (2,)), (0.025, 0.1, 0.1), strict=True):
        assert curves[f"step/group_learning_rate_{name}"] == [(k + 1, pytest.approx(rate)) for k in range(2 * STEPS)]
        expected = [_ratio(a, b, members) for a, b in zip([before, *seen], seen, strict=False)]
        np.testing.assert_allclose([v for _, v in curves[f"step/group_relative_update_{name}"]], expected, rtol=1e-4)


def _labels(model):
    first = model.layers[0].kernel.path.replace("/", "_")
    return f"{first}_and_1_more", "rank_1", "others"


def _ratio(before, after, members):
    moved = np.sqrt(sum(np.sum((after[i] - before[i]) ** 2) for i in members))
    return moved / np.sqrt(sum(np.sum(after[i] ** 2) for i in members))


@pytest.mark.slow
def test_who_watches_an_optimizer_with_groups_changes_no_bit():
    def weights(*watching):
        model = network("sgd")
        model.compile(ours.Adam(0.1, groups=[Group.of_rank(1, learning_rate=0.1)]), "mse")
        fit(model, list(watching))
        return model.get_weights()

    for a, b in zip(weights(), weights(Frames(observes_updates=1)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_optimizer_with_groups_says_them_and_its_configuration_may_be_given_others():
    variables = [keras.Variable([0.0], name=name) for name in ("head", "base")]
    first = ours.SGD(1.0, groups=[Group("head", learning_rate=0.5)])
    first.build(variables)
    assert "groups=" in repr(first)
    again = ours.SGD.from_config(first.get_config() | {"groups": [Group("base", learning_rate=0.25)]})
    step(again, variables, [np.ones(1, "float32")] * 2)
    assert [float(v[0]) for v in variables] == [-1.0, -0.25]
