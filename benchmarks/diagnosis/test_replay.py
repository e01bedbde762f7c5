"""A recorded training is judged again as it was judged, and what no training needs of the rules is found."""

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8.verdicts.rules import Combination, Limit, Quantity, Rule

from . import ablate, record, replay

HEIGHT, NEEDED, IDLE, OTHER = map(Quantity, ("height", "needed", "idle", "other"), "hino")
OTHERS = Combination("one of two", "any of", (Limit(OTHER, "above", 1), Limit(NEEDED, "above", 2)))
RULE = Rule(
    kind="plateau",
    says="It is high",
    limits=(
        Limit(HEIGHT, "above", watch=1, act=2, source="here"),
        Limit(NEEDED, "above", 1, name="it is needed"),
        Limit(IDLE, "above", 1, name="it is idle"),
    ),
    unless=OTHERS,
)
SICK, HEALTHY = {"height": 3, "needed": 1, "idle": 1, "other": 0}, {"height": 3, "needed": 0, "idle": 1, "other": 0}


def rules(rule=RULE):
    return replay.Rules({"gradient_norm": (rule,)}, (), {"plateau": ("underfitting",)})


def kept(name, *measured, is_sick=True):
    """Return the record of a training by what was measured."""
    call = {"step": 1, "done": 1, "total": 9, "facts": None, "progress": {}, "known": {}, "has": []}
    calls = [call | {"asked": {"gradient_norm": {"measured": each}}} for each in measured]
    basis = {"judged": [], "applicable": [], "is_compared": True}
    known = {"name": name, "group": "made", "is_sick": is_sick, "truth": ["plateau"], "also": []}
    return known | {"fits": [{"calls": calls, "basis": basis, "said": []}]}


RECORDS = (
    kept("sick", SICK, SICK),
    kept("silenced", SICK | {"other": 1}, SICK | {"other": 1}, is_sick=False),
    kept("healthy", HEALTHY, HEALTHY, is_sick=False),
)


def trained(callbacks):
    """Train on inputs that are too large, at a rate that is too."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (256, 16)).astype("float32")
    y = (x[:, 0] > x[:, 1]).astype("int32")
    model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=20, batch_size=32, validation_data=(x[:64], y[:64]), callbacks=callbacks, verbose=0)
    return model.get_weights()


@pytest.mark.slow
def test_a_recorded_training_ends_as_it_would_have_and_is_judged_again_as_it_was(tmp_path):
    bare, heard = (keras_ch8.callbacks.Diagnosis(verbose=False, budget=None) for _ in range(2))
    weights, path = trained([bare]), tmp_path / "a-0.json.gz"
    known = {"group": "made", "name": "made/a", "is_sick": True, "truth": ["bad_inputs"], "also": []}
    record.write(path, record.recorded(known, lambda seed: weights.extend(trained([heard])), 0))
    for before, after in zip(weights[:4], weights[4:], strict=True):
        np.testing.assert_array_equal(before, after)

    found = replay.load(path)
    verdicts, state = replay.judged(found["fits"][0], replay.today())
    levels = {verdict.level for verdict in verdicts}
    assert "act" in levels
    assert any(verdict.explained_by for verdict in verdicts)
    assert replay.plain(verdicts) == replay.plain(heard.verdicts) == replay.plain(bare.verdicts)
    assert state.name == heard.state.name
    assert replay.outcome(found, verdicts)["changed"] == 0


def test_a_training_is_told_by_two_measurements_of_which_the_rules_say_so():
    sick, silenced, healthy = (replay.verdicts_of(each, rules()) for each in RECORDS)
    assert [(v.kind, v.level) for v in sick] == [("plateau", "act")]
    assert [(v.kind, v.level) for v in (*silenced, *healthy)] == [("plateau", "ok")] * 2
    once = kept("once", HEALTHY, SICK)
    assert [v.level for v in replay.verdicts_of(once, rules())] == ["ok"]
    n = replay.outcome(RECORDS[0], sick)
    assert (n["right"], n["root"], n["wrong_acts"]) == (1, 1, 0)
    assert replay.outcome(RECORDS[2], sick)["healthy_act"] == 1


def test_what_is_over_is_well():
    over = kept("over", SICK, SICK, *[HEALTHY] * 3)
    assert [v.level for v in replay.verdicts_of(over, rules())] == ["ok"]


def test_what_loses_nothing_is_dropped_and_what_tells_the_sick_from_the_healthy_stays():
    found = dict(ablate.ablate(RECORDS, rules(), {}))
    assert [name.partition(",")[0] for name, each in found.items() if each["is_free"]] == [
        "quantity: idle",
        "member: needed above 2 / 2",
        "cause: plateau explains underfitting",
    ]
    rule = next(each for name, each in found.items() if name.startswith("rule"))
    assert (rule["right"], rule["root"], rule["worse"]) == (-1, -1, ["made"])
    needed = next(each for name, each in found.items() if name.startswith("limits: needed"))
    assert (needed["healthy_act"], needed["reached"]) == (1, 1)
    assert not any("limits: idle" in name for name in found)  # it went with its quantity


def test_a_second_call_tries_what_the_first_had_not_and_knows_what_that_dropped():
    found = dict(ablate.ablate(RECORDS, rules(), {}))
    first = dict(list(found.items())[:5])
    assert dict(ablate.ablate(RECORDS, rules(), first)) == {n: each for n, each in found.items() if n not in first}


def test_each_part_of_the_rules_of_today_has_a_name_of_its_own():
    by = replay.today()
    keys = {*ablate.things(by).values()}
    parts = [
        (source, i, field, j)
        for source, its in by.of.items()
        for i, rule in enumerate(its)
        for field in ablate.PARTS
        for j in range(len(ablate.parts_of(rule, field)))
    ]
    assert {*parts, *(("check", check.name) for check in by.of_start)} <= keys
    assert ablate.without(by, set()) == by
    for key in parts[::9]:
        assert ablate.without(by, {key}) != by
