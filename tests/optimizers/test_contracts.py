"""Every class x every property of Keras's base that has to keep working."""

import inspect
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import optimizers as ours
from keras_ch8.extend import check_optimizer
from keras_ch8.extend._optimizers import OPTIMIZER_CONTRACT
from tests.marks import mostly
from tests.optimizers.algorithms import FEW, NAMES, make, random_grads, run, step
from tests.optimizers.layerwise import LAMB

START = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
X, Y = random_grads(1, (24, 6))[0], random_grads(1, (24, 2), seed=1)[0]
every_class = pytest.mark.parametrize("name", NAMES)
PROMISES = {"RMSpropNesterov": (), "Adam": pytest.mark.slow, "Momentum": pytest.mark.slow}
"""When a class has its promises checked: by default, in `.ci/run`, or, as all others have, in `.ci/full`."""
as_promised = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=PROMISES.get(name, pytest.mark.full)) for name in NAMES]
)
a_few_classes = pytest.mark.parametrize("name", FEW)


def fitted(optimizer, epochs=2, **compile_options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, "tanh"), keras.layers.Dense(2)])
    model.compile(optimizer, "mse", **compile_options)
    history = model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return history.history["loss"], model


def path_of(optimizer, grads=None):
    return np.array(run(optimizer, random_grads() if grads is None else grads, START)[1])


@pytest.mark.parametrize("promise", OPTIMIZER_CONTRACT, ids=lambda promise: promise.__name__)
@as_promised
def test_a_class_keeps_the_promises_that_any_optimizer_must_keep(name, promise):
    promise(partial(make, name))


@pytest.mark.slow
def test_so_does_a_rule_that_looks_at_a_whole_layer():
    check_optimizer(LAMB)


@as_promised
def test_weight_decay_takes_its_fraction_before_the_step(name):
    if "theta" in inspect.signature(make(name).rule).parameters:  # it sees what decay has left
        return
    g, lr = random_grads(1), float(make(name).learning_rate)
    plain, decayed = (run(make(name, weight_decay=decay), g, START)[0].numpy() for decay in (0.0, 0.5))
    np.testing.assert_allclose(decayed, plain - lr * 0.5 * START, rtol=0, atol=1e-7)


@as_promised
def test_accumulated_gradients_act_as_their_mean(name):
    grads = random_grads(6)
    found = path_of(make(name, gradient_accumulation_steps=3), grads)
    np.testing.assert_array_equal(found[0], START)
    np.testing.assert_array_equal(found[3], found[2])
    means = path_of(make(name), [np.mean(grads[i : i + 3], axis=0) for i in (0, 3)])
    np.testing.assert_allclose(found[[2, 5]], means, rtol=0, atol=1e-6)


@as_promised
def test_the_moving_average_follows_the_updates(name):
    grads = random_grads(6)
    optimizer, plain = make(name, use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=2), make(name)
    variable, reference, average = keras.Variable(START), keras.Variable(START), None
    for i in range(0, 6, 2):
        step(optimizer, [variable], [grads[i]])
        step(optimizer, [variable], [grads[i + 1]])
        step(plain, [reference], [(grads[i] + grads[i + 1]) / 2])
        average = reference.numpy() if average is None else 0.5 * average + 0.5 * reference.numpy()
        np.testing.assert_allclose(optimizer.averages[0].numpy(), average, rtol=0, atol=1e-6)
    optimizer.finalize_variable_values([variable])
    np.testing.assert_allclose(variable.numpy(), average, rtol=0, atol=1e-6)


@as_promised
def test_the_rule_is_given_the_clipped_gradient(name):
    grads = [10 * g for g in random_grads(5)]
    by_norm = path_of(make(name), [g * min(1, 2 / np.linalg.norm(g)) for g in grads])
    for limit in ({"clipnorm": 2}, {"global_clipnorm": 2}):
        np.testing.assert_allclose(path_of(make(name, **limit), grads), by_norm, rtol=1e-7, atol=1e-6)
    by_value = path_of(make(name), [np.clip(g, -3, 3) for g in grads])
    np.testing.assert_allclose(path_of(make(name, clipvalue=3), grads), by_value, rtol=1e-7, atol=1e-6)


@as_promised
def test_a_skipped_step_changes_nothing(name):
    grads = random_grads(4)
    bad = [grads[0], grads[1] * np.where(np.arange(12).reshape(4, 3) == 5, np.nan, 1), *grads[2:]]
    optimizer = make(name, skip_nonfinite=True, weight_decay=0.1)
    good = path_of(make(name, weight_decay=0.1), [grads[0], *grads[2:]])
    np.testing.assert_allclose(path_of(optimizer, bad), good[[0, 0, 1, 2]], rtol=1e-7, atol=1e-6)
    assert optimizer.skipped_steps == 1
    assert int(optimizer.iterations.numpy()) == 4


@pytest.mark.slow
@pytest.mark.broad
@a_few_classes
def test_fit_gives_the_same_numbers_however_it_is_run(name):
    loss, _ = fitted(make(name), jit_compile=False)
    assert loss[1] < loss[0]
    for options in ({"jit_compile": True}, {"run_eagerly": True}, {"jit_compile": "auto", "steps_per_execution": 3}):
        np.testing.assert_allclose(fitted(make(name), **options)[0], loss, rtol=2e-5)


@pytest.mark.parametrize("name", mostly(pytest.mark.full, NAMES, "RMSpropNesterov", "Adam"))
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.slow
def test_fit_in_mixed_precision(name, policy):
    keras.config.set_dtype_policy(policy)
    try:
        loss, model = fitted(make(name), epochs=3)
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(loss).all()
    assert loss[-1] < loss[0]
    assert all(v.dtype == "float32" for v in model.trainable_variables)


@pytest.mark.broad
@every_class
def test_what_is_excluded_does_not_decay(name):
    g = random_grads(1)
    plain = run(make(name, weight_decay=0.0), g, START)[0].numpy()
    optimizer, variable = make(name, weight_decay=0.5), keras.Variable(START, name="exclude_me")
    optimizer.exclude_from_weight_decay(var_names=["exclude"])
    step(optimizer, [variable], g)
    np.testing.assert_allclose(variable.numpy(), plain, atol=1e-7)


@pytest.mark.broad
@a_few_classes
def test_schedules_callables_and_changed_rates(name):
    rates, grads = [0.02, 0.02, 0.005, 0.005], random_grads(4)
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.02, 0.005])
    by_hand, of_callable, of_schedule = make(name), make(name), make(name)
    of_schedule = type(of_schedule).from_config(of_schedule.get_config() | {"learning_rate": schedule})
    calls = iter(rates)
    of_callable = type(of_callable)(
        **{k: v for k, v in of_callable.get_config().items() if k != "learning_rate"}, learning_rate=lambda: next(calls)
    )
    variables = [keras.Variable(START) for _ in range(3)]
    for rate, g in zip(rates, grads, strict=True):
        by_hand.learning_rate = rate
        for optimizer, variable in zip((by_hand, of_callable, of_schedule), variables, strict=True):
            step(optimizer, [variable], [g])
    assert np.abs(variables[0].numpy() - START).max() > 1e-3
    np.testing.assert_allclose(variables[1].numpy(), variables[0].numpy(), rtol=1e-6)
    np.testing.assert_allclose(variables[2].numpy(), variables[0].numpy(), rtol=1e-6)


def test_a_schedule_counts_updates_not_micro_steps():
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 4, end_learning_rate=0.0)
    optimizer = ours.SGD(schedule, gradient_accumulation_steps=2)
    variable = keras.Variable([0.0])
    for _ in range(8):
        step(optimizer, [variable], [np.ones(1, "float32")])
    np.testing.assert_allclose(variable.numpy(), -(1.0 + 0.75 + 0.5 + 0.25))


@pytest.mark.broad(slow="all")
@a_few_classes
@pytest.mark.parametrize("rows", [5, 20_000])
def test_sparse_gradients_are_the_dense_ones(name, rows):
    """Few rows share a tile; many have a block of their own."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=(rows, 4)).astype("float32")
    sparse, dense = keras.Variable(start), keras.Variable(start)
    optimizers = make(name), make(name)
    for _ in range(3):
        values = rng.normal(size=(4, 4)).astype("float32")
        slices = tf.IndexedSlices(tf.constant(values), tf.constant([1, 3, 1, 4]), tf.constant([rows, 4]))
        optimizers[0].apply([slices], [sparse])
        optimizers[1].apply([tf.convert_to_tensor(slices)], [dense])
    np.testing.assert_allclose(sparse.numpy(), dense.numpy(), atol=1e-6)
    untouched = np.setdiff1d(np.arange(rows), [1, 3, 4])
    if name in ("SGD", "Adagrad", "RMSprop"):
        np.testing.assert_array_equal(sparse.numpy()[untouched], start[untouched])
    for key, state in optimizers[0].state_of(sparse).items():
        np.testing.assert_allclose(state, optimizers[1].state_of(dense)[key], atol=1e-6)
        assert not state[untouched].any()


@pytest.mark.slow
@pytest.mark.broad
@a_few_classes
def test_a_variable_without_gradient_stays_with_its_state(name):
    with_g, without, large = (keras.Variable(a) for a in (START, START, np.ones((300, 200), "float32")))
    optimizer, reference = make(name), make(name)
    alone = keras.Variable(START)
    g = random_grads(2)
    big = np.ones((300, 200), "float32")
    step(optimizer, [with_g, without, large], [g[0], g[0], big])
    step(reference, [alone], [g[0]])
    before, state = without.numpy(), optimizer.state_of(without)
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([keras.ops.convert_to_tensor(g[1]), None, None], [with_g, without, large])
    step(reference, [alone], [g[1]])
    np.testing.assert_array_equal(without.numpy(), before)
    for key, value in optimizer.state_of(without).items():
        np.testing.assert_array_equal(value, state[key])
    np.testing.assert_allclose(with_g.numpy(), alone.numpy(), atol=1e-7)


def test_state_is_saved_variable_by_variable_as_keras_does():
    grads, ch8, theirs = random_grads(3), ours.Adam(0.01), keras.optimizers.Adam(0.01)
    variables = [keras.Variable(START), keras.Variable(np.ones((300, 200), "float32")), keras.Variable(0.5)]
    keras_variables = [keras.Variable(v) for v in variables]
    for g in grads:
        gs = [g, np.ones((300, 200), "float32"), np.float32(0.1)]
        step(ch8, variables, gs)
        step(theirs, keras_variables, gs)
    own, other = {}, {}
    ch8.save_own_variables(own)
    theirs.save_own_variables(other)
    assert own.keys() == other.keys()
    for key in own:
        np.testing.assert_allclose(own[key], other[key], rtol=1e-5, atol=1e-8)
    fresh = ours.Adam(0.5)
    fresh.build([keras.Variable(v) for v in variables])
    fresh.load_own_variables(other)
    loaded, expected = fresh.state_of(fresh.known_variables[0]), ch8.state_of(variables[0])
    np.testing.assert_allclose(loaded["s"], expected["s"], rtol=1e-5)
    with pytest.warns(UserWarning, match="expects 8 arrays and the file has 3"):
        fresh.load_own_variables({"0": 1, "1": 2, "2": 3})
