"""On JAX and PyTorch some parts give the numbers of TensorFlow, all others one error; so do objects of Keras 2."""

import functools
import inspect
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import _checks, callbacks, optimizers, schedules
from keras_ch8._registration import IN_PARTS
from keras_ch8.integration.backend import WORKS
from tests.integration import pure_parts
from tools import chapter

IGNORED = "ignore:__array__ implementation:DeprecationWarning"


def python(backend, *arguments):
    # Several threads of OpenBLAS wait for each other by spinning: a minute for three matrices where others work too.
    environment = os.environ | {"KERAS_BACKEND": backend, "OPENBLAS_NUM_THREADS": "1"}
    given = [sys.executable, "-W", "error", "-W", IGNORED, *map(str, arguments)]
    done = subprocess.run(given, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


@functools.cache
def on_tensorflow():
    return pure_parts.numbers(*pure_parts.KINDS)


@pytest.mark.parametrize("backend", IN_PARTS)
def test_parts_that_work_elsewhere_give_the_numbers_of_tensorflow_and_the_rest_one_error(backend, tmp_path):
    pytest.importorskip(backend, reason=f"{backend} is not installed: pip install 'keras_ch8[{backend}]'")
    model, file = pure_parts.saved(), tmp_path / "model.keras"
    model.save(file)
    python(backend, "-m", "tests.integration.pure_parts", file, tmp_path / "numbers.npz")
    found, expected = np.load(tmp_path / "numbers.npz"), on_tensorflow()
    assert set(found) == {"loaded", *expected}
    np.testing.assert_allclose(found["loaded"], pure_parts.array(model(pure_parts.X)), rtol=1e-5, atol=1e-6)
    for part, value in expected.items():
        name = part.partition(".")[2]
        if value.dtype.kind == "U":
            assert found[part] == value, part
        elif name in pure_parts.DRAWN_STARTS and name != "Orthogonal":  # other generators: the scale of 60000 draws
            np.testing.assert_allclose(found[part], value, rtol=0.05, err_msg=part)
        else:
            np.testing.assert_allclose(found[part], value, rtol=1e-5, atol=1e-5, err_msg=part)


def test_numbers_are_compared_of_parts_that_work_elsewhere():
    """`make docs` names the parts that work elsewhere and are not compared."""
    compared = {f"{package}.{name}" for package, (parts, _) in pure_parts.KINDS.items() for name in parts}
    parts = {part for _, part in chapter.parts() if {part, part.partition(".")[0]} & set(WORKS)}
    assert len(compared) > 30
    assert compared <= parts


def test_on_tensorflow_nothing_is_refused():
    assert not [name for *name, error in pure_parts.public_names() if error]
    assert not hasattr(keras_ch8.layers, "__getattr__")


# --- Keras 2 -----------------------------------------------------------------------------------------------------


class Sequential:
    """Stands for a model of Keras 2, which tests do not need to have."""

    __module__ = "tf_keras.src.engine.sequential"


TAKE_A_MODEL = {
    f"{package}.{name}": part
    for package in keras_ch8.__all__
    for name in getattr(getattr(keras_ch8, package), "__all__", [])
    for part in [getattr(getattr(keras_ch8, package), name)]
    if callable(part) and "model" in inspect.signature(part).parameters
} | {"preflight": keras_ch8.preflight, "Doctor.watch": keras_ch8.Doctor(None).watch}
OF_KERAS_2 = r"works with Keras 3 \(`import keras`\). Received: an object of Keras 2, `tf_keras\."


def arguments_of(part):
    """Something for each argument that `part` must be given, with a model of Keras 2."""
    parameters = inspect.signature(part).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind != p.VAR_KEYWORD]
    return {name: Sequential() if name == "model" else np.ones((4, 2)) for name in needed}


@pytest.mark.parametrize("name", sorted(set(TAKE_A_MODEL) - {"layers.auxiliary_head", "landscapes.interpolate"}))
def test_a_model_of_keras_2_is_refused_by_its_name(name):
    with pytest.raises(TypeError, match=OF_KERAS_2):
        TAKE_A_MODEL[name](**arguments_of(TAKE_A_MODEL[name]))


@pytest.mark.parametrize("made", [
    lambda old: keras_ch8.layers.auxiliary_head(old, "dense"),
    lambda old: keras_ch8.landscapes.interpolate(old, np.ones((2, 2)), np.ones(2), start=[np.ones(2)]),
    lambda old: keras_ch8.Doctor(None).watch([keras.Sequential(), old], optimizers.SGD()),
    lambda old: keras_ch8.Doctor(None).watch(keras.Sequential(), old),
    lambda old: callbacks.EarlyStopping().set_model(old),
    lambda old: callbacks.TensorBoard("never_written").set_model(old),
    lambda old: callbacks.LearningRateDecay(old),
    lambda old: callbacks.SwitchOptimizer("1ep", to=old),
    lambda old: optimizers.BlockCoordinateDescent(old, blocks=[]),
    lambda old: optimizers.Adam(old),
    lambda old: schedules.ScaledSchedule(old),
    lambda old: keras_ch8.layers.Maxout(2).call(old),
    lambda old: keras_ch8.layers.Residual(keras.layers.Dense(2)).call(old),
    lambda old: keras_ch8.layers.BatchNormalization().call(old),
])  # fmt: skip
def test_an_object_of_keras_2_is_refused_by_its_name(made):
    with pytest.raises(TypeError, match=OF_KERAS_2):
        made(Sequential())


def test_what_only_looks_like_keras_2_is_taken():
    for value in (0.1, keras.Sequential(), type("Mine", (keras.Sequential,), {"__module__": "my_tf_keras"})()):
        _checks.keras_3(value)


@pytest.mark.bench
def test_models_callbacks_and_optimizers_of_the_real_keras_2_are_refused():
    tf_keras = pytest.importorskip("tf_keras", reason="tf_keras is not installed: pip install 'keras_ch8[bench]'")
    model = tf_keras.Sequential([tf_keras.layers.Input((2,)), tf_keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    with pytest.raises(TypeError, match=OF_KERAS_2):
        model.fit(x, y, verbose=0, callbacks=[callbacks.EarlyStopping("loss")])
    with pytest.raises(TypeError, match=OF_KERAS_2):
        keras_ch8.curvature.gradient(model, x, y)
    with pytest.raises(TypeError, match=OF_KERAS_2):
        optimizers.SGD(tf_keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5))
    with pytest.raises(TypeError, match=re.compile(OF_KERAS_2, re.S)):
        keras_ch8.layers.Maxout(2)(tf_keras.Input((3,)))
