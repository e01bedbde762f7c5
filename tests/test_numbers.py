"""Numbers that tools and documents make of others are what the arithmetic says."""

import re

import keras
import numpy as np

import keras_ch8
from tests.outside import ROOT, loaded


def test_a_row_of_README_says_how_many_times_as_long_the_peer_takes():
    tables = loaded("tools/tables.py")
    ratios = {"a, keras_ch8 fit": 1.0, "a, scipy L-BFGS-B": 1.5, "b, scipy L-BFGS-B": 1.2, "a, torch LBFGS": 0.9}
    fits = {name: {"ratio": [ratio, 0.5, 5.0]} for name, ratio in ratios.items()}
    assert "| SciPy 1.20 x to 1.50 x, torch 0.90 x to 0.90 x |" in tables.second_order_row(fits)
    norms = {"mlp  training": 2.0, "mlp  training  jit": 1.25, "mlp  inference": 9.0}
    norms = {name: {"ratio": [ratio, 1.0, 9.0]} for name, ratio in norms.items()}
    assert "| Keras 1.25 x to 2.00 x |" in tables.batch_norm_row(norms)
    step = {"Adam jit_compile=auto": {"ours": 6.14, "Keras": 10.2, "ratio": [1.661, 1.5, 1.7]}}
    assert "| 6.14 ms; Keras 1.66 x |" in tables.step_row(step)


def test_the_seconds_on_paper_are_those_of_the_formula():
    page = (ROOT / "docs/many-workers.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) ms \| (\d+) % \|$", page, re.M)
    assert len(rows) == 4
    for workers, gigabits, milliseconds, share in (map(int, row) for row in rows):
        seconds = 2 * (workers - 1) / workers * 4 * 25.6e6 / (gigabits * 1e9 / 8)
        assert round(1000 * seconds) == milliseconds
        assert round(100 * 0.2 / (0.2 + seconds)) == share


def first_step(optimizer, gradient):
    variable = keras.Variable([0.0])
    optimizer.apply([keras.ops.array([gradient])], [variable])
    return -float(variable[0])


def test_the_first_steps_of_the_table_of_swaps_are_as_README_says():
    ours, keras_own = keras_ch8.optimizers, keras.optimizers
    assert round(first_step(ours.Adagrad(), 0.01) / first_step(keras_own.Adagrad(), 0.01)) == 32
    steps = [first_step(adam(1.0, epsilon=1e-8), 1e-8) for adam in (ours.Adam, keras_own.Adam)]
    np.testing.assert_allclose(steps, [0.5, 0.03], rtol=0.03)
