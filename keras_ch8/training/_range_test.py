"""What a curve of losses over learning rates suggests: pure NumPy, in the logarithm of the rate."""

from typing import NamedTuple

import numpy as np

WIDTH = 0.35
"""Width of the smoothing, in decades of the learning rate (standard deviation of a Gaussian)."""
DRAWS = 200
"""Times that the noise is drawn anew for the spread."""
SIGNIFICANT = 6.0
"""How many standard errors the smoothed loss must fall; noise alone has a range of about 4."""


class Suggestion(NamedTuple):
    """A learning rate, and the range of 16 % to 84 % of what other draws of the noise would suggest."""

    rate: float
    low: float
    high: float


def smoother(decades: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices that give value and slope, at each point, of a line fitted to the points around it."""
    x = decades[None, :] - decades[:, None]
    w = np.exp(-0.5 * (x / WIDTH) ** 2)
    s_0, s_1, s_2 = (np.sum(w * x**power, axis=1, keepdims=True) for power in (0, 1, 2))
    det = s_0 * s_2 - s_1**2
    return (s_2 * w - s_1 * w * x) / det, (s_0 * w * x - s_1 * w) / det


def without_batch_effects(rates: np.ndarray, losses: np.ndarray, at_start: np.ndarray) -> np.ndarray:
    """Take out of each loss what its batch is easier or harder than others, which its loss at the start tells.

    An effect shrinks with the loss: at a third of the loss at the start it is taken as a third.
    """
    if not len(rates):
        return losses
    level = smoother(np.log10(rates))[0] @ losses / at_start.mean() if at_start.mean() > 0 else np.ones(len(losses))
    return losses - np.clip(level, 0, 1) * (at_start - at_start.mean())


def steepest(decades: np.ndarray, loss: np.ndarray, slope: np.ndarray) -> float:
    """Return where the loss falls fastest on the way to its minimum."""
    return float(decades[np.argmin(slope[: np.argmin(loss) + 1])])


def valley(decades: np.ndarray, loss: np.ndarray, slope: np.ndarray) -> float:
    """Return where two thirds of the fall from the highest to the lowest loss are done."""
    del slope
    end = int(np.argmin(loss))
    start = int(np.argmax(loss[: end + 1]))
    down = loss[start] - loss[start : end + 1] >= 2 / 3 * (loss[start] - loss[end])
    return float(decades[start + np.argmax(down)])


def tenth_of_minimum(decades: np.ndarray, loss: np.ndarray, slope: np.ndarray) -> float:
    """Return a tenth of the rate with the smallest loss."""
    del slope
    return float(decades[np.argmin(loss)] - 1)


RULES = {"steepest": steepest, "valley": valley, "minimum/10": tenth_of_minimum}


def suggest(rates: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, dict[str, Suggestion], str]:
    """Return the smoothed losses, what each rule suggests, and if nothing, why."""
    if len(rates) < 10:
        return losses.copy(), {}, f"the training was lost after {len(rates)} rates: begin with a smaller one"
    decades = np.log10(rates)
    value, slope = smoother(decades)
    loss = value @ losses
    noise, at = losses - loss, int(np.argmin(loss))
    fall = loss[: at + 1].max() - loss[at]
    freedom = max(1.0, at + 1 - np.trace(value[: at + 1]))  # near the end the noise is another
    standard_error = np.sqrt(np.sum(noise[: at + 1] ** 2) / freedom * np.sum(value[: at + 1] ** 2, axis=1)).max()
    if not fall > SIGNIFICANT * standard_error:
        return loss, {}, (
            f"the loss never falls: from {loss[0]:.4g} at the smallest rate its smoothed curve falls by {fall:.2g} at "
            f"most, which noise (standard error {standard_error:.2g}) explains"
        )  # fmt: skip
    signs = np.random.default_rng(0).choice([-1, 1], (DRAWS, len(noise)))
    drawn = loss + signs * noise  # so that the noise stays as large as it is at each rate
    found = {}
    for name, rule in RULES.items():
        best = rule(decades, loss, slope @ losses)
        others = [rule(decades, value @ draw, slope @ draw) for draw in drawn]
        low, middle, high = np.quantile(others, [0.16, 0.5, 0.84])
        around = np.clip([best, best + low - middle, best + high - middle], decades[0] - 1, decades[-1])
        found[name] = Suggestion(*(float(10**x) for x in around))
    return loss, found, ""
