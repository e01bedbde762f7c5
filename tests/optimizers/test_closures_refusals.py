"""What an optimizer that is given the loss refuses, before its first step, and what to do instead."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, clipping, second_order
from keras_ch8 import optimizers as ours
from tests.optimizers.closure_cases import NAMES, Y, fit, network


def check(model, match, **options):
    before = model.get_weights()
    with pytest.raises(ValueError, match=match):
        fit(model, **options)
    assert int(model.optimizer.iterations.numpy()) == 0
    for value, start in zip(model.get_weights(), before, strict=False):
        np.testing.assert_array_equal(value, start)


# --- gradients --------------------------------------------------------------------------------------------------------

FIX = r"Compile the model with it and call `fit`; in a custom `train_step`, call `super\(\).train_step\(data\)`"


@pytest.mark.parametrize("name", NAMES)
def test_gradients_by_hand_are_refused(name):
    variable, optimizer = keras.Variable([1.0]), getattr(ours, name)()
    with tf.GradientTape() as tape:
        loss = variable.value**2
    gradient = tape.gradient(loss, variable.value)
    for call in (
        lambda: optimizer.apply([gradient], [variable]),
        lambda: optimizer.apply_gradients([(gradient, variable)]),
    ):
        with pytest.raises(RuntimeError, match=f"`{name}` evaluates the loss several times.*{FIX}"):
            call()
    assert float(variable.numpy()[0]) == 1.0


@pytest.mark.slow
def test_a_train_step_that_applies_gradients_is_refused():
    class Own(keras.Sequential):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(x, y, self(x, training=True))
            weights = self.trainable_weights
            self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return {"loss": loss}

    with pytest.raises(RuntimeError, match=FIX):
        fit(network(ours.LBFGS(), kind=Own))


# --- numbers and weights ----------------------------------------------------------------------------------------------


def test_a_scaled_loss_is_refused():
    layers = [keras.layers.Dense(2, dtype="mixed_float16")]
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = network(ours.LBFGS(), layers=layers)
    finally:
        keras.config.set_dtype_policy("float32")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    with pytest.raises(ValueError, match=r"a `LossScaleOptimizer` around it. Compile with `auto_scale_loss=False`, or"):
        fit(model)


def test_weights_of_few_digits_and_constraints_are_refused():
    layers = [keras.layers.Dense(2, dtype="bfloat16")]
    check(network(ours.LBFGS(), layers=layers), r"'.*kernel' of dtype bfloat16. Use a policy such as 'mixed_bfloat16'")
    layers = [keras.layers.Dense(2, kernel_constraint="non_neg")]
    check(network(ours.BFGS(), layers=layers), r"without constraints. Received: '.*kernel' with .*NonNeg.* Leave the")


def test_a_model_without_trainable_weights_is_refused():
    check(network(ours.LBFGS(), layers=[keras.layers.Dense(2, trainable=False)]), "Set `trainable=True` on a layer")


def test_weights_that_it_was_not_built_with_are_refused():
    optimizer = ours.LBFGS()
    optimizer.build(network(optimizer).trainable_variables)
    fix = r"remembers the curvature for the weights that it was built with. Received: {} variables.* a new optimizer"
    check(network(optimizer), fix.format(4))
    check(network(optimizer, layers=[keras.layers.Dense(2)]), fix.format(2))


@pytest.mark.parametrize(
    "method, instead", [("Newton", "TruncatedNewton"), ("BFGS", "LBFGS"), ("LevenbergMarquardt", "TruncatedNewton")]
)
def test_more_weights_than_a_matrix_holds_are_refused(method, instead):
    optimizer = getattr(ours, method)(max_parameters=25)
    check(network(optimizer), rf"takes at most 25 parameters. Received: 26. Use `{instead}\(\)`")


def test_no_optimizer_takes_all_memory_of_the_machine():
    layers = [keras.layers.Dense(300), keras.layers.Dense(300), keras.layers.Dense(1)]  # M and H have 34 GB
    for optimizer in (ours.Newton(), ours.BFGS(), ours.LevenbergMarquardt()):
        check(network(optimizer, layers=layers), r"Received: \d{5}. Use")


# --- sums of squares --------------------------------------------------------------------------------------------------


class Penalized(keras.Model):
    """Adds a loss in its call; unbuilt until its first batch."""

    def __init__(self, regularizer=None, outputs=1):
        super().__init__()
        self.out, self.outputs_wanted = keras.layers.Dense(2, kernel_regularizer=regularizer), outputs

    def call(self, x):
        y = self.out(x)
        if self.out.kernel_regularizer is None and self.outputs_wanted == 1:
            self.add_loss(keras.ops.mean(y**2))
        return y if self.outputs_wanted == 1 else [y, y]


def squares(loss="mse", layers=None, **options):
    return network(ours.LevenbergMarquardt(**options.pop("settings", {})), loss=loss, layers=layers, **options)


def two_outputs():
    x = keras.Input((3,))
    model = keras.Model(x, [keras.layers.Dense(2)(x), keras.layers.Dense(2)(x)])
    model.compile(ours.LevenbergMarquardt(), "mse")
    return model


def penalized(*args):
    model = Penalized(*args)
    model.compile(ours.LevenbergMarquardt(), "mse")
    return model


OTHERS = {
    "mae": (lambda: squares("mae"), "the loss 'mae'"),
    "sum": (lambda: squares(keras.losses.MeanSquaredError(reduction="sum")), "the loss <.*MeanSquaredError|the loss <"),
    "weighted": (lambda: squares(loss_weights=[0.1]), "the loss 'mse'"),
    "regularizer": (lambda: squares(layers=[keras.layers.Dense(2, bias_regularizer="l2")]), "1 additional losses"),
    "activity": (lambda: squares(layers=[keras.layers.Dense(2, activity_regularizer="l2")]), "1 additional losses"),
    "add_loss": (penalized, "1 additional losses"),
    "regularizer, unbuilt": (lambda: penalized("l2"), "1 additional losses"),
    "outputs": (two_outputs, "2 outputs"),
    "outputs, unbuilt": (lambda: penalized(None, 2), "several outputs"),
    "accumulate": (
        lambda: squares(settings={"accumulate_batches": True}, steps_per_execution=2), "accumulate_batches=True",
    ),
}  # fmt: skip


@pytest.mark.broad(slow=7)
@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=[pytest.mark.slow] * ("unbuilt" in what)) for what in OTHERS]
)
def test_levenberg_marquardt_takes_nothing_but_the_mean_square_of_one_output(what):
    make, received = OTHERS[what]
    y = [Y, Y] if "outputs" in what else Y
    check(make(), f"`LevenbergMarquardt` minimizes only the loss 'mse' of one output.*: {received}.*`LBFGS\\(\\)`", y=y)


def test_levenberg_marquardt_refuses_a_mask():
    x, y = np.ones((4, 5, 1), "float32"), np.ones((4, 5, 2), "float32")
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((5, 1)), keras.layers.Masking(), keras.layers.Dense(2)])
    model.compile(ours.LevenbergMarquardt(), "mse")
    check(model, r"a mask. Leave out `add_loss`, activity regularizers and masks", x=x, y=y)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_there_is_no_learning_rate_to_set():
    model = network(ours.LBFGS())
    with pytest.raises(AttributeError, match=r"finds the length of each step itself. Received: learning_rate="):
        fit(model, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)])
    assert float(model.optimizer.learning_rate) == 1.0


def test_gradients_that_are_clipped_are_refused():
    model = network(ours.LBFGS())
    with pytest.raises(ValueError, match=r"Received: LBFGS, which chooses the length of each step itself. Remove the"):
        fit(model, callbacks=[callbacks.ClipGradients(clipping.ByGlobalNorm(1.0))])
    for name in ("clipnorm", "weight_decay", "use_ema", "learning_rate"):
        with pytest.raises(TypeError, match=name):
            ours.LBFGS(**{name: 1.0})


@pytest.mark.parametrize("name", NAMES)
def test_config_round_trip_and_names(name):
    own = (
        {"line_search": second_order.line_search.StrongWolfe(c2=0.3)}
        if "line_search" in getattr(ours, name).hyperparameters
        else {}
    )
    optimizer = getattr(ours, name)(**own, iterations_per_step=3, gtol=1e-3, ftol=1e-4, xtol=1e-5, name="mine")
    revived = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(revived) is type(optimizer)
    assert revived.get_config() == optimizer.get_config()
    assert revived.method == optimizer.method
    assert type(keras.optimizers.get(f"keras_ch8>{name}")) is getattr(ours, name)
