"""Plain facts about a loss of the user's own."""

import dataclasses

NAN = float("nan")


@dataclasses.dataclass(frozen=True)
class OwnLoss:
    """What a loss of the user's own is at predictions that are made up.

    Args:
        of_truth: Loss of predictions that are right.
        of_opposite: Loss of predictions that are wrong; of numbers the larger of far too large and far too small ones.
        of_constant: Loss of the mean target for all.
        unread: A label whose examples have no influence on the loss, whatever is predicted for them; NaN without one.
        written: How labels are written with which they would have, as `Targets.of` says it.
    """

    of_truth: float = NAN
    of_opposite: float = NAN
    of_constant: float = NAN
    unread: float = NAN
    written: str = ""
