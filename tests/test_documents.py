"""Links between the documents lead somewhere, pictures are small, and what is Japanese says what the English says."""

import hashlib
import re
from pathlib import Path

import pytest

from keras_ch8 import chapter
from keras_ch8.monitors.base import members
from keras_ch8.verdicts.kinds import KINDS, OF_THE_CHAPTER, OF_THE_START

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
ANCHORS = {
    "keras/src/optimizers/adam.py", "keras/src/callbacks/early_stopping.py", "keras/src/callbacks/swap_ema_weights.py",
    "optimistix/_solver/backtracking.py", "cockpit/quantities/grad_norm.py", "cockpit/quantities/early_stopping.py",
    "early_stopping.py", "pytorch_lightning/callbacks/early_stopping.py", "callbacks/weight_averaging.py",
    "backtracking_linesearch.py",
}  # fmt: skip
"""Files of other packages that docs/design/style.md compares with those of this one."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_is_there(document):
    """By its path, or the end of it; `x.py` stands for any name, and the recipes make files of their own."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    named = set(re.findall(r"`((?:[\w.-]+/)*\w+\.py)`", text)) - ANCHORS
    named = {name for name in named if not re.search(r"(^|/)_?x\.py$", name)}
    assert {name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in FILES)} == set()


def test_every_document_of_the_site_is_in_its_contents():
    said = (ROOT / "tools" / "make_site.py").read_text()
    for document in DOCUMENTS:
        name = str(document.relative_to(ROOT)).removesuffix(".md")
        if not name.startswith(("docs/design/", "docs/ja/")) and document.parent != ROOT:
            assert f'"{name}"' in said, f"{name} is in no list of CONTENTS"


def test_every_picture_is_small():
    pictures = list((ROOT / "docs" / "pictures").rglob("*.png"))
    assert len(pictures) > 5
    assert {path.name: path.stat().st_size for path in pictures if path.stat().st_size > 200_000} == {}


def test_each_section_of_the_chapter_has_its_picture_which_the_map_shows():
    shown = re.findall(r"^!\[.{20,}\]\(pictures/sections/(.+)\.png\)$", (ROOT / "docs" / "index.md").read_text(), re.M)
    assert shown == [section.number for section in chapter.SECTIONS]
    assert {path.stem for path in (ROOT / "docs" / "pictures" / "sections").iterdir()} == set(shown)


def test_each_kind_of_verdict_has_its_picture():
    page = (ROOT / "docs" / "diagnosis.md").read_text()
    kinds = {kind.name for kind in (*OF_THE_CHAPTER, *OF_THE_START)} | set(
        re.findall(r"^## ([a-z_]+)$", page, re.MULTILINE)
    )
    sizes = {path.stem: path.stat().st_size for path in (ROOT / "docs" / "pictures" / "verdicts").glob("*.png")}
    assert set(sizes) == kinds, "`python tools/verdict_pictures.py KIND` draws one"
    assert max(sizes.values()) <= 60_000


def test_the_japanese_sentence_of_each_verdict_was_written_for_its_present_meaning():
    members("full")  # which register kinds of their own
    rows = re.findall(
        r"^\| `(\w+)` \| ([\d.]+) \| (.+)<!-- (\w+) --> \|$", (ROOT / "docs/ja/verdicts.md").read_text(), re.M
    )
    suite = {
        name: kind for name, kind in KINDS.items() if f"[{name}](#{name})" in (ROOT / "docs/diagnosis.md").read_text()
    }
    assert {name for name, *_ in rows} >= set(suite)
    for name, section, sentence, digest in rows:
        kind = KINDS[name]
        now = hashlib.sha256(kind.meaning.encode()).hexdigest()[:8]
        assert (section, digest) == (kind.section, now), (
            f"{name} means now: {kind.meaning} Translate it, and write {now}."
        )
        assert sentence.endswith("。")


def test_the_japanese_start_page_has_the_commands_and_the_code_of_README():
    readme, start = ((ROOT / name).read_text() for name in ("README.md", "docs/ja/index.md"))
    blocks = re.findall(r"```\w+\n.*?```", readme, re.DOTALL)
    assert blocks == re.findall(r"```\w+\n.*?```", start, re.DOTALL)
