"""What was tried, what is proposed, and what of it is proven."""

import dataclasses
import textwrap
from collections.abc import Iterable
from typing import Any

from .._plot import COLORS, axes_of, finished
from .._result import Result, Table
from ..verdicts.verdict import Verdict
from ..verdicts.wording import counted
from .judge import Judgement, spread
from .program import Outcome, Program

WIDTH = 40
"""Characters of the fixes in a row of the table."""


@dataclasses.dataclass(frozen=True)
class Tried:
    """Fixes that were tried together, on top of those that had been chosen before.

    Args:
        cures: Verdicts whose code was put in.
        judgement: What came of it; `None` where it was not tried.
        reason: Why it was not tried; `""` if it was.
        program: The program with them, if they were tried.
    """

    cures: tuple[Verdict, ...]
    judgement: Judgement | None = None
    reason: str = ""
    program: Program | None = None

    @property
    def found(self) -> str:
        """What came of it."""
        found = str(self.judgement or f"not tried. {self.reason}")
        return f"{found[0].upper()}{found[1:]}"


@dataclasses.dataclass(frozen=True, repr=False)
class Proof(Result):
    """What trials have shown of the fixes of a program (section 8.2).

    Args:
        first: What the program itself gave with its own seed.
        tried: What was tried, in this order. These trials choose, so that no gain is quoted from them.
        cures: The verdicts whose code was chosen, in the order in which it is put in.
        patched: The program with them, its patch in `patched.text`; `None` where no patch is proven.
        fresh: What seeds that chose nothing say of all that was chosen together, or of all but the last if all is not
            proven; `None` where they were not asked.
        seconds: How long all of it took.
        unchecked: What was not checked, and what `minutes` did not allow, a sentence each.
    """

    first: Outcome
    tried: tuple[Tried, ...] = ()
    cures: tuple[Verdict, ...] = ()
    patched: Program | None = None
    fresh: Judgement | None = None
    seconds: float = 0.0
    unchecked: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`"proven"`; `"failed"` where the training fails and no fix is proven; `"sick"`; or `"healthy"`."""
        if self.patched is not None:
            return "proven"
        return "failed" if self.first.error else "sick" if self.tried or self.first.acts else "healthy"

    def plot(self, ax: Any = None) -> Any:
        """Draw the loss with each fresh seed without the fix and with it, with matplotlib; return the axes."""
        ax = axes_of(ax)
        pairs = self.fresh.pairs if self.fresh else ()
        for number, (of, name) in enumerate((("without", "without the fix"), ("cured", "with the fix"))):
            for place, outcome in enumerate(getattr(pair, of) for pair in pairs):
                steps, losses = zip(*outcome.curve, strict=True) if outcome.curve else ((), ())
                ax.plot(steps, losses, ".-", color=COLORS[number], label="_" if place else name)
        return finished(ax, "Trainings with fresh seeds", "step", "loss, each as it is compiled", "training")

    def __str__(self) -> str:
        return super().__str__() + (f"\n\n{self.patched.text}" if self.patched is not None else "")

    def _headline(self) -> str:
        failure = f"The training fails: {self.first.last_line.rstrip('.')}. " if self.first.error else ""
        unchecked = self.unchecked if self.state != "healthy" else ()
        return failure + " ".join(filter(None, [*self._found(), *unchecked]))

    def _found(self) -> list[str]:
        if self.patched is not None and self.fresh is not None:
            of = f"Proven with {counted(len(self.fresh.pairs), 'fresh seed')}:"
            return [of, *(verdict.cure for verdict in self.cures), self.fresh.said, spread(self.fresh.pairs)]
        if self.fresh is not None and self.fresh.level != "proven":
            return [f"No fix is proven. What helped in its trial does not with fresh seeds: {self.fresh}"]
        if self.cures:
            return ["No fix is proven yet: what helped in its trial was not tried with enough fresh seeds."]
        if self.state != "healthy":
            tried = sum(each.judgement is not None for each in self.tried)
            return [f"No fix is proven; {tried or 'none'} could be tried."]
        is_checked = self.first.state != "little_checked"
        return ["Nothing calls for a fix." if is_checked else "Nothing calls for a fix, but little could be checked."]

    def _table(self) -> Table | None:
        columns = (
            "fix",
            "result",
            *(f"{self.first.measure or 'score'} {of} it" for of in ("without", "with")),
            "seeds",
        )
        rows = [(_fixes_of(tried.cures), *(tried.judgement.cells if tried.judgement else ("not tried", None, None, 0)))
                for tried in self.tried]  # fmt: skip
        return Table(columns, rows) if rows else None


def _fixes_of(cures: Iterable[Verdict]) -> str:
    """Return some fixes in a cell of a table: the last one, behind a sign for each that was there before."""
    *before, last = (verdict.cure for verdict in cures)
    return textwrap.shorten("+ " * len(before) + last, WIDTH, placeholder=" ...")
