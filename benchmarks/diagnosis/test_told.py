"""What is said of a training is true of it: sentences, numbers, series, steps, limits and charts agree."""

import dataclasses
import functools

import pytest

from keras_ch8.verdicts.kinds import OF_THE_CHAPTER, OF_THE_COURSE, OF_THE_START

from . import replay, told

KEPT = {path.name.removesuffix("-0.json.gz"): path for path in sorted((told.HERE / "kept").glob("*.json.gz"))}


@functools.cache
def fits(name):
    """Return what is known of each `fit` of a training that is kept."""
    return [told.Told.of(fit) for fit in replay.load(KEPT[name])["fits"]]


@pytest.mark.parametrize("name", KEPT)
def test_every_verdict_agrees_with_the_numbers_and_the_charts_of_its_training(name):
    assert [wrong for each in fits(name) for wrong in each.disagreements()] == []


def test_a_training_of_each_kind_is_kept():
    said = {verdict.kind for name in KEPT for each in fits(name) for verdict in each.verdicts if verdict.level != "ok"}
    assert said == {kind.name for kind in (*OF_THE_CHAPTER, *OF_THE_START, *OF_THE_COURSE)}  # not of other tests


WRONG = {
    "another number": {"finding": "The loss rises and training diverges: the loss is 77 times its initial value."},
    "another limit": {"why": ("The loss is 77 times its initial value: WATCH at 5 or more, ACT at 7 or more.",)},
    "another series": {"series": "diagnosis/noise_scale"},
    "a step that was none": {"measured": 3},
    "a cause that stands nowhere": {"explained_by": "bad_inputs"},
    "a name that is not filled in": {"cure": "Lower the learning rate to {shorter_rate}."},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_does_not_agree_is_found(change):
    (each,) = fits("rate_too_long")
    first = each.verdicts[0]
    assert (first.kind, first.level) == ("step_too_long", "act")
    changed = dataclasses.replace(first, **change)
    assert [*dataclasses.replace(each, ever=[], verdicts=[changed]).disagreements()]
