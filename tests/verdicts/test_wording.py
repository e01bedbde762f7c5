"""Numbers in sentences, at the edges where another way of writing begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_ch8.verdicts import wording


@pytest.mark.parametrize(
    "value, written",
    [
        (0.0, "0"), (1e-4, "0.0001"), (0.99e-4, "9.9e-5"), (999_000.0, "1000000"), (1e6, "1e6"), (1.2e6, "1.2e6"),
        (99.94, "100"), (100.0, "100"), (123.4, "123"), (1000.0, "1000"), (1234.0, "1200"), (-0.0123, "-0.012"),
    ],
)  # fmt: skip
def test_digits(value, written):
    assert wording.digits(value) == written


def test_percentages_have_a_smallest_and_a_largest():
    assert wording.percent(1e-5) == "0.001 %"
    assert wording.percent(0.9e-5) == "less than 0.001 %"
    assert wording.percent(0.0) == "0 %"
    assert wording.percent(100.0) == "10000 %"
    assert wording.percent(101.0) == "more than 10000 %"
    assert wording.percent(-0.5) == "50 %"


def test_multiples_and_parts():
    assert wording.times(0.0, "its start") == "0 times its start"
    assert wording.times(-0.1, "its start") == "below 0"
    assert wording.times(0.5, "its start") == "0.5 times its start"
    assert wording.times(1.0, "its start") == "as large as its start"
    assert wording.part(2.0, "the best length") == "2 times the best length"
    assert wording.part(1.99, "the best length") == "199 % of the best length"
    assert wording.part(-0.5, "the best length") == "50 % of the best length"
    assert wording.part(-3.0, "the best length") == "3 times the best length"
    assert wording.part(0.011, "the best length") == "1.1 % of the best length"
    assert wording.part(0.00017, "the best length") == "1/5900 of the best length"
    assert wording.part(0.9e-5, "the best length") == "less than 0.001 % of the best length"
    assert [wording.share(size) for size in (0.0, 0.01, 1.0, 12.0)] == ["0 %", "1/100", "100 %", "12 times"]
    assert wording.counted(1, "step") == "1 step"
    assert wording.counted(0, "step") == "0 steps"
    assert wording.moved(0.0) == "neither fell nor rose"
    assert wording.moved(0.1) == "fell by 10 %"
    assert wording.moved(-0.1) == "rose by 10 %"


def test_a_percentage_is_0_or_100_of_nothing_and_of_all_alone():
    assert [wording.percent(part) for part in (0.0, 1.0)] == ["0 %", "100 %"]
    assert [wording.percent(part) for part in (0.995, 0.9994, 1.004)] == ["99.5 %", "99.9 %", "just over 100 %"]
    assert [wording.percent(part) for part in (1 - 1e-9, 1 + 1e-9)] == ["nearly 100 %", "just over 100 %"]


@given(st.floats())
def test_every_float_has_a_text_that_is_true(value):
    texts = [
        wording.digits(value), wording.digits(value, 6), wording.percent(value), wording.times(value, "it"),
        wording.part(value, "it"), wording.counted(value, "step"), wording.moved(value),
    ]  # fmt: skip
    assert all(texts)
    if value and abs(value) < 1.7e308:
        assert float(wording.digits(value)) == pytest.approx(value, rel=0.051)
        assert (wording.percent(value) == "100 %") == (abs(100 * value) == 100)
        assert wording.percent(value) != "0 %"
