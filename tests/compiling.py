"""How much is spent on compiling the programs of the tests."""

import os

IS_QUICK = "PYTEST_XDIST_WORKER" in os.environ and not os.environ.get("CH8_TESTS_COMPILE_WELL")
"""Most programs here run for a few steps only: to compile them well takes longer than it saves, up to a quarter."""

if IS_QUICK:
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1 --xla_llvm_disable_expensive_passes=true")


def quickly(is_quick: bool = True) -> None:
    """Let TensorFlow run graphs of this process as they were traced, or no longer; in a test of `pytest -n`."""
    if IS_QUICK:
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": is_quick})
