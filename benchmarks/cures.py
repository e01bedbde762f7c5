"""Paste every code that diagnoses give into its training, in five forms, and count how many run and do no harm.

    python benchmarks/cures.py [--minutes 10] [--folder build/cures] [--names mlp ...] [--forms "data set" ...]

One training in one form a time, each with a file of its own in the folder: what is there is not done again. The
trainings and the forms (forms.py) are those of benchmarks/diagnosis. Codes are compared over three seeds.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import random
import sys
import time

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from benchmarks.diagnosis import confusion, forms

LONGEST = 300
"""Seconds after which a training in a form is given up."""


def judge(name, form, path):
    """Write what comes of one training in one form."""
    found = forms.judge(name, form)
    path.with_suffix(".part").write_text(json.dumps(found, indent=1))
    path.with_suffix(".part").rename(path)


def main():
    """Go on where the folder ends, for some minutes, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--folder", default="build/cures", type=pathlib.Path)
    parser.add_argument("--names", nargs="+", help="in this order; by default all, in an order of chance")
    parser.add_argument("--forms", nargs="+", default=list(forms.FORMS), choices=forms.FORMS)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    end, given_up = time.monotonic() + 60 * options.minutes, []
    sick = [run.name for run in confusion.chosen() if run.kind]
    random.Random(0).shuffle(sick)  # so that some minutes are a sample of all
    for name in options.names or sick:
        for form in options.forms:
            path = options.folder / f"{name}.{form.replace(' ', '_')}.json"
            if path.exists() or time.monotonic() > end:
                continue
            process = multiprocessing.get_context("fork").Process(target=judge, args=(name, form, path))
            process.start()
            process.join(LONGEST)
            if process.is_alive() or process.exitcode:
                given_up.append(f"{name}, {form}")
                process.kill()
                process.join()
    found = [json.loads(path.read_text()) for path in sorted(options.folder.glob("*.json"))]
    print(forms.table(found))
    if given_up:
        print(f"given up: {'; '.join(given_up)}")


if __name__ == "__main__":
    main()
