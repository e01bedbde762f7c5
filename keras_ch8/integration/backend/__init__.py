"""The seam between the suite and TensorFlow: the algorithms above it are written on `keras.ops`.

On the other backends on which parts of the suite work (`WORKS`) it has what these need.
"""

import sys
from typing import Any

import keras

from ..._registration import IN_PARTS

WORKS = (
    "callbacks.EarlyStopping", "callbacks.LearningRateDecay", "clipping", "extend", "initializers", "integration",
    "layers.BatchNormalization", "layers.Maxout", "layers.Residual", "losses", "metrics", "read_run", "report",
    "schedules", "stopping",
)  # fmt: skip
"""What works on the backends of `IN_PARTS`: packages (of `extend`, what belongs to the others), or names in them."""


def is_tensorflow() -> bool:
    """Whether Keras runs on TensorFlow, where all works."""
    return bool(keras.backend.backend() == "tensorflow")


def needs_tensorflow(part: str) -> ImportError:
    """Return the error of a part that does not work on this backend."""
    given = keras.backend.backend()
    works = f"What works with {given!r}: {', '.join(WORKS)}."
    others = f"With {' and '.join(map(repr, IN_PARTS))} there are {', '.join(WORKS)}."
    return ImportError(
        f"`{part}` needs Keras's TensorFlow backend. Received: backend {given!r}. Set the environment variable "
        f'KERAS_BACKEND="tensorflow" before the first `import keras`. {works if given in IN_PARTS else others}'
    )


def require_tensorflow(part: str) -> None:
    """Raise the error of a part that works on TensorFlow alone, before it imports what fails on another backend."""
    if not is_tensorflow():
        raise needs_tensorflow(part)


def refuse_the_rest(package: str) -> None:
    """Let each name of a package's `__all__` that it does not have on this backend raise the error."""
    module: Any = sys.modules[package]
    everything = list(module.__all__)

    def missing(name: str) -> Any:
        if name in everything:
            raise needs_tensorflow(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    if not is_tensorflow():
        module.__getattr__ = missing
        module.__all__ = [name for name in everything if name in vars(module)]


if not is_tensorflow() and keras.backend.backend() not in IN_PARTS:
    raise needs_tensorflow("keras_ch8")

if is_tensorflow():
    from . import random_numbers
    from .compiling import (
        HasEffects,
        as_traced,
        branch,
        call_when,
        calls_would_wait,
        compile_xla,
        copy_when,
        eagerly,
        in_xla,
        operations,
        outside_graphs,
        put_back_when,
        refuse_effects,
        run_when,
        switch,
        trace,
        trace_each,
    )
    from .datasets import (
        FAILED,
        Column,
        calls_python,
        can_be_cut,
        end_to_end,
        follows_variables,
        gathered,
        has_seed,
        has_state,
        in_order,
        is_dataset,
        iterator_of,
        planned,
        repeated,
        why_not_the_same,
        written_variables,
    )
    from .random_numbers import seed_state, set_seed_state
    from .strategies import (
        all_reduce_sum,
        each_replica,
        gathered_from_workers,
        is_chief,
        is_multi_worker,
        is_parameter_server,
        merge_replicas,
        native,
        own_part,
        replicas,
        replicated,
        worker_number,
        workers,
        write,
    )
    from .tensorflow import (
        add_one,
        all_finite,
        as_gradient,
        as_tensor,
        assign_rows,
        beside,
        can_be_saved,
        copies_of,
        copy,
        cut,
        densify,
        device_of,
        dtype_of,
        fits,
        floats,
        gradients,
        half_sum_of_squares,
        has_state_without_variable,
        hessian_product,
        holds,
        in_eager_loop,
        is_reachable,
        is_sparse,
        is_variable,
        join,
        log_gamma,
        mixed_precision,
        numbers,
        on,
        power_of_two_below,
        retrace,
        ring,
        rows,
        rows_of,
        scalar,
        solve,
        solve_positive,
        start_after,
        sum_duplicates,
        total,
        value_and_gradient,
        value_and_gradients,
        value_and_jacobian,
        values,
        wide,
        with_backward,
        with_values,
        write_row,
    )
else:
    from .portable import (
        all_reduce_sum,
        as_tensor,
        in_xla,
        is_chief,
        is_multi_worker,
        is_parameter_server,
        log_gamma,
        replicated,
        retrace,
        scalar,
        start_after,
        wide,
        with_backward,
        workers,
    )
