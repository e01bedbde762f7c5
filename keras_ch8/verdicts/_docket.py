"""From claims to verdicts: nothing is said on one look, and nothing is taken back on one."""

import collections
from collections.abc import Iterable

from ._kinds import KINDS
from ._verdict import LEVELS, Claim, Verdict

RAISED_BY, LOOKS = 2, 3
"""A level is reached when 2 of the last 3 looks say so at least, and left when all 3 say less."""


class Docket:
    """Keeps what the last looks said of each kind, and the verdicts that stand.

    The level goes up to what the second-highest of the last three looks says, and comes down to the highest of them.
    What happened for certain (`Claim.proven`) counts at once. What has once called for action is worth watching to the
    end of the training.
    """

    def __init__(self) -> None:
        self._looks: dict[str, collections.deque[Claim]] = {}
        self._standing: dict[str, Verdict] = {}
        self._over: dict[str, str] = {}

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts that stand, the most serious first."""
        return sorted(self._standing.values(), key=lambda v: (-LEVELS.index(v.level), list(KINDS).index(v.kind)))

    def take(self, step: int, claims: Iterable[Claim]) -> list[Verdict]:
        """Take what a look at this step says, one claim a kind, and return the verdicts whose level changed."""
        changed = []
        for claim in claims:
            looks = self._looks.setdefault(claim.kind, collections.deque(maxlen=LOOKS))
            looks.append(claim)
            before = self._standing.get(claim.kind)
            level = self._level(looks, before)
            if level is None:
                continue
            section, cure = KINDS[claim.kind]
            if before is not None and before.level == "act" != level:
                self._over[claim.kind] = f"No longer so, but until step {step}: {before.finding}"
            said = next((c for c in reversed(looks) if c.level == level), claim)
            is_over = claim.level == "ok" and level == "watch" and claim.kind in self._over
            finding = self._over[claim.kind] if is_over else said.finding
            since = step if before is None or before.level != level else before.step
            cure = "" if level == "ok" else said.cure or cure
            self._standing[claim.kind] = verdict = Verdict(claim.kind, level, finding, cure, section, since)
            if before is None or before.level != level:
                changed.append(verdict)
        return changed

    def _level(self, looks: "collections.deque[Claim]", before: Verdict | None) -> str | None:
        """Return the level that the looks bear out; None before there are enough."""
        if looks[-1].proven:
            return looks[-1].level
        falling = sorted((LEVELS.index(c.level) for c in looks), reverse=True)
        if len(falling) < RAISED_BY:
            return None
        up, down = falling[RAISED_BY - 1], falling[0]
        now = up if before is None else max(up, LEVELS.index(before.level))
        if down < now and len(falling) == LOOKS:
            has_been_serious = before is not None and (before.level == "act" or before.kind in self._over)
            now = max(down, int(has_been_serious))
        return LEVELS[now]
