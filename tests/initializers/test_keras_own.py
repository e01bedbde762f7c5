"""Keras's own tests of random initializers, run against ours. What cannot pass is listed by id, with the reason."""

import importlib.util
import sys
import types
from unittest import mock

import keras
import pytest

from keras_ch8 import initializers as ours
from keras_ch8.initializers.base import fans
from tests.keras_own import Excuse, cases_of, check, copy_of

MODULE = "initializers.random_initializers_test"
if importlib.util.find_spec(f"keras.src.{MODULE}") is None:
    pytest.skip("this Keras ships without its tests", allow_module_level=True)

OTHER = Excuse(
    "asks for arguments (mean, minval, scale) of a free distribution; those of ours follow from the shape and the gain",
    r"unexpected keyword argument '(mean|minval|scale)'",
)
CASE = "random_initializers_test.RandomInitializersTest.test_"
EXCEPTIONS = {
    f"{CASE}random_normal": OTHER,
    f"{CASE}random_uniform": OTHER,
    f"{CASE}variance_scaling": OTHER,
    f"{CASE}variance_scaling_invalid_scale": OTHER,
    f"{CASE}variance_scaling_invalid_mode": OTHER,
    f"{CASE}variance_scaling_invalid_distribution": OTHER,
    f"{CASE}variance_scaling_with_axes": OTHER,
}
OURS = {
    "Orthogonal": ours.Orthogonal,
    "VarianceScaling": ours.Heuristic,
    "RandomUniform": ours.Heuristic,
    "RandomNormal": ours.RandomWalk,
}


class Proxy(types.SimpleNamespace):
    """`keras.src.initializers` with our classes under Keras's names, and a `get` that finds them."""

    def __init__(self):
        super().__init__(
            **{name: getattr(keras.initializers, name) for name in dir(keras.initializers) if name != "get"}
        )
        vars(self).update(OURS)

    def get(self, identifier):
        name = identifier.removesuffix("Initializer") if isinstance(identifier, str) else None
        return OURS[name]() if name in OURS else keras.initializers.get(identifier)


def load():
    """Return a copy of Keras's test module that sees our classes; its conftest is not in the wheel."""
    conftest = types.SimpleNamespace(skip_if_backend=lambda *_: lambda test: test)
    with mock.patch.dict(sys.modules, {"conftest": conftest}):
        return copy_of(MODULE, initializers=Proxy(), compute_fans=fans)


def collect():
    for case, method, test_id in cases_of(load()):
        yield pytest.param(case, method, id=test_id)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case, method", list(collect()))
def test_keras_own(case, method, request):
    check(case, method, request.node.callspec.id, EXCEPTIONS)
