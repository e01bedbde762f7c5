"""`import keras_ch8` is light, and registers its classes in either order; import-linter says imports go one way."""

import json
import subprocess
import sys

import keras
import pytest

import keras_ch8
from tests.marks import mostly


def python(code, *args, **kwargs):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, *args], capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_import_is_light():
    heavy = "{'keras', 'tensorflow', 'tensorboard', 'numpy'}"
    assert python(f"import sys, keras_ch8; keras_ch8.__version__; print({heavy} & set(sys.modules))") == "set()"


def test_an_unknown_part_is_named_with_what_there_is():
    with pytest.raises(
        AttributeError,
        match=r"no attribute 'optimisers'. It has: board, callbacks, chapter, clipping, continuation, curriculum",
    ):
        _ = keras_ch8.optimisers


ORDERS = ["import keras_ch8, keras", "import keras, keras_ch8"]


@pytest.mark.slow
@pytest.mark.parametrize("order", mostly(pytest.mark.full, [*ORDERS, "import keras_ch8, keras.src"], ORDERS[0]))
def test_classes_are_found_by_name_in_either_order(order):
    check = "print(type(__import__('keras').optimizers.get('keras_ch8>Adam')).__module__)"
    loaders = "import keras; assert 'Registering' not in type(keras.__spec__.loader).__name__"
    assert python(f"{order}; {loaders}; {check}") == "keras_ch8.optimizers.adam"


NEEDED_WHOLE = "clipping"
"""A package that others need whole, of which the first thing is to import Keras."""


@pytest.mark.slow
@pytest.mark.parametrize("package", mostly(pytest.mark.full, keras_ch8.PACKAGES, NEEDED_WHOLE))
def test_any_package_may_be_the_first_import_and_keras_knows_all_classes_after_it(package):
    code = (
        f"import sys, keras_ch8.{package}\nfinders = [type(f).__name__ for f in sys.meta_path]\nimport keras\n"
        "known = [n for n in keras.saving.get_custom_objects() if n.startswith('keras_ch8>')]\n"
        f"print(keras_ch8.{package}.__name__, 'keras_ch8>Adam' in known, '_AfterKeras' in finders)\n"
        "print(keras.saving.serialize_keras_object(keras_ch8.optimizers.SGD())['compile_config'])"
    )
    light = package in ("board", "verdicts")  # which leave Keras for later
    said = f"keras_ch8.{package} True {light}\n{{'to load this': 'import keras_ch8'}}"
    assert python(code) == said


@pytest.mark.slow
def test_what_was_found_before_keras_was_imported_can_be_loaded_after_it():
    code = (
        "import importlib.util as util, keras_ch8\nspec = util.find_spec('keras_ch8.board')\nimport keras\n"
        "spec.loader.exec_module(util.module_from_spec(spec))\nprint('loaded')"
    )
    assert python(code) == "loaded"


@pytest.mark.full
def test_another_backend_is_refused_with_the_fix():
    code = (
        "import keras; keras.backend.backend = lambda: 'numpy'\nimport keras_ch8\n"
        "try: keras_ch8.optimizers\nexcept ImportError as error: print(error)"
    )
    message = python(code)
    assert "Received: backend 'numpy'" in message
    assert "With 'jax' and 'torch' there are callbacks.EarlyStopping" in message
    assert 'KERAS_BACKEND="tensorflow"' in message


@pytest.mark.slow
@pytest.mark.parametrize("order", mostly(pytest.mark.full, ORDERS, ORDERS[1]))
def test_a_model_saved_here_goes_on_in_a_new_process_bit_for_bit(order, tmp_path):
    setup = (
        f"{order}\nimport numpy as np\nkeras.utils.set_random_seed(0)\n"
        "x = np.random.default_rng(0).normal(size=(64, 5)).astype('float32'); y = x[:, :1] ** 2\n"
        "fit = lambda m: m.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)\n"
        "show = lambda m: print([v.numpy().tobytes().hex() for v in m.variables + m.optimizer.variables])\n"
    )
    first = (
        "m = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, 'tanh'), keras.layers.Dense(1)])\n"
        f"m.compile('keras_ch8>RMSpropNesterov', 'mse'); fit(m); m.save({str(tmp_path / 'm.keras')!r})\n"
    )
    uninterrupted = python(setup + first + "fit(m); show(m)")
    resumed = python(setup + f"m = keras.models.load_model({str(tmp_path / 'm.keras')!r}); fit(m); show(m)")
    assert len(uninterrupted) > 500
    assert resumed == uninterrupted


LOADS = "import json, keras, sys\nfor part in json.load(open(sys.argv[1])):\n"
LOADS += "    try: keras.saving.deserialize_keras_object(part)\n"
LOADS += "    except TypeError as error: print(str(error).splitlines()[-1])"


@pytest.mark.slow
def test_loading_without_the_import_ends_with_what_to_import(tmp_path):
    """Of every kind of part, and of a model that has one; what else it says is Keras's."""
    parts = [
        keras_ch8.optimizers.SGD(), keras_ch8.optimizers.LBFGS(), keras_ch8.schedules.CosineDecay(0.1),
        keras_ch8.initializers.Sparse(), keras_ch8.losses.ModifiedHuber(), keras_ch8.metrics.ZeroOneLoss(),
        keras_ch8.layers.Maxout(3), keras_ch8.continuation.Temperature(2.0),
        keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.LaplaceLikelihood()),
    ]  # fmt: skip
    inside = keras.Sequential([keras.Input((3,)), keras_ch8.layers.Maxout(4), keras.layers.Dense(2)])
    compiled = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    compiled.compile(keras.optimizers.Adam(keras_ch8.schedules.CosineDecay(0.1)), "mse")
    with_a_head = keras_ch8.layers.auxiliary_head(inside, at=inside.layers[0])
    assert not again(with_a_head).compiled
    with_a_head.compile("sgd", "mse")
    parts += [inside, compiled, with_a_head]
    for part in parts:
        assert saved(again(part)) == saved(part)
    (tmp_path / "parts.json").write_text(f"[{', '.join(map(saved, parts))}]")
    lines = python(LOADS, str(tmp_path / "parts.json")).splitlines()
    assert len(lines) == len(parts)
    assert all(line.endswith("'to load this': 'import keras_ch8'}}") for line in lines), lines


def saved(part):
    return json.dumps(keras.saving.serialize_keras_object(part))


def again(part):
    return keras.saving.deserialize_keras_object(json.loads(saved(part)))
