"""What is kept of a training, and what is found out from it once."""

import itertools

import numpy as np
import pytest

from keras_ch8.callbacks.session.objects_as_data import plain, restored
from keras_ch8.monitors.past import FEWEST, WINDOW, Past, Rows, once, running_median
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
    finite, past, ends = np.isfinite(norms), Past(), np.cumsum([0, *pieces])
    for first, last in itertools.pairwise(ends):
        past.add_rows(Rows(np.arange(first, last), norms[first:last], np.zeros(last - first)))
    np.testing.assert_array_equal(past.rows.usual[finite], slow_median(norms[finite]))
    assert np.isnan(past.rows.usual[~finite]).all()


def test_what_there_is_already_is_kept_as_words_and_comes_back_as_facts():
    past, after = Past(), Past()
    past.has = frozenset({Fact.CLIPPING, Fact.TOKENS})
    kept = plain(past.state())
    assert kept["has"]["items"] == ["clipping", "tokens"]
    after.set_state(restored(kept))
    assert after.has == past.has
    assert {type(fact) for fact in after.has} == {Fact}


def test_what_follows_from_the_past_is_computed_once_until_more_is_seen():
    asked, past = [], Past()
    count = once(lambda past: asked.append(past) or len(asked))
    assert [count(past), count(past)] == [1, 1]
    past.add(1, {"gradient_norm": object()})
    assert [count(past), count(past)] == [2, 2]
    past.add_rows(Rows(np.arange(2), np.ones(2), np.ones(2)))
    assert count(past) == 3
    past.add_epoch({"loss": 1.0}, np.ones(2))
    assert count(past) == 4
    assert count(Past()) == 5


def test_a_past_begins_with_nothing():
    past = Past()
    assert (past.total, past.first, past.steps_of_update, past.batch_size, past.done) == (0, 0, 1, 0.0, 0)
    assert [len(column) for column in (past.rows.steps, past.rows.norm, past.rows.loss, past.rows.usual)] == [0] * 4
