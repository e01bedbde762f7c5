"""Line searches alone, on functions of one variable along the direction 1."""

import functools
import itertools

import numpy as np
import pytest
from keras import ops

from keras_ch8.extend import Problem
from keras_ch8.integration import backend
from keras_ch8.second_order.line_search import Constant, Exact, StrongWolfe
from keras_ch8.second_order.line_search.line import Line, Trial, search_along

LINES = {
    "parabola": lambda t: (t - 3) ** 2 - 5,
    "quartic": lambda t: -t - t**3 + t**4,
    "exponential": lambda t: ops.exp(-4 * t) + t**2,
    "waves": lambda t: -ops.sin(10 * t),
    "Moré and Thuente, 1": lambda t: -t / (t**2 + 2),
    "wall": lambda t: -ops.log(1e-3 - t) - 5e3 * t,
    "NaN beyond 1": lambda t: t**2 - t + 0 * ops.sqrt(1 - t),
    "falls for ever": lambda t: -t,
    "denies that it rises": lambda t: ops.stop_gradient(3 * t) - t,
}
HAVE_A_MINIMUM = list(LINES)[:-2]
WOLFE = [StrongWolfe(), StrongWolfe(c2=0.1)]


def line(phi, dtype="float64"):
    """Return the line from 0 upwards."""
    problem = Problem.of(lambda x: phi(x[0]))
    point = problem.at(ops.zeros((1,), dtype))
    return Line(problem, point, ops.ones((1,), dtype), point.gradient[0])


def look(phi, search, first, **options):
    """Return the line, the chosen trial, whether it was accepted, and the evaluations, made op by op."""
    along = line(phi, **options)
    first = ops.convert_to_tensor(np.array(first, along.slope.dtype.name))
    chosen, accepted, count, *_ = search_along(along, search, first)
    return along, chosen, bool(accepted), int(count)


@functools.cache
def graph(search):
    """Return a program that looks along any line, by its place: one trace for all of them."""

    def program(place, first):
        along = line(lambda t: ops.switch(place, list(LINES.values()), t))
        return *search_along(along, search, first)[:3], along.value, along.slope

    return backend.trace(program)


def look_along(name, search, first):
    """Return chosen trial, accepted, evaluations, phi(0) and its slope as numbers."""
    place = ops.convert_to_tensor(np.array(list(LINES).index(name), "int32"))
    chosen, *rest = graph(search)(place, ops.convert_to_tensor(np.array(first, "float64")))
    return Trial(*(np.ravel(number)[0] for number in chosen)), *(float(number) for number in rest)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("search", WOLFE, ids=repr)
def test_the_chosen_step_meets_the_conditions_from_short_and_long_first_steps(search):
    # In one test, since the seeds that are set before each make TensorFlow forget its graphs.
    for name, first in itertools.product(HAVE_A_MINIMUM, [1e-3, 1.0, 1e3]):
        chosen, accepted, count, value0, slope0 = look_along(name, search, first)
        where = f"{name} from {first}: {chosen}"
        assert accepted, where
        assert count <= 20, where
        step, value, slope, gradient = chosen
        assert step > 0, where
        assert value <= value0 + search.c1 * step * slope0, where
        assert abs(slope) <= search.c2 * abs(slope0), where
        again = line(LINES[name]).trial(ops.convert_to_tensor(np.array(step)))
        assert float(again.value) == pytest.approx(value, rel=1e-14), where
        assert float(again.gradient[0]) == pytest.approx(gradient, rel=1e-12), where


@pytest.mark.parametrize("search", WOLFE, ids=repr)
def test_evaluations_are_counted_and_none_is_made_twice(search):
    steps = []

    def phi(t):
        steps.append(float(t))
        return LINES["exponential"](t)

    *_, count = look(phi, search, 30.0)
    assert len(steps) == 1 + count == 1 + len(set(steps[1:]))


@pytest.mark.parametrize("search", WOLFE, ids=repr)
def test_where_values_are_rounding_the_slopes_decide(search):
    offset = 1e4  # values of float32 are 1e-3 apart there, and the whole decrease is 1e-4
    along, chosen, accepted, count = look(lambda t: offset + 1e-4 * (t - 1) ** 2, search, 0.3, dtype="float32")
    assert accepted
    assert abs(float(chosen.slope)) <= search.c2 * abs(float(along.slope))
    assert count <= 5
    assert float(chosen.value) == float(along.value)


def test_an_exact_step_ends_where_a_quadratic_is_smallest_and_takes_one_product():
    _, chosen, accepted, count = look(LINES["parabola"], Exact(), 1.0)
    assert accepted
    assert (float(chosen.step), float(chosen.slope), count, Exact().products) == (3.0, 0.0, 1, 1)


@pytest.mark.parametrize("search", [Exact(), Constant(2.0)], ids=repr)
def test_no_step_is_made_where_there_is_none(search):
    phi = (lambda t: -(t**2) - t) if isinstance(search, Exact) else LINES["NaN beyond 1"]
    along, chosen, accepted, _ = look(phi, search, 1.0)
    assert not accepted
    assert float(chosen.step) == 0
    assert float(chosen.value) == float(along.value)


@pytest.mark.broad
@pytest.mark.parametrize("search", WOLFE, ids=repr)
def test_a_wrong_gradient_ends_in_no_step(search):
    chosen, accepted, count, value0, _ = look_along("denies that it rises", search, 1.0)
    assert not accepted
    assert (chosen.step, chosen.value) == (0, value0)
    assert count <= 30


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("search", WOLFE, ids=repr)
def test_a_function_without_a_minimum_gives_the_farthest_step_that_was_tried(search):
    chosen, accepted, count, *_ = look_along("falls for ever", search, 1.0)
    assert not accepted
    assert count == 30
    assert chosen.value < -1e10


def test_no_more_of_the_slope_may_be_left_than_the_decrease_promises():
    with pytest.raises(ValueError, match=r"`c2` is the fraction of the slope .*\(0.2, 1\). Received: c2=0.1"):
        StrongWolfe(c1=0.2, c2=0.1)
