"""F6, F8: a callback that goes on from its state ends bit for bit as if nothing had happened, also in mid-epoch."""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, clipping, continuation, data, layers, optimizers, schedules
from tests.faults.resuming import Training, assert_same, cut_off

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*the average is mostly of its beginning", "ignore:The training ended after"
)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(48, 6)).astype("float32"), RNG.normal(size=(48, 2)).astype("float32")
VALIDATION = RNG.normal(size=(16, 6)).astype("float32"), RNG.normal(size=(16, 2)).astype("float32")


def halved(epoch, rate):
    return rate / 2


def network(optimizer, dropout=0.3):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((6,)), keras.layers.Dense(5, "tanh"), layers.BatchNormalization(),
        keras.layers.Dropout(dropout, seed=1), continuation.Temperature(2.0, name="temperature"), keras.layers.Dense(2),
    ])  # fmt: skip
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


OURS = {
    "stop": lambda source: callbacks.EarlyStopping(min_delta=0.02, patience=3, restore_best_weights=True),
    "halved": lambda source: callbacks.LearningRateDecay(halved, logs=True),
    "plateau": lambda source: callbacks.LearningRateDecay(
        schedules.ReduceOnPlateau("loss", patience=1, min_delta=1.0), logs=True
    ),
    "curriculum": lambda source: callbacks.Curriculum(source, "model_loss", until="3ep", logs=True),
    "average": lambda source: callbacks.PolyakAveraging(half_life="1ep", evaluate="both", final="best", logs=True),
    "gap": lambda source: callbacks.SurrogateGap(true="mae", patience=1, mode="min", logs=True),
    "continuation": lambda source: callbacks.Continuation([2.0, 1.5, 1.2], until="70%", logs=True),
    "clipping": lambda source: callbacks.GradientClippingLogger(logs=True),
}


def ours():
    source = data.ArraySource(X, Y, batch_size=8, seed=3)
    together = {name: make(source) for name, make in OURS.items()}
    rate = schedules.ExponentialDecay(0.05, "2ep", 0.5)
    return Training(network(optimizers.Adam(rate)), source, together, validation_data=VALIDATION)


def keras_own():
    """With Keras's optimizer, whose gradient `ClipGradients` clips by what it remembers."""
    source = data.ArraySource(X, Y, batch_size=8, seed=3)
    clips = callbacks.ClipGradients(clipping.ByPercentile(30, memory=7))
    return Training(network(keras.optimizers.SGD(0.05)), source, {"clip": clips}, epochs=2)


def switched():
    source = data.ArraySource(X, Y, batch_size=48, seed=3)
    model = network("sgd", dropout=0.0)
    switch = callbacks.SwitchOptimizer(at=1, to=optimizers.LBFGS())
    return Training(model, source, {"switch": switch, "clipping": callbacks.GradientClippingLogger()})


CASES = {"ours": ours, "keras_own": keras_own, "switched": switched}
WHOLE = {}


@pytest.mark.parametrize(
    "name, epoch, batch",
    [
        ("ours", 1, 2),
        ("ours", 2, None),
        pytest.param("ours", 0, 0, marks=pytest.mark.slow),
        pytest.param("ours", 3, 4, marks=pytest.mark.slow),
        ("keras_own", 1, 1),
        ("switched", 2, None),
        pytest.param("switched", 0, None, marks=pytest.mark.slow),
    ],
)
def test_a_training_that_goes_on_from_its_states_ends_as_one_that_was_not_interrupted(name, epoch, batch):
    make = CASES[name]
    if name not in WHOLE:
        WHOLE[name] = make().fit().result()
    state = cut_off(make(), epoch, batch)
    assert_same(make().go_on(state).result(), WHOLE[name])
