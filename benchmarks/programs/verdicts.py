"""What a `Doctor` says of each program, whether that is right, and whether the code of its cures runs."""

import importlib
import re

import forms
import keras
from trainings import compared, in_a_fork, nothing, trained, trained_bare

PRINTED = re.compile(r"ACT .*?(\w+)\)? at step")
"""What a `Doctor` prints while it watches."""


def facts(program):
    """Return what a program says of itself, and the number that it learns by as it is before the first step."""
    script = importlib.import_module(program)
    keras.utils.set_random_seed(0)
    model, examples = script.model(), script.data()
    held_back = dict(zip(forms.NAMES, forms.split(examples, script.BATCH)[1], strict=False))
    numbers = model.evaluate(**held_back, batch_size=script.BATCH, return_dict=True)
    name, chance, goal = script.LEARNS
    return {
        "teaches": script.__doc__.partition("\n")[0].rstrip("."),
        "truth": list(script.TRUTH),
        "number": name,
        "start": float(numbers[name.removeprefix("val_")]),
        "chance": chance,
        "goal": goal,
    }


def judged(program):
    """Return the row of a program, which is trained on arrays, and once more with each cure, for an epoch."""
    row = in_a_fork(facts, program) | compared(program, "arrays", "doctor")
    if row["outcome"] in ("refused", "crash"):
        return row
    row["end"] = trained_bare(program, "arrays", nothing)["numbers"][-1][row["number"]][-1]
    for cure in row["cures"]:
        run = in_a_fork(trained, program, "arrays", nothing, 1, (cure["code"], cure["fit"]))
        cure["error"] = run.get("error", "")
    return row


def has_learned(row):
    """Whether the number has come as far as its author wants, from chance, or from where it began."""
    origin = row["start"] if row["chance"] is None else row["chance"]
    return "end" in row and (row["end"] - row["goal"]) * (row["goal"] - origin) >= 0


def told(row):
    """Return the verdicts that stand at the end, and those that called for action before, and were taken back."""
    stand = row.get("verdicts", [])
    printed = [f"act {found[1]}" for found in map(PRINTED.match, row["said"]) if found]
    return stand + [f"{verdict} (taken back)" for verdict in dict.fromkeys(printed) if verdict not in stand]


def acts(row):
    """Return what calls for action, or did."""
    return [verdict.removeprefix("act ") for verdict in told(row) if verdict.startswith("act ")]


def wrong_acts(row):
    """Return those whose kinds are no truth of the program."""
    return [act for act in acts(row) if act.partition(" ")[0] not in row["truth"]]


def cures_that_run(row):
    """Return of how many cures the code runs."""
    return sum(not cure["error"] for cure in row.get("cures", ()))


def learning(row):
    """Return in words how far the number has come."""
    if "end" not in row:
        return row["why"]
    by_chance = "" if row["chance"] is None else f", {row['chance']:.3g} by chance"
    verdict = "yes" if has_learned(row) else "NO"
    return f"{verdict}: {row['number']} {row['start']:.3g} to {row['end']:.3g}{by_chance}"


def cells(row):
    """Return what the table has of a program, beside its name and what it teaches."""
    verdicts = ", ".join(told(row)) or "-"
    cures = f"{cures_that_run(row)} of {len(row.get('cures', ()))}"
    states = ", ".join(row.get("states", ()))
    said = [verdicts, ", ".join(wrong_acts(row)) or "-", cures, states]
    return [str(row.get("steps", "")), learning(row), row["outcome"], *said]


def line(name, row):
    """Return the line of a program, and one for each cure that does not run."""
    broken = [cure for cure in row.get("cures", ()) if cure["error"]]
    return "\n".join(
        [f"{name}: {' | '.join(cells(row))}"]
        + [f"    the cure of {cure['kind']} does not run: {cure['error'][:300]}" for cure in broken]
    )


def table(rows):
    """Return in Markdown what is said of each program."""
    names = "program, what it teaches, steps, has it learned?, bits, verdicts, wrong acts, cures that run, state"
    lines = [f"| {names.replace(', ', ' | ')} |", "|---" * len(names.split(", ")) + "|"]
    return "\n".join(
        lines + [f"| {' | '.join([name, row['teaches'], *cells(row)])} |" for name, row in sorted(rows.items())]
    )


def total(rows):
    """Return the last line: how many are as they should be."""
    every = list(rows.values())
    made, wrong = (sum(len(of(row)) for row in every) for of in (acts, wrong_acts))
    cures = sum(len(row.get("cures", ())) for row in every)
    missed = sum(row.get("states") == ["ok"] and not has_learned(row) for row in every)
    return (
        f"{len(every)} programs: {sum(row['outcome'] == 'equal' for row in every)} bit-equal, "
        f"{sum(map(has_learned, every))} have learned; {made} acts, {wrong} wrong; "
        f"{sum(map(cures_that_run, every))} of {cures} cures run; "
        f"{missed} that have not learned are called all right"
    )
