"""Write one page on all runs below a folder: what is wrong, the fix, and the curves.

The page is a single file that opens offline. Runs are what `keras_ch8.Doctor("logs")` has written:

    python -m keras_ch8 report logs -o report.html
"""

import argparse
import os
import sys

from . import _json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("log_dir", metavar="LOG_DIR", help="a folder of runs, or of folders of runs")
    parser.add_argument("-o", dest="file", metavar="FILE", help="the file to write; LOG_DIR/report.html if not given")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, as docs/verdicts.schema.json has it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page, and print where."""
    from ..cockpit import event_files, page

    file = arguments.file or os.path.join(arguments.log_dir, page.NAME)
    document = event_files.read(arguments.log_dir)
    path = page.Page(document).save(file).path
    runs = map(_json.of_document, document["runs"])
    sys.stdout.write(_json.report("report", runs, page=path) if arguments.json else f"{path}\n")
    return 0
