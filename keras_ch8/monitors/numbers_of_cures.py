"""The numbers that cures name, such as a shorter learning rate, by what was measured of a training."""

import numpy as np

from ..verdicts.fact import Fact
from ..verdicts.quantities import LAST
from ..verdicts.remedies import FURTHER, Remedy, applicable
from ..verdicts.wording import digits
from .measurement_log import DROWNED, FEWEST, MeasurementLog, Rows, once
from .model_facts import QUANTILE, facts, usual_rate
from .progress import rate_of_limit

LEAST, OF_IDLE = 3.0, 10.0
"""By what a rate that is too long is divided at least, and where most of what it has done is that units are idle: steps
are measured where hardly anything moves any more."""
ENOUGH_UPDATES = 100
"""Updates that a training should make, where it adds up batches for each."""
HIGH = 10.0
"""Times the largest usual learning rate, from which a rate is named as the likely cause of a NaN."""
TINY = 0.1
"""Part of the usual gradient of the first steps below which a limit would clip all of them, when trained anew."""
DIVERGED = 2.0
"""Loss over that of the first steps, above which a gradient is no usual one."""


@once
def known_to_cures(log: MeasurementLog) -> dict[str, str]:
    """Return the numbers that cures name, as texts; what is not known is left out.

    Where the rate changes, rates are the largest: what was measured of the steps at the rate of now says by what to
    multiply all.
    """
    numbers = {
        "rate": _peak(log),
        "shorter_rate": _peak(log) / _too_long(log),
        "longer_rate": _longer_rate(log),
        "tenth_rate": _peak(log) / 10,
        "tenfold_rate": 10 * _peak(log),
        "clip_at": _usual_norm(log),
        "momentum": float(np.clip(1 - 10 / max(log.total or log.done, 1), 0.5, 0.9)),
        "memory": _memory(log),
    }
    known = {name: digits(number) for name, number in numbers.items() if 0 < number < np.inf}
    sizes = {"larger_batch": _larger_batch(log), "more_epochs": 3 * len(log.epochs), "added_up": _added_up(log)}
    is_high = rate_over_usual(log) >= HIGH
    known["high_rate"] = f": {digits(_peak(log))} is far above the usual ones" if is_high else ""
    if log.fault_of_loss:
        known["advice_of_stop_reason"] = log.fault_of_loss.partition(". ")[2].rstrip(".")
    if min((part for _, part in log.chance_of_outputs.values()), default=1.0) < DROWNED:
        weights = {name: float(f"{1 / chance:.2g}") for name, (chance, _) in log.chance_of_outputs.items()}
        known["weights_of_losses"] = str(weights)
    return known | {name: str(size) for name, size in sizes.items() if size}


def further(log: MeasurementLog) -> tuple[Remedy, ...]:
    """Return what such a training might need, whatever its verdicts ask for: all that has code, the likeliest first."""
    return tuple(each for each in applicable(FURTHER, known_to_cures(log), facts(log)) if each.code)


def _peak(log: MeasurementLog) -> float:
    return log.rate if np.isnan(log.peak) else log.peak


def rate_over_usual(log: MeasurementLog) -> float:
    """Return the largest learning rate over the largest that is usual."""
    return _peak(log) / usual_rate(log)


def _typical_step(log: MeasurementLog) -> float:
    """Return the length of a step over the best in its direction, the median over the last; NaN where not known."""
    sizes = np.abs(log.series("step_length", "step_over_optimal")[-LAST:])
    sizes = sizes[np.isfinite(sizes)]
    return float(np.median(sizes)) if len(sizes) else float("nan")


def _too_long(log: MeasurementLog) -> float:
    """Return by what to divide the rate, so that a step is half the best length, and at most half the stable one.

    It is at most a usual one. NaN where the loss has overflowed.
    """
    if not np.isfinite(log.series("gradient_norm", "loss")).all():
        return float("nan")  # how far too long cannot be measured any more
    least = OF_IDLE if facts(log) & {Fact.DEAD_UNITS, Fact.SATURATED_UNITS} else LEAST
    factors = [least, 2 * _typical_step(log), rate_of_limit(log), rate_over_usual(log)]
    return min(float(np.nanmax(factors)), 1000.0)


def _longer_rate(log: MeasurementLog) -> float:
    """Return a rate with which a step has a tenth of the best length, but no more than half the stable rate.

    It is no more than is usual; NaN where that is less than twice the largest so far.
    """
    step, stability = _typical_step(log), rate_of_limit(log)
    asked = [0.1 / step if step > 0 else np.nan, 1 / stability if stability > 0 else np.nan]
    factor = float(np.nanmin(asked)) if not np.isnan(asked).all() else 10.0
    longer = min(log.rate * float(np.clip(factor, 3.0, 1e6)), usual_rate(log))
    return longer if longer >= 2 * _peak(log) else float("nan")


def _usual_norm(log: MeasurementLog) -> float:
    """Return the norm of the gradient that nine of ten steps do not reach.

    NaN where too few steps were usual, and where it would clip nearly all of the first ones: those of a training that
    has come to rest are tiny.
    """
    first, usual = (_norms_of(rows, log) for rows in (log.first_rows, log.rows))
    if len(usual) < FEWEST or not len(first):
        return float("nan")
    limit = float(np.quantile(usual, QUANTILE))
    return limit if limit >= TINY * np.median(first) else float("nan")


def _norms_of(rows: Rows, log: MeasurementLog) -> np.ndarray:
    """Return the finite norms of the steps at which the loss was not far above that of the first, if it is known."""
    begun = log.first_rows.loss[:FEWEST]
    begun = begun[np.isfinite(begun)]
    limit = np.median(begun) + (DIVERGED - 1) * abs(np.median(begun)) if len(begun) else np.inf
    return rows.norm[np.isfinite(rows.norm) & ~(rows.loss > limit)]


def _memory(log: MeasurementLog) -> float:
    """Return the bias of a forget gate for a memory as long as the sequence; NaN without a recurrent layer."""
    horizons = log.of("time_horizon")
    return float(np.log(max(2, len(horizons[-1][0].profile)))) if horizons else float("nan")


def _added_up(log: MeasurementLog) -> int:
    """Return how many batches an update should add up for ENOUGH_UPDATES, two at least; 0 where it adds up no more."""
    fewer = max(2, log.of_update * log.updates // ENOUGH_UPDATES)
    return fewer if fewer < log.of_update else 0


def _larger_batch(log: MeasurementLog) -> int:
    """Return a batch with half as much noise as gradient, 4 to 16 times as large as now, and no larger than the data.

    0 where it is not known, or the data are less than two of the batches of now.
    """
    noises = log.of("gradient_noise")[-LAST:]
    if not noises or not log.batch_size:
        return 0
    trace, squared = (float(np.mean([getattr(noise, part) for noise in noises])) for part in ("trace", "squared_norm"))
    if not np.isfinite(trace):
        return 0
    wanted = 2 * trace / squared if squared > 0 else np.inf
    size = 2 ** np.rint(np.log2(np.clip(wanted, 4 * log.batch_size, 16 * log.batch_size)))
    if log.examples:
        size = min(size, 2 ** np.floor(np.log2(log.examples)))
    return int(size) if size >= 2 * log.batch_size else 0
