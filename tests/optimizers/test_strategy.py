"""Two replicas equal one device on the same global batch; a data set of unknown length takes no ghost step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import forked
from tests.optimizers.algorithms import FEW, all_variables, make
from tests.optimizers.strategy_cases import CASES, run_case

QUICK = ["Adam-everything", "LAMB-everything", "Blocks"]
OF_CLASSES = [case for case in CASES if case.endswith("-everything")]
# Where the forward pass itself rounds to 11 or 8 bits, the two halves of a batch round differently than the whole.
ROUNDING = {"Adam-mixed-float16": 1e-3, "Adam-bfloat16-weights": 2.0**-8}
SKIPPED = {"Adam-nan-in-one-replica": 3}


def check(case):
    row = forked.call(run_case, case)
    assert row["moved"] > 0.1
    assert row["difference"] <= ROUNDING.get(case, 1e-6)
    assert row["replicated"] >= 6
    assert row["between_replicas"] == 0.0
    accumulates = "gradient_accumulation_steps" in CASES[case][1]
    assert row["iterations"] == (6 if accumulates else 12)
    assert row["skipped"] == SKIPPED.get(case, 0)
    assert bool(row["telemetry"]) == ("telemetry" in case)
    assert all(difference < 1e-4 for difference in row["telemetry"].values()), row["telemetry"]


@pytest.mark.slow
@pytest.mark.parametrize("case", QUICK)
def test_two_replicas_equal_one_device(case):
    check(case)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=pytest.mark.full if c in OF_CLASSES else ()) for c in CASES if c not in QUICK]
)
def test_two_replicas_equal_one_device_in_every_case(case):
    check(case)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras's own, false here
@pytest.mark.parametrize("name", FEW)
def test_no_ghost_step_at_the_end_of_data_of_unknown_length(name):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 4)).astype("float32"), rng.normal(size=(16, 1)).astype("float32")

    def trained(unknown):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(make(name, weight_decay=0.1), "mse", jit_compile=False)
        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
        if unknown:
            data = data.filter(lambda *_: True)
            assert data.cardinality() == tf.data.UNKNOWN_CARDINALITY
        model.fit(data, epochs=3, shuffle=False, verbose=0)
        return model

    known, unknown = trained(False), trained(True)
    assert int(unknown.optimizer.iterations.numpy()) == 12
    for a, b in zip(all_variables(known), all_variables(unknown), strict=True):
        np.testing.assert_array_equal(a, b)
