"""Judge the diagnosis on real faults of Keras users: is each found, cured, and its repaired twin left in peace?

    python benchmarks/faults/run.py --check [CASE ...]    what the twin gains, over three seeds
    python benchmarks/faults/run.py --detect [CASE ...]   what is said of each faulty script and of its twin
    python benchmarks/faults/run.py --repair [CASE ...]   what the cure of the first act does, over three seeds and six
    python benchmarks/faults/run.py --doctor [CASE ...]   what the command `doctor` does with each script and its twin

A case is a folder in cases/ (README.md), or a training of a set (`zoo3/NAME`, `fresh/NAME`, `fresh2/NAME`). Each script
runs as it is, in a process of its own, a fork of one that has only imported. Every result is written at once to the
JSON; the next call goes on, and runs again what was run with other code.
"""

import argparse
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import check
import detect
import doctor
import repair
from cases import HERE, code_of, rules

MODES = {"check": check, "detect": detect, "repair": repair, "doctor": doctor}


def main():
    """Run what is asked for and not kept yet, print a line for each case and the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="by default all")
    asked = parser.add_mutually_exclusive_group(required=True)
    for name, mode in MODES.items():
        asked.add_argument(f"--{name}", dest="mode", action="store_const", const=name, help=mode.__doc__.split("\n")[0])
    asked.add_argument("--rules", action="store_true", help="print the sign of the rules of today")
    parser.add_argument("--json", type=pathlib.Path, help="by default the name of the mode, here")
    options = parser.parse_args()
    if options.rules:
        print(rules())
        return
    mode = MODES[options.mode]
    if unknown := set(options.cases) - set(mode.NAMES):
        parser.error(f"--{options.mode} has no case {', '.join(sorted(unknown))}")
    path = options.json or HERE / f"{options.mode}.json"
    rows = json.loads(path.read_text())["cases"] if path.exists() else {}
    rows = {name: row for name, row in rows.items() if name in mode.NAMES}
    for name in options.cases or mode.NAMES:
        code = code_of(name, mode.HAS_OURS)
        if rows.get(name, {}).get("code") != code:
            rows[name] = {"code": code} | mode.judge(name)
            n = mode.counts(rows)
            text = json.dumps({"counts": n, "table": mode.table(n), "cases": dict(sorted(rows.items()))}, indent=1)
            path.with_suffix(".part").write_text(text + "\n")
            path.with_suffix(".part").replace(path)
        print(mode.line(name, rows[name]), flush=True)
    print(f"\n{mode.table(mode.counts({name: rows[name] for name in options.cases or mode.NAMES}))}")


if __name__ == "__main__":
    main()
