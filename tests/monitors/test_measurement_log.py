"""What is kept of a training, and what is found out from it once."""

import itertools

import numpy as np
import pytest

from keras_ch8._state import dump, load
from keras_ch8.monitors.measurement_log import FEWEST, WINDOW, MeasurementLog, Rows, once, running_median
from keras_ch8.verdicts.fact import Fact

RNG = np.random.default_rng(0)


def slow_median(norms):
    return [np.nan if k < FEWEST else np.median(norms[max(0, k - WINDOW) : k]) for k in range(len(norms))]


@pytest.mark.parametrize("length", [0, 1, FEWEST, FEWEST + 1, WINDOW, WINDOW + 1, 333])
def test_the_running_median_is_that_of_the_window_before_each_norm(length):
    norms = RNG.lognormal(size=length)
    np.testing.assert_array_equal(running_median(norms), slow_median(norms))
    for cut in {0, length // 3, length}:
        np.testing.assert_array_equal(running_median(norms[cut:], norms[:cut]), slow_median(norms)[cut:])


@pytest.mark.parametrize("pieces", [[400], [1] * 30 + [370], [90, 7, 200, 103]])
def test_rows_that_come_in_pieces_have_the_medians_of_all_finite_norms_before_them(pieces):
    norms = RNG.lognormal(size=sum(pieces))
    norms[[3, 50, 51, 222]] = np.inf, np.nan, np.inf, np.nan
    finite, log, ends = np.isfinite(norms), MeasurementLog(), np.cumsum([0, *pieces])
    for first, last in itertools.pairwise(ends):
        log.add_rows(Rows(np.arange(first, last), norms[first:last], np.zeros(last - first)))
    np.testing.assert_array_equal(log.rows.usual[finite], slow_median(norms[finite]))
    assert np.isnan(log.rows.usual[~finite]).all()


def test_a_log_is_kept_whole_and_what_there_is_already_comes_back_as_facts():
    log = MeasurementLog(has=frozenset({Fact.CLIPPING, Fact.TOKENS}), first=3)
    log.add(5, {"spectrum": 1.0})
    after = load(dump(log))
    assert (after.has, after.step, after.of("spectrum"), after.steps_of("spectrum")) == (
        log.has,
        5,
        [1.0],
        [5],
    )
    assert {type(fact) for fact in after.has} == {Fact}


def test_what_follows_from_the_past_is_computed_once_until_more_is_seen():
    asked, log = [], MeasurementLog()
    count = once(lambda log: asked.append(log) or len(asked))
    assert [count(log), count(log)] == [1, 1]
    log.add(1, {"gradient_norm": object()})
    assert [count(log), count(log)] == [2, 2]
    log.add_rows(Rows(np.arange(2), np.ones(2), np.ones(2)))
    assert count(log) == 3
    log.add_epoch({"loss": 1.0})
    assert count(log) == 4
    assert count(MeasurementLog()) == 5


def test_an_error_in_the_place_of_a_reading_leaves_its_monitor_out_with_one_warning():
    log = MeasurementLog()
    with pytest.warns(RuntimeWarning, match="continues without 'a', which failed with ValueError: no"):
        assert log.add(1, {"a": ValueError("no"), "b": 1}) == {"b": 1}
    log.add(2, {"a": ValueError("again"), "b": 2})  # warnings are errors here
    assert (log.left_out, log.of("a"), log.of("b")) == ({"a"}, [], [1, 2])


def test_what_is_new_is_said_once():
    log = MeasurementLog()
    log.add(1, {"b": 1.0})
    log.add_rows(Rows(np.arange(2), np.ones(2), np.array([3.0, 4.0])))
    assert log.take_new() == ({"readings", "rows"}, {"b"})
    assert log.take_new() == (set(), set())
    log.add_epoch({"loss": 1.0})
    assert log.take_new() == ({"epochs"}, set())
