"""Keras's own test files, run against our classes. What cannot pass is listed here, by test id, with the reason."""

import importlib
import types
import unittest
from unittest import mock

import keras
import keras.src
import pytest

from keras_ch8 import optimizers as ours
from tests import forked
from tests.keras_own import Excuse, cases_of, check, copy_of

pytest.importorskip("keras.src.optimizers.sgd_test", reason="this Keras ships without its tests")

FLAG = Excuse(
    "asks for a flag (amsgrad, centered, momentum of RMSProp, initial accumulator) that the algorithm does not have",
    r"has no `(amsgrad|centered|momentum|initial_accumulator_value)`",
)
GOLDEN = Excuse(
    "golden numbers of Keras's formula (epsilon inside the root, accumulator from 0.1)",
    r"has no `initial_accumulator_value`|DESIRED: array\(\[0\.5233",
)
WORDING = Excuse(
    "expects Keras's wording of the error; ours names the value and the fix",
    r"Received: (momentum=-1\.0|weight_decay=None)",
)
DELTA = Excuse("golden numbers with epsilon = 2, which stands elsewhere in Keras's formula", r"0\.49502.* 0\.4998")
WAY = Excuse(
    "claims by which method a sparse update is written; what is written is claimed by test_sparse_correctness of the "
    "same file, which passes, and which rows are touched by test_contracts",
    r"Optimizer is calling `assign`|mock_variable_assign\(\) got an unexpected keyword argument 'read_value'",
)

MODULES = {
    # module: {name in it: our class}
    "optimizers.sgd_test": {"SGD": ours.SGD},
    "optimizers.adam_test": {"Adam": ours.Adam},
    "optimizers.adamw_test": {"AdamW": ours.AdamW},
    "optimizers.adagrad_test": {"Adagrad": ours.Adagrad},
    "optimizers.rmsprop_test": {"RMSprop": ours.RMSprop},
    "optimizers.optimizer_test": {},
    "optimizers.optimizer_sparse_test": {},
}
EXCEPTIONS = {
    "sgd_test.SGDTest.test_invalid_momentum": WORDING,
    "adam_test.AdamTest.test_config": FLAG,
    "adam_test.AdamTest.test_correctness_with_golden": FLAG,
    "adamw_test.AdamWTest.test_config": FLAG,
    "adamw_test.AdamWTest.test_correctness_with_golden": DELTA,
    "adamw_test.AdamWTest.test_weight_decay_is_none": WORDING,
    "adagrad_test.AdagradTest.test_config": FLAG,
    "adagrad_test.AdagradTest.test_correctness_with_golden": GOLDEN,
    "adagrad_test.AdagradTest.test_single_step": GOLDEN,
    "rmsprop_test.RMSpropTest.test_config": FLAG,
    "rmsprop_test.RMSpropTest.test_correctness_with_golden": FLAG,
}
SPARSE = "optimizer_sparse_test.OptimizerSparseTest.test_sparse_"
for case in ("adam_amsgrad", "adamw_amsgrad", "rmsprop_momentum", "rmsprop_momentum_centered"):
    EXCEPTIONS |= {f"{SPARSE}correctness_{case}": FLAG, f"{SPARSE}gradients_{case}": FLAG}
SGDS = ("loss_scale_optimizer_sgd", "sgd", "sgd_momentum", "sgd_momentum_nesterov")
for case in ("adagrad", "adam", "adamw", "rmsprop", *SGDS):
    EXCEPTIONS[f"{SPARSE}gradients_{case}"] = WAY


OF_THE_BOOK = ("SGD", "Adam", "AdamW", "Adagrad", "RMSprop")
"""Ours that Keras has too: what its tests say of other optimizers, they say of its own."""


class Proxy(types.SimpleNamespace):
    """`keras.src.optimizers` with our classes under Keras's names, and a `get` that finds them."""

    def __init__(self):
        theirs = importlib.import_module("keras.src.optimizers")
        super().__init__(**{name: getattr(theirs, name) for name in dir(theirs) if name[:2] != "__" and name != "get"})
        for name in OF_THE_BOOK:
            setattr(self, name, getattr(ours, name))

    def get(self, identifier):
        known = {name.lower(): name for name in OF_THE_BOOK}
        if isinstance(identifier, str) and identifier in known:
            return getattr(ours, known[identifier])()
        if isinstance(identifier, dict) and identifier["class_name"] in known:
            return getattr(ours, known[identifier["class_name"]])(**identifier["config"])
        return keras.optimizers.get(identifier)


def load(module_name):
    """Return a copy of Keras's test module that sees our classes."""
    with mock.patch.object(keras.src, "optimizers", Proxy()):  # while it imports; its list of cases is made then
        return copy_of(module_name, **MODULES[module_name])


def collect():
    for module_name in MODULES:
        for case, method, test_id in cases_of(load(module_name)):
            quick = module_name in ("optimizers.adam_test", "optimizers.sgd_test")
            yield pytest.param(case, method, id=test_id, marks=[] if quick else pytest.mark.slow)


DISTRIBUTE = "optimizer_distribute_test.OptimizerDistributeTest.test_"
EXCEPTIONS[f"{DISTRIBUTE}gradient_accumulation"] = Excuse(
    "gives both replicas one constant, which Keras takes once without accumulation and twice with it; ours always once",
    r"0\.0 \(ACTUAL\), -1\.0 \(DESIRED\)",
)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case, method", list(collect()))
def test_keras_own(case, method, request):
    check(case, method, request.node.callspec.id, EXCEPTIONS)


@pytest.mark.slow
def test_keras_own_under_a_strategy():
    """In a process of its own: Keras's test resets TensorFlow's devices."""
    assert forked.call(run_distribute_test) == 10


def run_distribute_test():
    MODULES["backend.tensorflow.optimizer_distribute_test"] = {"SGD": ours.SGD}
    module = load("backend.tensorflow.optimizer_distribute_test")
    names = unittest.TestLoader().getTestCaseNames(module.OptimizerDistributeTest)
    for name in names:
        check(module.OptimizerDistributeTest, name, DISTRIBUTE + name.removeprefix("test_"), EXCEPTIONS)
    return len(names)
