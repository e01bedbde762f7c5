"""Pacings: functions on [0, 1] that rise from the start to 1, by their formulae."""

import numpy as np
import pytest

from keras_ch8 import curriculum, extend
from keras_ch8.curriculum.pacings import PACINGS, as_pacing

PARTS = [getattr(curriculum.pacings, name) for name in curriculum.pacings.__all__]
EXPORTED = [part for part in PARTS if isinstance(part, type) and extend.Pacing in part.__mro__[1:]]
U = np.linspace(0, 1, 1001)
PACINGS_AND_STARTS = {
    "linear": (curriculum.pacings.Linear(0.3), 0.3),
    "step": (curriculum.pacings.Step(0.4, 0.25), 0.25),
    "baby_steps": (curriculum.pacings.BabySteps(4), 0.25),
    "baby_steps from": (curriculum.pacings.BabySteps(3, 0.1), 0.1),
    "one_pass": (curriculum.pacings.OnePass(5), 0.2),
    "given": (as_pacing(lambda u: 0.5 + 0.5 * u * u, None), 0.5),
}


@pytest.mark.parametrize("pacing, start", PACINGS_AND_STARTS.values(), ids=PACINGS_AND_STARTS)
def test_a_pacing_rises_from_the_start_to_1(pacing, start):
    shares = pacing(U)
    assert shares.shape == U.shape
    assert shares[0] == pytest.approx(start, rel=1e-14)
    assert shares[-1] == 1
    assert (np.diff(shares) >= -1e-16).all()
    assert [float(pacing(u)) for u in (0.0, 0.31, 1.0)] == pytest.approx([shares[0], shares[310], 1.0], rel=1e-14)


@pytest.mark.parametrize(
    "pacing, formula",
    [
        (curriculum.pacings.Linear(0.3), 0.3 + 0.7 * U),
        (curriculum.pacings.Step(0.4, 0.25), np.array([0.25] * 400 + [1.0] * 601)),
        (curriculum.pacings.BabySteps(4), np.repeat([0.25, 0.5, 0.75, 1.0], [250, 250, 250, 251])),
        (curriculum.pacings.BabySteps(3, 0.5), np.repeat([0.5, 0.75, 1.0], [334, 333, 334])),
    ],
    ids=["linear", "step", "baby_steps", "baby_steps from a half"],
)
def test_a_pacing_is_its_formula(pacing, formula):
    np.testing.assert_allclose(pacing(U), formula, rtol=1e-12)


def test_one_pass_leaves_behind_what_came_before_and_nobody_else_does():
    pacing = curriculum.pacings.OnePass(4)
    np.testing.assert_array_equal(pacing.oldest(U), np.repeat([0.0, 0.25, 0.5, 0.75], [250, 250, 250, 251]))
    np.testing.assert_array_equal(pacing(U) - pacing.oldest(U), 0.25)
    for name, (other, _) in PACINGS_AND_STARTS.items():
        assert name == "one_pass" or not other.oldest(U).any()


def test_a_name_is_the_pacing_of_that_name_with_its_own_start_or_the_given_one():
    named = {made.name: made for made in EXPORTED if made.name}
    assert len(named) > 3
    for name, made in named.items():
        assert PACINGS[name] is made
        assert as_pacing(name, None) == made()
        assert float(as_pacing(name, 0.35)(0.0)) == pytest.approx(0.35)
    assert float(as_pacing("step", None)(0.0)) == pytest.approx(0.2)
    assert as_pacing(curriculum.pacings.Linear(0.4), None) == curriculum.pacings.Linear(0.4)


def test_the_name_of_another_pacing_is_refused():
    with pytest.raises(
        ValueError, match=r"name of its own\. Received: name='linear' of .*Again.*Linear\. Choose another"
    ):

        class Again(extend.Pacing):
            name = "linear"

    assert PACINGS["linear"] is curriculum.pacings.Linear


@pytest.mark.parametrize(
    "function",
    [lambda u: 1 - 0.5 * u, lambda u: u, lambda u: 0.2 + 0.5 * u, lambda u: 0.5 + np.sin(9 * u) / 9, lambda u: np.nan],
    ids=["falls", "begins with nothing", "does not end with all", "falls on the way", "NaN"],
)
def test_a_function_that_is_no_pacing_is_an_error(function):
    with pytest.raises(ValueError, match=r"must rise from a number above 0 at u = 0 to 1 at u = 1.*Received: .* Try"):
        as_pacing(function, None)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: as_pacing("linaer", None), r"`pacing` .*'linear', 'step'.*Received: pacing='linaer'"),
        (
            lambda: as_pacing(curriculum.pacings.Linear(), 0.3),
            r"A pacing object has its own start\. Received: start=0\.3.*Set it only once",
        ),
    ],
)
def test_a_bad_argument_is_an_error_with_its_fix(make, message):
    with pytest.raises(ValueError, match=message):
        make()
