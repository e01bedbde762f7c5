"""Drops one part of the rules after the other, and keeps each drop by which no group of recorded trainings loses.

    python -m benchmarks.diagnosis.ablate [planted zoo3 faults/NAME ...] [--json ablate.json]

A part is a rule or a check, a quantity in all of its uses, a limit or the exception of a rule, a member of a
combination in all of its uses, or a row of `causes.EXPLAINS`. Nothing of the package changes: what is printed last is
the list by which a person may edit it. The next call goes on where this one was stopped.
"""

import collections
import dataclasses
import itertools
import json
from pathlib import Path

from keras_ch8.verdicts import causes, checks
from keras_ch8.verdicts.rules import Combination, gravest

from . import replay

PARTS = ("limits", "unless")
LOSSES = {"right_acts": -1, "root": -1, "wrong_acts": 1}
"""What no group may lose, and the sign of a change for the worse."""
RAREST_FIRST = ("rule", "check")
"""What is tried in the order of how many trainings it reaches: what speaks of one only goes first."""
SHOWN = ("right", "right_acts", "root", "wrong_acts", "healthy_act", "right_watches", "watches", "healthy_told")

# --- what there is ---------------------------------------------------------------------------------------------------


def things(by):
    """Return the key of each part by a name for it, the largest first: what is dropped with a part is not tried."""
    found = collections.defaultdict(dict)
    for source, its in by.of.items():
        for i, rule in enumerate(its):
            name = f"{source} {i + 1} {rule.kind} ({rule.says})"
            found["rule"][name] = source, i
            for field in PARTS:
                for j, part in enumerate(parts_of(rule, field)):
                    found[field][f"{_name(part)}, of {name}"] = source, i, field, j
                    _add_members(part, found["member"])
                    for leaf in leaves_of(part):
                        found["quantity"][leaf.quantity.name] = "quantity", leaf.quantity.name
    found["check"] = {check.name: ("check", check.name) for check in by.of_start}
    found["cause"] = {f"{c} explains {s}": ("cause", c, s) for c, symptoms in by.explains.items() for s in symptoms}
    order = ("rule", "check", "quantity", *PARTS, "member", "cause")
    return {f"{kind}: {name}": key for kind in order for name, key in found[kind].items()}


def counted(some):
    """Return in words how much some rules decide: a limit is a condition in each rule that asks for it."""
    leaves = [leaf for rule in some for field in PARTS for part in parts_of(rule, field) for leaf in leaves_of(part)]
    limits = {(leaf.quantity.name, number) for leaf in leaves for number in (leaf.watch, leaf.act)}
    quantities, numbers = {leaf.quantity.name for leaf in leaves}, {number for _, number in limits}
    return (
        f"{len(some)} rules, {len(leaves)} conditions on {len(quantities)} quantities, {len(limits)} limits of them, "
        f"{len(numbers)} numbers"
    )


def leaves_of(part):
    """Return the limits in a part of a rule."""
    return [leaf for member in part.limits for leaf in leaves_of(member)] if isinstance(part, Combination) else [part]


def parts_of(rule, field):
    """Return what stands in a field of a rule, one or several."""
    found = getattr(rule, field)
    return found if isinstance(found, tuple) else (found,) if found else ()


def _add_members(part, found):
    """Add the members of a combination and of those in it."""
    for j, member in enumerate(part.limits if isinstance(part, Combination) else ()):
        found[f"{_name(member)}, {part.how} ({part.name})"] = part, j
        _add_members(member, found)


def _name(part):
    if isinstance(part, Combination):
        return f"({part.name})"
    return f"{part.quantity.name} {part.direction} {part.watch:g} / {part.act:g}"


# --- without some of it ----------------------------------------------------------------------------------------------


def without(by, dropped):
    """Return the rules without the parts that have these keys; a rule that has nothing left to judge is gone."""
    rules = {s: [_rule(rule, (s, i), dropped) for i, rule in enumerate(its)] for s, its in by.of.items()}
    return replay.Rules(
        {source: tuple(filter(None, its)) for source, its in rules.items()},
        tuple(check for check in by.of_start if ("check", check.name) not in dropped),
        {c: tuple(s for s in some if ("cause", c, s) not in dropped) for c, some in by.explains.items()},
    )


def _rule(rule, key, dropped):
    before = {field: parts_of(rule, field) for field in PARTS}
    parts = {field: _left(some, (*key, field), dropped) for field, some in before.items()}
    if key in dropped or not any(limit in rule.judged for limit in parts["limits"]):
        return None
    parts["unless"] = next(iter(parts["unless"]), None)
    return rule if parts == before | {"unless": rule.unless} else dataclasses.replace(rule, **parts)


def _left(some, key, dropped):
    parts = [_part(part, dropped) for j, part in enumerate(some) if (*key, j) not in dropped]
    return tuple(part for part in parts if part is not None)


def _part(part, dropped):
    if isinstance(part, Combination):
        members = _left(part.limits, (part,), dropped)
        changed = part if members == part.limits else dataclasses.replace(part, limits=members)
        return changed if members else None
    return None if ("quantity", part.quantity.name) in dropped else part


# --- what that changes -----------------------------------------------------------------------------------------------


class Change:
    """A change of the rules, which knows whether it reaches a training."""

    def __init__(self, old, new):
        self.both = (old, new)
        self.sources = [source for source in old.of if old.of[source] != new.of[source]]
        self.is_of_start = (old.of_start, old.explains) != (new.of_start, new.explains)
        before, after = map(_explained, self.both)
        self.unexplained = before - after

    def __bool__(self):
        return bool(self.sources or self.is_of_start)

    def reaches(self, record, verdicts):
        """Whether anything is claimed, or explained in the verdicts that there are now, that was not so before."""
        calls = (call for fit in record["fits"] for call in fit["calls"])
        return any((v.explained_by, v.kind) in self.unexplained for v in verdicts) or any(map(self._claims, calls))

    def _claims(self, call):
        for source in self.sources:
            if given := call["asked"].get(source):
                old, new = (_levels(by.of[source], given["measured"]) for by in self.both)
                if old != new:
                    return True
        old, new = (_at_start(by, call["facts"]) if self.is_of_start and call["facts"] else () for by in self.both)
        return old != new


def _levels(rules, measured):
    found = gravest(rules, measured).items()
    return [(kind, level, level == "act" and rule.is_certain) for kind, (level, rule) in found]


def _at_start(by, facts):
    with by.in_force():
        return [(claim.kind, claim.level) for claim in checks.claims_of(facts, lambda *_: None)]


def _explained(by):
    """Return each cause with each kind that it explains, also by way of others."""
    with by.in_force():
        return {(cause, kind) for cause in by.explains for kind in causes.follows_from(cause)}


# --- one after the other ---------------------------------------------------------------------------------------------


def ablate(records, by, tried):
    """Yield the name of each drop, and what it does beside those that lose nothing; `tried` has what is known."""
    keys = things(by)
    dropped = {key for name, key in keys.items() if tried.get(name, {}).get("is_free")}
    now = without(by, dropped)
    said = [replay.verdicts_of(record, now) for record in records]

    def reached(name):
        change = Change(now, without(by, dropped | {keys[name]}))
        return [i for i, record in enumerate(records) if change.reaches(record, said[i])] if change else None

    for kind, names in itertools.groupby(keys, lambda name: name.partition(":")[0]):
        left = [name for name in names if name not in tried]
        for name in sorted(left, key=lambda n: len(reached(n) or ())) if kind in RAREST_FIRST else left:
            if (some := reached(name)) is None:
                continue
            new = without(by, dropped | {keys[name]})
            verdicts = {i: replay.verdicts_of(records[i], new) for i in some}
            n = collections.Counter()
            for i, after in verdicts.items():
                before, now_said = (replay.outcome(records[i], each) for each in (said[i], after))
                n.update({(records[i]["group"], what): now_said[what] - before[what] for what in SHOWN})
            worse = sorted({group for (group, what), change in n.items() if LOSSES.get(what, 0) * change > 0})
            if not worse:
                dropped, now = dropped | {keys[name]}, new
                for i, after in verdicts.items():
                    said[i] = after
            total = {what: sum(n[group, of] for group, of in n if of == what) for what in SHOWN}
            known = {"is_free": not worse, "reached": len(some), "worse": worse}
            yield name, known | {what: change for what, change in total.items() if change}


def main():
    """Print what each drop does, and those that can be made together; write JSON."""
    parser = replay.parser(__doc__)
    parser.add_argument("--json", type=Path, default=Path("ablate.json"))
    options = parser.parse_args()
    by, paths = replay.today(), replay.paths(options)
    print(counted([rule for its in by.of.values() for rule in its]))
    of = {"things": [*things(by)], "records": [f"{path.name} {path.stat().st_size}" for path in paths]}
    kept = json.loads(options.json.read_text()) if options.json.exists() else {}
    tried = kept["tried"] if of.items() <= kept.items() else {}
    for name, found in ablate([*map(replay.load, paths)], by, tried):
        tried[name] = found
        options.json.with_suffix(".part").write_text(json.dumps(of | {"tried": tried}, indent=1))
        options.json.with_suffix(".part").replace(options.json)
        print("drop " if found["is_free"] else "stays", name, json.dumps(found), flush=True)
    print("\nCan be dropped together:", *(name for name, found in tried.items() if found["is_free"]), sep="\n- ")


if __name__ == "__main__":
    main()
