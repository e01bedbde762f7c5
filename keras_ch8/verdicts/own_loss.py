"""Plain facts about a loss of the user's own."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class OwnLoss:
    """What a loss of the user's own is at predictions that are made up.

    Args:
        of_truth: Loss of predictions that are right.
        of_opposite: Loss of predictions that are wrong; of numbers the larger of far too large and far too small ones.
        of_constant: Loss of the mean target for all.
        of_far: Loss of numbers that are wrong a hundred times as far, where it is less.
        of_certainty: Loss of probabilities that are right and certain.
        falls_without_end: Whether the loss of numbers falls below that of the right ones the farther they are away.
        unread: A label whose examples have no influence on the loss, whatever is predicted for them; NaN without one.
        written: How labels are written with which they would have, as `Targets.of` says it.
    """

    of_truth: float = math.nan
    of_opposite: float = math.nan
    of_constant: float = math.nan
    of_far: float = math.nan
    of_certainty: float = math.nan
    falls_without_end: bool = False
    unread: float = math.nan
    written: str = ""
