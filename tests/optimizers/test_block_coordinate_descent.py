"""One block at a time: the book's quadratic, and that nothing else moves."""

import keras
import numpy as np
import pytest

from keras_ch8 import clipping
from keras_ch8 import optimizers as ours
from tests.optimizers.algorithms import step
from tests.oracles import first_order as oracle

PATTERNS = ["a", "b", "c"]
SHAPES = {"a": (3, 2), "b": (2,), "c": ()}
INNERS = {
    "ours": lambda **options: ours.Adam(0.01, **options),
    "Keras": lambda **options: keras.optimizers.Adam(0.01, epsilon=1e-8, **options),
}
both = pytest.mark.parametrize("inner", INNERS)


def weights():
    rng = np.random.default_rng(0)
    return [keras.Variable(rng.normal(size=shape).astype("float32"), name=name) for name, shape in SHAPES.items()]


def random_steps(count, seed=1):
    rng = np.random.default_rng(seed)
    return [[rng.normal(size=shape).astype("float32") for shape in SHAPES.values()] for _ in range(count)]


def values(variables):
    return [v.numpy() for v in variables]


def descend(optimizer, grads, variables=None):
    """Take the steps; return which block each has moved, and the weights at the end."""
    variables, moved = variables or weights(), []
    for gs in grads:
        step(optimizer, variables, gs)
        moved.append(optimizer.block)
    return moved, values(variables)


# --- the book's quadratic ----------------------------------------------------------------------------------------


@pytest.mark.broad(slow=5)
@pytest.mark.parametrize("a", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("sgd", [ours.SGD, keras.optimizers.SGD])
def test_ten_sweeps_over_the_quadratic_leave_the_share_that_the_formula_says(sgd, a, float64):
    x_1, x_2 = (keras.Variable(1.0, dtype="float64", name=name) for name in ("x_1", "x_2"))
    optimizer = ours.BlockCoordinateDescent(sgd(1 / (2 * (1 + a))), blocks=["x_1", "x_2"])
    for _ in range(20):
        apart = 2 * (x_1.numpy() - x_2.numpy())
        step(optimizer, [x_1, x_2], [apart + 2 * a * x_1.numpy(), -apart + 2 * a * x_2.numpy()])
    assert abs(x_2.numpy() - (1 + a) ** -20) <= 1e-9
    assert abs(x_1.numpy() - (1 + a) ** -19) <= 1e-9


# --- one block moves as it would alone ---------------------------------------------------------------------------


@both
def test_each_block_follows_the_algorithm_of_its_own_gradients_and_the_others_stand_still(inner):
    grads = random_steps(9)
    optimizer, variables = ours.BlockCoordinateDescent(INNERS[inner](), PATTERNS, steps_per_block=2), weights()
    optimizer.build(variables)
    paths = [[v] for v in values(variables)]
    for number, gs in enumerate(grads):
        active = number // 2 % 3
        waiting = [v for i, o in enumerate(optimizer.inners) for v in [variables[i], *o.variables] if i != active]
        before = values(waiting)
        step(optimizer, variables, gs)
        assert optimizer.block == active
        for old, new in zip(before, values(waiting), strict=True):
            np.testing.assert_array_equal(old, new)
        paths[active].append(variables[active].numpy())
    for i, path in enumerate(paths):
        feed = iter([grads[n][i].astype("float64") for n in range(9) if n // 2 % 3 == i])
        expected = oracle.adam(
            path[0].astype("float64"), lambda _, feed=feed: next(feed), len(path) - 1, 0.01, 0.9, 0.999, 1e-8
        )
        np.testing.assert_allclose(np.array(path[1:]), expected, rtol=1e-4 if inner == "Keras" else 1e-5, atol=1e-6)
    assert [int(o.iterations.numpy()) for o in optimizer.inners] == [4, 3, 2]
    assert int(optimizer.iterations.numpy()) == 9


@pytest.mark.slow
def test_clipping_decay_average_and_loss_scale_are_those_of_the_block():
    rate, decay = 0.1, 0.5
    options = {"global_clipnorm": 1.0, "weight_decay": decay, "use_ema": True, "ema_momentum": 0.5}
    inner = ours.SGD(rate, loss_scale_factor=4.0, **options)
    optimizer, variables = ours.BlockCoordinateDescent(inner, PATTERNS), weights()
    optimizer.exclude_from_weight_decay(var_names=["b"])
    expected, averages = values(variables), [None] * 3
    assert float(optimizer.scale_loss(keras.ops.ones(()))) == 4.0
    for number, gs in enumerate(random_steps(6)):
        step(optimizer, variables, [4 * g for g in gs])
        i = number % 3
        shrunk = gs[i] * min(1, 1 / np.linalg.norm(gs[i]))
        expected[i] = expected[i] - rate * (shrunk + (0 if i == 1 else decay) * expected[i])
        averages[i] = expected[i] if averages[i] is None else (averages[i] + expected[i]) / 2
        for variable, value in zip(variables, expected, strict=True):
            np.testing.assert_allclose(variable.numpy(), value, atol=1e-6)
    optimizer.finalize_variable_values(variables)
    for variable, average in zip(variables, averages, strict=True):
        np.testing.assert_allclose(variable.numpy(), average, atol=1e-6)


@pytest.mark.slow
@both
def test_with_accumulated_gradients_a_turn_is_so_many_updates(inner):
    turns = [0, 1, 2]
    grads = random_steps(12)
    variables = weights()
    start = values(variables)
    optimizer = ours.BlockCoordinateDescent(INNERS[inner](gradient_accumulation_steps=2), PATTERNS, 2)
    moved, end = descend(optimizer, grads, variables)
    assert moved == list(np.repeat(turns, 4))
    assert int(optimizer.iterations.numpy()) == 6
    for i in range(3):
        at = 4 * turns.index(i)
        means = iter([(grads[n][i] + grads[n + 1][i]).astype("float64") / 2 for n in (at, at + 2)])
        expected = oracle.adam(
            start[i].astype("float64"), lambda _, means=means: next(means), 2, 0.01, 0.9, 0.999, 1e-8
        )
        np.testing.assert_allclose(end[i], expected[-1], atol=1e-5)


# --- the rate --------------------------------------------------------------------------------------------------------


def test_a_schedule_counts_the_steps_of_all_blocks():
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 6, end_learning_rate=0.0)
    variables = [keras.Variable(0.0, name=name) for name in PATTERNS]
    optimizer = ours.BlockCoordinateDescent(keras.optimizers.SGD(schedule), PATTERNS)
    descend(optimizer, [[np.float32(1)] * 3] * 6, variables)
    np.testing.assert_allclose(values(variables), [-(1 + 3 / 6), -(5 / 6 + 2 / 6), -(4 / 6 + 1 / 6)], rtol=1e-6)
    assert float(optimizer.learning_rate) == 0.0


def test_a_rate_that_is_set_holds_for_all_blocks():
    grads, variables = random_steps(3), weights()
    optimizer = ours.BlockCoordinateDescent("adam", PATTERNS)
    optimizer.learning_rate = 0.5
    _, end = descend(optimizer, grads, variables)
    for i, (new, old) in enumerate(zip(end, values(weights()), strict=True)):
        np.testing.assert_allclose(np.abs(new - old), np.full(SHAPES[PATTERNS[i]], 0.5), rtol=1e-4)  # Adam's first step
    assert optimizer.get_config()["inner"]["config"]["learning_rate"] == 0.5


# --- gradients of other kinds ------------------------------------------------------------------------------------


def test_a_block_that_is_given_no_gradient_takes_its_turn_without_moving():
    a, b = keras.Variable(1.0, name="a"), keras.Variable(1.0, name="b")
    optimizer = ours.BlockCoordinateDescent(ours.SGD(0.5), ["a", "b"])
    optimizer.build([a, b])
    for _ in range(4):
        optimizer.apply([keras.ops.ones(())], [b])
    assert values([a, b]) == [1.0, 0.0]
    optimizer.apply([], [])
    assert int(optimizer.iterations.numpy()) == 4


def test_a_constraint_acts_where_the_block_moves():
    a, b = keras.Variable([3.0, 4.0], name="a"), keras.Variable([3.0, 4.0], name="b")
    a.constraint = b.constraint = keras.constraints.UnitNorm(axis=0)
    optimizer = ours.BlockCoordinateDescent(ours.SGD(1.0, clip=clipping.ByValue(1.0)), ["a", "b"])
    step(optimizer, [a, b], [np.zeros(2, "float32")] * 2)
    np.testing.assert_allclose(a.numpy(), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(b.numpy(), [3.0, 4.0])
