"""What `python -m keras_ch8 doctor` does with each script and with its twin: the patch it proves, and its worth.

Each script is given to the command as its user would. A patch that it proposes is applied with `git apply`, and the
script is run without it and with it, with seeds that the proof has not used. It repairs if the script gains with each
of them as much as its twin has to; it harms if it loses 0.05 with one.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

from cases import CASES, GAIN, SCRIPTS, gains, text_of
from scripts import run

NAMES = CASES
HAS_OURS = True
FRESH = (100, 101, 102)
"""Seeds that no trial of the command has."""
MINUTES = 10
LONGEST = 2000
"""Seconds."""
OUTCOMES = {0: "healthy", 1: "patch", 2: "refused", 3: "no proof", 4: "failed"}


def examined(name, script, folder):
    """Run the command on a copy of a script; return what it says, and leave the patched script in the folder."""
    (folder / f"{script}.py").write_text(text_of(name, script))
    command = [sys.executable, "-m", "keras_ch8", "doctor", "--json", f"--minutes={MINUTES}", f"{script}.py"]
    begun = time.monotonic()
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False)
    said = json.loads(ended.stdout or '{"runs": [], "patch": null, "fresh": null, "tried": []}')
    found = {
        "outcome": OUTCOMES.get(ended.returncode, ended.stderr[-300:]),
        "kinds": [each["kind"] for of in said["runs"] for each in of["findings"] if each["level"] == "act"],
        "tried": [tried(each) for each in said["tried"]],
        "fresh": measured(said["fresh"]) if said["fresh"] else None,
        "no_time": [each for of in said["runs"] for each in of["not_checked"] if each.startswith("`minutes`")],
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "patch": said["patch"],
    }
    if said["patch"]:
        applied = subprocess.run(["git", "apply", "-"], cwd=folder, input=said["patch"], capture_output=True, text=True)
        found["applies"] = applied.returncode == 0
    return found


def tried(each):
    """Return what came of a fix, in words."""
    return f"{' + '.join(each['kinds'])}: {measured(each['measured']) if each['measured'] else each['reason']}"


def measured(of):
    """Return what some pairs say, in words."""
    return f"{of['result']}, {of['without']} to {of['with']} with {of['seeds']} seeds"


def judge(name):
    """Return what comes of both scripts."""
    return {script: _judged(name, script) for script in SCRIPTS}


def _judged(name, script):
    with tempfile.TemporaryDirectory() as folder:
        found = examined(name, script, pathlib.Path(folder))
        if found["patch"]:
            pairs = [[run(name, of, seed) for of in (script, f"{folder}/{script}")] for seed in FRESH]
            scores = [[max(0.0, each.get("score", 0.0)) for each in pair] for pair in pairs]
            found["scores"] = [[round(score, 4) for score in pair] for pair in scores]
            found["repairs"] = all(gains(*pair) for pair in scores)
            found["harms"] = any(after <= before - GAIN for before, after in scores)
        return found


def line(name, row):
    """Return the line of a case."""
    said = [
        f"{script}: {each['outcome']}{' '.join(['', *map(str, each.get('scores', ()))])}"
        for script, each in row.items()
        if script in SCRIPTS
    ]
    return f"{name:40} {'; '.join(said)}"


def counts(rows):
    """Return how many are repaired and harmed, and how many twins are given a patch."""
    faulty, twins = ([row[script] for row in rows.values()] for script in SCRIPTS)
    patches = [each for each in (*faulty, *twins) if each["patch"]]
    return {
        "cases": len(rows),
        "repaired": sum(each.get("repairs", False) for each in faulty),
        "patches": len(patches),
        "harms": sum(each["harms"] for each in patches),
        "apply": sum(each["applies"] for each in patches),
        "twins_patched": sum(bool(each["patch"]) for each in twins),
        "twins_better": sum(each.get("repairs", False) for each in twins),
    }


def table(n):
    """Return this in words."""
    return "\n".join(
        [
            "| | |",
            "|---|---|",
            f"| repaired, by seeds that the proof has not used | {n['repaired']} of {n['cases']} |",
            f"| patches that harm | {n['harms']} of {n['patches']} |",
            f"| patches that `git apply` takes | {n['apply']} of {n['patches']} |",
            f"| twins that are given a patch | {n['twins_patched']} of {n['cases']}, {n['twins_better']} gain by it |",
        ]
    )
