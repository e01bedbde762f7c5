"""A training goes over from Keras's optimizer to ours in the middle, and back, by the files that Keras writes."""

import keras
import numpy as np
import pytest

from keras_ch8 import clipping
from keras_ch8 import optimizers as ours
from tests.marks import mostly
from tests.optimizers.algorithms import random_grads

X = random_grads(1, (64, 6))[0]
Y = np.tanh(2 * X[:, :2])
BEFORE, AFTER = 15, 20
CASES = {
    "Adam": ("Adam", {"learning_rate": 0.01}),
    "AdamW": ("AdamW", {"learning_rate": 0.01}),
    "SGD": ("SGD", {"learning_rate": 0.1}),
    "Momentum": ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    "Nesterov": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    "RMSprop": ("RMSprop", {"learning_rate": 0.003, "epsilon": 1e-6}),
    "Adagrad": ("Adagrad", {"learning_rate": 0.05}),
}
"""Name and arguments, which are the same here and there but for Keras's smaller `epsilon` of RMSprop."""
SIDES = {"from Keras to ours": (keras.optimizers, ours), "from ours to Keras": (ours, keras.optimizers)}


def make(side, name, **options):
    cls, arguments = CASES[name]
    return getattr(side, cls)(**arguments, **options)


def compiled(optimizer, dtype=None):
    """A model whose optimizer has its state, as one must be that is to be given another."""
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(8, "relu", dtype=dtype), keras.layers.Dense(2, dtype=dtype)]
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.compile(optimizer, "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def losses(model, first, steps):
    """Train on the batches from number `first` on."""
    found = []
    for start in range(16 * first, 16 * (first + steps), 16):
        model.reset_metrics()
        found.append(float(model.train_on_batch(X[start % 64 : start % 64 + 16], Y[start % 64 : start % 64 + 16])))
    return np.array(found)


def named(optimizer, name):
    return [v.numpy().astype("float32") for v in optimizer.variables if v.name.endswith(name)]


def went_over(tmp_path, sides, name, ending=".weights.h5", **options):
    """Return the model that goes on as it was, the one that has gone over, and their next losses."""
    before, after = SIDES[sides]
    model = compiled(make(before, name, **options))
    losses(model, 0, BEFORE)
    if ending == ".keras":
        model.save(tmp_path / "model.keras")
    else:
        model.save_weights(tmp_path / "model.weights.h5")
    other = make(after, name, **options)
    other.learning_rate = 0.5  # that of the file counts
    other = compiled(other)
    other.load_weights(tmp_path / f"model{ending}")
    return model, other, losses(model, BEFORE, AFTER), losses(other, BEFORE, AFTER)


@pytest.mark.broad(slow=4)
@pytest.mark.parametrize("name", mostly(pytest.mark.slow, CASES, "Adam"))
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("ending", [".weights.h5", pytest.param(".keras", marks=pytest.mark.full)])
def test_the_next_losses_are_as_if_nothing_had_changed(sides, name, ending, tmp_path):
    model, other, expected, found = went_over(tmp_path, sides, name, ending)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    assert np.ptp(expected) > 0.05
    for a, b in zip(model.optimizer.variables[:2], other.optimizer.variables[:2], strict=True):
        assert a.numpy() == b.numpy()  # iterations and learning rate


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize(
    "options", [{"use_ema": True, "ema_momentum": 0.9}, {"gradient_accumulation_steps": 2}], ids=str
)
def test_averages_and_sums_go_over_too(sides, name, options, tmp_path):
    """The sum of an accumulation is half full when it goes over."""
    model, other, expected, found = went_over(tmp_path, sides, name, **options)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    for each in (model, other):
        each.optimizer.finalize_variable_values(each.trainable_variables)
    for a, b in zip(model.weights, other.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-4)


def goes_on(make, sides, path):
    model, other = (compiled(make(side)) for side in SIDES[sides])
    losses(model, 0, BEFORE)
    model.save_weights(path)
    other.load_weights(path)
    expected, found = (losses(each, BEFORE, AFTER) for each in (model, other))
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    assert np.ptp(expected) > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("sides", SIDES)
def test_schedules_go_on(sides, tmp_path):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.02, 5, 0.7)
    goes_on(lambda side: side.Adam(schedule), sides, tmp_path / "model.weights.h5")


@pytest.mark.slow
@pytest.mark.parametrize("sides", SIDES)
def test_under_scaled_losses_all_but_the_scale_goes_over(sides, tmp_path):
    """Keras's wrapper counts the variables inside it, of which ours has fewer: one for many weights."""

    def scaled(side):
        return keras.optimizers.LossScaleOptimizer(side.Adam(0.01), initial_scale=8.0, dynamic_growth_steps=4)

    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer 'loss_scale"):
        goes_on(scaled, sides, tmp_path / "model.weights.h5")


def test_load_model_alone_keeps_the_optimizer_of_keras(tmp_path):
    compiled(keras.optimizers.Adam(0.01)).save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", custom_objects={"Adam": ours.Adam})
    assert type(again.optimizer) is keras.optimizers.Adam


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float16"])
def test_what_only_the_suite_keeps_starts_at_0(dtype, tmp_path):
    model = compiled(keras.optimizers.Adam(0.01), dtype)
    losses(model, 0, 3)
    model.save_weights(tmp_path / "model.weights.h5")
    mine = ours.Adam(skip_nonfinite=True, clip=clipping.ByPercentile(50))
    other = compiled(mine, dtype)
    losses(other, 0, 2)
    for variable in mine.variables:
        variable.assign(variable + 1)
    other.load_weights(tmp_path / "model.weights.h5")
    assert int(mine.iterations) == 3
    assert mine.skipped_steps == 0
    for variable, momentum in zip(other.trainable_variables, named(model.optimizer, "momentum"), strict=True):
        state = mine.state_of(variable)
        np.testing.assert_array_equal(state["s"], momentum)
        assert not np.any(state.get("residual", 0))
    assert all(not np.any(variable.numpy()) for variable in mine._clipper.state.values())
    assert np.isfinite(losses(other, 3, 2)).all()


def test_a_file_that_does_not_fit_changes_nothing_and_the_warning_says_which_does(tmp_path):
    theirs = compiled(keras.optimizers.RMSprop(momentum=0.9))
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    other = compiled(ours.RMSprop())
    losses(other, 0, 2)
    before = [v.numpy() for v in other.optimizer.variables]
    fits = r"expects 6 arrays and the file has 10\. Load a file of `RMSprop` or of Keras's `RMSprop\(\)` .*`use_ema`"
    with pytest.warns(UserWarning, match=fits):
        other.load_weights(tmp_path / "theirs.weights.h5")
    for a, b in zip(before, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b.numpy())
    other.compile(ours.RMSprop(), "mse")
    with pytest.warns(UserWarning, match=r"call `model\.optimizer\.build\(model\.trainable_variables\)`, then load"):
        other.load_weights(tmp_path / "theirs.weights.h5")
    with pytest.raises(ValueError, match=r"Nothing was loaded\. Load a file of `RMSpropNesterov` that was made for"):
        compiled(ours.RMSpropNesterov()).load_weights(tmp_path / "theirs.weights.h5")
