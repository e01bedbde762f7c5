"""What `python -m keras_ch8 doctor` does with each program, which is healthy but for its `TRUTH`."""

import importlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from trainings import HERE, SECONDS

OUTCOMES = {0: "healthy", 1: "patch", 2: "refused", 3: "no proof", 4: "failed"}
MINUTES = 5
"""Which a program that is called sick may take."""


def given(program):
    """Return the row of a program that is given to the command as its user would, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (program, "forms"):
            shutil.copy(HERE / f"{name}.py", pathlib.Path(folder))
        command = [sys.executable, "-m", "keras_ch8", "doctor", "--json", f"--minutes={MINUTES}", f"{program}.py"]
        begun = time.monotonic()
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=2 * SECONDS, check=False)
    said = json.loads(ended.stdout or '{"runs": [], "patch": null, "tried": []}')
    return {
        "truth": list(importlib.import_module(program).TRUTH),
        "outcome": OUTCOMES.get(ended.returncode, ended.stderr[-300:]),
        "acts": [each["kind"] for run in said["runs"] for each in run["findings"] if each["level"] == "act"],
        "tried": len(said["tried"]),
        "patch": said["patch"],
        "seconds": round(time.monotonic() - begun),
    }


def line(name, row):
    """Return the line of a program."""
    return f"{name:24} {row['outcome']}, {row['seconds']} s. {', '.join(row['acts'])} {row['patch'] or ''}".rstrip()


def table(rows):
    """Return in Markdown what comes of each program."""
    lines = [
        f"| {name} | {row['outcome']} | {', '.join(row['acts']) or '-'} | {', '.join(row['truth']) or '-'} | "
        f"{row['tried']} | {'yes' if row['patch'] else '-'} |"
        for name, row in sorted(rows.items())
    ]
    return "\n".join(["| program | outcome | acts | its truth | fixes tried | patch |", "|---" * 6 + "|", *lines])


def total(rows):
    """Return the last line: how many are left in peace."""
    healthy = [row for row in rows.values() if not row["truth"]]
    called, given_one = (sum(row["outcome"] == name for row in healthy) for name in ("healthy", "patch"))
    return f"{len(healthy)} healthy programs: {called} are called healthy, {given_one} are given a patch"
