"""What a newcomer sees who prints a callback or an optimizer."""

import keras
import numpy as np
import pytest

import keras_ch8 as ch8
from tests.integration.everybody import CALLBACKS

X = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
Y = X @ np.ones((4, 1), "float32")


def model_of(optimizer="adam", **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", **options)
    return model


PRINTED = [
    (lambda: ch8.callbacks.EarlyStopping(patience=3), "EarlyStopping(monitor='val_loss', patience=3)"),
    (lambda: ch8.callbacks.PolyakAveraging(), "PolyakAveraging("),
    (lambda: ch8.callbacks.TensorBoard("logs", layers=True), "TensorBoard(log_dir='logs', layers=True)"),
    (lambda: ch8.callbacks.LearningRateDecay(ch8.schedules.ReduceOnPlateau(patience=2)), "LearningRateDecay("),
    (lambda: ch8.optimizers.Adam(3e-4, clipnorm=1.0), "Adam(learning_rate=0.0003, clipnorm=1)"),
    (lambda: ch8.optimizers.SGD(0.1, momentum=0.9), "Momentum(learning_rate=0.1)"),
    (lambda: ch8.optimizers.RMSprop(ch8.schedules.LinearDecay(0.1)), "RMSprop(learning_rate=LinearDecay(...))"),
    (lambda: ch8.optimizers.LBFGS(history_size=5), "LBFGS(history_size=5"),
]


@pytest.mark.parametrize(("make", "said"), PRINTED)
def test_a_print_says_what_it_is(make, said):
    made = make()
    assert repr(made).startswith(said.rstrip(")"))
    assert str(made) == repr(made)
    assert len(repr(made)) < 200
    assert " object at 0x" not in repr(made)


@pytest.mark.slow
def test_every_callback_and_optimizer_can_be_printed_before_and_after_a_training(tmp_path):
    for name in CALLBACKS:
        made = CALLBACKS[name](tmp_path)
        assert repr(made).startswith(f"{type(made).__name__}(")
    diagnosis = ch8.callbacks.Diagnosis((X[:64], Y[:64]), "cheap", budget=None)
    assert repr(diagnosis) == "Diagnosis(probe=64 examples, budget=None)"
    model = model_of(ch8.optimizers.Adam(0.5))
    model.fit(X, Y, verbose=0, epochs=3, callbacks=[diagnosis])
    assert repr(diagnosis) == "Diagnosis(probe=64 examples, budget=None)"
    text = " ".join(str(diagnosis).split())
    assert all(verdict.finding in text for verdict in diagnosis.verdicts if verdict.level != "ok")
    assert repr(model.optimizer) == "Adam(learning_rate=0.5)"
