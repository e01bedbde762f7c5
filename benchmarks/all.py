"""Run the benchmarks one after another, print one page of all tables, and write it as JSON.

    python benchmarks/all.py [--quick] [--only update_step,fit_step] [--minutes 20] [--device cpu] [--json results.json]
    python benchmarks/all.py --document results.json > docs/benchmarks.md

With `--only` the others stay in the file as they are.
Each is a process of its own, whose peers (torch, optax, SciPy) run beside it there. What has not ended in its share of
the minutes is stopped, and said so. `--quick` runs fewer rounds, `--device cpu` hides GPUs, `--device gpu` needs one.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
BENCHMARKS = {
    # name: (arguments, arguments of --quick); the shortest first. `--seconds` are for the rounds of a part of a table.
    "batch_norm": ("--seconds 4", "--rounds 3"),
    "fit_step": ("--seconds 10", "--rounds 3"),
    "second_order_fit": ("--seconds 15", "--rounds 1"),
    "bounds": ("", ""),
    "second_order": ("--starts 1,10,100 --sizes 1000,5000", "--methods CG"),
    "telemetry": ("--rounds 5 --seconds 60", "--rounds 2 --epochs 4"),
    "listening": ("--seconds 25", "--rounds 30"),
    "update_step": ("--seconds 4", "--rounds 3 --shapes mlp,resnet"),
    "pinn": ("--cpu 20", "--cpu 3"),
}

PROGRAMS, VERDICTS, DOCTORED, COSTS = (
    HERE / f"programs/{name}.json" for name in ("results", "verdicts", "doctored", "costs")
)
FAULTS = {name: HERE / f"faults/{name}.json" for name in ("check", "detect", "repair", "doctor")}


def run(name, arguments, seconds, environment):
    """Return what one benchmark prints and writes, and how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "numbers.json"
        command = [sys.executable, str(HERE / f"{name}.py"), *arguments.split(), "--json", str(file)]
        begun, note = time.monotonic(), ""
        try:
            done = subprocess.run(command, env=environment, capture_output=True, timeout=seconds)
            table = done.stdout.decode()
            if done.returncode:
                note = f"failed: {(done.stderr.decode().strip().splitlines() or [''])[-1][:200]}"
        except subprocess.TimeoutExpired as stopped:
            table, note = (stopped.stdout or b"").decode(), f"stopped after {seconds:.0f} s"
        took = time.monotonic() - begun
        numbers = json.loads(file.read_text()) if file.exists() else {}
    return {
        "command": f"python benchmarks/{name}.py {arguments}".strip(), "table": table.rstrip(), "numbers": numbers,
        "note": note, "seconds": round(took, 1),
    }  # fmt: skip


def title_of(file):
    """Return the first paragraph of what a benchmark says of itself."""
    return (HERE / file).read_text().split('"""')[1].strip().split("\n\n")[0]


def machine(device):
    """Return in words what was measured on."""
    import tensorflow as tf

    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    names = ", ".join(gpu.get("device_name", "GPU") for gpu in gpus) if device != "cpu" else ""
    return (
        f"{os.cpu_count()} cores, {names or 'no GPU'}, {platform.system()}, Python {platform.python_version()}, "
        f"TensorFlow {tf.__version__}"
    )


def document(results):
    """Return the results as the page docs/benchmarks.md."""
    lines = [
        "# Benchmarks",
        "",
        "Made by `python benchmarks/all.py --document benchmarks/results.json`, and by `make docs`.",
        "Each table is one process, in which the peers have their turn beside us: compare numbers within a table only.",
        f"Measured on {results['machine']}{', with few rounds (`--quick`)' if results['quick'] else ''}.",
    ]
    if "no GPU" in results["machine"]:
        lines += ["Not measured on a GPU."]
    for name, found in results["benchmarks"].items():
        lines += ["", f"## {name}", "", found["title"], "", "```text", f"$ {found['command']}", found["table"]]
        lines += [f"({found['note']})"] if found["note"] else []
        lines += ["```", "", f"{found['seconds']:.0f} s."]
    if PROGRAMS.exists():
        found = json.loads(PROGRAMS.read_text())
        lines += ["", "## programs", "", title_of("programs/run.py"), ""]
        lines += ["```text", "$ python benchmarks/programs/run.py --pairs", "```", ""]
        lines += [found["table"], "", f"{found['total']}."]
    if VERDICTS.exists():
        found = json.loads(VERDICTS.read_text())
        lines += ["", "```text", "$ python benchmarks/programs/run.py --verdicts", "```", ""]
        lines += [found["table"], "", f"{found['total']}."]
    if DOCTORED.exists():
        found = json.loads(DOCTORED.read_text())
        lines += ["", "```text", "$ python benchmarks/programs/run.py --doctor", "```", ""]
        lines += [found["table"], "", f"{found['total']}."]
    if COSTS.exists():
        found = json.loads(COSTS.read_text())
        lines += ["", "```text", *commands_of_costs(found["rows"]), "```", "", found["table"]]
    lines += ["", "## faults", "", title_of("faults/run.py")]
    for name, file in FAULTS.items():
        if file.exists():
            found = json.loads(file.read_text())
            lines += ["", "```text", f"$ python benchmarks/faults/run.py --{name}", "```", ""]
            lines += [found["table"], *of_which_code(found["cases"].values())]
    return "\n".join(lines) + "\n"


def commands_of_costs(rows):
    """Return the command that has made the rows of each length."""
    of_length = {}
    for program, seconds in sorted(name.split(", ") for name in rows):
        of_length.setdefault(int(seconds.removesuffix(" s")), []).append(program)
    return [f"$ python benchmarks/programs/run.py {' '.join(of_length[s])} --cost {s}" for s in sorted(of_length)]


def of_which_code(rows):
    """Return a sentence on the code that was judged, where it is the package."""
    codes = {row["code"].partition(" ")[2] for row in rows} - {""}
    return ["", f"Judged with the package as it was under the sign {', '.join(sorted(codes))}."] if codes else []


def main():
    """Run all of them, or print the page that was made of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=",".join(BENCHMARKS))
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--device", choices=("cpu", "gpu", ""), default="")
    parser.add_argument("--json", default="results.json")
    parser.add_argument("--document")
    options = parser.parse_args()
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "OPENBLAS_NUM_THREADS": "1"}
    if options.document:
        sys.stdout.write(document(json.loads(pathlib.Path(options.document).read_text())))
        return
    hidden = {"CUDA_VISIBLE_DEVICES": "-1"} if options.device == "cpu" else {}
    environment = os.environ | hidden
    names, end = options.only.split(","), time.monotonic() + 60 * options.minutes
    results = {"machine": machine(options.device), "quick": options.quick, "benchmarks": {}}
    if names != list(BENCHMARKS) and os.path.exists(options.json):
        results["benchmarks"] = json.loads(pathlib.Path(options.json).read_text())["benchmarks"]
    for number, name in enumerate(names):
        share = 2 * (end - time.monotonic()) / (len(names) - number + 1)  # what the short ones leave is for the others
        device = f"--device {options.device}" if options.device else ""
        found = run(name, f"{BENCHMARKS[name][options.quick]} {device}".strip(), share, environment)
        title = title_of(f"{name}.py")
        results["benchmarks"][name] = {"title": title, **found}
        print(f"\n== {name}: {title}\n$ {found['command']}\n{found['table']}\n{found['note']}", flush=True)
        print(f"{found['seconds']:.0f} s", flush=True)
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
