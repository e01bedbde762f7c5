"""What is said of one difficulty of the chapter, and how seriously."""

import dataclasses
import json

from ._kinds import KINDS

LEVELS = ("ok", "watch", "act")
"""From no reason for concern to something to change now."""


def mildest(*levels: str) -> str:
    """Return the least serious of some levels: where several things must come together."""
    return min(levels, key=LEVELS.index)


def gravest(*levels: str) -> str:
    """Return the most serious of some levels: where one thing is enough."""
    return max(levels, key=LEVELS.index)


@dataclasses.dataclass(frozen=True)
class Claim:
    """What one look at the measurements says; it becomes a verdict when others bear it out (see `Docket`).

    Args:
        kind: One of `KINDS`.
        level: One of `LEVELS`.
        finding: One sentence with the number.
        cure: What to do, where the numbers tell more than the kind does; "" for the kind's own.
        proven: Whether it needs no second look: something that happened, such as an infinite gradient.
    """

    kind: str
    level: str
    finding: str
    cure: str = ""
    proven: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.level not in LEVELS:
            raise ValueError(
                f"`kind` must be one of {', '.join(KINDS)} and `level` one of {', '.join(LEVELS)}. "
                f"Received: kind={self.kind!r}, level={self.level!r}. Name one of them, or add it to the list of kinds."
            )


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is known of one difficulty (section 8.2).

    Args:
        kind: Its name, one of `keras_ch8.verdicts.KINDS`.
        level: `"ok"`, `"watch"` or `"act"`.
        finding: What was found, in one sentence with its number.
        cure: What to do about it, with the part of the suite that does it; "" where all is well.
        section: Where the book treats it.
        step: Update of the optimizer at which the level was reached.

    Example:
        >>> print(keras_ch8.verdicts.Verdict("cliff", "watch", "A spike of 30 times the median.", "Clip.", "8.2.4", 5))
        WATCH cliff, section 8.2.4, since step 5: A spike of 30 times the median. Clip.
    """

    kind: str
    level: str
    finding: str
    cure: str
    section: str
    step: int

    def __str__(self) -> str:
        said = f"{self.level.upper()} {self.kind}, section {self.section}, since step {self.step}: {self.finding}"
        return f"{said} {self.cure}" if self.cure else said

    def as_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)
