"""What is said of single steps: each limit on its two sides."""

import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.verdicts.fact import Fact
from tests.monitors.logs import INF, NAN, check, cliffs, level, said


@pytest.mark.parametrize(
    "losses, has_grown",
    [
        ([NAN] * 9, False),  # before any step
        ([1.0, 0.9, 0.8, 1.9, NAN], False),  # from one step to the next
        ([1.0, 0.9, 0.8, 2.1, NAN], True),
        ([1.0, 2.0, 9.0, 80.0, NAN], True),
    ],
)
def test_what_is_not_a_number_without_growth_is_no_fault_of_the_steps(losses, has_grown):
    log = MeasurementLog(total=100)
    log.add_rows(Rows(np.arange(1, len(losses) + 1), np.array(losses), np.array(losses)))
    claim = said("cliff", log, "nonfinite")
    assert (claim.level, claim.proven) == ("act", True)
    assert ("without growing" in claim.finding, "divisions by 0" in claim.cure) == (not has_grown, not has_grown)


def test_cliffs_by_their_number_and_their_height_where_the_loss_is_not_low():
    """More of them where the loss is good. Of one that has gone below 0 nothing says what is low."""

    def spikes(count, height=10.1, fallen=0.2):
        norms = np.ones(200)
        norms[50 : 50 + 20 * count : 20] = height
        claim = said("cliff", cliffs(norms, fallen), "cliff")
        assert not claim.proven
        return claim.level

    check([(2, "ok"), (3, "act"), (3, 9.9, "ok"), (3, 10.1, 0.49, "act"), (5, 10.1, 0.51, "ok"),
           (6, 10.1, 0.89, "act"), (6, 10.1, 0.91, "ok"), (2, 10.1, 1.01, "ok"),
           (3, 10.1, 1.01, "act")], spikes)  # fmt: skip


def test_a_rate_far_above_what_is_usual_is_too_high_where_the_loss_stays_high():
    def at(rate, fallen=0.2, has=frozenset()):
        log = cliffs(np.ones(200), fallen)
        log.has = has
        log.see(rate)
        return level("cliff", log, "step_too_long")

    adam = frozenset({Fact.STEPS_OF_THE_RATE})
    check([(4.9, "ok"), (5.1, "act"), (5.1, 0.49, "act"), (5.1, 0.51, "ok"), (0.051, 0.2, adam, "act")], at)


def test_of_several_optimizers_each_has_spikes_of_its_own_and_its_name_is_said():
    """As of a GAN: the gradient of one may be far above that of the other."""
    steps, large, small = np.arange(1, 201), np.full(200, 1000.0), np.ones(200)
    small[[50, 120, 150]] = 30.0
    each = {name: Rows(steps, norm, np.ones(200)) for name, norm in (("generator", large), ("critic", small))}
    log = MeasurementLog(total=200)
    log.add_rows(Rows(steps, np.hypot(large, small), np.ones(200)))
    assert level("cliff", log, "cliff") == "ok"
    log = MeasurementLog(total=200)
    log.add_rows(Rows(steps, np.hypot(large, small), np.ones(200)), each)
    claim = said("cliff", log, "cliff")
    assert claim.level == "act"
    assert claim.finding.endswith("(last: step 151 of `critic`).")
    large[180] = NAN
    log.add_rows(Rows(steps, np.hypot(large, small), np.ones(200)), each)
    assert "of `generator`" in said("cliff", log, "nonfinite").finding


@pytest.mark.parametrize("value", [INF, NAN])
def test_a_gradient_that_is_no_number_calls_for_action_at_once_and_is_no_cliff(value):
    claims = [said("cliff", cliffs([*[1.0] * 30, *[value] * n]), "nonfinite") for n in range(3)]
    assert [(claim.level, claim.proven) for claim in claims] == [("ok", False), ("act", True), ("act", True)]
    assert level("cliff", cliffs([*[1.0] * 30, value, value, value]), "cliff") == "ok"


def test_the_ratio_where_there_is_no_gradient_and_where_it_is_infinite():
    assert np.isnan(monitors.cliff(np.ones(5)).largest)
    nothing, without_end = monitors.cliff(np.zeros(30)), monitors.cliff(np.full(30, INF))
    assert (nothing.ratio == 0).all()
    assert (nothing.rise == 0).all()
    assert (without_end.ratio == 1).all()
    assert (without_end.rise == 1).all()


def test_the_finding_names_the_step_of_the_last_spike():
    norms = np.ones(100)
    assert "step" not in said("cliff", cliffs(norms), "cliff").finding
    norms[[20, 40, 60]] = 20.0
    finding = said("cliff", cliffs(norms), "cliff").finding
    assert finding.endswith(": 3 steps had a gradient at least 10 times the usual size (last: step 61).")


@pytest.mark.parametrize("norms", [[*[1.0] * 28, *[INF] * 2], [1.0, 2.0, 9.0, 80.0, NAN]])
def test_steps_that_are_left_out_call_for_no_other_rate(norms):
    log, whole = cliffs(norms), cliffs(norms[:4])
    assert level("cliff", log, "nonfinite") == "act"
    log.has = whole.has = frozenset({Fact.SKIPPING})
    assert level("cliff", whole, "nonfinite") == "ok"
    claim = said("cliff", log, "nonfinite")
    assert (claim.level, claim.proven) == ("watch", False)
    assert "`guard.jsonl`" in claim.cure
