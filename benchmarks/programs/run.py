"""Train each program bare and watched, and compare all that is left: every bit has to be equal.

    python benchmarks/programs/run.py [PROGRAM ...] [--form FORM] [--callbacks SET] [--pairs] [--json kept.json]
    python benchmarks/programs/run.py [PROGRAM ...] --verdicts [--json verdicts.json]
    python benchmarks/programs/run.py [PROGRAM ...] --doctor [--json doctored.json]
    python benchmarks/programs/run.py [PROGRAM ...] --cost 10,60 [--json costs.json]

A program is a script of a user of Keras, in this folder; `forms.py` has the forms of its data, `trainings.SETS` the
callbacks that are added to its own at each `fit`. By default every combination of what is chosen is run, for four
epochs. With `--pairs` it is one set for each program and form, so that every program meets every set, and every form
does. Each training is in a process of its own, a fork of one that has only imported. Compared are `History` of each
`fit`, the learning rates after each epoch, and all variables of the model and its optimizers, seeds and statistics
included. The outcome is "equal", "differs" or "crash"; "refused" where the program, bare, is not trained on this form
at all; "not itself" where the bare training, run again up to five times, does not always end as the first time either,
as several calls of `fit` of one generator, in which Keras reads ahead.

Each result is written at once; the next call goes on, and runs again what was run with other code. What is written to
results.json, verdicts.json, doctored.json and costs.json here is shown in docs/benchmarks.md. CPU is in seconds, of all
threads: of the first step with all that comes before it (built, traced), and in all; bare and watched. The table has
the medians of a program.

With `--verdicts` programs are trained to their end, on arrays, bare and with a `Doctor`. `LEARNS` of a program has the
number of `History` that tells what it learns, what that is for one who knows nothing (`None`: what it is before the
first step), and how far it has to come; `TRUTH` the kinds of verdicts that are true of it. What else calls for action
is wrong, also where it was printed and taken back. The code of each cure is pasted in front of its `fit`, for an epoch:
it runs, or it does not.

With `--doctor` each program is given to the command `doctor` as a script; none but those with a `TRUTH` need a patch.

With `--cost` programs are trained on arrays, bare and with a `Doctor`, for as many epochs as take about so many seconds
of CPU bare: both at once, each on a core of its own, and again with the cores exchanged, so that a machine that slows
down slows down both. The table has means: what the Doctor costs before the first step has ended, over what the first
step itself takes, and in all the rest, over the bare rest and over the whole bare training; the file has the seconds.
Nothing else should run.
"""

import argparse
import functools
import hashlib
import json
import pathlib
import sys

import costs
import doctored
import forms
import outcomes
import verdicts
from trainings import HERE, PROGRAMS, SETS, compared

import keras_ch8

EPOCHS = 4
"""Of each `fit` whose bits are compared in all forms."""


def pairs():
    """Return combinations in which every two of program, form and set meet: the set is next to its neighbours'."""
    sets = list(SETS)
    return [
        (program, form, sets[(row + column) % len(sets)])
        for row, program in enumerate(PROGRAMS)
        for column, form in enumerate(forms.FORMS)
    ]


def combinations(options):
    """Return what makes the row of each combination that is asked for."""
    chosen = (options.programs or PROGRAMS, options.form or forms.FORMS, options.callbacks or SETS)
    every = pairs() if options.pairs else [(p, f, s) for p in PROGRAMS for f in forms.FORMS for s in SETS]
    return {
        ", ".join(each): functools.partial(compared, *each, EPOCHS)
        for each in every
        if all(part in parts for part, parts in zip(each, chosen, strict=True))
    }


def code_of(program):
    """Return a sign for the code that a result depends on."""
    ours = sorted(pathlib.Path(keras_ch8.__file__).parent.rglob("*.py"))
    files = [*ours, *(HERE / f"{name}.py" for name in ("forms", "trainings", program))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def save(path, kept):
    """Write the results, whole."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(kept, indent=1) + "\n")
    part.replace(path)


def run(wanted, mode, path):
    """Make the rows that are not kept yet, by the call of each, print a line for each, and return them."""
    kept = json.loads(path.read_text())["rows"] if path.exists() else {}
    for name, make in wanted.items():
        code = code_of(name.partition(", ")[0])
        if kept.get(name, {}).get("code") != code:
            kept[name] = {"code": code, **make()}
        save(path, {"rows": kept, "table": mode.table(kept), "total": mode.total(kept)})
        print(mode.line(name, kept[name]), flush=True)
    print(f"\n{mode.table(kept)}\n\n{mode.total(kept)}")
    return [kept[name] for name in wanted]


def main():
    """Run what is asked for, and fail where watching has changed anything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"of {', '.join(PROGRAMS)}; by default all")
    parser.add_argument("--form", action="append", choices=forms.FORMS, help="by default all")
    parser.add_argument("--callbacks", action="append", choices=SETS, help="by default all")
    parser.add_argument("--pairs", action="store_true", help="one set for each program and form")
    parser.add_argument("--verdicts", action="store_true", help="what is said of each program, and of its cures")
    parser.add_argument("--doctor", action="store_true", help="what the command `doctor` does with each program")
    parser.add_argument("--cost", help="about how many seconds of CPU the bare trainings take, such as 10,60")
    parser.add_argument("--json", type=pathlib.Path, help="by default kept, verdicts, doctored or costs, here")
    options = parser.parse_args()
    if unknown := set(options.programs) - set(PROGRAMS):
        parser.error(f"there is no program {', '.join(sorted(unknown))}. There are: {', '.join(PROGRAMS)}")
    if options.cost:
        mode, name = costs, "costs.json"
        every = [(each, int(about)) for each in options.programs or costs.COSTLY for about in options.cost.split(",")]
        wanted = {f"{program}, {about} s": functools.partial(costs.cost, program, about) for program, about in every}
    elif options.verdicts:
        mode, name = verdicts, "verdicts.json"
        wanted = {program: functools.partial(verdicts.judged, program) for program in options.programs or PROGRAMS}
    elif options.doctor:
        mode, name = doctored, "doctored.json"
        wanted = {program: functools.partial(doctored.given, program) for program in options.programs or PROGRAMS}
    else:
        mode, name, wanted = outcomes, "kept.json", combinations(options)
    rows = run(wanted, mode, options.json or HERE / name)
    sys.exit(any(row.get("outcome") in ("differs", "crash") for row in rows))


if __name__ == "__main__":
    main()
