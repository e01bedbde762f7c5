"""Judge the diagnosis on real faults of Keras users: is each found, and is its repaired twin left in peace?

    python benchmarks/faults/run.py --check [CASE ...]    what the twin gains, over three seeds
    python benchmarks/faults/run.py --detect [CASE ...]   what is said of each faulty script and of its twin

A case is a folder in cases/ (README.md). Each script runs as it is, in a process of its own, a fork of one that has
only imported; with `--detect` each `fit` in it is given one callback more. Every result is written at once to the JSON;
the next call goes on, and runs again what was run with other code.
"""

import argparse
import collections
import contextlib
import functools
import hashlib
import json
import multiprocessing
import os
import pathlib
import runpy
import tempfile
import time
import tomllib
import traceback

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

import keras
import sklearn.datasets  # noqa: F401  (once, not in each fork)

import keras_ch8

HERE = pathlib.Path(__file__).parent
CASES = sorted(path.parent.name for path in (HERE / "cases").glob("*/case.toml"))
SCRIPTS = ("faulty", "repaired")
SEEDS = (0, 1, 2)
SECONDS = 300
"""A script that takes longer is stopped, and has failed."""
GAIN = 0.05
"""Of accuracy; or half of the error is gone."""


def case_of(name):
    """Return what is recorded of a case."""
    return tomllib.loads((HERE / "cases" / name / "case.toml").read_text())


def rules():
    """Return a sign for the rules and cures of today, which a case holds that was written before they were seen."""
    package = pathlib.Path(keras_ch8.__file__).parent
    files = sorted(path for folder in ("verdicts", "monitors") for path in (package / folder).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def code_of(name, mode):
    """Return a sign for the code that a result depends on: of a check the scripts alone."""
    own = [HERE / "cases" / name / f"{script}.py" for script in SCRIPTS]
    ours = sorted(pathlib.Path(keras_ch8.__file__).parent.rglob("*.py")) if mode == "detect" else []
    return hashlib.sha256(b"".join(path.read_bytes() for path in [*own, *ours])).hexdigest()[:12]


# --- one script ------------------------------------------------------------------------------------------------------


def watched_by(doctor):
    """Give each `fit` of this process the doctor as one callback more."""
    fit = keras.Model.fit

    @functools.wraps(fit)
    def watched(self, *args, callbacks=None, **options):
        return fit(self, *args, callbacks=[*(callbacks or ()), doctor], **options)

    keras.Model.fit = watched


def answer(pipe, path, seed, is_watched):
    """Run a script in this process, which is a fork, and send its score and what was said, or its error."""
    doctor = keras_ch8.Doctor(None)
    if is_watched:
        watched_by(doctor)
    keras.utils.set_random_seed(seed)
    with open("screen", "wb") as screen:
        os.dup2(screen.fileno(), 1)
        os.dup2(screen.fileno(), 2)
    begun = time.process_time()
    try:
        left = runpy.run_path(path, run_name="__main__")
        told = [[verdict.level, verdict.kind, verdict.step] for run in doctor.runs for verdict in run.verdicts]
        state = [run.state.name for run in doctor.runs]
        pipe.send({"score": float(left["score"]), "told": told, "state": state, "cpu": time.process_time() - begun})
    except BaseException as error:
        traceback.print_exc()
        pipe.send({"error": f"{type(error).__name__}: {str(error)[:300]}"})


def run(name, script, seed, is_watched):
    """Return what comes of a script in a process and a folder of its own."""
    receive, send = multiprocessing.get_context("fork").Pipe(duplex=False)
    path = HERE / "cases" / name / f"{script}.py"
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        process = multiprocessing.get_context("fork").Process(target=answer, args=(send, path, seed, is_watched))
        process.start()
        send.close()
        try:
            found = receive.recv() if receive.poll(SECONDS) else {"error": f"takes more than {SECONDS} s"}
        except EOFError:
            found = {"error": "its process died"}
        process.kill()
        process.join()
        return found


# --- a case ----------------------------------------------------------------------------------------------------------


def check(name):
    """Return the scores of both scripts for each seed, and whether the twin gains enough with all of them."""
    found = {script: [run(name, script, seed, False) for seed in SEEDS] for script in SCRIPTS}
    errors = [each["error"] for each in (*found["faulty"], *found["repaired"]) if "error" in each]
    if errors:
        return {"gains": False, "why": errors[0]}
    scores = {script: [round(each["score"], 4) for each in found[script]] for script in SCRIPTS}
    pairs = list(zip(scores["faulty"], scores["repaired"], strict=True))
    gains = all(after - before >= GAIN or 1 - after <= (1 - before) / 2 for before, after in pairs)
    return scores | {"gains": gains, "why": "", "cpu": round(sum(each["cpu"] for each in found["faulty"]) / 3, 1)}


def detect(name):
    """Return what is said of both scripts."""
    return {script: run(name, script, 0, True) for script in SCRIPTS}


def told(found, level):
    """Return the kinds that were told at a level, the gravest first."""
    return [kind for at, kind, _ in found.get("told", ()) if at == level]


def table(rows):
    """Return what is found, how right it is, and what the twins are told."""
    n, kinds = collections.Counter(), collections.defaultdict(collections.Counter)
    for name, row in rows.items():
        case = case_of(name)
        right = {*case["truth"], *case.get("also", ())}
        acts = told(row["faulty"], "act")
        static = [kind for level, kind, since in row["faulty"].get("told", ()) if level == "act" and since == 0]
        n["cases"] += 1
        n["untouched"] += case.get("rules") == rules()
        n["detected"] += bool(acts or told(row["faulty"], "watch"))
        n["right"] += bool(right & set(acts))
        n["first"] += bool(acts) and acts[0] in case["truth"]
        n["static"] += bool(right & set(static))
        n["acts"] += len(acts)
        n["right_acts"] += sum(kind in right for kind in acts)
        n["twins_act"] += bool(told(row["repaired"], "act"))
        n["twins_watch"] += bool(told(row["repaired"], "watch"))
        n["cpu"] += sum(row[script].get("cpu", 0) for script in SCRIPTS)
        for kind in case["truth"][:1]:
            kinds[kind]["cases"] += 1
            kinds[kind]["right"] += bool(right & set(acts))

    def share(part, of="cases"):
        return f"{n[part]} of {n[of]} ({n[part] / max(1, n[of]):.2f})"

    said = {
        "a fault is told": share("detected"),
        "right by act": share("right"),
        "the first act is the root": share("first"),
        "right before the first step": share("static"),
        "acts that are right": share("right_acts", "acts"),
        "twins told to act": share("twins_act"),
        "twins told to watch": share("twins_watch"),
        "written before these rules": share("untouched"),
        "minutes of CPU": f"{n['cpu'] / 60:.0f}",
    }
    lines = ["| | |", "|---|---|", *(f"| {what} | {value} |" for what, value in said.items())]
    lines += ["", "| root | right by act |", "|---|---|"]
    lines += [f"| {kind} | {found['right']} of {found['cases']} |" for kind, found in sorted(kinds.items())]
    return "\n".join(lines)


def line(name, mode, row):
    """Return the line of a case."""
    if mode == "check":
        said = row["why"] or f"{row['faulty']} -> {row['repaired']}, {row['cpu']} s"
        return f"{name:40} {'gains' if row['gains'] else 'DOES NOT GAIN'}  {said}"
    said = [f"{script}: {row[script].get('error') or ' '.join(told(row[script], 'act')) or '-'}" for script in SCRIPTS]
    return f"{name:40} truth: {' '.join(case_of(name)['truth']) or '-'}; {'; '.join(said)}"


def main():
    """Run what is asked for and not kept yet, print a line for each case and the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="by default all")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", dest="mode", action="store_const", const="check")
    mode.add_argument("--detect", dest="mode", action="store_const", const="detect")
    mode.add_argument("--rules", action="store_true", help="print the sign of the rules of today")
    parser.add_argument("--json", type=pathlib.Path, help="by default check.json or detect.json in this folder")
    options = parser.parse_args()
    if options.rules:
        print(rules())
        return
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    path = options.json or HERE / f"{options.mode}.json"
    rows = json.loads(path.read_text()) if path.exists() else {}
    for name in options.cases or CASES:
        code = code_of(name, options.mode)
        if rows.get(name, {}).get("code") != code:
            rows[name] = {"code": code} | {"check": check, "detect": detect}[options.mode](name)
            path.with_suffix(".part").write_text(json.dumps(rows, indent=1) + "\n")
            path.with_suffix(".part").replace(path)
        print(line(name, options.mode, rows[name]), flush=True)
    if options.mode == "detect":
        print(f"\n{table({name: rows[name] for name in options.cases or CASES})}")


if __name__ == "__main__":
    main()
