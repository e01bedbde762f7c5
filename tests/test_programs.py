"""The programs end with the same bits bare and watched, and what compares and judges them is right."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from keras_ch8.verdicts.kinds import KINDS
from tests.outside import ROOT, loaded

FORMS, TRAININGS, VERDICTS, RUN = (
    loaded(f"benchmarks/programs/{name}.py") for name in ("forms", "trainings", "verdicts", "run")
)


def test_each_program_says_what_it_learns_and_which_verdicts_are_true_of_it():
    assert len(RUN.PROGRAMS) >= 30
    for name in RUN.PROGRAMS:
        program = loaded(f"benchmarks/programs/{name}.py")
        number, chance, goal = program.LEARNS
        assert number.startswith("val_"), name
        assert goal != chance, name
        assert set(program.TRUTH) <= set(KINDS), name


def test_every_two_of_program_form_and_set_meet():
    parts = (RUN.PROGRAMS, FORMS.FORMS, RUN.SETS)
    for first, second in itertools.combinations(range(3), 2):
        met = {(each[first], each[second]) for each in RUN.pairs()}
        assert met == set(itertools.product(parts[first], parts[second]))


@pytest.mark.parametrize("name", FORMS.FORMS)
def test_a_form_has_each_example_once_for_training_or_for_validation(name):
    examples = {"x": np.arange(50.0)}, np.arange(50.0)
    given = FORMS.FORMS[name](examples, 5)
    trained = [given["x"][i] for i in range(len(given["x"]))] if name == "pydataset" else given["x"]
    if isinstance(trained, dict):
        trained = [(trained, given["y"])]
    held_back = given.get("validation_data")
    held_back = [held_back[i] for i in range(len(held_back))] if name == "pydataset" else held_back
    if held_back is None or isinstance(held_back, tuple):
        held_back = [FORMS.probe(given, examples, 5)]
    first = [np.asarray(x["x"]) for x, y in itertools.islice(trained, given.get("steps_per_epoch"))]
    last = [np.asarray(x["x"]) for x, y in held_back]
    assert len(np.concatenate(last)) == 10
    if name == "validation_split":
        assert np.concatenate(first).tolist() == np.arange(50).tolist()
        assert given["validation_split"] == 0.2
    elif name != "shared_shuffle":  # which of them are held back differs with each pass
        assert sorted(np.concatenate([*first, *last])) == np.arange(50).tolist()


def left(**changes):
    found = {
        "numbers": [{"loss": [2.0, 1.0], "val_loss": [float("nan")]}],
        "rates": [[0.1], [0.05]],
        "variables": [("dense/kernel", np.ones((2, 2), "float32")), ("seed", np.array([1, 2], "uint32"))],
    }
    return found | changes


def test_trainings_are_equal_where_each_bit_is():
    assert TRAININGS.difference(left(), left()) == ""


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"numbers": [{"loss": [2.0, np.nextafter(1.0, 2)], "val_loss": [float("nan")]}]}, "fit 1: loss 2 1 instead"),
        ({"numbers": [{"loss": [2.0], "val_loss": [float("nan")]}]}, "fit 1: loss 2 instead of 2 1"),
        ({"numbers": [{"loss": [2.0, 1.0]}]}, "fit 1: History has"),
        ({"numbers": []}, "0 fits instead of 1"),
        ({"rates": [[0.1], [0.1]]}, "rates"),
        ({"variables": [("dense/kernel", np.ones((2, 2))), ("seed", np.array([1, 3]))]}, "seed by 1.0e+00"),
        ({"variables": [("dense/kernel", np.ones((2, 2)))]}, "other variables"),
    ],
)
def test_what_differs_is_said(changes, says):
    assert TRAININGS.difference(left(), left(**changes)).startswith(says)


def test_what_is_said_is_not_what_keras_says_of_any_training():
    screen = "Epoch 1/2\n\r\x1b[1m1/2\x1b[0m ━━━ 1s\r\x1b[1m2/2\x1b[0m ━━━━ 0s - loss: 1\nACT plateau, section 8.2\n\n"
    assert TRAININGS.said(screen) == ["ACT plateau, section 8.2"]


@pytest.mark.parametrize(
    "start, chance, goal, end, has_learned",
    [
        (0.12, 0.1, 0.8, 0.9, True),
        (0.12, 0.1, 0.8, 0.7, False),
        (3.0, 1.0, 0.4, 0.3, True),
        (3.0, 1.0, 0.4, 0.9, False),
        (3.0, None, 0.4, 0.3, True),
        (3.0, None, 0.4, float("nan"), False),
    ],
)
def test_a_program_has_learned_where_its_number_is_as_far_from_chance_as_its_author_wants(
    start, chance, goal, end, has_learned
):
    assert VERDICTS.has_learned({"start": start, "chance": chance, "goal": goal, "end": end}) == has_learned


def judged(**changes):
    found = {
        "teaches": "Add",
        "truth": ["too_short"],
        "number": "val_loss",
        "start": 2.0,
        "chance": 1.0,
        "goal": 0.5,
        "end": 0.4,
        "outcome": "equal",
        "why": "",
        "steps": 9,
        "verdicts": ["act too_short", "act cliff", "watch leak"],
        "states": ["act"],
        "said": [
            "ACT Gradient spikes (cliff) at step 3: It spikes",
            "ACT Exploding gradients (exploding) at step 4: It grows",
        ],
        "cures": [{"kind": "cliff", "error": ""}, {"kind": "leak", "error": "NameError: names"}],
    }
    return found | changes


def test_what_calls_for_action_and_is_no_truth_is_wrong_and_a_cure_that_does_not_run_is_told():
    fine = judged(verdicts=[], said=[], states=["ok"], cures=[])
    rows = {"adds": judged(), "missed": fine | {"end": 1.0}, "learns": fine}
    assert VERDICTS.total(rows) == (
        "3 programs: 3 bit-equal, 2 have learned; 3 acts, 2 wrong; 1 of 2 cures run; "
        "1 that have not learned are called all right"
    )
    assert VERDICTS.told(rows["adds"])[-1] == "act exploding (taken back)"
    assert "| yes: val_loss 2 to 0.4, 1 by chance | equal |" in VERDICTS.table(rows)
    assert "| cliff, exploding (taken back) | 1 of 2 |" in VERDICTS.table(rows)
    assert "the cure of leak does not run: NameError: names" in VERDICTS.line("adds", rows["adds"])


@pytest.mark.slow
def test_programs_are_trained_and_end_with_the_same_bits(tmp_path):
    """One whose validation set is shuffled and read in part, and one that has variables without a gradient."""
    command = [sys.executable, str(ROOT / "benchmarks/programs/run.py"), "--json", str(tmp_path / "kept.json")]
    chosen = ["heads", "two_tower", "--form", "validation_steps", "--callbacks", "doctor, probe"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    found = subprocess.run([*command, *chosen], env=environment, capture_output=True, text=True, timeout=600)
    assert "2 runs: 0 crashes, 2 bit-equal" in found.stdout, found.stdout + found.stderr[-2000:]
    assert found.returncode == 0
