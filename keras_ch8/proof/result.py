"""What was tried, what is proposed, and what of it is proven."""

import dataclasses
from typing import Any

from .._plot import COLORS, axes_of, finished
from .._result import Result, Table
from ..verdicts.verdict import Verdict
from ..verdicts.wording import counted
from .judge import Judgement, middle, spread
from .program import Outcome, Program


@dataclasses.dataclass(frozen=True)
class Tried:
    """Fixes that were tried together, on top of those that had been chosen before.

    Args:
        cures: Verdicts whose code was put in.
        judgement: What came of it; `None` where it was not tried.
        reason: Why it was not tried; `""` if it was.
    """

    cures: tuple[Verdict, ...]
    judgement: Judgement | None = None
    reason: str = ""

    def __str__(self) -> str:
        said = f"{self.judgement}" if self.judgement else f"not tried. {self.reason}"
        return f"Fix of {' + '.join(verdict.kind for verdict in self.cures)}: {said}"


@dataclasses.dataclass(frozen=True, repr=False)
class Proof(Result):
    """What trials have shown of the fixes of a program (section 8.2).

    Args:
        first: What the program itself gave with its own seed.
        tried: What was tried, in this order. These trials choose, so that no gain is quoted from them.
        cures: The verdicts whose code was chosen, in the order in which it is put in.
        patched: The program with them, its source in `patched.text`; `None` where no patch is proven.
        fresh: What seeds that chose nothing say of all that was chosen together; `None` where they were not asked.
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
        for pair in self.fresh.pairs if self.fresh else ():
            for number, outcome in enumerate((pair.without, pair.cured)):
                name = ("without the fix", "with the fix")[number] if pair is self.fresh.pairs[0] else "_"
                steps, losses = zip(*outcome.curve, strict=True) if outcome.curve else ((), ())
                ax.plot(steps, losses, ".-", color=COLORS[number], label=name)
        return finished(ax, "Trainings with fresh seeds", "step", "loss, each as it is compiled")

    def __str__(self) -> str:
        code = f"\nThe fix, as code:\n\n{self.patched.text}" if self.patched is not None else ""
        return f"{super().__str__()}{code}"

    def _headline(self) -> str:
        failure = f"The training fails: {self.first.last_line} " if self.first.error else ""
        return failure + " ".join(filter(None, [*self._found(), *self.unchecked]))

    def _found(self) -> list[str]:
        tried = sum(each.judgement is not None for each in self.tried)
        if self.patched is not None and self.fresh is not None:
            of = f"Proven with {counted(len(self.fresh.pairs), 'fresh seed')}:"
            return [of, *(verdict.cure for verdict in self.cures), self.fresh.said, spread(self.fresh.pairs)]
        if self.fresh is not None:
            return [f"No fix is proven. What helped in its trial does not with fresh seeds: {self.fresh}"]
        if self.cures:
            return ["No fix is proven yet: what helped in its trial was not tried with fresh seeds."]
        if tried:
            return [f"No fix is proven; {tried} {'was' if tried == 1 else 'were'} tried."]
        if self.tried or self.first.acts:
            return ["No fix could be tried."]
        is_checked = self.first.state != "little_checked"
        return ["Nothing calls for a fix." if is_checked else "Nothing calls for a fix, but little could be checked."]

    def _table(self) -> Table | None:
        measure = self.first.measure or "score"
        columns = "fix of", "in the trial", f"{measure} without it", f"{measure} with it", "seeds"
        rows = [(" + ".join(verdict.kind for verdict in tried.cures), *_cells(tried)) for tried in self.tried]
        return Table(columns, rows) if rows else None


def _cells(tried: Tried) -> tuple[object, ...]:
    if tried.judgement is None:
        return "not tried", None, None, 0
    pairs = tried.judgement.pairs
    medians = (middle([getattr(pair, of) for pair in pairs]) for of in ("without", "cured"))
    return tried.judgement.level, *medians, len(pairs)
