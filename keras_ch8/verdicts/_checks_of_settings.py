"""Checks of the settings: what weight decay, the learning rates to come and the callbacks say before the first step."""

import math

from ._check import CHOSEN, FOUND, Check
from .code import SLOWER_FALL
from .fact import Fact
from .facts import Facts
from .wording import digits, percent

ENDED, SOON = 0.01, 0.25
"""Rate over the peak of its schedule, from which down it is next to nothing; and the part of the training after which
it has come there so soon that little can be learned."""
TENTH = 0.1
"""Part of the training after which it is too soon for the rate to be less than that part of its peak."""
FARTHER, FAR = 1.5, 10.0
"""Peak that a schedule would still come to, over the largest rate that the training has."""
NEAR = 1e-3
"""How far a weight must come in a training at least: weights begin with sizes of about 0.1, and tuned ones too."""
BY_THE_RATES = "chosen; the learning rates alone decide it"


# --- what the conditions ask ---------------------------------------------------------------------------------------


def _ended_after(facts: Facts, part: float = ENDED) -> float:
    """Return the part of the training after which its rate is below a part of the peak; 1 where it is not."""
    rates = facts.rates
    felt = [place for place, rate in enumerate(rates, 1) if rate > part * max(rates)]
    return felt[-1] / len(rates) if felt else 1.0


def _rises_beyond(facts: Facts) -> float:
    """Return the peak that a schedule would still come to, over the largest rate; NaN where it has come down."""
    rates = facts.rates
    is_rising = bool(rates) and rates[0] < rates[-1] == max(rates)
    return facts.later_rate / rates[-1] if is_rising else math.nan


def _set_in(callback: str, setting: str) -> str:
    """Return the code that sets something in a callback of the training."""
    return f"""\
for callback in callbacks:
    if isinstance(callback, keras.callbacks.{callback}):
        callback.{setting}"""


def _against_its_metric(callback: str, kind: str, does: str, expects: str) -> Check:
    """Return the check of the `mode` of a callback that does something while its metric improves."""

    def found(facts: Facts) -> tuple[str, str]:
        return next(((monitor, mode) for name, monitor, mode in facts.against if name == callback), ("", ""))

    def mended(facts: Facts) -> str:
        return {"min": "max", "max": "min"}[found(facts)[1]]

    return Check(
        f"the mode of {callback}",
        kind,
        f"The `mode` of `{callback}` is the wrong one for the metric it monitors",
        lambda f: found(f)[1] != "",
        lambda f: "With `mode='{1}'`, `{2}` {3} while `{0}` improves.".format(*found(f), callback, does),
        lambda f: f"Set `mode` to `'{mended(f)}'`.",
        lambda f: _set_in(callback, f'mode = "{mended(f)}"'),
        expects=expects,
        then="Leave out `mode`: Keras knows it from the metric.",
    )


def _waits_for_too_much(callback: str, kind: str, does: str, expects: str) -> Check:
    """Return the check of the `min_delta` of a callback that does something while its loss does not fall by that."""

    def found(facts: Facts) -> tuple[str, float]:
        is_known = facts.output.loss and facts.start.loss > 0
        asked = ((monitor, least) for name, monitor, least in facts.least_gains if name == callback)
        return next((each for each in asked if is_known and each[1] >= facts.start.loss), ("", math.nan))

    return Check(
        f"the min_delta of {callback}",
        kind,
        f"The `min_delta` of `{callback}` is at least the loss before the first step, so no epoch is an improvement",
        lambda f: found(f)[0] != "",
        lambda f: (
            f"Your `{callback}` {does} while `{found(f)[0]}` improves: its `min_delta` of {digits(found(f)[1])} is "
            f"more than the whole loss, {digits(f.start.loss)}."
        ),
        "Leave out `min_delta`.",
        _set_in(callback, "min_delta = 0"),
        expects=expects,
        then="Monitor a metric that changes by more.",
    )


def _says_ended(facts: Facts) -> str:
    if _ended_after(facts) > SOON:
        return (
            f"After {percent(_ended_after(facts, TENTH))} of training, the learning rate is below {percent(TENTH)} of "
            "its peak."
        )
    return (
        f"The learning rate schedule ends after {percent(_ended_after(facts))} of training: after that, the learning "
        "rate is almost 0."
    )


def _says_rising(facts: Facts) -> str:
    return (
        f"The warm-up is longer than training: by the end, the learning rate has reached only "
        f"{digits(facts.rates[-1])} of {digits(facts.later_rate)}."
    )


SPREAD = "Decay the learning rate over the whole training run."
SHORTEN = "Shorten the warm-up to 10 % of training."
FURTHER = "The loss should keep falling until the end."
FASTER = "The loss should fall several times faster."


def _spread(facts: Facts) -> str:
    return SLOWER_FALL.format(rate=digits(max(facts.rates)))


def _shorten(facts: Facts) -> str:
    return f'model.optimizer.learning_rate = keras_ch8.schedules.Warmup({digits(facts.later_rate)}, "10%")'


# --- the checks ----------------------------------------------------------------------------------------------------

OF_SETTINGS = (
    Check(
        "weights decay",
        "underfitting",
        "Weight decay shrinks each weight by 1 % or more per step",
        lambda f: Fact.STRONG_DECAY in f.has,
        "Weight decay shrinks each weight by 1 % or more per step, so the weights can barely grow.",
    ),
    Check(
        "units drop",
        "noise_dominated",
        "A dropout layer drops at least 80 % of its inputs",
        lambda f: Fact.STRONG_DROPOUT in f.has,
        "A dropout layer drops at least 80 % of its inputs, so the gradients are mostly noise.",
        source=f"Srivastava et al. (2014), section 7.3; {FOUND}",
    ),
    Check(
        "a schedule that soon ends",
        "step_too_short",
        f"The learning rate falls below {percent(ENDED)} of its peak in {percent(SOON)} of training, or below "
        f"{percent(TENTH)} in {percent(TENTH)}",
        lambda f: _ended_after(f) <= SOON or _ended_after(f, TENTH) <= TENTH,
        _says_ended,
        SPREAD,
        _spread,
        BY_THE_RATES,
        expects=FURTHER,
    ),
    _against_its_metric(
        "ReduceLROnPlateau",
        "step_too_short",
        "lowers the learning rate",
        "The learning rate should stay as it is while the metric improves.",
    ),
    _against_its_metric(
        "EarlyStopping", "too_short", "stops training", "Training should go on for as long as the metric improves."
    ),
    _waits_for_too_much(
        "ReduceLROnPlateau",
        "step_too_short",
        "lowers the learning rate",
        "The learning rate should stay as it is while the loss falls.",
    ),
    _waits_for_too_much(
        "EarlyStopping", "too_short", "stops training", "Training should go on for as long as the loss falls."
    ),
    Check(
        "a warm-up far beyond the end",
        "step_too_short",
        f"The learning rate is still rising when training ends: the peak of its schedule is at least {FAR:g} times as "
        "high",
        lambda f: _rises_beyond(f) >= FAR,
        _says_rising,
        SHORTEN,
        _shorten,
        BY_THE_RATES,
        expects=FASTER,
    ),
    Check(
        "a warm-up beyond the end",
        "step_too_short",
        f"The learning rate is still rising when training ends: the peak of its schedule is at least {FARTHER:g} times "
        "as high",
        lambda f: _rises_beyond(f) >= FARTHER,
        _says_rising,
        SHORTEN,
        _shorten,
        CHOSEN,
        expects=FASTER,
        level="watch",
    ),
    Check(
        "steps that lead nowhere",
        "step_too_short",
        f"The learning rates of all steps add up to less than {NEAR:g}, so the weights can barely move",
        lambda f: f.reach < NEAR,
        lambda f: f"At this learning rate, no weight can move by more than {digits(f.reach)} in the whole training "
        "run.",
        source=BY_THE_RATES,
    ),
)  # fmt: skip
