"""The programs of benchmarks/programs end with the same bits bare and watched, and what compares them sees each bit."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.outside import ROOT, loaded

FORMS = loaded("benchmarks/programs/forms.py")
RUN = loaded("benchmarks/programs/run.py")


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
    assert RUN.difference(left(), left()) == ""


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
    assert RUN.difference(left(), left(**changes)).startswith(says)


def test_what_is_said_is_not_what_keras_says_of_any_training():
    screen = "Epoch 1/2\n\r\x1b[1m1/2\x1b[0m ━━━ 1s\r\x1b[1m2/2\x1b[0m ━━━━ 0s - loss: 1\nACT plateau, section 8.2\n\n"
    assert RUN.said(screen) == ["ACT plateau, section 8.2"]


@pytest.mark.slow
def test_programs_are_trained_and_end_with_the_same_bits(tmp_path):
    """One whose validation set is shuffled and read in part, and one that has variables without a gradient."""
    command = [sys.executable, str(ROOT / "benchmarks/programs/run.py"), "--json", str(tmp_path / "kept.json")]
    chosen = ["heads", "two_tower", "--form", "validation_steps", "--callbacks", "doctor, probe"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    found = subprocess.run([*command, *chosen], env=environment, capture_output=True, text=True, timeout=600)
    assert "2 runs: 0 crashes, 2 bit-equal" in found.stdout, found.stdout + found.stderr[-2000:]
    assert found.returncode == 0
