"""Batch normalization in models, beside Keras's layer; and Keras's own tests of it."""

import types

import keras
import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.layers import BatchNormalization
from tests.keras_own import Excuse, cases_of, check, copy_of

RNG = np.random.default_rng(0)


def network(norm):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), norm, keras.layers.Dense(1)])


@pytest.mark.slow
def test_short_runs_evaluate_as_they_train():
    """After 8 steps Keras's statistics are still mostly 0 and 1, and the loss at inference is another."""
    x = RNG.normal(20, 3, (128, 4)).astype("float32")

    def losses(norm):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), norm, keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.01), "mse")
        model.fit(x, x[:, :1] - 20, batch_size=16, verbose=0)
        found = monitors.batch_statistics(model, x, x[:, :1] - 20)
        return found.gap, found.inference_loss / found.training_loss

    gap, ratio = losses(BatchNormalization())
    assert gap < 0.2
    assert ratio == pytest.approx(1, abs=0.1)
    gap, ratio = losses(keras.layers.BatchNormalization())
    assert gap > 1
    assert ratio > 1.3


pytest.importorskip("keras.src.layers.normalization.batch_normalization_test", reason="this Keras has not its tests")
RENORM = Excuse("asks for renorm, which the book's equations do not have", "has no `renorm`")
FEATURE = Excuse(
    "masks all of a feature: Keras normalizes it by mean 0 and variance 0, ours by its stored statistics",
    "The two values are close at all elements",
)
OWN = "batch_normalization_test.BatchNormalizationTest.test_"
EXCEPTIONS = {f"{OWN}correctness{number}": FEATURE for number in range(8, 16)}  # those with axis=1
EXCEPTIONS |= {
    f"{OWN}{name}": RENORM
    for name in (
        "renorm_basics", "renorm_correctness", "renorm_inference", "renorm_invalid_clipping_keys",
        "renorm_stddev_initializer", "serialization",
    )
}  # fmt: skip


def collect():
    theirs = keras.src.layers
    names = {name: getattr(theirs, name) for name in dir(theirs) if not name.startswith("__")}
    proxy = types.SimpleNamespace(**names | {"BatchNormalization": BatchNormalization})
    for case, method, test_id in cases_of(copy_of("layers.normalization.batch_normalization_test", layers=proxy)):
        slow = method.startswith(("test_correctness", "test_bachnorm")) and method[-1] not in "08"
        yield pytest.param(case, method, id=test_id, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case, method", list(collect()))
def test_keras_own(case, method, request):
    check(case, method, request.node.callspec.id, EXCEPTIONS)
