"""Models of which a step does not do what most do: watched, they train bit for bit as bare, and the rows are true."""

import warnings

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks
from tests.callbacks import odd_models

MAKERS = {"foreign": odd_models.FOREIGN, "own": odd_models.OWN}


def trained(odd, make, watching=()):
    """Return history and weights of a model after a training."""
    keras.utils.set_random_seed(3)
    model, x, y, options = odd(make)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gradients do not exist")
        warnings.filterwarnings("ignore", "`Diagnosis` goes on without")  # what a probe cannot measure of such a model
        warnings.filterwarnings("ignore", "(?s).*no trainable weights|.*does not have any trainable")
        history = model.fit(x, y, batch_size=8, epochs=odd_models.EPOCHS, callbacks=watching, verbose=0, **options)
    left = [model.optimizer, model]
    return history.history, [np.array(v) for v in model.variables], left


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("odd", odd_models.MODELS, ids=lambda odd: odd.__name__)
def test_it_trains_as_bare(odd, kind, tmp_path):
    watching = [
        callbacks.TensorBoard(str(tmp_path), update_freq=1, layers=True),
        callbacks.Diagnosis(),
        callbacks.GradientClippingLogger(),
    ]
    bare, weights, _ = trained(odd, MAKERS[kind])
    watched, same, _ = trained(odd, MAKERS[kind], watching)
    assert bare == watched
    for one, other in zip(weights, same, strict=True):
        np.testing.assert_array_equal(one, other)
