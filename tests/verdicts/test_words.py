"""What a user reads is short and plain: the sentences of verdicts, cures and checks, and all texts in the code."""

import ast
import re
from pathlib import Path

import pytest

import keras_ch8
from keras_ch8.verdicts.kinds import OF_THE_CHAPTER, OF_THE_COURSE, OF_THE_START
from tools.rules_page import sentences

LONGEST = 25
"""Words of a sentence, without code and what stands in brackets."""
LONGEST_TITLE = 45
"""Characters of a title: the head of a verdict has room for it."""
BANNED = (
    r"it is said where", r"of which", r"counts because", r"what [\w ]+ gives\b", r"(is|are) to be\b",
    r"there (is|are) (no sign|hardly)", r"hardly", r"by heart", r"next to nothing", r"beyond measure",
    r"the same of\b", r"gives? 0\b", r"is no number", r"not a number", r"said of", r"takes? .* back of", r"as those of",
    r"all the same", r"has (got )?no end", r"the layer with most of them", r"creeps?\b",
    r"best constant\b(?! prediction)", r"could be made\b", r"next to none\b", r"that are none\b",
)  # fmt: skip
"""How nobody writes: turned around, or in words of another century."""


def in_sentences(text):
    bare = re.sub(r"`[^`]*`|\([^()]*\)|\{\w+\}", "¶", text)
    return re.split(r"(?<=[.?!])\s+(?=[A-Z¶])", bare)


def banned_in(text):
    return [form for form in BANNED if re.search(form, text, re.IGNORECASE)]


@pytest.mark.parametrize("kind", dict.fromkeys(kind for kind, _, _ in sentences()))
def test_whatever_is_said_is_short_and_plain(kind):
    texts = dict.fromkeys(text for of, _, text in sentences() if of == kind)
    assert [s for text in texts for s in in_sentences(text) if len(re.findall(r"\w+", s)) > LONGEST] == []
    assert [(form, text) for text in texts for form in banned_in(text)] == []


def test_each_kind_is_called_by_a_short_title_of_its_own_and_not_by_the_name_in_the_code():
    titles = [kind.title for kind in (*OF_THE_CHAPTER, *OF_THE_START, *OF_THE_COURSE)]  # not those of other tests
    assert len(titles) == len(set(titles)) == 31
    assert all(re.fullmatch(r"[A-Z][\w -]+", title) and len(title) <= LONGEST_TITLE for title in titles)
    assert not {title for title in titles if "_" in title}


def texts_in(path):
    """Return the texts in a file that are no docstrings, those of a sum or an f-string as one."""
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "¶" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


FILES = sorted(Path(keras_ch8.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_text_in_the_code_has_a_form_that_nobody_writes(path):
    assert [(form, text) for text in texts_in(path) if " " in text for form in banned_in(text)] == []
