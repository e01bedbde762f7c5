"""Every number that a verdict hangs on, in one table, with where it comes from."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from ._report import row

MEASURED = "measured on the first half of tests/planted: between its sick runs and its healthy ones"
SIXTH, SEVENTH, EIGHTH = (f"set after the {part} part of tests/planted" for part in ("sixth", "seventh", "eighth"))
BOOK = "Goodfellow, Bengio, Courville (2016)"
MCCANDLISH = "McCandlish et al. (2018)"
MANDT = "Mandt, Hoffman, Blei (2017), section 3"


class Threshold(NamedTuple):
    """A limit: beyond `watch` the level is "watch", beyond `act` "act"; downwards if `act` is the smaller."""

    watch: float
    act: float
    meaning: str
    source: str

    def level(self, value: float) -> str:
        """Return the level of a value; NaN is "ok"."""
        if math.isnan(value):
            return "ok"
        beyond = (value >= self.act, value >= self.watch)
        if self.act < self.watch:
            beyond = (value <= self.act, value <= self.watch)
        return "act" if beyond[0] else "watch" if beyond[1] else "ok"


def _rows() -> Iterator[tuple[str, Threshold]]:
    for name, watch, act, meaning, source in (
        ("fallen", 0.5, 0.1, "share of its start by which the loss has fallen: below, it is not good", MEASURED),
        ("recent", 0.05, 0.05, "share by which it fell over the last third of the steps: below, it is stuck", MEASURED),
        ("low", 0.9, 0.9, "share of its start by which the loss has fallen: what is above is low", MEASURED),
        ("slow", 0.2, 0.2, "share by which it fell over the last third of the steps: below it is slow", MEASURED),
        ("diverged", 1.5, 2.0, "loss over the loss at the start", MEASURED),
        ("step_ratio", 0.5, 1.0, "(1/2) d'Hd over -g'd: above 1 the loss rises", f"{BOOK}, section 8.2.1; {MEASURED}"),
        ("jump", 0.1, 0.3, "change of the loss in one step, over the loss, while it is high", MEASURED),
        ("rises", 0.3, math.inf, "all rises of the loss between the last looks, over the loss", EIGHTH),
        ("short_step", 1e-2, 1e-3, "step over the best one in its direction; healthy Adam has .02 to .06", MEASURED),
        ("halving", 2.0, 10.0, "steps that halve the loss at this pace, over those of the training", MEASURED),
        ("rate_limit", 0.3, 0.3, "effective rate times the largest eigenvalue", "gradient descent is unstable at 2"),
        ("far_below", 0.02, -math.inf, "the same: below, the rate could be many times as large", SEVENTH),
        ("at_limit", 1.0, 1.0, "the same: above, it cannot be larger", SEVENTH),
        ("nearly_all", 0.7, 0.7, "share of the loss that Newton's step would gain at the limit", SEVENTH),
        ("arrived", 0.95, 0.95, "share of its start by which the loss has fallen: nothing is missing", SEVENTH),
        ("decrement", 0.1, 0.3, "share of the loss that Newton's step would gain", MEASURED),
        ("creeping", 1.0, 3.0, "steps that this takes at the present pace, over those of the training", MEASURED),
        ("noise", 4.0, 8.0, "noise scale over batch size: steps needed go as 1 + this", f"{MCCANDLISH}; {MEASURED}"),
        ("excess", 0.01, 0.05, "share of the loss that noise keeps it above its floor at rest", f"{MANDT}; {EIGHTH}"),
        ("waste", 0.05, 0.01, "the same: examples needed go as 1 + 1 / this", f"{MCCANDLISH}; {MEASURED}"),
        ("flat", 0.1, 0.05, "share of the loss that Newton's step would gain, on a plateau", MEASURED),
        ("small_gradient", 0.05, 0.02, "|g| |theta| / L", MEASURED),
        ("negativity", 0.1, 0.2, "-smallest over largest eigenvalue; trained networks have up to .03", MEASURED),
        ("slight_negativity", 0.03, math.inf, "the same, where there is hardly a gradient", EIGHTH),
        ("spikes", 1, 3, "steps whose gradient stands out 10-fold", MEASURED),
        ("exploding", 10.0, 30.0, "gradient at the first hidden layer, or time step, over that at the last", MEASURED),
        ("vanishing", 0.05, 0.01, "gradient at the first hidden layer over that at the last", MEASURED),
        ("horizon", 0.7, 0.5, "time steps that the gradient reaches back, over those that there are", MEASURED),
        ("dead", 0.3, 0.6, "share of the ReLUs; healthy networks have up to .2", MEASURED),
        ("saturated", 0.4, 0.8, "share of the units; healthy networks have up to .15", MEASURED),
        ("statistics_gap", 0.3, 0.3, "moving statistics off by so many standard deviations", MEASURED),
        ("statistics_far", 1.0, math.inf, "the same, whatever the loss on the probe says of it", SEVENTH),
        ("inference_gap", 1.1, 1.3, "loss in inference over loss in training", MEASURED),
        ("large_signal", 5.0, 15.0, "root mean square of a signal at the start", f"{BOOK}, section 8.4; {MEASURED}"),
        ("small_signal", 1e-3, 1e-4, "the same; an embedding has .03", f"{BOOK}, section 8.4; {MEASURED}"),
        ("overfitting", 0.1, 0.3, "rise of the held-out loss since its best, over its fall before", MEASURED),
        ("by_heart", 0.5, 0.5, "share by which the training loss fell after validation was best", SIXTH),
    ):
        yield name, Threshold(watch, act, meaning, source)


THRESHOLDS = dict(_rows())
"""Every threshold by name."""


def table() -> str:
    """Return the thresholds as a table in Markdown."""
    rows = (row(name, f"{t.watch:g}", f"{t.act:g}", t.meaning, t.source) for name, t in THRESHOLDS.items())
    return "\n".join(["| threshold | watch | act | of what | from where |", "|---|---|---|---|---|", *rows])
