"""Makes the site of the documents: `python tools/make_site.py`, then `python -m http.server -d build/site/html`.

Needs `pip install -e ".[docs,examples]"`. The pages are README, docs/ and what is made here from the code: a page for
each kind of verdict, the reference, and the examples as a gallery. With --run the examples (or those whose names
match a pattern) run with --quick, each again only when it has changed, and their pages have what they print and draw.
Every warning is an error.
"""

import argparse
import ast
import os
import posixpath
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "site"
SOURCE = BUILD / "source"
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
CONTENTS = {
    "Start": ["docs/quickstart", "examples/index", "docs/choose", "docs/migrate", "docs/index"],
    "Verdicts": ["docs/guide/diagnose", "docs/guide/doctor", "docs/verdicts/index"],
    "Guides": [
        "docs/guide/swap", "docs/guide/curvature", "docs/guide/observe", "docs/guide/target", "docs/guide/start",
        "docs/guide/order", "docs/guide/libraries", "docs/guide/backends", "docs/guide/speed",
    ],
    "Method cards": [
        "docs/methods/optimizers", "docs/methods/second-order", "docs/methods/schedules", "docs/methods/clipping",
        "docs/methods/stopping", "docs/methods/callbacks", "docs/methods/initializers", "docs/methods/layers",
        "docs/methods/easy-first",
    ],
    "Reference": ["docs/api/index"],
    "Measured": ["docs/benchmarks", "docs/compare"],
    "In production": ["docs/many-workers", "docs/faults", "docs/hooks"],
    "For contributors": [
        "ARCHITECTURE", "CONTRIBUTING", "docs/diagnosis", "docs/texts", "docs/design/index", "CHANGELOG",
    ],
}  # fmt: skip
CALLED = {"docs/diagnosis": "Rules of the verdicts", "docs/index": "Map of the chapter"}
"""What the navigation calls a page, where not by its title."""


TITLES = {
    "quickstart.py": "Quickstart: a broken network, diagnosed and fixed",
    "distributed.py": "Several workers: one training on all of them",
    "guard.py": "A guard against corrupt examples and ruinous steps",
    "resume.py": "A training that is killed goes on",
    "s8_6_1_autoencoder.py": "8.6.1 Newton's method without the Hessian: a deep autoencoder",
    "s8_6_bounds.py": "8.6.3 weights within bounds",
    "s8_6_curve_fit.py": "8.6.1 Levenberg-Marquardt fits a curve",
    "s8_6_pinn.py": "8.6 a network that solves a differential equation",
    "s8_7_6_continuation.py": "8.7.6 continuation",
    "s8_7_6_curriculum.py": "8.7.6 curriculum learning",
}
"""Of examples that are not the one of their section, or share it."""
TOUR = "docs/pictures/tour_light.png"
PICTURES = {
    "guard.py": "docs/pictures/verdicts/nonfinite.png",
    "s8_6_1_autoencoder.py": "docs/pictures/sections/8.6.1.png",
    "s8_6_bounds.py": "docs/pictures/sections/8.6.3.png",
    "s8_6_curve_fit.py": "docs/pictures/sections/8.6.1.png",
    "s8_7_6_curriculum.py": "docs/pictures/sections/8.7.6.png",
}
"""Small pictures in the list of examples, of those that no picture of the chapter is drawn by."""


def main() -> int:
    """Collect the pages, and let Sphinx make the site; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", nargs="?", const=".", default="", metavar="PATTERN", help="run the examples, or some")
    os.environ["SITE_RUNS_EXAMPLES"] = parser.parse_args().run
    collect()
    from sphinx.cmd.build import main as sphinx

    status: int = sphinx(["-W", "--keep-going", "-q", "-c", str(ROOT / "docs"), str(SOURCE), str(BUILD / "html")])
    if not status:
        shutil.copy(BUILD / "html" / "README.html", BUILD / "html" / "index.html")
        print(f"{BUILD / 'html' / 'index.html'}")  # noqa: T201
    return status


def collect() -> None:
    """Write all sources of the pages, where they stand in the repository."""
    written = {path: text for path, text in [*documents(), *verdicts(), reference(), *gallery()]}
    for path, text in written.items():
        write(path, linked(path, text, set(written)))
    for page in SOURCE.rglob("*.md"):
        if str(page.relative_to(SOURCE)) not in written:
            page.unlink()
    shutil.copytree(ROOT / "docs" / "pictures", SOURCE / "docs" / "pictures", dirs_exist_ok=True)


def write(path: str, text: str) -> None:
    """Write a page, unless it is there as it is: what has not changed is not made anew."""
    page = SOURCE / path
    page.parent.mkdir(parents=True, exist_ok=True)
    if not page.exists() or page.read_text() != text:
        page.write_text(text)


def linked(path: str, text: str, pages: set[str]) -> str:
    """Return a page whose links lead to pages of the site; those to other files of the repository are their names."""

    def link(found: re.Match[str]) -> str:
        name, target, anchor = found[1], found[2], found[3] or ""
        place = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        of_kind = f"docs/verdicts/{anchor[1:]}.md"
        if place == "docs/diagnosis.md" and of_kind in pages:  # its own page, which is shorter
            return f"[{name}]({posixpath.relpath(of_kind, posixpath.dirname(path))})"
        if place.endswith(".py") and place.startswith("examples/"):
            page = posixpath.relpath(place.removesuffix(".py") + ".rst", posixpath.dirname(path))
            return f"[{name}]({page})"
        is_there = place in pages or place.endswith((".png", ".gif")) or ":" in target
        return f"[{name}]({target}{anchor})" if is_there else f"{name}"

    return re.sub(r"\[([^\]\n]*)\]\(([^()\s#]+)(#[^()\s]*)?\)", link, text) if path.endswith(".md") else text


def toctree(names: list[str], caption: str = "", hidden: bool = False, start: str = "") -> str:
    """Return a list of pages for Sphinx."""
    names = [f"{CALLED[name]} <{name}>" if name in CALLED else name for name in names]
    options = [f":caption: {caption}"] * bool(caption) + [":hidden:"] * hidden + [":maxdepth: 1"]
    return "\n".join(["```{toctree}", *options, "", *(start + name for name in names), "```", ""])


def there(names: list[str]) -> list[str]:
    """Return those of some pages that are made here, or that someone has written."""
    made = ("examples/index", "docs/verdicts/index", "docs/api/index", "docs/design/index")
    return [name for name in names if name in made or (ROOT / f"{name}.md").exists()]


def documents() -> Iterator[tuple[str, str]]:
    """Yield what is written by hand."""
    for page in PAGES:
        text = (ROOT / page).read_text()
        if page == "README.md":
            text += "\n" + "\n".join(toctree(there(names), caption, hidden=True) for caption, names in CONTENTS.items())
        yield page, text
    for file in sorted((ROOT / "docs").rglob("*.md")):
        path = str(file.relative_to(ROOT))
        yield path, file.read_text()
    notes = sorted(file.stem for file in (ROOT / "docs" / "design").glob("*.md"))
    yield (
        "docs/design/index.md",
        f"# Design notes\n\nWhat was decided, and what was measured for it.\n\n{toctree(notes)}",
    )


def verdicts() -> Iterator[tuple[str, str]]:
    """Yield a page for each kind of verdict, out of docs/diagnosis.md and of the table of the kinds."""
    from keras_ch8.monitors.base import members
    from keras_ch8.verdicts.kinds import KINDS

    members("full")  # which register kinds of their own
    page = (ROOT / "docs" / "diagnosis.md").read_text()
    said = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    for name in KINDS:
        body = said[name].replace("](pictures/", "](../pictures/")
        head = f"# {KINDS[name].title} ({name})\n"
        yield f"docs/verdicts/{name}.md", f"{head}{body}\n[How to read the rules](../diagnosis.md)\n"
    head = "# Verdicts, one by one\n\n| verdict | what it means |\n|---|---|\n"
    rows = [f"| [{kind.title}]({name}.md) (`{name}`) | {kind.meaning} |\n" for name, kind in KINDS.items()]
    yield "docs/verdicts/index.md", head + "".join(rows) + "\n" + toctree(list(KINDS), hidden=True)


def reference() -> tuple[str, str]:
    """Return the page of the reference, whose autosummary makes a page for each package."""
    import keras_ch8

    packages = [f"keras_ch8.{name}" for name in (*keras_ch8.PACKAGES, *keras_ch8.SHELVES, "extend")]
    head = ["Reference", "=========", "", "Every public name, with its docstring.", ""]
    listed = [".. autosummary::", "   :toctree:", "", *(f"   {package}" for package in ["keras_ch8", *packages])]
    return "docs/api/index.rst", "\n".join([*head, *listed]) + "\n"


SECTION = re.compile(r"(Args|Returns|Yields|Raises|Examples?|References|Attributes|Notes?):\n")
ROW_OF_TABLE = re.compile(r"\S.*? {2,}\S")


def as_rst(lines: Sequence[str]) -> list[str]:
    """Return a docstring for Sphinx: what it indents or aligns stands as it is, and bars and stars are no markup."""
    text = re.sub(r"(?m)^(    \w[\w, ]*,)\n +(\w[\w, ]*: )", r"\1 \2", "\n".join(lines))  # names of arguments
    out: list[str] = []
    in_section = False
    for paragraph in re.split(r"\n{2,}", text.strip("\n")):
        if not paragraph.startswith(" "):
            in_section = bool(SECTION.match(paragraph))
        if not in_section and paragraph.startswith(" "):
            out += [paragraph] if out and out[-1] == ".. math::" else ["::", paragraph]
        elif not in_section and ROW_OF_TABLE.match(paragraph):
            out += ["::", re.sub("(?m)^", "    ", paragraph)]
        else:
            out.append(paragraph if ">>> " in paragraph else _inline(paragraph))
    return [*"\n\n".join(out).split("\n"), ""]


def _inline(text: str) -> str:
    """Return text whose code is in double backquotes, and whose bars and stars are no markup."""
    pieces = re.split(r"(`+[^`]+`+)", text)
    for number, piece in enumerate(pieces):
        if number % 2:
            after = pieces[number + 1][:1]
            pieces[number] = f"``{piece.strip('`')}``" + ("\\ " if after.isalnum() else "")
        else:
            pieces[number] = re.sub(r"([|*])", r"\\\1", piece)
    return "".join(pieces)


def gallery() -> Iterator[tuple[str, str]]:
    """Yield the examples for sphinx-gallery: a heading instead of the first line, the commands as a block."""
    import chapter

    subjects = {section.example: f"{section.number} {section.subject}" for section in reversed(chapter.SECTIONS)}
    drawn = {section.example: section.number for section in reversed(chapter.SECTIONS)}
    drawn["s8_7_6_continuation.py"] = drawn.pop("s8_7_6_curriculum.py")  # the picture of 8.7.6 is of continuation
    yield (
        "scripts/GALLERY_HEADER.rst",
        "Examples\n========\n\nEach is one script. Begin with the first.\n",
    )
    for file in sorted((ROOT / "examples").glob("*.py")):
        text = file.read_text()
        said = ast.get_docstring(ast.parse(text)) or ""
        title = TITLES.get(file.name) or subjects[file.name]
        body = "\n".join(as_rst(said.splitlines()))
        picture = f"docs/pictures/sections/{drawn[file.name]}.png" if file.name in drawn else ""
        image = f"\n\n.. image:: /{picture}" if picture else ""
        small = f"# sphinx_gallery_thumbnail_path = '{picture or PICTURES.get(file.name, TOUR)}'"
        code = text.split('"""', 2)[2]
        yield f"scripts/{file.name}", f'r"""\n{title}\n{"=" * len(title)}\n\n{body}{image}\n"""\n{small}\n{code}'


if __name__ == "__main__":
    sys.exit(main())
