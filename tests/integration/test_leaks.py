"""A model that was watched is gone with its last name, and takes threads, files and memory with it."""

import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import keras
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8 import callbacks, clipping, data, optimizers, schedules
from tests.integration.everybody import CALLBACKS, OPTIMIZERS, TOGETHER, X, Y, network, train
from tests.small_callbacks import Dies

OURS = {
    "LBFGS": lambda: optimizers.LBFGS(),
    "a schedule in percent": lambda: optimizers.SGD(schedules.LinearDecay(0.1, "50%")),
    "skip_nonfinite": lambda: optimizers.SGD(skip_nonfinite=True),
    "clipped": lambda: optimizers.SGD(0.1, clip=clipping.ByPercentile(50)),
}


def open_things():
    """Threads and open files, where the system tells of these."""
    files = Path("/proc/self/fd")
    return threading.active_count(), len(os.listdir(files)) if files.exists() else 0


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """After a first training: TensorFlow has started its threads."""
    train(network("adam"), [CALLBACKS["TensorBoard"](tmp_path_factory.mktemp("first"))])
    gc.collect()


def collect():
    for _ in range(3):  # what finalizers of TensorFlow let go of is found by the next pass
        gc.collect()


def watched(optimizer, train_it):
    """Make a model, have it trained, and return a weak reference to it."""
    model = network(optimizer())
    train_it(model)
    return weakref.ref(model)


def assert_is_gone(train_it, optimizer=lambda: "adam"):
    """A model that this function has trained is nobody's afterwards, nor is a thread or a file left."""
    before = open_things()
    model = watched(optimizer, train_it)
    collect()
    assert model() is None
    assert open_things() == before


def with_callbacks(folder, names):
    return lambda model: train(model, [CALLBACKS[name](folder) for name in names])


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("optimizer", ["Keras's", "ours"])
def test_a_model_that_all_callbacks_have_watched_together_is_gone(settled, tmp_path, optimizer):
    assert_is_gone(with_callbacks(tmp_path, TOGETHER), OPTIMIZERS[optimizer])


def graphs():
    collect()
    return sum(isinstance(o, tf.__internal__.FuncGraph) for o in gc.get_objects())


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_graph_stays_of_a_model_that_all_callbacks_have_watched(settled, tmp_path, optimizer):
    before = graphs()
    watched(OPTIMIZERS[optimizer], with_callbacks(tmp_path, TOGETHER))
    assert graphs() == before


def pairs():
    return [(n, o) for n in CALLBACKS for o in OPTIMIZERS if (n, o) != ("ClipGradients", "ours")]


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name, optimizer", pairs())
def test_a_model_that_a_callback_has_watched_is_gone(settled, tmp_path, name, optimizer):
    assert_is_gone(with_callbacks(tmp_path, [name]), OPTIMIZERS[optimizer])


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", [n if n != "LBFGS" else pytest.param(n, marks=pytest.mark.slow) for n in OURS])
def test_a_model_with_an_optimizer_that_hooks_the_training_step_is_gone(settled, name):
    assert_is_gone(lambda model: train(model, batch_size=len(X)), OURS[name])


@pytest.mark.full
def test_a_model_that_was_switched_to_a_method_of_section_8_6_is_gone(settled, tmp_path):
    def switched(model):
        switch = callbacks.SwitchOptimizer("1ep", to=optimizers.LBFGS())
        train(model, [switch, callbacks.TensorBoard(tmp_path)], batch_size=len(X))

    assert_is_gone(switched)


@pytest.mark.slow
def test_a_model_with_a_curriculum_is_gone(settled):
    def from_the_easy_ones(model):
        source = data.ArraySource(X, Y, batch_size=8)
        model.fit(source, epochs=2, verbose=0, callbacks=[callbacks.Curriculum(source, "model_loss")])

    assert_is_gone(from_the_easy_ones)


@pytest.mark.slow
def test_the_models_of_a_loop_of_ones_own_are_gone(settled, tmp_path):
    def by_hand(model):
        optimizer = keras.optimizers.SGD(0.1)
        x, y = tf.constant(X), tf.constant(Y)
        with keras_ch8.Doctor(tmp_path, (X, Y)).watch(model, optimizer) as run:

            @tf.function
            def train_step():
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean((model(x) - y) ** 2)
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
                run.step(loss=loss)

            for _ in range(3):
                train_step()

    assert_is_gone(by_hand)


@pytest.mark.slow
def test_a_model_whose_training_has_died_is_gone(settled, tmp_path):
    def dies(model):
        with pytest.raises(KeyboardInterrupt):
            train(model, [*[CALLBACKS[name](tmp_path) for name in TOGETHER], Dies("on_epoch_end")])

    assert_is_gone(dies)


# --- memory ------------------------------------------------------------------------------------------------------

MOST = {"Diagnosis": 0.3, "TensorBoard": 0.5, "PolyakAveraging": 1.5, "ours": 1.5}
"""MB that a model may leave behind. With `keras.callbacks.TensorBoard` and `EarlyStopping` it leaves 3.6: Keras's step
for one replica stays for ever (see `keras_private.without_all_reduce`). What is left here are programs of XLA.
"""


def grown(kind, times):
    """What `growth.py` has measured in a process of its own, a number by its name."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.integration.growth", kind, str(times)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert not done.returncode, done.stderr[-2000:]
    return {name: float(number) for name, number in (line.split() for line in done.stdout.splitlines())}


@pytest.fixture(scope="module")
def theirs():
    return grown("theirs", 60)


@pytest.mark.full
@pytest.mark.parametrize("kind", MOST)
def test_in_a_loop_over_models_memory_grows_little_more_than_with_the_callbacks_of_keras(theirs, kind):
    ours = grown(kind, 60)
    sys.stdout.write(f"\nafter each model: {ours}, and with Keras's callbacks {theirs}\n")
    assert ours["megabytes"] <= min(MOST[kind], theirs["megabytes"] + 0.3)
    assert abs(ours["objects"]) < 1
    assert ours["models"] == ours["threads"] == ours["files"] == 0


@pytest.mark.full
def test_in_a_loop_of_fits_of_one_model_with_fresh_callbacks_nothing_but_the_programs_of_xla_grows():
    ours = grown("refit", 30)
    sys.stdout.write(f"\nafter each fit: {ours}\n")
    assert ours["megabytes"] <= 1.5
    assert abs(ours["objects"]) < 1
    assert ours["models"] == ours["threads"] == ours["files"] == 0
