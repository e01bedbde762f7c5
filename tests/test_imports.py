"""`import keras_ch8` registers its classes in either order; commands and the tab of TensorBoard are light."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_ch8
from tests.marks import mostly

PACKAGE = Path(keras_ch8.__file__).parent


def python(code, *args, **kwargs):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, *args], capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


AS_TENSORBOARD = "import sys; sys.modules['tensorboard.default'] = sys; "
"""TensorBoard has imported what loads its tabs."""
HEAVY = "{'keras', 'tensorflow', 'numpy'} & set(sys.modules)"


@pytest.mark.parametrize(
    "part, heavy",
    [("keras_ch8", "set()"), ("keras_ch8.cockpit.loader", "set()"), ("keras_ch8.cockpit.plugin", "{'numpy'}")],
)
def test_the_tab_of_tensorboard_waits_for_neither_keras_nor_tensorflow(part, heavy):
    assert python(f"{AS_TENSORBOARD}import {part}; print({HEAVY})") == heavy


def test_a_command_waits_for_neither_keras_nor_tensorflow(tmp_path):
    (tmp_path / "train.py").write_text("import keras\n")
    code = f"import atexit, sys; atexit.register(lambda: print({HEAVY}))"
    (tmp_path / "sitecustomize.py").write_text(code)
    for command in ("", "--help", "swap --help", f"swap {tmp_path / 'train.py'}", "report --help", "diagnose --help"):
        there = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(PACKAGE.parent)])}
        done = subprocess.run(
            [sys.executable, "-m", "keras_ch8", *command.split()], env=there, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout.splitlines()[-1] == "set()", command


@pytest.mark.slow
def test_a_module_of_the_users_that_is_run_is_no_command(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("import keras_ch8, sys\nprint('keras' in sys.modules)\n")
    (tmp_path / "mine" / "__main__.py").write_text("")
    there = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(PACKAGE.parent)])}
    done = subprocess.run([sys.executable, "-m", "mine"], env=there, capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr[-2000:]


@pytest.mark.slow
def test_a_callback_that_needs_no_telemetry_brings_none():
    code = (
        "import sys\nfrom keras_ch8.callbacks import EarlyStopping\n"
        "loaded = {name.split('.')[1] for name in sys.modules if name.startswith('keras_ch8.')}\n"
        "print(loaded & {'board', 'cockpit', 'monitors', 'trackers', 'verdicts'})"
    )
    assert python(code) == "set()"


def test_an_unknown_part_is_named_with_what_there_is():
    with pytest.raises(
        AttributeError,
        match=r"no attribute 'optimisers'. It has: Doctor, callbacks, choosing, clipping, compare, continuation, cure",
    ):
        _ = keras_ch8.optimisers


ORDERS = ["import keras_ch8, keras", "import keras, keras_ch8"]


@pytest.mark.slow
@pytest.mark.parametrize("order", mostly(pytest.mark.full, [*ORDERS, "import keras_ch8, keras.src"], ORDERS[0]))
def test_classes_are_found_by_name_in_either_order(order):
    check = "print(type(__import__('keras').optimizers.get('keras_ch8>Adam')).__module__)"
    assert python(f"{order}; {check}") == "keras_ch8.optimizers.adam"


@pytest.mark.slow
@pytest.mark.parametrize("package", mostly(pytest.mark.full, [*keras_ch8.PACKAGES, "extend"], "clipping"))
def test_any_package_may_be_the_first_import_and_keras_knows_all_classes_after_it(package):
    code = (
        f"import keras_ch8.{package}, keras\n"
        "known = [n for n in keras.saving.get_custom_objects() if n.startswith('keras_ch8>')]\n"
        f"print(keras_ch8.{package}.__name__, 'keras_ch8>Adam' in known)"
    )
    assert python(code) == f"keras_ch8.{package} True"


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
