"""Checks of losses by what they are for some predictions: of one's own, and of relative errors."""

from ._check import CHOSEN, Check, interval
from .wording import digits, percent

SMALL = 0.05
"""Size of small targets over the median size, below which relative errors are those of the small ones."""
RARE = 0.02
"""Fraction of the targets of one sign, up to which they are exceptions."""


def _how_small(smallest: float) -> str:
    return f"below {percent(smallest)} of the median size" if smallest else "0"


OF_OWN_LOSS = (
    Check(
        "labels that are not read",
        "wrong_labels",
        "act",
        "a loss of one's own does not change with what is predicted for the examples of one label, and would with the "
        "labels written otherwise",
        lambda f: bool(f.own_loss.written),
        lambda f: f"The loss does not change with what is predicted for the examples of label "
        f"{digits(f.own_loss.unread, 4)}: with labels written as {f.own_loss.written} it would.",
        lambda f: "Write the labels as -1 and 1." if f.own_loss.written == "-1 and 1"
        else "Write the labels as one-hot rows.",
        lambda f: "y = 2 * y - 1" if f.own_loss.written == "-1 and 1" else f"import keras\n\n"
        f"y = keras.utils.to_categorical(y, {f.output.units})",
    ),
    Check(
        "errors over small targets",
        "wrong_loss",
        "act",
        f"a loss divides by targets of both signs, or of which one in 100 is below {SMALL:g} of the median size",
        lambda f: f.output.loss == "mean_absolute_percentage_error" and f.targets.of == "numbers"
        and (RARE < f.targets.negative < 1 - RARE or f.targets.smallest < SMALL),
        lambda f: f"{f.output.loss} divides by the targets, which are {interval(f.targets.low, f.targets.high)}; one "
        f"in 100 is {_how_small(f.targets.smallest)}, and counts that much more.",
        lambda f: "Compile with `keras.losses.MeanAbsoluteError` or `keras.losses.MeanSquaredError`: a percentage of a "
        "target near 0 means nothing.",
        lambda f: 'model.compile(model.optimizer, "mean_squared_error")',
        CHOSEN,
    ),
    Check(
        "a loss that rewards errors",
        "wrong_loss",
        "act",
        "a loss of one's own is larger for predictions that are right than for wrong ones and for the mean target",
        lambda f: f.own_loss.of_truth > max(f.own_loss.of_opposite, f.own_loss.of_constant)
        and f.own_loss.of_truth - f.own_loss.of_opposite > 0.01 * abs(f.own_loss.of_truth),
        lambda f: f"The loss is {digits(f.own_loss.of_truth)} for predictions that are right and "
        f"{digits(f.own_loss.of_opposite)} for wrong ones: training makes it small, and the predictions wrong.",
        lambda f: "Change the sign of the loss: training makes it small, not large.",
    ),
)  # fmt: skip
