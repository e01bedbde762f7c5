"""The seam between the suite and TensorFlow: the algorithms above it are written on `keras.ops`.

On the other backends on which parts of the suite work it has what these need.
"""

from .which import is_known as is_known
from .which import is_tensorflow as is_tensorflow
from .which import needs_tensorflow as needs_tensorflow
from .which import refuse_the_rest as refuse_the_rest
from .which import require_tensorflow as require_tensorflow

if not is_known():
    raise needs_tensorflow("keras_ch8")

if is_tensorflow():
    from . import random_numbers as random_numbers
    from .branches import branch as branch
    from .branches import call_when as call_when
    from .branches import copy_when as copy_when
    from .branches import put_back_when as put_back_when
    from .branches import run_when as run_when
    from .branches import switch as switch
    from .cluster import gathered_from_workers as gathered_from_workers
    from .cluster import is_chief as is_chief
    from .cluster import is_multi_worker as is_multi_worker
    from .cluster import is_parameter_server as is_parameter_server
    from .cluster import own_part as own_part
    from .cluster import worker_number as worker_number
    from .cluster import workers as workers
    from .compiling import compile_xla as compile_xla
    from .compiling import eagerly as eagerly
    from .compiling import in_xla as in_xla
    from .compiling import outside_graphs as outside_graphs
    from .compiling import trace as trace
    from .compiling import trace_each as trace_each
    from .compiling import traces as traces
    from .datasets import Column as Column
    from .datasets import can_be_cut as can_be_cut
    from .datasets import end_to_end as end_to_end
    from .datasets import gathered as gathered
    from .datasets import hang_together as hang_together
    from .datasets import in_order as in_order
    from .datasets import is_dataset as is_dataset
    from .datasets import iterator_of as iterator_of
    from .datasets import planned as planned
    from .datasets import repeated as repeated
    from .datasets import why_not_skipped as why_not_skipped
    from .random_numbers import seed_state as seed_state
    from .random_numbers import set_seed_state as set_seed_state
    from .solver import gradients as gradients
    from .solver import hessian_product as hessian_product
    from .solver import rows_of as rows_of
    from .solver import solve as solve
    from .solver import solve_positive as solve_positive
    from .solver import value_and_gradient as value_and_gradient
    from .solver import value_and_gradients as value_and_gradients
    from .solver import value_and_jacobian as value_and_jacobian
    from .strategies import all_reduce_sum as all_reduce_sum
    from .strategies import each_replica as each_replica
    from .strategies import merge_replicas as merge_replicas
    from .strategies import one_of as one_of
    from .strategies import replicas as replicas
    from .strategies import replicated as replicated
    from .tensorflow import add_one as add_one
    from .tensorflow import all_finite as all_finite
    from .tensorflow import as_gradient as as_gradient
    from .tensorflow import as_tensor as as_tensor
    from .tensorflow import assign_rows as assign_rows
    from .tensorflow import beside as beside
    from .tensorflow import copies_of as copies_of
    from .tensorflow import copy as copy
    from .tensorflow import cut as cut
    from .tensorflow import densify as densify
    from .tensorflow import device_of as device_of
    from .tensorflow import dtype_of as dtype_of
    from .tensorflow import floats as floats
    from .tensorflow import half_sum_of_squares as half_sum_of_squares
    from .tensorflow import in_eager_loop as in_eager_loop
    from .tensorflow import is_reachable as is_reachable
    from .tensorflow import is_sparse as is_sparse
    from .tensorflow import join as join
    from .tensorflow import log_gamma as log_gamma
    from .tensorflow import mixed_precision as mixed_precision
    from .tensorflow import native as native
    from .tensorflow import numbers as numbers
    from .tensorflow import on as on
    from .tensorflow import power_of_two_below as power_of_two_below
    from .tensorflow import renew as renew
    from .tensorflow import ring as ring
    from .tensorflow import rows as rows
    from .tensorflow import scalar as scalar
    from .tensorflow import start_after as start_after
    from .tensorflow import sum_duplicates as sum_duplicates
    from .tensorflow import values as values
    from .tensorflow import wide as wide
    from .tensorflow import with_backward as with_backward
    from .tensorflow import with_values as with_values
    from .tensorflow import write as write
    from .tensorflow import write_row as write_row
else:
    from .elsewhere import all_reduce_sum as all_reduce_sum
    from .elsewhere import as_tensor as as_tensor
    from .elsewhere import in_xla as in_xla
    from .elsewhere import is_chief as is_chief
    from .elsewhere import is_multi_worker as is_multi_worker
    from .elsewhere import is_parameter_server as is_parameter_server
    from .elsewhere import log_gamma as log_gamma
    from .elsewhere import renew as renew
    from .elsewhere import replicated as replicated
    from .elsewhere import scalar as scalar
    from .elsewhere import start_after as start_after
    from .elsewhere import wide as wide
    from .elsewhere import with_backward as with_backward
    from .elsewhere import workers as workers
