"""Judges what `record` has kept by the rules of today, or by given ones, and counts how right that is.

    python -m benchmarks.diagnosis.replay [planted zoo3 faults/NAME ...]

Judge, rules, checks, tracker, causes and state are those of the package; no sentence is made, but by `told`. What a
part of the package that is no more had measured is left away.
"""

import argparse
import collections
import contextlib
import dataclasses
import functools
import gzip
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from keras_ch8 import _state
from keras_ch8.callbacks.diagnosis.judging import Judge
from keras_ch8.monitors import base, progress
from keras_ch8.verdicts import causes, checks, rules
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.state import state_of

SAID = {
    "right": ("right by act", "sick"),
    "root": ("the first act is a root", "sick"),
    "right_acts": ("acts on sick ones that are right", "acts"),
    "right_watches": ("watches on sick ones that are right", "watches"),
    "healthy_act": ("healthy ones told to act", "healthy"),
    "healthy_told": ("healthy ones told to watch, or to act", "healthy"),
    "changed": ("told otherwise than when they were recorded", "trainings"),
}
"""What is counted, in words, and of how many."""


class Silent(rules.Rule):
    """A rule that has a level, and says nothing."""

    spoken = ()

    def why(self, *judged):
        return ()


@dataclasses.dataclass(frozen=True)
class Rules:
    """All that is judged by: the rules of each monitor, the checks of the start, and what explains what."""

    of: Mapping[str, tuple[rules.Rule, ...]]
    of_start: tuple[checks.Check, ...] = checks.CHECKS
    explains: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=lambda: causes.EXPLAINS)

    @functools.cached_property
    def monitors(self):
        """The monitors by name, with these rules: they measure nothing, and what they make of claims is their own."""
        kinds = {monitor.name: type(monitor) for monitor in base.members("full")}
        parts = {name: {"rules": its, "numbers": lambda self, log: {}} for name, its in self.of.items()}
        return {name: type(name, (kinds[name], Told), of)() for name, of in parts.items()}

    @contextlib.contextmanager
    def in_force(self):
        """Let the package judge by these in a block."""
        with mock.patch.object(checks, "CHECKS", self.of_start), mock.patch.object(causes, "EXPLAINS", self.explains):
            causes.follows_from.cache_clear()
            yield
        causes.follows_from.cache_clear()


def today():
    """Return the rules of today, silent."""
    names = [field.name for field in dataclasses.fields(rules.Rule)]
    of = {monitor.name: monitor.rules for monitor in base.members("full")}
    return Rules({name: tuple(Silent(**{n: getattr(r, n) for n in names}) for r in its) for name, its in of.items()})


# --- a record, judged ------------------------------------------------------------------------------------------------


class Log:
    """Stands for the log of a training at one call of its judge."""

    left_out = frozenset()

    def __init__(self, call):
        vars(self).update(call)

    def take_new(self):
        return frozenset(), self.asked.keys()

    def leave_out(self, name, error):
        """It was left out of the training, too."""


class Told(base.Monitor):
    """Claims what its rules say of what was measured then."""

    def claims(self, log):
        has = {fact for fact in Fact if fact.name in log.has}
        return self.said(**log.asked[self.name], known=log.known, has=has)


def load(path):
    """Return a record."""
    return json.loads(gzip.decompress(path.read_bytes()), object_hook=_made)


def _made(data):
    """Return what `_state.dump` was given, without the fields that a class has no more."""
    kind = data.get(_state.KIND)
    if kind == "object":
        module, _, name = data["class"].partition(":")
        cls = getattr(sys.modules.get(module), name, dict)
        return cls(**{n: v for n, v in data["fields"].items() if n in getattr(cls, "__dataclass_fields__", ("value",))})
    makers = {"tuple": lambda: tuple(data["items"]), "frozenset": lambda: frozenset(data["items"])}
    return data["value"] if kind == "scalar" else makers.get(kind, lambda: data)()


def judged(fit, by):
    """Return the verdicts on a training by some rules, and its state."""
    judge = Judge()
    with by.in_force(), mock.patch.object(progress, "progress_measured", lambda log: log.progress):
        for call in fit["calls"]:
            judge.judge(Log(call), [by.monitors[name] for name in call["asked"] if name in by.monitors])
        verdicts = judge.tracker.verdicts
    return verdicts, state_of(verdicts, **fit["basis"])


def verdicts_of(record, by):
    """Return the verdicts on all `fit`s of a record."""
    return [verdict for fit in record["fits"] for verdict in judged(fit, by)[0]]


def plain(verdicts):
    """Return what is compared of verdicts."""
    return [[v.kind, v.level, v.step, v.explained_by] for v in verdicts]


# --- how right that is -----------------------------------------------------------------------------------------------


def outcome(record, verdicts):
    """Return counts of what is said of a training, by whether it is so."""
    acts, watches = ([v.kind for v in verdicts if v.level == level] for level in ("act", "watch"))
    said = [verdict for fit in record["fits"] for verdict in fit["said"]]
    n = collections.Counter(trainings=1, changed=plain(verdicts) != said)
    if not record["is_sick"]:
        return n + collections.Counter(
            healthy=1, healthy_act=bool(acts), healthy_told=bool(acts or watches), wrong_acts=len(acts)
        )
    true = {*record["truth"], *record["also"]}
    right_acts, right_watches = (sum(kind in true for kind in kinds) for kinds in (acts, watches))
    return n + collections.Counter(
        sick=1,
        right=right_acts > 0,
        root=acts[:1] != [] and acts[0] in record["truth"],
        acts=len(acts),
        right_acts=right_acts,
        wrong_acts=len(acts) - right_acts,
        watches=len(watches),
        right_watches=right_watches,
    )


def table(outcomes):
    """Return in words what comes of trainings; `outcomes` are pairs of a group and its counts."""
    n = collections.defaultdict(collections.Counter)
    for group, counts in outcomes:
        n[group].update(counts)
    lines = [f"| | {' | '.join(n)} |", f"|---|{'---|' * len(n)}"]
    for what, (words, of) in SAID.items():
        parts = [f"{c[what]} of {c[of]} ({c[what] / (c[of] or 1):.2f})" for c in n.values()]
        lines.append(f"| {words} | {' | '.join(parts)} |")
    return "\n".join(lines)


# --- which records ---------------------------------------------------------------------------------------------------


def parser(description):
    """Return a parser of which records are asked for."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("names", nargs="*", default=[""], help="how the names of trainings begin; by default all")
    made.add_argument("--records", type=Path, default=Path(__file__).parent / "records", help="the folder of records")
    return made


def paths(options):
    """Return the files of those that are there."""
    found = sorted(options.records.rglob("*.json.gz"))
    return [path for path in found if str(path.relative_to(options.records)).startswith(tuple(options.names))]


def main():
    """Print the table."""
    by = today()
    records = map(load, paths(parser(__doc__).parse_args()))
    print(table((record["group"], outcome(record, verdicts_of(record, by))) for record in records))


if __name__ == "__main__":
    main()
