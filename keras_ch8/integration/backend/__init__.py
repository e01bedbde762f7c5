"""The seam between the suite and TensorFlow: the algorithms above it are written on `keras.ops`.

On the other backends on which parts of the suite work it has what these need.
"""

from .support import is_tensorflow, needs_tensorflow, refuse_the_rest, require_tensorflow

if is_tensorflow():
    from . import random_numbers
    from .branches import branch, call_when, calls_would_wait, copy_when, put_back_when, run_when, switch
    from .compiling import (
        HasEffects,
        as_traced,
        compile_xla,
        eagerly,
        in_xla,
        operations,
        outside_graphs,
        refuse_effects,
        trace,
        trace_each,
    )
    from .datasets import (
        FAILED,
        Column,
        can_be_cut,
        end_to_end,
        gathered,
        in_order,
        is_dataset,
        iterator_of,
        planned,
        repeated,
    )
    from .random_numbers import seed_state, set_seed_state
    from .replays import calls_python, follows_variables, has_seed, has_state, why_not_the_same, written_variables
    from .strategies import (
        all_reduce_sum,
        each_replica,
        gathered_from_workers,
        is_chief,
        is_multi_worker,
        is_parameter_server,
        merge_replicas,
        own_part,
        replicas,
        replicated,
        worker_number,
        workers,
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
        native,
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
        write,
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
