"""What a browser needs for the page: an ES module, a style, and uPlot, which draws the curves.

A server hands out the files one by one. A file that needs nothing beside it holds `script()` and `style()`.
"""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
SCRIPT, STYLES = "cockpit.js", ("vendor/uPlot.css", "cockpit.css")
FILES = {
    SCRIPT: "text/javascript",
    "cockpit.css": "text/css",
    "vendor/uPlot.js": "text/javascript",
    "vendor/uPlot.css": "text/css",
}
"""All that the page loads, below `STATIC`, with its media type."""
_IMPORT, _EXPORT = 'import uPlot from "./vendor/uPlot.js";\n', "\nexport default uPlot;\n"


def script() -> str:
    """Return one ES module that imports nothing and defines `render`, for a line of the host that calls it."""
    library, page = _read("vendor/uPlot.js"), _read(SCRIPT)
    if _IMPORT not in page or not library.endswith(_EXPORT):
        raise ValueError(
            f"{SCRIPT} should import uPlot by {_IMPORT!r}, and vendor/uPlot.js should end with {_EXPORT!r}, so that "
            "they can be joined. Received other files. Take those of the package, or run tools/vendor_uplot.py."
        )
    return library.removesuffix(_EXPORT) + "\n" + page.replace(_IMPORT, "")


def style() -> str:
    """Return the whole style sheet of the page."""
    return "\n".join(map(_read, STYLES))


def _read(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
