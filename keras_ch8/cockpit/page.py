"""The page as one file, which needs nothing beside it: it opens offline, can be mailed, and stands in a notebook.

It holds all that a browser needs: ES modules, styles, and uPlot, which draws the curves. A server, such as that of the
tab, hands these out one by one.
"""

import base64
import functools
import hashlib
import html
import os
import re
import textwrap
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import final

from .._describe import spelled
from .._result import one_line
from ..board.record import compact
from ..board.window import Point
from ..verdicts.state import OverallState
from ..verdicts.texts import report as report_of
from ..verdicts.verdict import Verdict
from . import event_files
from .document import Document, document, name_of, title_of
from .records import state_in, verdicts_of

NAME = "report.html"
"""Of the file in the folder of a run."""
_HEIGHT = 900
"""Of the page in a notebook, in pixels."""
_WIDTH = 80
"""Of the verdicts in words, in characters."""
_CALL = """
render(JSON.parse(document.getElementById("document").textContent), document.getElementById("cockpit"));
"""


def page(document: Document) -> str:
    """Return a document as one HTML file.

    Whatever its texts hold, none of it is run: the browser is told to run the one script with this hash, and to load
    nothing. In JSON a `<` stands in strings only, where it may be escaped, so nothing there ends the element.
    """
    code = script() + _CALL
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    data = compact(document).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{html.escape(document["headline"]["text"])} ({html.escape(document["title"])})</title>
<style>
{style()}
</style>
</head>
<body style="margin:0">
<main id="cockpit"></main>
<noscript><p>The curves need JavaScript. What was found:</p><pre>{html.escape(in_words(document))}</pre></noscript>
<script type="application/json" id="document">{data}</script>
<script type="module">{code}</script>
</body>
</html>
"""


def in_words(document: Document) -> str:
    """Return what is known of each run in plain text, what is to be done first."""
    return "\n\n".join("\n".join(_of_run(run)) for run in document["runs"])


def _of_run(run: Document) -> Iterator[str]:
    ended = {True: ", ended", False: ", not ended", None: ""}[run["ended"]]
    yield from textwrap.wrap(f"{run['name']}, step {run['step']}{ended}", _WIDTH)
    yield report_of(verdicts_of(run["record"]), state_in(run["state"]))
    yield from textwrap.wrap(run["problem"], _WIDTH)


@final
class Page:
    """What `keras_ch8.report` returns: a notebook shows it, `save` writes it, `print` says the verdicts.

    Args:
        document: What the page is drawn from.
        path: The file that it was written to; None for none.
    """

    def __init__(self, document: Document, path: str | None = None) -> None:
        self._document = document
        self.path = path

    def save(self, path: str | os.PathLike[str]) -> "Page":
        """Write the page to a file, and return it with that path.

        Raises:
            OSError: If the file cannot be written.
        """
        path = os.fspath(path)
        try:
            event_files.write(path, page(self._document))
        except Exception as error:  # the system's or TensorFlow's
            raise OSError(
                f"`path` must be a writable file. Received: {path!r}, which fails with {type(error).__name__}: "
                f"{error}. Pass a file in an existing, writable folder."
            ) from error
        return Page(self._document, path)

    @property
    def verdicts(self) -> dict[str, list[Verdict]]:
        """The verdicts on each run by its name, the gravest first."""
        return {run["name"]: verdicts_of(run["record"]) for run in self._document["runs"]}

    @property
    def states(self) -> dict[str, OverallState]:
        """What the verdicts on each run come to, by its name."""
        return {run["name"]: state_in(run["state"]) for run in self._document["runs"]}

    def __repr__(self) -> str:
        where = f"in {self.path!r}" if self.path else "not saved: `.save(path)` writes it"
        return one_line(f"<Page of {len(self._document['runs'])} runs of {self._document['title']!r}, {where}>")

    def __str__(self) -> str:
        where = f"Page: {self.path}" if self.path else 'Written to no file yet: `.save("report.html")` does that.'
        return f"{in_words(self._document)}\n\n{where}"

    def _repr_html_(self) -> str:
        """Return the page for a notebook, in a frame that cannot reach the notebook."""
        inside = html.escape(page(self._document))
        return (
            f'<iframe srcdoc="{inside}" sandbox="allow-scripts allow-downloads" allow="clipboard-write" '
            f'style="width:100%;height:{_HEIGHT}px;border:0"></iframe>'
        )


@spelled
def report(log_dir: str | os.PathLike[str], file: str | os.PathLike[str] | None = None) -> Page:
    """Return one page on all runs below a folder: what is wrong, what cures it, and the curves (section 8.2).

    The page is a single HTML file that needs no other file and no network. A notebook shows it where it is the value of
    a cell. A script gives `file`, or calls `save` of the result; `print` says where the page is.

    Args:
        log_dir: Folder with runs: the `log_dir` of `keras_ch8.callbacks.TensorBoard`, or a folder that holds several of
            them.
        file: File to write the page to, such as `"report.html"`. Defaults to `None`: no file is written.

    Returns:
        A `Page`: `print` shows the verdicts, `save` writes the file.

    Raises:
        FileNotFoundError: If there is no such folder, or no run of this package in it.
        OSError: If `file` cannot be written.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.Adam(), "mse")
        >>> folder = tempfile.mkdtemp()
        >>> board = keras_ch8.callbacks.TensorBoard(folder)
        >>> _ = model.fit(np.ones((64, 2)), np.ones((64, 1)), callbacks=[board], verbose=0)
        >>> page = keras_ch8.report(folder)
        >>> len(page.verdicts)
        1

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """
    made = Page(event_files.read(log_dir))
    return made if file is None else made.save(file)


# --- of a training that still runs -----------------------------------------------------------------------------------


FRACTION = 0.002
"""Of the time of a training that writing its page may take, but for the first time and the last."""


class LivePage:
    """The file `report.html` in the folder of a run, by a `board.writer.RunListener` of it; writing it never raises.

    Args:
        folder: Of the run. What earlier trainings have written there belongs to the page too.
        log_dir: The folder above, after which the page is named.
    """

    def __init__(self, folder: str, log_dir: str) -> None:
        self._path, self._title = os.path.join(folder, NAME), title_of(log_dir)
        self._run = event_files.read_run(folder, name_of(os.path.relpath(folder, log_dir), log_dir))
        self._last, self._took = -float("inf"), 0.0
        """When it was written, and how long that took."""
        self._record = ""
        """The newest record. It is read when the page is written, which is rarer."""
        self._failed = False

    def describe(self, name: str, description: str) -> None:
        """Take what a series says of itself."""
        self._run.describe(name, description)

    def points(self, points: Iterable[Point]) -> None:
        """Take points of several steps."""
        for step, values in points:
            for name, value in values.items():
                self._run.point(name, step, value)

    def record(self, text: str) -> None:
        """Take the newest record."""
        self._record = text

    def flush(self) -> None:
        """Do nothing: the page is written as a whole."""

    def refresh(self) -> None:
        """Write the page, unless the last time took too much of the time since then."""
        if self._took <= FRACTION * (time.monotonic() - self._last):
            self.write()

    def close(self, is_whole: bool = True) -> None:
        """Write the page for the last time, unless the disk has failed, of which the user knows."""
        if is_whole:
            self.write()

    def write(self) -> None:
        """Write the page; where that fails, one warning says so, and it is not tried again."""
        if self._failed:
            return
        begun = time.monotonic()
        self._run.last_written = time.time()
        if self._record:
            self._run.record(self._record)
        try:
            event_files.write(self._path, page(document(self._title, [self._run])))
        except Exception as error:  # a training of days is worth more than its page
            self._failed = True
            warnings.warn(
                f"The page {self._path!r} can no longer be written, but training continues: {type(error).__name__}: "
                f"{error}. `python -m keras_ch8 report` makes it from the event files.",
                RuntimeWarning,
                stacklevel=2,
            )
        self._last = time.monotonic()
        self._took = self._last - begun


# --- what a browser needs --------------------------------------------------------------------------------------------


STATIC = Path(__file__).parent / "static"
SCRIPTS = (
    "vendor/uPlot.js", "words.js", "curves.js", "layers.js", "cards.js", "verdicts.js", "head.js", "cockpit.js",
)  # fmt: skip
"""The modules, each after those that it imports; the last one exports `render(document, element)`."""
SCRIPT, STYLE = "cockpit.js", "cockpit.css"
FILES = {SCRIPT: "text/javascript", STYLE: "text/css"}
"""All that the page loads, with its media type; the script is all modules in one."""
TAB = "tab.js"
"""The module that shows the page as a tab of TensorBoard."""
_IMPORT = re.compile(r'^import [^;]*? from "\./[\w/]+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (default uPlot;\n)?", re.MULTILINE)
_BARE = re.compile(r"^ *(//.*|/\*.*\*/)?\n|^ +", re.MULTILINE)
"""What no browser needs: lines that are comments or empty, and indents."""
_KEPT = r"""("(?:\\.|[^"\\])*"|'[^']*'|`(?:\\.|[^`\\])*`|(?<=\()/(?:\\.|\[[^\]]*\]|[^/\\])+/)"""
"""Strings, and patterns behind a bracket, in a script: each character of them counts."""
_NEEDLESS = re.compile(
    rf"{_KEPT}"
    r"| *//[^\n]*|(?<!\w)\((\w+)\) (=>) |;?\s*(\})\s*|\s*([)\]]) *| *([{([;,])\s*| *([:?=*<>&|!]) *"
    r"|(?<=[\w)\]]) ([-+/]) (?=[\w(])"
)
_NEEDLESS_IN_STYLE = re.compile(r";?\s*(\})\s*|\s*([{;>])\s*|(?<=,) |(?<=\w:) ")
"""Spaces beside punctuation, the ends of lines where no statement may end without a semicolon, and brackets around one
argument."""


@functools.cache
def script() -> str:
    """Return one ES module that imports nothing and defines `render`, for a line of the host that calls it."""
    return "\n".join(_squeezed(name, _EXPORT.sub("", _IMPORT.sub("", _text(name)))) for name in SCRIPTS)


@functools.cache
def style() -> str:
    """Return the whole style sheet of the page."""
    return asset(STYLE)


def asset(name: str) -> str:
    """Return a file as a browser gets it."""
    return f"{script()}\nexport {{ render }};\n" if name == SCRIPT else _squeezed(name, _text(name))


def _text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _squeezed(name: str, text: str) -> str:
    """Return a file without comments and needless characters; what is vendored stays as it came."""
    if name.startswith("vendor/"):
        return text
    needless = _NEEDLESS_IN_STYLE if name.endswith(".css") else _NEEDLESS
    return needless.sub(lambda found: "".join(filter(None, found.groups())), _BARE.sub("", text))
