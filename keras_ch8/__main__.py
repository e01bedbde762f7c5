"""`python -m keras_ch8 COMMAND ...`: each module of `keras_ch8.commands` is one."""

import argparse
import importlib
import pkgutil

from . import commands


def main() -> int:
    """Run the command that is asked for, and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m keras_ch8", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in pkgutil.iter_modules(commands.__path__):
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
    status: int = arguments.run(arguments)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
