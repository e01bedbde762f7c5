"""Numbers without end, and next to no examples: just there the verdicts are needed, and no check is lost."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import callbacks

X = np.random.default_rng(0).normal(size=(48, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("float32")


def with_one(value, array):
    changed = array.copy()
    changed[5] = value
    return changed


CASES = {
    "1e38 in x": (with_one(1e38, X), Y, {"bad_inputs"}),
    "inf in x": (with_one(np.inf, X), Y, {"bad_inputs"}),
    "NaN in x": (with_one(np.nan, X), Y, {"bad_inputs"}),
    "too large for float16": (with_one(np.inf, X).astype("float16"), Y, {"bad_inputs"}),
    "y of 1e30": (X, 1e30 * Y, {"nonfinite", "bad_scale", "step_too_long"}),
    "inf in y": (X, with_one(np.inf, Y), {"wrong_labels"}),
    "one class": (X[:2], np.ones(2, "float32"), set()),
    "x of 0": (0 * X, 0 * Y, {"bad_inputs"}),
}


@pytest.mark.slow
@pytest.mark.broad(slow=3)
@pytest.mark.parametrize("loss", ["mse", "binary_crossentropy"])
@pytest.mark.parametrize("case", CASES)
def test_no_check_is_lost_where_it_is_needed(case, loss):
    """Without a warning: these are errors here."""
    x, y, expected = CASES[case]
    if case == "y of 1e30" and loss != "mse":
        expected = {"wrong_labels"}
    keras.utils.set_random_seed(0)
    last = layers.Dense(1, None if loss == "mse" else "sigmoid")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4, "relu"), last])
    model.compile("adam", loss)
    watching = callbacks.Diagnosis(checks="cheap")
    model.fit(x, y, batch_size=16, epochs=3, verbose=0, callbacks=[watching], validation_data=(x, y))
    acting = {verdict.kind for verdict in watching.verdicts if verdict.level == "act"}
    assert not expected or acting & expected
    assert watching.measurements > 0
