"""What a newcomer sees who prints a callback or an optimizer."""

import numpy as np
import pytest

import keras_ch8 as ch8

X = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
Y = X @ np.ones((4, 1), "float32")


PRINTED = [
    (lambda: ch8.callbacks.EarlyStopping(patience=3), "EarlyStopping(monitor='val_loss', patience=3)"),
    (lambda: ch8.callbacks.PolyakAveraging(), "PolyakAveraging("),
    (lambda: ch8.callbacks.TensorBoard("logs", measure_every=5), "TensorBoard(log_dir='logs', measure_every=5)"),
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
