"""A verdict says what holds now: its number is the last point of the series that it names, whatever was before."""

import dataclasses

import numpy as np
import pytest

from keras_ch8.board import tags
from keras_ch8.extend import Limit, Quantity, Rule
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors._time_horizon import TimeHorizon
from keras_ch8.monitors.base import CURVES, SERIES, chosen, lines, members
from keras_ch8.monitors.measurement_log import MeasurementLog
from keras_ch8.verdicts.kinds import KINDS
from keras_ch8.verdicts.rules import judge
from keras_ch8.verdicts.verdict import VerdictTracker
from tests.monitors.logs import LEARNING, epochs, flow, log_of, losses, said

RULES = [rule for monitor in members("full") for rule in monitor.rules]
STEP = Quantity(
    "step", "A step.", lambda x: f"a step has {x:.2g} m", number="{:.2g} m".format, usual="median of the last 3",
    series="diagnosis/step",
)  # fmt: skip
LONG = Limit(STEP, "above", watch=2.0, act=4.0, source="Experience")


def gradients(factor):
    """Return hidden layers, each of which multiplies the gradient by a factor."""
    return flow(gradient=np.array([factor**2, factor, 1.0, 1.0]))


# --- what is judged, and what is newest ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "newest, judged, expected",
    [
        (5.0, 4.0, "A step has 4 m (median of the last 3)"),
        (9.0, 4.0, "A step has 4 m (median of the last 3; now 9 m)"),
        (2.0, 4.0, "A step has 4 m (median of the last 3; now 2 m)"),
        (-4.0, 4.0, "A step has 4 m (median of the last 3; now -4 m)"),
        (0.5, 0.6, "A step has 0.6 m (median of the last 3)"),
        (-3.0, -4.0, "A step has -4 m (median of the last 3)"),
        (-4.0, -3.0, "A step has -3 m (median of the last 3)"),
        (5.0, np.inf, "The step is too large to measure (median of the last 3; now 5 m)"),
        (np.nan, 4.0, "A step has 4 m (median of the last 3)"),
        (np.inf, 4.0, "A step has 4 m (median of the last 3; now too large to measure)"),
    ],
)
def test_what_is_judged_is_said_first_and_the_newest_where_it_is_far_from_it(newest, judged, expected):
    assert STEP.stated(judged, newest) == expected


def test_a_sentence_says_a_value_or_that_it_has_no_end_and_nothing_of_what_is_not_known():
    endless = dataclasses.replace(STEP, endless="a step has no end")
    assert [endless.said(value) for value in (5.0, 1e12, np.inf, np.nan)] == [
        "a step has 5 m", *["a step has no end"] * 2, "",
    ]  # fmt: skip


def test_numbers_that_are_written_alike_are_not_far_from_each_other():
    whole = dataclasses.replace(STEP, number="{:.0f} m".format)
    assert whole.stated(0.3, newest=0.1) == "A step has 0.3 m (median of the last 3)"
    assert whole.stated(0.7, newest=0.1) == "A step has 0.7 m (median of the last 3; now 0 m)"


def test_a_number_alone_is_stated_with_the_name_of_what_it_is():
    plain = Quantity("loss_of_probe", "The loss on the probe.")
    assert [plain.stated(value) for value in (2.0, 1e12)] == [
        "The loss of probe is 2", "The loss of probe is too large to measure",
    ]  # fmt: skip
    low = Limit(plain, "below", watch=2.0, act=1.0, source="Experience")
    assert low.stated(0.5) == "The loss of probe is 0.5: WATCH at 2 or less, ACT at 1 or less (Experience)."
    assert low.stated(0.5, "watch") == "The loss of probe is 0.5: WATCH at 2 or less (Experience)."


def test_what_is_missing_is_one_sentence():
    three = [Limit(Quantity("width", "A width."), "above", 1.0, name=name) for name in ("it is so", "thus", "the rest")]
    rule = Rule(kind="cliff", says="It is long", limits=(LONG, *three))
    why = {width: judge([rule], {"step": 5.0, "width": width})[0].why[1:] for width in (0.0, 2.0)}
    assert why[2.0] == ()
    assert why[0.0] == ("It is reported only if it is so, thus and the rest.",)


def test_what_counts_beside_is_no_reason_where_what_is_judged_is_not_reached_anyway():
    far, short = (
        Limit(Quantity("height", "A height."), "above", watch=9.0), Limit(STEP, "below", 1.0, name="it is short"),
    )  # fmt: skip
    (claim,) = judge([Rule(kind="cliff", says="It is long", limits=(LONG, far, short))], {"step": 5.0, "height": 1.0})
    assert claim.why == (
        "A step has 5 m (median of the last 3): WATCH at 2 m or more, ACT at 4 m or more (Experience).",
        "The height is 1: ACT at 9 or more.",
    )


def test_a_rule_says_why_in_sentences():
    wide = Limit(Quantity("width", "A width."), "above", 1.0, name="it is wide")
    mine = Rule(kind="cliff", says="It is long", limits=(LONG, wide))

    def why(step, width, **changes):
        rule = Rule(**vars(mine) | changes)
        return judge([rule], {"step": step, "width": width})[0].why

    first = "A step has {} m (median of the last 3): WATCH at 2 m or more, ACT at 4 m or more (Experience)."
    assert why(5.0, 2.0) == (first.format(5),)
    assert why(5.0, 0.0) == (first.format(5), "It is reported only if it is wide.")
    assert why(1.0, 0.0) == (first.format(1),)
    assert why(5.0, 2.0, unless=wide) == (first.format(5), "It is not reported if it is wide.")
    assert why(5.0, 2.0, at_most="watch")[0] == first.format(5).replace(", ACT at 4 m or more", "")
    assert why(np.nan, 2.0) == ()
    only = Rule(kind="cliff", says="It is wide", limits=(wide,))
    assert judge([only], {"width": 2.0})[0].why == ("It is wide: yes.",)


def test_of_a_kind_that_is_fine_the_limits_of_all_rules_are_why_and_not_more_than_five():
    ups = [Rule(kind="cliff", says="Up", limits=(Limit(Quantity(f"q{i}", ""), "above", 9),)) for i in range(7)]
    (claim,) = judge(ups, {f"q{i}": float(i) for i in range(7)})
    assert claim.why == tuple(f"The q{i} is {i}: ACT at 9 or more." for i in range(5))


def test_a_claim_says_the_number_that_is_judged_and_has_that_of_its_series_if_it_is_drawn():
    rule = Rule(kind="cliff", says="It is long", limits=(LONG,))
    (claim,) = judge([rule], {"step": 5.0}, drawn={"diagnosis/step": 20.0})
    assert (claim.series, claim.drawn[claim.series]) == ("diagnosis/step", 20.0)
    assert claim.finding == "It is long: a step has 5 m."
    assert claim.why[0].startswith("A step has 5 m (median of the last 3; now 20 m): ")
    (claim,) = judge([rule], {"step": 5.0}, newest={"step": 20.0}, drawn={"diagnosis/other": 1.0})
    assert claim.series == ""
    assert claim.why[0].startswith("A step has 5 m (median of the last 3; now 20 m): ")


# --- what the monitors say -----------------------------------------------------------------------------------------


def newest(monitor, log):
    return chosen([monitor])[0].newest(log)


def test_the_newest_loss_and_step_are_those_of_the_last_measurement():
    usual, last = (StepLength(2.0, 2.0, slope=-1.0, curvature=c, length=0.01) for c in (0.5, -0.3))
    log = log_of([2.0, *[1.5] * 7, 0.5], step_length=[*[usual] * 8, last])
    log.chance = 2.0
    assert newest("step_length", log) == {"overshoot": -0.15}
    for monitor in ("gradient_norm", "spectrum"):
        assert newest(monitor, log) == {"gained": 0.75, "over_chance": 0.25, "growth": 0.25, "typical_step": 0.3}
    early = MeasurementLog(total=10)
    assert newest("gradient_norm", early) == {}
    early.add(1, {"step_length": usual, "gradient_norm": GradientNorm(1.0, 1.0, 2.0)})
    assert newest("gradient_norm", early) == {"typical_step": 0.5}  # of the loss nothing is judged yet


def test_the_newest_horizon_is_that_of_the_last_measurement_and_of_long_sequences_three_digits_are_said():
    short, whole = (
        (TimeHorizon("rnn", np.where(np.arange(1234) < steps, 1.0, 0.0), is_final=True),) for steps in (617, 1234)
    )
    log = log_of(losses(), time_horizon=[*[whole] * 8, short])
    assert newest("time_horizon", log) == {"horizon_reached": 0.5, "growth_in_time": 0.0}
    (monitor,) = chosen(["time_horizon"])
    assert monitor.remarks(log)["short_horizon"] == "in rnn, 1230 time steps"
    claim = said("time_horizon", log, "short_horizon")
    assert "(median of the last 9 measurements; now 50 %)" in claim.why[0]


def course(monitor, pasts, kind):
    """Return the verdict on a kind after each of some pasts, one measurement after the other."""
    (one,), tracker = chosen([monitor]), VerdictTracker()
    for log in pasts:
        tracker.update(log.step, one.claims(log), monitor)
        yield next((v for v in tracker.verdicts if v.kind == kind), None)


def test_a_gradient_that_vanished_once_and_does_no_more_is_well():
    """50 measurements of 0.09 a layer, then 30 of 1.1: over all of them the median would vanish to the end."""
    factors, log = [*[0.09] * 50, *[1.1] * 30], log_of(losses())

    def pasts():
        for step, factor in enumerate(factors, 1000):
            log.add(step, {"layer_flow": gradients(factor)})
            yield log

    found = list(course("layer_flow", pasts(), "vanishing"))
    assert (found[49].level, found[49].measured, found[49].value) == ("act", 1049, pytest.approx(0.09))
    assert "the first hidden layer gets 1/123 of the gradient of the last (3 hidden layers)" in found[51].finding
    assert "(median of the last 9 measurements; now 121 %)" in found[51].why[0]
    assert (found[51].level, found[51].measured, found[51].value) == ("act", 1051, pytest.approx(1.1))
    assert [verdict.level for verdict in found[-20:]] == ["ok"] * 20
    assert (found[-1].measured, found[-1].value) == (1079, pytest.approx(1.1))
    assert found[-1].finding == f"{KINDS['vanishing'].fine}."


def test_a_validation_loss_is_said_as_it_is_at_the_end_not_at_its_best():
    claim = said("online_risk", epochs(LEARNING, [0.9, 0.5, 0.11, *[0.3] * 4, 0.197, 0.4, 0.453]), "overfitting")
    assert claim.finding.endswith("validation loss has lost 11 % of its improvement (`val_loss` 0.453, at best 0.11).")
    assert "(lowest of the last 3 values; now 43 %)" in claim.why[0]
    assert (claim.level, claim.series, claim.drawn[claim.series]) == ("act", "epoch/val_loss", 0.453)


def test_without_validation_the_loss_of_the_probe_is_the_number_of_overfitting():
    log = epochs(LEARNING, [None] * 10)
    for step, loss in enumerate([0.9, 0.7, 0.5, *[0.7] * 3], 1):
        log.add(step, {"gradient_norm": GradientNorm(1.0, 1.0, loss)})
    claim = said("online_risk", log, "overfitting")
    assert (claim.series, claim.drawn[claim.series]) == ("diagnosis/loss", 0.7)


def test_time_is_judged_by_the_last_nine_measurements_and_said_as_it_is_now():
    short, whole = (TimeHorizon("rnn", np.where(np.arange(20) < steps, 1.0, 0.0), is_final=True) for steps in (5, 20))
    log = log_of(losses())
    for i in range(40):
        log.add(1000 + i, {"time_horizon": (short if i < 30 else whole,)})
    assert said("time_horizon", log, "short_horizon").level == "ok"
    log.add(1040, {"time_horizon": (short,)})
    claim = said("time_horizon", log, "short_horizon")
    assert "through 100 % of the time steps (median of the last 9 measurements; now 25 %)" in claim.why[0]
    assert (claim.series, claim.drawn[claim.series]) == ("diagnosis/horizon", 5)


# --- where it is drawn ---------------------------------------------------------------------------------------------


def test_every_series_of_a_quantity_is_a_curve_of_a_monitor_or_of_epochs():
    named = {q.series for rule in RULES for q in (*rule.quantities, *rule.mentions) if q.series}
    assert {name.removeprefix(SERIES) for name in named if name.startswith(SERIES)} <= set(CURVES)
    others = {name for name in named if not name.startswith(SERIES)}
    assert others <= {tag.name for tag in tags.ALL} | {"epoch/val_loss"}


def test_the_limits_of_the_rules_are_lines_of_the_series_that_show_what_they_judge():
    found = lines(members("full"))
    assert set(found) <= {f"{SERIES}{name}" for name in CURVES}
    for value, label, direction, series in (
        (0.4, "act: dead_units", "above", "fraction_dead"),
        (0.3, "act: step_too_short, ill_conditioned", "above", "newton_gain"),
        (0.1, "act: saddle", "above", "negative_curvature"),
    ):
        assert {"value": value, "label": label, "direction": direction} in found[f"diagnosis/{series}"]
    assert "diagnosis/backward_factor" not in found  # what is judged is the product over the layers
    for threshold in (t for rule in RULES for t in rule.judged if t.quantity.series):
        assert threshold.watch in [line["value"] for line in found[threshold.quantity.series]]
    named = {kind for some in found.values() for line in some for kind in line["label"].split(": ")[1].split(", ")}
    assert named <= set(KINDS)
    assert lines([]) == {}
