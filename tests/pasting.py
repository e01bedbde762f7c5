"""The code of a cure as a user copies it out of a terminal."""

import re

from keras_ch8.extend import Verdict
from keras_ch8.verdicts.texts import report

NAMES = {"keras", "keras_ch8"}
"""What the block imports by itself."""


def as_printed(code):
    """Return the block that is printed for the code of a cure, both of its comments included, as it stands there."""
    printed = report([Verdict("cliff", "act", "So it is.", "Do so.", "8.2.4", 5, code=code, then="Wait.")])
    (block,) = re.findall(r"^# --- paste .*?^# --- then: .*? ---$", printed, re.MULTILINE | re.DOTALL)
    return block


def pasted(code, **names):
    """Run what is printed for a code in a script that has these names, and return what it has then."""
    assert not NAMES & set(names)
    exec(compile(as_printed(code), "<pasted>", "exec"), names)
    return names
