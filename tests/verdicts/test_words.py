"""What verdicts, cures and checks say is short and plain: each sentence that needs no numbers of a training."""

import re

import pytest

from keras_ch8.monitors.documentation import sentences

LONGEST = 25
"""Words of a sentence, without code and what stands in brackets."""
BANNED = (
    r"it is said where", r"of which", r"counts because", r"what [\w ]+ gives?\b", r"(is|are) to be\b",
    r"there (is|are) (no sign|hardly)", r"hardly", r"by heart", r"next to nothing", r"beyond measure",
    r"the same of\b", r"gives? 0\b", r"is no number", r"not a number", r"said of", r"takes? .* back of", r"as those of",
    r"all the same", r"has (got )?no end", r"the layer with most of them",
)  # fmt: skip
"""How nobody writes: turned around, or in words of another century."""


def in_sentences(text):
    bare = re.sub(r"`[^`]*`|\([^()]*\)|\{\w+\}", "¶", text)
    return re.split(r"(?<=[.?!])\s+(?=[A-Z¶])", bare)


@pytest.mark.parametrize("kind", dict.fromkeys(kind for kind, _, _ in sentences()))
def test_whatever_is_said_is_short_and_plain(kind):
    texts = dict.fromkeys(text for of, _, text in sentences() if of == kind)
    assert [s for text in texts for s in in_sentences(text) if len(re.findall(r"\w+", s)) > LONGEST] == []
    assert [(form, text) for text in texts for form in BANNED if re.search(form, text, re.IGNORECASE)] == []
