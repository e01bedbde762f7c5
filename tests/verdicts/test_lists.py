"""The closed list of kinds and the table of thresholds: all of them are used, and all that they name exists."""

import inspect
import math
import re
from pathlib import Path

import keras
import pytest

import keras_ch8
from keras_ch8 import verdicts
from keras_ch8.verdicts import KINDS, LEVELS, THRESHOLDS, Claim, Threshold
from tests.verdicts.test_docket import cells

SOURCE = "\n".join(path.read_text() for path in (Path(keras_ch8.__file__).parent / "monitors").glob("*.py"))
PROMISED = """step_too_long step_too_short ill_conditioned noise_dominated batch_wasteful plateau saddle cliff exploding
vanishing short_horizon dead_units saturated_units batch_norm_gap bad_scale overfitting underfitting"""


@pytest.mark.parametrize("kind, level", [("gremlins", "act"), ("cliff", "fatal")])
def test_a_kind_or_level_that_there_is_not_is_refused(kind, level):
    with pytest.raises(ValueError, match=r"`kind` must be one of step_too_long, .*Received: kind=.*Name one of them"):
        Claim(kind, level, "")


def test_all_kinds_are_there_and_each_is_claimed_by_some_monitor():
    assert set(PROMISED.split()) <= set(KINDS)
    for kind in KINDS:
        assert f'"{kind}"' in SOURCE, kind


def test_every_threshold_is_used_and_every_one_that_is_used_exists():
    by_kind = {"exploding", "vanishing"} if "THRESHOLDS[kind]" in SOURCE else set()
    assert set(THRESHOLDS) == set(re.findall(r'THRESHOLDS\["(\w+)"\]', SOURCE)) | by_kind


def resolve(name):
    """Return what a name in a cure stands for: of Keras, or of the suite."""
    parts = name.split(".")
    at = keras if parts[0] == "keras" else keras_ch8
    for part in parts[1:] if parts[0] == "keras" else parts:
        at = getattr(at, part)
    return at


def arguments(*callables):
    return {name for f in callables for cls in inspect.getmro(f) for name in inspect.signature(cls.__init__).parameters}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cure_names_what_there_is(kind):
    cure = KINDS[kind].cure
    assert cure.endswith((".", ")."))
    for name, given in re.findall(r"`([\w.]+)(?:\((\w+)=\w+\))?(?:=\w+)?`", cure):
        if name.islower() and "." not in name:
            assert name in arguments(keras.layers.BatchNormalization, keras_ch8.optimizers.SGD), name
            continue
        found = resolve(name)
        assert callable(found), name
        assert not given or given in arguments(found), (name, given)
    assert cure.count("`") == 2 * len(re.findall(r"`[\w.]+(?:\(\w+=\w+\))?(?:=\w+)?`", cure))


def test_sections_are_those_of_the_chapter():
    assert all(re.fullmatch(r"8\.[1-7](\.\d)?", kind.section) for kind in KINDS.values())


@pytest.mark.parametrize("watch, act, expected", [(1, 3, "ok watch watch act"), (3, 1, "act watch watch ok")])
def test_a_threshold_goes_up_or_down_and_includes_its_limits(watch, act, expected):
    threshold = Threshold(watch, act, "", "")
    between = 1 if watch < act else 3
    assert [threshold.level(v) for v in (0.9, 1, 2, 3.1)] == (
        expected.split() if watch < act else ["act", "act", "watch", "ok"]
    )
    assert threshold.level(between) == "watch"
    assert threshold.level(math.nan) == "ok"
    assert threshold.level(math.inf) == ("act" if watch < act else "ok")
    assert threshold.level(-math.inf) == ("ok" if watch < act else "act")


def test_the_table_lists_every_threshold_with_its_source():
    rows = cells(verdicts.table())
    assert [row[0].split(">")[-1].strip() for row in rows] == list(THRESHOLDS)
    assert all(len(row) == 5 for row in rows)
    for t in THRESHOLDS.values():
        assert t.meaning
        assert t.source
        assert t.level(t.act) == "act"
        assert t.level(t.watch) in LEVELS[1:]
