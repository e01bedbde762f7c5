"""What a browser needs for the page: ES modules, styles, and uPlot, which draws the curves.

A server hands out the files one by one. A file that needs nothing beside it holds `script()` and `style()`.
"""

import re
from pathlib import Path

STATIC = Path(__file__).parent / "static"
SCRIPTS = ("vendor/uPlot.js", "words.js", "head.js", "curves.js", "layers.js", "cards.js", "cockpit.js")
"""The modules, each after those that it imports; the last one exports `render(document, element)`."""
STYLES = ("cockpit.css",)
FILES = {**dict.fromkeys(SCRIPTS, "text/javascript"), **dict.fromkeys(STYLES, "text/css")}
"""All that the page loads, below `STATIC`, with its media type."""
TAB = "tab.js"
"""The module that shows the page as a tab of TensorBoard."""
_IMPORT = re.compile(r'^import [^;]*? from "\./[\w/]+\.js";\n', re.MULTILINE)
_BARE = re.compile(r"^[ ]+|^ *(//.*|/\*.*\*/)\n", re.MULTILINE)
"""What no browser needs: indents, and lines that are comments."""
_EXPORT = re.compile(r"^export (default uPlot;\n)?", re.MULTILINE)


def script() -> str:
    """Return one ES module that imports nothing and defines `render`, for a line of the host that calls it."""
    modules = (_IMPORT.sub("", read(name)) for name in SCRIPTS)
    return "\n".join(_EXPORT.sub("", module) for module in modules)


def style() -> str:
    """Return the whole style sheet of the page."""
    return "\n".join(map(read, STYLES))


def read(name: str) -> str:
    """Return a file as a browser gets it: what is vendored as it came, ours without indents and comments."""
    text = (STATIC / name).read_text(encoding="utf-8")
    return text if name.startswith("vendor/") else _BARE.sub("", text)
