"""Functions that need a process of their own: a failed collective poisons its process."""

import contextlib
import faulthandler
import io
import multiprocessing
import os
import runpy
import signal
import sys
import traceback
import warnings

import tensorflow as tf

from tests import compiling

PROCESSES = multiprocessing.get_context("forkserver")
IMPORTED_ONCE = ["keras_ch8.callbacks", "keras_ch8.layers", "keras_ch8.optimizers", "sklearn.datasets"]
PROCESSES.set_forkserver_preload(IMPORTED_ONCE)  # every call is a fork of a process that has these


def _answer(pipe, function, arguments):
    faulthandler.enable()  # a crash inside TensorFlow says where
    warnings.simplefilter("ignore")
    compiling.quickly()
    try:
        result, error = function(*arguments), None
    except BaseException:
        result, error = None, traceback.format_exc()
    pipe.send((result, error))


def call(function, *arguments, timeout=300):
    """Return what a function of a module returns in a fork of a process that has only imported.

    TensorFlow crashes once in hundreds of times where Keras frees the iterator of a strategy with replicas (in
    `EpochIterator.reset`, while its threads still read ahead). So a process that dies of a segmentation fault is
    reported on the screen, where its traceback stands too, and begun once more; another such death is a failure.

    Raises:
        RuntimeError: If it raises an error, with the traceback of that, or if its process dies.
        TimeoutError: If it takes more than `timeout` seconds.
    """
    for is_last in (False, True):
        result, error, exitcode = _called_once(function, arguments, timeout)
        if exitcode != -signal.SIGSEGV or is_last:
            break
        print(
            f"{function.__name__}{arguments} died of a segmentation fault, and is begun once more", file=sys.__stderr__
        )
    if error or exitcode:
        raise RuntimeError(f"{error} (exit code {exitcode})")
    return result


def _called_once(function, arguments, timeout):
    receive, send = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_answer, args=(send, function, arguments))
    process.start()
    send.close()
    try:
        if not receive.poll(timeout):
            process.kill()
            raise TimeoutError(f"{function.__name__}{arguments} took more than {timeout} s")
        result, error = receive.recv()
    except EOFError:
        result, error = None, f"{function.__name__}{arguments} sent no result"
    finally:
        process.join()
    return result, error, process.exitcode


def printed(code):
    """Return what a program prints that begins in a fork: code as for `python -c`, compiled as for users."""
    return call(_printed, code)


def _printed(code):
    compiling.quickly(False)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(code, {"__name__": "__main__"})
    return said.getvalue().strip()


def trained_on(path, model):
    """Return what a model and its optimizer hold after two epochs: made by some code, and loaded after the first.

    Args:
        path: Where it is saved.
        model: Code that makes the compiled model `m`, with `keras` and `keras_ch8`.
    """
    setup = (
        "import keras, keras_ch8, numpy as np; keras.utils.set_random_seed(0)\n"
        "x = np.random.default_rng(0).normal(size=(32, 4)).astype('float32'); y = x[:, :1] ** 2\n"
        "fit = lambda m: m.fit(x, y, batch_size=8, epochs=1, shuffle=False, verbose=0)\n"
        "show = lambda m: print([v.numpy().tobytes().hex() for v in m.variables + m.optimizer.variables])\n"
    )
    uninterrupted = printed(f"{setup}{model}fit(m); m.save({str(path)!r}); fit(m); show(m)")
    return uninterrupted, printed(f"{setup}m = keras.models.load_model({str(path)!r}); fit(m); show(m)")


def run_script(path, folder, screen, *arguments):
    """Run a script in a folder as `python path arguments` does, with all that it prints in a file; in a fork only."""
    os.chdir(folder)
    with open(screen, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.parent))
    runpy.run_path(str(path), run_name="__main__")
    sys.stdout.flush()


def two_replicas():
    """Return a strategy of two replicas on the CPU; only where TensorFlow has done nothing yet, as in a fork."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
