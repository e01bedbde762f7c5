"""The standard surfaces: derivatives beside finite differences, and what is said of each."""

import numpy as np
import pytest

from keras_ch8 import landscapes

RNG = np.random.default_rng(0)
SURFACES = [
    landscapes.surfaces.Ravine(),
    landscapes.surfaces.Ravine(7.0),
    landscapes.surfaces.Saddle(),
    landscapes.surfaces.Saddle(0.3),
    landscapes.surfaces.Rosenbrock(),
    landscapes.surfaces.Rosenbrock(5.0),
    landscapes.surfaces.Cliff(),
    landscapes.surfaces.Cliff(3),
]
each_surface = pytest.mark.parametrize("surface", SURFACES, ids=repr)


def descend(surface, rate, steps):
    theta = [surface.start]
    for _ in range(steps):
        theta.append(theta[-1] - rate * surface.gradient(theta[-1]))
    return np.array(theta)


def slopes_of(function, theta, h=1e-6):
    """Return the derivatives of a function of theta by finite differences, on a new last axis."""
    return np.stack([(function(theta + h * e) - function(theta - h * e)) / (2 * h) for e in np.eye(2)], axis=-1)


@each_surface
def test_derivatives_are_those_of_finite_differences(surface):
    theta = RNG.uniform(-2, 2, (50, 2))
    gradient, hessian = surface.gradient(theta), surface.hessian(theta)
    np.testing.assert_allclose(gradient, slopes_of(surface.value, theta), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(hessian, slopes_of(surface.gradient, theta), rtol=1e-6, atol=1e-6)


@each_surface
def test_one_point_or_many_in_any_shape(surface):
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 3), np.linspace(0, 1, 4)), axis=-1)
    assert surface.value(grid).shape == (4, 3)
    assert surface.gradient(grid).shape == (4, 3, 2)
    assert surface.hessian(grid).shape == (4, 3, 2, 2)
    assert surface.value(grid)[2, 1] == surface.value(grid[2, 1])
    np.testing.assert_array_equal(surface.gradient(grid)[2, 1], surface.gradient(list(grid[2, 1])))
    np.testing.assert_array_equal(surface.hessian(grid)[2, 1], surface.hessian(grid[2, 1]))
    with pytest.raises(ValueError, match=r"two variables, x and y on the last axis.*Received: shape \(3,\)"):
        surface.value(np.ones(3))


@each_surface
def test_the_critical_point_is_one_and_of_the_kind_that_is_said(surface):
    point = surface.critical_point
    np.testing.assert_allclose(surface.gradient(point), 0, atol=1e-15)
    assert surface.value(point) == pytest.approx(0, abs=1e-30)
    smallest, largest = np.linalg.eigvalsh(surface.hessian(point))
    assert largest > 0
    if isinstance(surface, landscapes.surfaces.Saddle):
        assert smallest == -surface.ratio
    elif isinstance(surface, landscapes.surfaces.Cliff):
        assert smallest == pytest.approx(0, abs=1e-15)  # along the valley of minima
    else:
        assert smallest > 0


def test_equal_arguments_equal_surface():
    assert landscapes.surfaces.Ravine(3.0) == landscapes.surfaces.Ravine(3.0) != landscapes.surfaces.Ravine(4.0)


@pytest.mark.parametrize("condition", [10.0, 100.0])
def test_the_ravine_is_slowest_for_steepest_descent_from_its_start(condition):
    surface = landscapes.surfaces.Ravine(condition)
    theta, ratio = surface.start, ((condition - 1) / (condition + 1)) ** 2
    for _ in range(20):
        g = surface.gradient(theta)
        new = theta - (g @ g) / (g @ surface.hessian(theta) @ g) * g  # exact line search
        assert surface.value(new) / surface.value(theta) == pytest.approx(ratio)
        theta = new


def test_a_rate_above_2_over_the_condition_diverges_in_the_ravine():
    surface = landscapes.surfaces.Ravine(100.0)
    assert surface.value(descend(surface, 0.0199, 500)[-1]) < 1e-3 * surface.value(surface.start)
    assert surface.value(descend(surface, 0.0201, 500)[-1]) > 1e3


def test_descent_runs_to_the_saddle_first_and_leaves_it_by_a_factor():
    surface = landscapes.surfaces.Saddle(ratio=0.5)
    theta = descend(surface, 0.1, 200)
    assert np.linalg.norm(theta, axis=1).min() < 0.1
    np.testing.assert_allclose(theta[1:, 1] / theta[:-1, 1], 1.05)
    newton = surface.start - np.linalg.solve(surface.hessian(surface.start), surface.gradient(surface.start))
    np.testing.assert_allclose(newton, surface.critical_point, atol=1e-15)


def test_rosenbrock_has_its_condition_number():
    eigenvalues = np.linalg.eigvalsh(landscapes.surfaces.Rosenbrock().hessian([1.0, 1.0]))
    assert eigenvalues[1] / eigenvalues[0] == pytest.approx(2508, abs=1)


def test_the_cliff_is_a_wall_between_two_plains():
    surface = landscapes.surfaces.Cliff()
    b = np.linspace(-2.93, -2.917, 20_001)
    along = np.stack([np.full_like(b, 5.5), b], axis=-1)
    value, slope = surface.value(along), np.linalg.norm(surface.gradient(along), axis=-1)
    assert slope.max() > 100
    assert slope[[0, -1]].max() < 0.3
    assert value[0] - value[-1] == pytest.approx(0.37, abs=0.01)
    assert abs(b[slope.argmax()] - -2.9235) < 1e-4


def test_descent_is_thrown_off_the_cliff_and_a_clipped_gradient_is_not():
    surface = landscapes.surfaces.Cliff()
    assert np.linalg.norm(descend(surface, 0.02, 400)[-1] - surface.start) > 50
    theta = [surface.start]
    for _ in range(400):
        g = surface.gradient(theta[-1])
        theta.append(theta[-1] - 0.02 * g / max(1.0, np.linalg.norm(g)))
    assert np.linalg.norm(theta - surface.start, axis=1).max() < 0.6


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: landscapes.surfaces.Ravine(0.5), r"`condition` .* in \[1, inf\). Received: condition=0.5"),
        (lambda: landscapes.surfaces.Saddle(0), r"`ratio` .* in \(0, inf\). Received: ratio=0"),
        (lambda: landscapes.surfaces.Rosenbrock(-1.0), r"`steepness` .* Received: steepness=-1.0"),
        (lambda: landscapes.surfaces.Cliff(0), r"`steps` .* at least 1. Received: steps=0"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
