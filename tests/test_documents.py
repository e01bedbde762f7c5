"""Links between the documents lead somewhere, files that they name are there, and pictures are small."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def anchors(page):
    """Return the anchors of the headings of a page, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document):
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for target, anchor in re.findall(r"\[[^\]\n]*\]\(([^()\s#]*)(#[^()\s]*)?\)", text):
        if not target.startswith("http"):
            page = document.parent / target if target else document
            assert page.exists(), target
            assert not anchor or anchor[1:] in anchors(page), f"{target}{anchor}"


FILES = {
    path.relative_to(ROOT).as_posix()
    for folder in ("keras_ch8", "tests", "tools", "examples", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_is_there(document):
    """By its path, or the end of it; `x.py` stands for any name, and the recipes make files of their own."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    named = set(re.findall(r"`((?:[\w.-]+/)*\w+\.py)`", text))
    named = {name for name in named if not re.search(r"(^|/)_?x\.py$", name)}
    assert {name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in FILES)} == set()


def test_every_picture_is_small():
    pictures = list((ROOT / "docs" / "pictures").rglob("*.png"))
    assert len(pictures) > 5
    assert {path.name: path.stat().st_size for path in pictures if path.stat().st_size > 200_000} == {}
