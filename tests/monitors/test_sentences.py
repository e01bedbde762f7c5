"""What is said of any numbers, also of none and of infinite ones, is a sentence that a practitioner can read."""

import functools
import re

import numpy as np
import pytest

from keras_ch8.monitors._batch_statistics import BatchStatistics
from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors._time_horizon import TimeHorizon
from keras_ch8.monitors.base import members
from keras_ch8.monitors.eigenvalues import SpectrumEnds
from keras_ch8.monitors.flow import LayerFlow
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.verdicts.kinds import KINDS
from keras_ch8.verdicts.rules import Limit, judge
from tools.rules_page import limits_in

MONITORS = [monitor for monitor in members("full") if monitor.rules]
READ = ("gradient_norm", "step_length", "gradient_noise", "layer_flow", "time_horizon", "batch_statistics", "spectrum")
"""Monitors of which `reading` makes a reading of extreme numbers."""
EXTREMES = [0.0, 1e-30, 5e-324, 1e-5, 0.0123456, 0.5, 0.999, 1.0, 1.049, 2.0, 3.14159, 99.96, 123.456, 54321.0,
            987654.3, 1e9, 1e30, 1e308, np.inf, np.nan, -1e-9, -0.034567, -0.5, -1.0, -7.0, -1e30, -np.inf]  # fmt: skip
SENTENCES = {"advice_of_stop_reason"}
"""What cures name that is no number; test_state reads what comes of it."""
WRONG = {
    "a number that is none": r"\b(nan|inf|infinity)\b",
    "a sign of a formula": r"[|^=<>]|\btheta\b|\bSigma\b|d'Hd| / ",
    "a multiple of one": r"(?<![\d.])1(-fold| times)",
    "a negative percentage": r"-\s*[\d.e-]+ ?%",
    "an exponent that no one reads": r"e[+-]0|e\+",
    "a place that was not filled": r"[{}]|\bNone\b",
    "a space too many": r"  | \.|\( | \)",
}


@functools.cache  # most draws say what another has said
def assert_readable(sentence):
    sentence = re.sub("`[^`]*`", "`code`", sentence).replace("a NaN or infinite gradient", "such a gradient")
    for what, pattern in WRONG.items():
        assert not re.search(pattern, sentence, re.IGNORECASE), f"{what}: {sentence}"
    for number in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", re.sub(r"(step|batch size is) \d+", "", sentence)):
        significant = number.lstrip("-").replace(".", "").lstrip("0")
        significant = significant if "." in number else significant.rstrip("0")
        assert len(significant) <= 3, f"{number}: {sentence}"
    assert re.fullmatch(r"[A-Z].*\.", sentence), sentence


def assert_reasons(why):
    """Each is a sentence; what is in brackets says where a number is from, as in a bibliography."""
    assert len(why) <= 5
    for sentence in why:
        assert_reason(sentence)


@functools.cache
def assert_reason(sentence):
    told = re.sub(r" \((measured|Goodfellow|McCandlish|Mandt).*\)\.$", ".", sentence)
    assert_readable(f"It is so: {told}")  # some begin with a number


@pytest.mark.slow
@pytest.mark.parametrize("monitor", MONITORS, ids=lambda monitor: monitor.name)
def test_whatever_was_measured_the_sentence_is_one(monitor):
    """Two hundred draws from the extremes, each of them for all quantities at once, and each rule at its limits."""
    rng, said = np.random.default_rng(0), set()
    parts = [part for rule in monitor.rules for part in (*rule.limits, rule.unless)]
    names = {limit.quantity.name for part in parts for limit in limits_in(part)}
    names |= {quantity.name for rule in monitor.rules for quantity in rule.mentions}
    names |= {name for rule in monitor.rules for name in re.findall(r"\{(\w+)\}", rule.cure)} - SENTENCES
    cases = [dict.fromkeys(names, value) for value in EXTREMES]
    cases += [{name: rng.choice(EXTREMES) for name in sorted(names)} for _ in range(200)]
    limits = [[limit for limit in rule.limits if isinstance(limit, Limit)] for rule in monitor.rules]
    cases += [{limit.quantity.name: limit.act for limit in of_rule} for of_rule in limits]
    for measured in cases:
        newest = {name: rng.choice(EXTREMES) for name in sorted(names)}
        for claim in [*judge(monitor.rules, measured), *judge(monitor.rules, measured, newest=newest)]:
            assert_readable(claim.finding)
            assert_reasons(claim.why)
            assert not claim.cure or re.fullmatch(r"[A-Z][^{}]*\.", claim.cure)
            said.add((claim.kind, claim.level != "ok"))
    assert said == {(rule.kind, is_there) for rule in monitor.rules for is_there in (True, False)}


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda monitor: monitor.name)
def test_each_rule_is_said_with_the_numbers_that_it_judges(monitor):
    for rule in monitor.rules:
        assert_readable(f"{rule.says}.")
        for name in (part.name for part in (*rule.limits, rule.unless) if part and part.name):
            assert_readable(f"It is reported only if {name}.")
        assert any(quantity.phrase for quantity in rule.quantities) or all(limit.name for limit in rule.judged), (
            rule.says
        )
        for threshold in rule.judged:
            spoken = threshold.quantity.said(threshold.watch)
            assert not spoken or re.search(r"\d|nothing|no ", spoken) or threshold.watch <= 1, spoken


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_fine_and_what_it_means_are_sentences(kind):
    assert_readable(f"{KINDS[kind].fine}.")
    assert re.fullmatch(r"[A-Z].*\.", KINDS[kind].meaning)


def reading(kind, rng):
    """Return a reading of extreme numbers."""
    any_of = lambda size=None: rng.choice(EXTREMES, size)  # noqa: E731
    flow = dict.fromkeys(("signal", "gradient", "dead", "saturated", "relative_update"))
    ends = SpectrumEnds.__dataclass_fields__
    return {
        "gradient_norm": lambda: GradientNorm(*any_of(3)),
        "step_length": lambda: StepLength(*any_of(5)),
        "gradient_noise": lambda: GradientNoise(*any_of(2)),
        "layer_flow": lambda: LayerFlow(
            names=tuple("abcd"), weighted=(True,) * 4, is_output=(False, False, False, True), units=(8,) * 4,
            **{name: np.abs(any_of(4)) for name in flow}, input_signal=any_of(), input_spread=any_of(),
        ),
        "time_horizon": lambda: (
            TimeHorizon("rnn", np.abs(any_of(7)), True),
        ),
        "batch_statistics": lambda: BatchStatistics(("norm",), any_of(1), any_of(1), *any_of(2)),
        "spectrum": lambda: SpectrumEnds(*any_of(len(ends))),
    }[kind]()  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_whatever_was_read_and_reported_the_claims_are_sentences(seed):
    """Pasts of extreme readings, rows and epochs: also the names of layers, steps and losses that sentences mention."""
    rng = np.random.default_rng(seed)
    log = MeasurementLog(total=int(rng.choice([0, 12, 12345])))
    log.batch_size = float(rng.choice([0, 1, 100, 12345]))
    judging = [monitor for monitor in MONITORS if monitor.name in READ or monitor.source in ("rows", "epochs")]
    with np.errstate(all="ignore"):
        for step in range(12_000, 12_000 + 12 * 111, 111):
            log.add(step, {kind: reading(kind, rng) for kind in READ})
            norms = np.abs(rng.choice(EXTREMES, 111))
            log.add_rows(Rows(np.arange(step - 110, step + 1), norms, rng.choice(EXTREMES, 111)))
            log.add_epoch(dict(zip(("loss", "val_loss"), rng.choice(EXTREMES, 2), strict=True)))
        for monitor in judging:
            drawn = monitor.drawn(log)
            for claim in monitor.claims(log):
                assert_readable(claim.finding)
                assert_reasons(claim.why)
                assert claim.drawn == pytest.approx(drawn, nan_ok=True)
                assert claim.series == "" or claim.series in drawn
