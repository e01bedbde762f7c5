import collections
import gc
import os
import sys

from tests import compiling
from tests.marks import spread

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_CH8_RAISE", "1")  # as `extend.raise_caught()`: the net under what watches hides no defect
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a core of its own
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest

# Keras is imported by what runs a test. The process of `pytest -n` that only hands them out starts without it.


def pytest_sessionstart():
    compiling.quickly()
    gc.set_threshold(100_000, 4, 20)  # few collections of what is new: a traced graph is many objects that stay


def pytest_sessionfinish():
    """Write what `make coverage` has measured: a worker that takes ten seconds to end is killed."""
    if "coverage" in sys.modules and (measured := sys.modules["coverage"].Coverage.current()):
        measured.save()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let a worker that has nothing left to do take tests from the other one, if `--dist` says nothing else."""
    if config.getvalue("dist") == "load":
        from xdist.scheduler import WorkStealingScheduling

        return WorkStealingScheduling(config, log)
    return None


TRAINING = (
    "_preflight", "callbacks", "choosing", "cockpit", "continuation/_minimize", "curriculum/difficulty",
    "data/_source", "extend", "layers/_auxiliary_head", "layers/_open_paths", "monitors", "optimizers/closure",
    "optimizers/second_order", "proof", "second_order", "training",
)  # fmt: skip
"""Packages, and modules of others, whose examples train or compile a solver: up to 6 s each, so they are slow."""

ALIKE = [f"keras_ch8/optimizers/second_order.py::keras_ch8.optimizers.second_order.{name}" for name in (
    "TruncatedNewton", "SaddleFreeNewton", "LevenbergMarquardt", "SteepestDescent", "ConjugateGradient", "BFGS",
    "SSBFGS", "SSBroyden",
)]  # fmt: skip
"""Examples of optimizers that are those of Newton and LBFGS with another name: they run in `.ci/full`."""

SLOW_CASES = 0
"""How many cases of a `broad` test are `slow` beside the one that runs by default, unless it says a number itself.

It is at least one if none runs by default, and `broad(slow="all")` has no case that is only in `.ci/full`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    cases = collections.defaultdict(list)
    for item in items:
        if item.get_closest_marker("broad") and not item.get_closest_marker("full"):
            cases[item.nodeid.partition("[")[0]].append(item)
        if isinstance(item, pytest.DoctestItem) and item.nodeid.startswith(tuple(f"keras_ch8/{s}" for s in TRAINING)):
            item.add_marker(pytest.mark.full if item.nodeid in ALIKE else pytest.mark.slow)
    for same in cases.values():
        by_default = next((item for item in same if not item.get_closest_marker("slow")), None)
        others = [item for item in same if item is not by_default]
        more = same[0].get_closest_marker("broad").kwargs.get("slow", SLOW_CASES)
        chosen = others if more == "all" else spread(others, more or int(by_default is None))
        for item in others:
            item.add_marker(pytest.mark.slow if item in chosen else pytest.mark.full)


def pytest_collection_finish():
    """What is imported stays. Passed over, it no longer delays the collector until there are 1000 dead models."""
    compiling.without_tuning_of_data()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def fixed_seeds():
    import keras

    keras.utils.set_random_seed(8)


@pytest.fixture(autouse=True)
def names_for_doctests(doctest_namespace):
    import keras
    import numpy as np

    import keras_ch8

    doctest_namespace.update(keras=keras, keras_ch8=keras_ch8, np=np)


@pytest.fixture
def compiled_well():
    """What is traced in this test is optimized as for users: for a claim of the last bit."""
    compiling.quickly(False)
    yield
    compiling.quickly()


@pytest.fixture
def float64():
    import keras

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def op_by_op(request):
    """What asks for a graph runs op by op, unless the test has `in_graphs` too.

    Tracing a graph of each small model takes most of the time where it is evaluated a few times only.
    """
    import tensorflow as tf

    tf.config.run_functions_eagerly("in_graphs" not in request.fixturenames)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def in_graphs():
    """The test traces graphs, as users do."""
