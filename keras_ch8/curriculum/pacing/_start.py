"""What all laws ask of their beginning."""

from typing import Any

from ... import _checks


def checked_start(start: Any) -> float:
    """Check the share at the beginning."""
    return _checks.fraction(
        "start", start, meaning="the share of the examples that may be drawn at the beginning", mend="Try 0.2."
    )
