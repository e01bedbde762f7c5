"""Planted troubles are named, and healthy trainings left in peace: one seed here, three by `confusion`."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_ch8.monitors.base import members
from keras_ch8.verdicts.kinds import KINDS, OF_THE_START
from keras_ch8.verdicts.remedies import REMEDIES
from tests.marks import mostly
from tools.rules_page import SEEN

from . import confusion, cures, forms

LEAST = {1: 0.9, 5: 0.9}
"""Fraction of the sick runs that is named, of two of the groups."""

PLAIN = [
    "rate_too_long", "saturated_hidden", "deep_and_large", "negative_biases", "large_weights", "mlp", "normalized",
    "momentum",
]  # fmt: skip
"""Five troubles and three healthy runs on which the thresholds were set; a sixth trouble is named below, and cured."""


@pytest.mark.slow
def test_some_plain_troubles_are_named_and_no_healthy_run_is_told_to_act(capsys):
    results = confusion.judge_all(PLAIN)
    with capsys.disabled():
        print(f"\n{confusion.table(results)}")
    assert [r["name"] for r in results] == PLAIN
    assert all(map(confusion.is_right, results))


@pytest.mark.full
@pytest.mark.parametrize("group", LEAST)
def test_planted_troubles_are_named_and_no_healthy_run_is_told_to_act(group, capsys):
    results = confusion.judge_all([run.name for run in confusion.chosen(groups=[group])])
    with capsys.disabled():
        print(f"\n{confusion.table(results)}")
    sick, healthy = ([r for r in results if bool(r["kind"]) == is_sick] for is_sick in (True, False))
    assert sum(map(confusion.is_right, sick)) >= LEAST[group] * len(sick)
    assert all(map(confusion.is_right, healthy))


@pytest.mark.slow
@pytest.mark.parametrize("topic", confusion.TOPICS)
def test_each_run_of_a_topic_can_be_made(topic):
    planted = confusion.runs_of(topic)
    assert planted
    for run in planted:
        assert run.make(seed=0).model.built, run.name


def test_each_file_of_runs_is_a_topic_and_each_run_has_a_name_of_its_own():
    files = {path.stem for path in Path(__file__).parent.glob("*.py")}
    others = (
        "__init__ ablate confusion cures data forms limits record replay runs test_planted test_replay test_told told"
    )
    assert files == {*others.split(), *confusion.TOPICS}
    planted = confusion.chosen()
    assert len({run.name for run in planted}) == len(planted)
    assert {run.split for run in planted} == set(confusion.SPLITS)
    members("full")  # monitors that bring kinds of their own
    assert {kind for run in planted for kind in (run.kind, run.also)} - {None} <= set(KINDS)


def test_a_run_is_judged_by_its_kind_and_by_one_that_took_over_a_part_of_it():
    def is_right(kind, also=None, **said):
        return confusion.is_right({"kind": kind, "also": also, "said": said})

    assert is_right("bad_scale", bad_scale="watch")
    assert is_right("bad_scale", "bad_inputs", bad_inputs="act")
    assert not is_right("bad_scale", bad_inputs="act")
    assert not is_right("bad_scale", "bad_inputs", cliff="act")
    assert is_right(None, cliff="watch")
    assert not is_right(None, cliff="act")
    kinds = {run.also for run in confusion.chosen() if run.kind == "bad_scale" and "weights" not in run.cure}
    assert kinds == {"bad_inputs"}


def test_the_runs_that_the_documentation_names_have_what_it_says():
    kinds = {run.name: run.kind for run in confusion.chosen()}
    assert {kind: kinds.get(name) for kind, name in SEEN.items()} == {kind: kind for kind in SEEN}
    assert {*REMEDIES, *(kind.name for kind in OF_THE_START)} <= set(SEEN)


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly(pytest.mark.full, ["rate_too_short", "large_weights"], "rate_too_short"))
def test_the_fix_of_a_plain_trouble_is_proven(name):
    row = cures.judge(name, 0, seeds=2, rounds=1)
    assert row["tried"][0]["kind"] == next(run.kind for run in confusion.chosen() if run.name == name)
    assert row["state"] == "proven", cures.table([row])


@pytest.mark.slow
@pytest.mark.parametrize("form", mostly(pytest.mark.full, list(forms.FORMS)[1:], "schedule"))
def test_each_code_that_is_given_in_another_form_runs_there_and_does_no_harm(form):
    """Of a rate that is too short: one too long saturates units too, and the last bit decides which of both is said."""
    found = forms.judge("rate_too_short", form)
    assert [row["kind"] for row in found["codes"]] == ["step_too_short"]
    assert not any("error" in row or row["worse"] for row in found["codes"]), forms.table([found])


def test_a_loss_is_worse_where_it_is_above_the_others_by_more_than_these_differ():
    assert not forms.is_worse([1.0], [1.4], [1.0, 1.5, 1.2])
    assert forms.is_worse([1.0], [1.6], [1.0, 1.5, 1.2])
    assert forms.is_worse([1.0], [np.inf], [1.0, 1.5, 1.2])
    assert not forms.is_worse([np.inf], [np.inf], [np.inf, 1.5, 1.2])


def test_each_form_is_the_same_training_otherwise_written():
    planted = next(run for run in confusion.chosen() if run.name == "rate_too_long")
    scripts = {form: forms.script_of(planted, form, 0) for form in forms.FORMS}
    plain = scripts["as it is"]
    assert float(scripts["schedule"].model.optimizer.learning_rate) == 0.0 < float(plain.model.optimizer.learning_rate)
    assert sum(len(y) for _, y in scripts["data set"].x) == len(plain.y)
    assert isinstance(scripts["plateaus"].callbacks[0], keras.callbacks.ReduceLROnPlateau)
    np.testing.assert_array_equal(
        scripts["subclass"].model(plain.x[:4]), plain.model(plain.x[:4]), err_msg="the weights are the same"
    )
