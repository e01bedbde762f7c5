"""The map of the chapter, and commands: each module of `keras_ch8.commands` is one, but for private ones.

python -m keras_ch8                     prints the map: each section of the chapter, and what is there for it
python -m keras_ch8 COMMAND --help      says what a command does
"""

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

from . import commands


def main() -> int:
    """Print the map, or run the command that is asked for, and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_ch8", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    subparsers = parser.add_subparsers(metavar="COMMAND")
    for module in (found for found in pkgutil.iter_modules(commands.__path__) if not found.name.startswith("_")):
        command = importlib.import_module(f"{commands.__name__}.{module.name}")
        text = command.__doc__ or ""
        subparser = subparsers.add_parser(
            module.name,
            help=text.splitlines()[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    arguments = parser.parse_args()
    if not hasattr(arguments, "run"):
        chapter = (Path(__file__).parent / "chapter.txt").read_text()
        sys.stdout.write(f"{chapter}\nhelp(keras_ch8.optimizers.Adam) prints all about a part. ")
        sys.stdout.write(f"Commands: {', '.join(subparsers.choices)}; --help explains them.\n")
        return 0
    try:
        status: int = arguments.run(arguments)
    except (ImportError, OSError) as error:  # what is not installed, and what cannot be read or written
        sys.stderr.write(f"{error}\n")
        return 2
    return status


if __name__ == "__main__":
    raise SystemExit(main())
