"""When a measurement is due, with a clock that is set by hand."""

import numpy as np
import pytest

from keras_ch8.callbacks import _measurements
from keras_ch8.callbacks._measurements import Clock, Pace

BUDGET = 0.03


def measured_steps(steps=1000, *, step=0.003, price=0.001, first=1.0, known=True, budget=BUDGET, when=None, slow=()):
    """Return the steps that are measured, and the pace; steps and measurements take so many seconds, slow ones 0.4."""
    pace, at = Pace(budget, when, steps if known else 0), []
    for k in range(1, steps + 1):
        if pace.is_due(k, trained=k * step):
            pace.measured(k, (0.4 if len(at) in slow else price) if at else first)
            at.append(k)
    return at, pace


@pytest.mark.parametrize("step", [1e-4, 3e-3, 0.1])
@pytest.mark.parametrize("price", [1e-4, 2e-3, 0.02, 0.5])
@pytest.mark.parametrize("steps", [50, 1000, 20_000])
@pytest.mark.parametrize("known", [True, False])
def test_all_measurements_together_are_paid_for_or_within_the_grace(steps, price, step, known):
    at, pace = measured_steps(steps, step=step, price=price, known=known)
    in_any_case = price * len(set(at) & set(_measurements.FIRST[1:]))
    assert pace.spent == pytest.approx(price * (len(at) - 1))
    assert pace.spent <= max(BUDGET * steps * step, Pace(None).grace, in_any_case) + 1e-9
    assert at[:2] == [1, 4]
    assert (np.diff(at[1:]) >= _measurements.FEWEST).all()


@pytest.mark.parametrize("steps", [1000, 20_000])
def test_where_measuring_costs_nothing_there_are_a_hundred_measurements(steps):
    at, _ = measured_steps(steps, price=0.0)
    assert 90 <= len(at) <= _measurements.OFTEN + len(_measurements.FIRST)
    assert np.diff(at[2:]).max() == steps / _measurements.OFTEN


def test_a_thousand_steps_of_3_ms_have_ten_measurements_of_6_ms_and_stay_below_the_budget_or_the_grace():
    at, pace = measured_steps(1000, step=0.003, price=0.006)
    assert len(at) >= 10
    assert pace.spent <= max(BUDGET * 3.0, Pace(None).grace)


def test_the_first_measurement_traces_and_is_not_counted():
    _, pace = measured_steps(first=7.0)
    assert pace.setup == 7.0
    assert pace.spent < 1


def test_measurements_that_cost_more_come_less_often():
    few, many = (len(measured_steps(20_000, price=price)[0]) for price in (0.05, 0.005))
    assert 2 < few < many


@pytest.mark.parametrize("known", [True, False])
def test_a_training_of_unknown_length_is_measured_to_its_end(known):
    at, _ = measured_steps(20_000, price=0.0, known=known)
    assert at[-1] > 19_000
    assert at[-1] - at[-2] <= 20_000 / _measurements.OFTEN + 1


def test_an_interval_is_kept_where_it_is_paid_for():
    assert measured_steps(23, when=5, budget=None)[0] == [5, 10, 15, 20]
    at, pace = measured_steps(20_000, when=5, price=0.003, step=0.003)  # a price costs a step, and 33 steps pay for it
    assert pace.spent <= BUDGET * 20_000 * 0.003
    assert len(at) == pytest.approx(BUDGET * 20_000, abs=3)


def test_a_function_of_the_step_says_when():
    assert measured_steps(100, when=lambda step: step in (3, 50, 99), budget=None)[0] == [3, 50, 99]
    dear, _ = measured_steps(100, when=lambda step: step % 2 == 0, price=1.0)
    assert dear == [2, 4]  # the first is not counted, the second is more than the training can pay


WHEN = [{}, {"steps": 0}, {"when": 7}, {"when": lambda step: step % 7 == 0}]


@pytest.mark.parametrize("options", WHEN, ids=["by itself", "length unknown", "interval", "function"])
@pytest.mark.parametrize("price", [0.0, 0.006])
def test_resting_between_measurements_makes_none_that_is_free_late_and_no_other_by_more_than_an_eighth(options, price):
    pace, rests, due, asked, latest = Pace(BUDGET, **{"steps": 1000} | options), 0.0, 0, 0, 0.0
    for k in range(1, 1001):
        due = due or k * pace.is_due(k, trained=k * 0.003)
        if k < rests:
            continue
        asked += 1
        if pace.is_due(k, trained=k * 0.003):
            latest = max(latest, (k - due) / (k - pace._last))
            pace.measured(k, price)
            due, rests = 0, 0.0
        else:
            rests = pace.rests_until(k)
    assert pace.count > 8
    assert latest <= (1 / _measurements.ASKED if price else 0)
    assert asked == 1000 if callable(pace.when) else asked < 500


def test_the_clock_tells_training_from_measuring(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(_measurements.time, "perf_counter", lambda: now[0])
    clock, pace = Clock(), Pace(None)
    assert clock.trained == 0
    now[0] += 50  # tracing the training step
    clock.start()
    now[0] += 3
    for seconds in (2.0, 0.5):
        with clock.measuring(pace, 1):
            now[0] += seconds
    now[0] += 4
    clock.start()
    assert clock.trained == 7
    for _ in range(2):
        clock.stop()
        now[0] += 60  # the training is over
        assert clock.trained == 7
    assert (pace.setup, pace.spent, pace.count) == (2.0, 0.5, 2)


def test_a_measurement_of_which_is_known_that_it_cannot_be_paid_for_is_not_taken():
    pace = Pace(BUDGET, None, 1000, grace=0.25)
    pace.expect(0.5)
    assert not any(pace.is_due(step, trained=0.003 * step) for step in range(1, 1001))
    assert pace.is_due(6000, trained=18.0)


def test_a_first_measurement_whose_graphs_are_traced_already_is_counted_whole():
    pace = Pace(BUDGET)
    pace.expect(0.25)
    pace.measured(1, 0.5)
    assert (pace.spent, pace.cost, pace.setup) == (0.5, 0.25, 0.0)


def test_what_is_affordable_goes_by_the_whole_training_and_by_the_two_measurements_that_a_verdict_needs():
    pace = Pace(BUDGET, None, 1000, grace=0.25)
    pace.expect(0.5)
    assert not pace.is_affordable(10, trained=0.3)  # 30 s in all pay for 0.9 s
    assert pace.is_affordable(10, trained=0.34)  # 34 s in all
    pace.expect(0.13)
    assert not pace.is_affordable(10, trained=0.03)
    pace.expect(0.12)
    assert pace.is_affordable(10, trained=0.03)  # 0.25 s are free
    assert Pace(None).is_affordable(10, trained=0.0)


def test_one_measurement_that_was_held_up_does_not_end_all_measuring():
    pace = Pace(BUDGET, None, 1000, grace=0.25)
    pace.expect(0.01)
    for seconds, cost in ((0.2, 0.01), (0.01, 0.01), (0.2, 0.2)):
        pace.measured(1, seconds)
        assert pace.cost == cost
    assert pace.spent == pytest.approx(0.41)
    pace.guess(0.03)
    assert pace.cost == 0.03


def test_what_holds_up_a_measurement_is_charged_to_the_training():
    usual, _ = measured_steps(price=0.006)
    at, pace = measured_steps(price=0.006, slow=(3,))
    assert len(at) >= len(usual) - 2
    assert pace.spent == pytest.approx(0.4 + 0.006 * (len(at) - 2))  # and told as it is
    assert len(measured_steps(price=0.006, slow=range(1, 1001))[0]) <= 3
