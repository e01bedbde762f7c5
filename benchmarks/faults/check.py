"""What the twin of a case gains: the scores of both scripts for each seed, and whether it gains enough with all."""

from cases import CASES, SCRIPTS, SEEDS, gains
from scripts import run

NAMES = CASES
HAS_OURS = False


def judge(name):
    """Return the scores and what came of them."""
    found = {script: [run(name, script, seed) for seed in SEEDS] for script in SCRIPTS}
    both = [*found["faulty"], *found["repaired"]]
    if errors := [each["error"] for each in both if "error" in each]:
        return {"gains": False, "why": errors[0]}
    scores = {script: [round(each["score"], 4) for each in found[script]] for script in SCRIPTS}
    seconds = round(sum(each["cpu"] for each in both) / len(both), 1)
    return scores | {"gains": all(map(gains, scores["faulty"], scores["repaired"])), "why": "", "cpu": seconds}


def line(name, row):
    """Return the line of a case."""
    said = row["why"] or f"{row['faulty']} -> {row['repaired']}, {row['cpu']} s"
    return f"{name:40} {'gains' if row['gains'] else 'DOES NOT GAIN'}  {said}"


def counts(rows):
    """Return how many twins gain."""
    return {"cases": len(rows), "gain": sum(row["gains"] for row in rows.values())}


def table(n):
    """Return this in words."""
    return f"{n['gain']} of {n['cases']} twins gain."
