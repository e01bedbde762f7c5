"""Weights that differ and are one function: exact in float64, through every layer that may stand between."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import symmetries

RNG = np.random.default_rng(0)
FLAT, ROWS = RNG.normal(size=(9, 6)), RNG.normal(size=(5, 8, 3))
UNITS = 4
ORDER, FACTORS = np.array([2, 0, 3, 1]), np.array([0.3, 7.0, 1.0, 0.02])


def sequential(x, first, *between):
    """Return a model whose first layer has the name "units"; every weight is random."""
    model = keras.Sequential([keras.Input(x.shape[1:]), first, *between, layers.Dense(3, name="last")])
    for v in model.weights:
        v.assign(RNG.normal(size=v.shape))
    return model, x


def dense(activation, **options):
    return layers.Dense(UNITS, activation, name="units", **options)


HOMOGENEOUS = {
    "relu": lambda: sequential(FLAT, dense("relu")),
    "linear, no bias": lambda: sequential(FLAT, dense(None, use_bias=False)),
    "leaky relu": lambda: sequential(FLAT, dense("leaky_relu"), layers.Dropout(0.5)),
    "activation layers": lambda: sequential(
        FLAT, dense(None), layers.Activation("relu"), layers.ReLU(negative_slope=0.2)
    ),
    "dense on rows": lambda: sequential(ROWS, dense("relu")),
}  # fmt: skip
SYMMETRIC = HOMOGENEOUS | {
    "tanh": lambda: sequential(FLAT, dense("tanh")),
    "softmax": lambda: sequential(FLAT, dense("softmax")),
}  # fmt: skip


def apart(model, before):
    return max(np.abs(a - b).max() for a, b in zip(model.get_weights(), before, strict=True))


def difference(model, before, x):
    """Return how far the outputs are from those before, relative to the largest of them."""
    return np.abs(model(x).numpy() - before).max() / np.abs(before).max()


def leaves_the_function(change, model, argument, x, tolerance):
    before, values = model.get_weights(), model(x).numpy()
    change(model, "units", argument)
    assert apart(model, before) > 0.1
    assert difference(model, values, x) < tolerance


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("name", SYMMETRIC)
def test_units_that_change_places_leave_the_function(float64, name):
    model, x = SYMMETRIC[name]()
    before = model.get_weights()
    leaves_the_function(symmetries.permute_units, model, ORDER, x, 1e-14)
    symmetries.permute_units(model, model.get_layer("units"), np.argsort(ORDER))
    assert apart(model, before) == 0


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("name", HOMOGENEOUS)
def test_units_that_are_rescaled_leave_the_function(float64, name):
    model, x = HOMOGENEOUS[name]()
    before = model.get_weights()
    leaves_the_function(symmetries.rescale_units, model, FACTORS, x, 1e-13)
    symmetries.rescale_units(model, "units", 1 / FACTORS)
    assert apart(model, before) < 1e-12


def test_a_unit_takes_the_place_that_is_asked_for():
    model, _ = sequential(FLAT, dense("relu"))
    kernel, bias, out, _ = model.get_weights()
    symmetries.permute_units(model, "units", ORDER)
    for new, old in zip(model.get_weights(), (kernel[:, ORDER], bias[ORDER], out[ORDER]), strict=False):
        np.testing.assert_array_equal(new, old)


def test_powers_of_2_change_not_one_bit():
    model, x = sequential(FLAT, dense("relu"))
    before, values = model.get_weights(), model(x).numpy()
    symmetries.rescale_units(model, "units", [0.25, 2.0, 64.0, 1.0])
    assert difference(model, values, x) == 0
    assert apart(model, before) > 1


def test_balance_is_what_is_smallest_of_all_rescalings(float64):
    model, x = HOMOGENEOUS["relu"]()
    before, values = model.get_weights(), model(x).numpy()

    def penalty():
        return sum(np.sum(model.get_layer(name).kernel.numpy() ** 2) for name in ("units", "last"))

    def rescaled(factors):
        model.set_weights(before)
        symmetries.rescale_units(model, "units", factors)
        return penalty()

    found = symmetries.balance(model, "units")
    assert found.imbalance > 0.1
    least = rescaled(found.factors)
    assert least == pytest.approx(2 * np.sum(found.incoming * found.outgoing))
    after = symmetries.balance(model, "units")
    np.testing.assert_allclose(after.incoming, after.outgoing)
    assert after.imbalance == pytest.approx(0, abs=1e-12)
    assert difference(model, values, x) < 1e-13
    for _ in range(20):
        assert rescaled(found.factors * np.exp(RNG.normal(size=UNITS))) > least


def test_balance_leaves_the_bias_aside():
    model, _ = sequential(FLAT, dense("relu"))
    kernel, _, out, _ = model.get_weights()
    found = symmetries.balance(model, "units")
    np.testing.assert_allclose(found.incoming**2, np.sum(kernel**2, axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.outgoing**2, np.sum(out**2, axis=1), rtol=1e-6)


def test_a_unit_without_weights_on_one_side_has_no_better_scale():
    model, _ = sequential(FLAT, dense("relu", use_bias=False))
    kernel = model.layers[0].kernel.numpy()
    kernel[:, 1] = 0
    model.layers[0].kernel.assign(kernel)
    found = symmetries.balance(model, "units")
    assert found.factors[1] == 1
    assert np.isfinite(found.imbalance)
