"""How much is spent on what surrounds the tests: compiling their programs, and ending the threads that read data."""

import importlib.metadata
import os
from pathlib import Path

IS_QUICK = "PYTEST_XDIST_WORKER" in os.environ and not os.environ.get("CH8_TESTS_COMPILE_WELL")
"""Most programs here run for a few steps only: to compile them well takes longer than it saves, up to a quarter."""

COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "xla" / importlib.metadata.version("tensorflow")
"""Where XLA keeps what it has compiled: many tests, and the next run, have the same programs."""

if IS_QUICK:
    COMPILED.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1 --xla_llvm_disable_expensive_passes=true")
    os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory={COMPILED}")


def quickly(is_quick: bool = True) -> None:
    """Let TensorFlow run graphs of this process as they were traced, or no longer; in a test of `pytest -n`."""
    if IS_QUICK:
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": is_quick})


def without_tuning_of_data() -> None:
    """Let no data set try how many threads read it best.

    The thread that tries does not always hear that its iterator is gone, and sleeps on, longer the older it is, while
    the collector waits for it: 20 to 40 s where a hundred models die together, a fifth of the time of all tests.
    """
    import tensorflow as tf

    iterate = tf.data.Dataset.__iter__
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    tf.data.Dataset.__iter__ = lambda self: iterate(self.with_options(untuned))
