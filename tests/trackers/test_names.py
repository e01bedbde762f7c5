"""Names as MLflow takes them."""

import posixpath
import random
import re

from keras_ch8.board import tags
from keras_ch8.trackers._servers import LONGEST, spelled

CHARACTERS = ["-", "x", "-x", "4", "40-", "@", ".", "/", "..", "//", " ", "a", "ä", "\n", ":", "_", "-x-", "n" * 100]


def test_names_of_the_suite_stay_as_they_are():
    for tag in vars(tags).values():
        if isinstance(tag, tags.Tag):
            assert spelled(tag.name) == tag.name
    for name in ("val-loss", "top 5", "d_optimizer/loss", "v1.2", "loss/max"):
        assert spelled(name) == name
    assert spelled("acc@5") == "acc-x40-5"


def test_other_names_become_such_as_mlflow_takes_one_to_one():
    chance = random.Random(0)
    names = {"".join(chance.choices(CHARACTERS, k=chance.randint(0, 6))) for _ in range(20_000)} | {"", ".", "..", "/"}
    made = {spelled(name): name for name in names}
    assert len(made) == len(names)
    for name in made:
        assert re.fullmatch(r"[/\w.\- ]+", name)
        assert posixpath.normpath(name) == name
        assert name != "."
        assert not name.startswith(("..", "/"))
        assert len(name) <= LONGEST
