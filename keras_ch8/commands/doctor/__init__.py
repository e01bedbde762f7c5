"""Run a script that trains, find what is wrong with the training, and prove the patch that fixes it.

Your script runs once as it always does, watched. If something is wrong with it, each fix is put into a copy of it, and
both are trained in turn, with the same seeds. What is printed in the end is a patch for `git apply` that is proven to
help, or nothing. Your files stay as your script has left them, unless you pass --write:

    python -m keras_ch8 doctor train.py --epochs 5
    python -m keras_ch8 doctor --minutes 10 --write -m project.train

Options of doctor stand before the script or after its arguments; what follows `--` is for the script alone. The exit
status is 0 if nothing calls for action, 1 if a patch is proven, 2 if the script cannot be run like this, 3 if something
is wrong and no patch is proven, and 4 if the script fails.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    _add_options(parser)
    parser.add_argument(
        "-m", dest="module", nargs=argparse.REMAINDER, metavar="...", help="run a module of this folder, not a file"
    )
    parser.add_argument("script", nargs=argparse.REMAINDER, metavar="SCRIPT ...", help="a script and its arguments")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, help="begin no trial that would end later; no limit if not given")
    parser.add_argument(
        "--write",
        action="store_true",
        help="put a proven patch into your file, keep a copy of that, and write a page with the curves",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object; your script prints to stderr")
    parser.add_argument("--dry-run", action="store_true", help="say what would be run, and run nothing")
    parser.add_argument(
        "--in-place", action="store_true", help="copy only Python files: trials share, and may change, all others"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the script, prove a patch, and return what came of it."""
    from ._session import start  # what it needs is nothing that another command should wait for

    is_module, line = bool(arguments.module), [*(arguments.module or ()), *arguments.script]
    own = line.index("--") if "--" in line else len(line)
    parser = argparse.ArgumentParser("python -m keras_ch8 doctor", add_help=False, allow_abbrev=False)
    _add_options(parser)
    arguments, rest = parser.parse_known_args(line[:own], arguments)
    return start([*rest, *line[own + 1 :]], is_module, arguments)
