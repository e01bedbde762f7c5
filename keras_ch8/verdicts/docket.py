"""From claims to verdicts: nothing is said on one look, and nothing is taken back on one."""

import collections
from collections.abc import Iterable

from ._kinds import KINDS
from .verdict import LEVELS, Claim, Verdict

RAISED_BY, LOOKS = 2, 3
"""A level is reached when 2 of the last 3 looks say so at least, and left when all 3 say less."""

Key = tuple[str, str]
"""Kind and source."""


class Docket:
    """Keeps what the last looks said of each kind, and the verdicts that stand.

    Several sources may speak of one kind; each is followed by itself, and the gravest of what they say stands.

    The level goes up to what the second-highest of the last three looks says, and comes down to the highest of them.
    What happened for certain (`Claim.proven`) counts at once. What has once called for action is worth watching to the
    end of the training.
    """

    def __init__(self) -> None:
        self._looks: dict[Key, collections.deque[Claim]] = {}
        self._standing: dict[Key, Verdict] = {}
        self._over: dict[Key, str] = {}

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts that stand, the most serious first."""
        found = filter(None, map(self._verdict, KINDS))
        return sorted(found, key=lambda v: -LEVELS.index(v.level))

    def take(self, step: int, claims: Iterable[Claim], source: str = "") -> list[Verdict]:
        """Take what a look at this step says, one claim a kind, and return the verdicts whose level changed."""
        changed = []
        for claim in claims:
            before = self._verdict(claim.kind)
            self._hear(step, claim, (claim.kind, source))
            now = self._verdict(claim.kind)
            if now is not None and (before is None or before.level != now.level):
                changed.append(now)
        return changed

    def _verdict(self, kind: str) -> Verdict | None:
        """Return the gravest verdict of a kind; of several, the first."""
        said = [verdict for (of, _), verdict in self._standing.items() if of == kind]
        return max(said, key=lambda v: LEVELS.index(v.level), default=None)

    def _hear(self, step: int, claim: Claim, key: Key) -> None:
        """Let one source bring the verdict of a kind up to date."""
        looks = self._looks.setdefault(key, collections.deque(maxlen=LOOKS))
        looks.append(claim)
        before = self._standing.get(key)
        level = self._level(looks, before, has_been_serious=key in self._over)
        if level is None:
            return
        section, cure = KINDS[claim.kind]
        if before is not None and before.level == "act" != level:
            self._over[key] = f"No longer so, but until step {step}: {before.finding}"
        said = next((c for c in reversed(looks) if c.level == level), claim)
        is_over = claim.level == "ok" and level == "watch" and key in self._over
        finding = self._over[key] if is_over else said.finding
        since = step if before is None or before.level != level else before.step
        cure = "" if level == "ok" else said.cure or cure
        self._standing[key] = Verdict(claim.kind, level, finding, cure, section, since)

    @staticmethod
    def _level(looks: "collections.deque[Claim]", before: Verdict | None, has_been_serious: bool) -> str | None:
        """Return the level that the looks bear out; None before there are enough."""
        if looks[-1].proven:
            return looks[-1].level
        falling = sorted((LEVELS.index(c.level) for c in looks), reverse=True)
        if len(falling) < RAISED_BY:
            return None
        up, down = falling[RAISED_BY - 1], falling[0]
        now = up if before is None else max(up, LEVELS.index(before.level))
        if down < now and len(falling) == LOOKS:
            is_serious = before is not None and before.level == "act"
            now = max(down, int(is_serious or has_been_serious))
        return LEVELS[now]
