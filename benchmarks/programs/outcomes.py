"""Whether programs end with the same bits bare and watched, in each form of their data."""

import statistics

import forms
from trainings import CLOCKS

OUTCOMES = ("refused", "equal", "not itself", "differs", "crash")


def line(name, row):
    """Return the line of one combination."""
    cpu = "".join(f"{bare:6.1f} ->{watched:5.1f} s" for bare, watched in (row.get(key, (0, 0)) for key in CLOCKS))
    return f"{name:44}{row['outcome']:10}{cpu}  {'; '.join([*row.get('verdicts', ()), row['why'][:300]])}"


def table(rows):
    """Return in Markdown the outcomes of each program and form, the gravest of all sets, and what watching costs."""
    names = list(forms.FORMS)
    lines = [f"| program | {' | '.join(names)} | bare, s | more at the first step, s | more in all, s |"]
    lines += ["|---" * (len(names) + 4) + "|"]
    for program in dict.fromkeys(name.split(", ")[0] for name in rows):
        own = {name: row for name, row in rows.items() if name.split(", ")[0] == program}
        found = [[row["outcome"] for name, row in own.items() if name.split(", ")[1] == form] for form in names]
        gravest = [max(outcomes, key=OUTCOMES.index, default="") for outcomes in found]
        times = [
            [row["cpu"][0], *(row[clock][1] - row[clock][0] for clock in CLOCKS)]
            for row in own.values()
            if "cpu" in row
        ]
        medians = [f"{statistics.median(column):.1f}" for column in zip(*times, strict=True)] or 3 * [""]
        lines += [f"| {' | '.join([program, *gravest, *medians])} |"]
    return "\n".join(lines)


def total(rows):
    """Return the last line: how many runs there were, and how they ended."""
    count = {outcome: sum(row["outcome"] == outcome for row in rows.values()) for outcome in OUTCOMES}
    ran = len(rows) - count["refused"]
    said = f"{ran} runs: {count['crash']} crashes, {count['equal']} bit-equal"
    said += "".join(f", {count[outcome]} {outcome}" for outcome in ("differs", "not itself") if count[outcome])
    return f"{said}; {count['refused']} more are refused bare"
