"""Most of what the suite asks of TensorFlow: tensors, variables, sparse gradients, bit patterns, derivatives."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..._types import Tensor
from .compiling import in_xla
from .strategies import native, replicated


def in_eager_loop() -> bool:
    """Whether this runs op by op on one device: worth a graph of our own."""
    return tf.executing_eagerly() and not replicated()


def device_of(variable: Any) -> str:
    """Return the device that holds a variable."""
    return str(native(variable).device)


def dtype_of(variable: Any) -> str:
    """Return the type of a variable by name."""
    return str(native(variable).dtype.name)


def on(device: str) -> AbstractContextManager[Any]:
    """Run on this device: an XLA program reaches the variables of its own only. A strategy places by itself."""
    return contextlib.nullcontext() if replicated() or in_xla() else tf.device(device)


def copies_of(variable: Any) -> list[tf.Variable]:
    """Return the variables that stand for a variable in this process: one for each of its replicas."""
    variable = native(variable)
    return list(variable.values) if isinstance(variable, tf.distribute.DistributedValues) else [variable]


def as_tensor(value: Any) -> tf.Tensor:
    """Return a tensor: of a Keras variable (`ops.convert_to_tensor` would hand it back), of a number in floatx."""
    if isinstance(value, tf.Tensor):
        return value
    value = native(value)
    if tf.is_tensor(value) or isinstance(value, tf.Variable | np.ndarray):
        return tf.convert_to_tensor(value)
    return tf.constant(value, keras.backend.floatx())


def copy(value: Any) -> tf.Tensor:
    """Return the value of a variable as a tensor that stays when the variable changes."""
    return tf.identity(native(value))


def scalar(value: Any, dtype: str) -> tf.Variable:
    """Create a number, or a table of numbers, that a compiled step reads and Python sets; not a weight, not saved."""
    with tf.init_scope():
        return tf.Variable(value, trainable=False, dtype=dtype)


def wide() -> str:
    """Return the type for arithmetic on steps."""
    return "float64"


def retrace(model: keras.Model) -> None:
    """Do nothing: a compiled step reads a `scalar` as it is."""


def with_backward(function: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
    """Return the values of a function that also returns its backward pass, which is then taken for the gradient."""
    gradient: Callable[..., Any] = keras.ops.custom_gradient(function)
    return gradient


def add_one(counter: tf.Variable) -> tf.Tensor:
    """Count one more, and return the new number."""
    return tf.convert_to_tensor(counter.assign_add(1))


def floats(*numbers: Any) -> tf.Tensor:
    """Return a row of numbers in float32; of one that comes with axes it is the mean."""
    given = [tf.cast(as_tensor(x), tf.float32) for x in numbers]
    return tf.stack([x if x.shape.rank == 0 else tf.reduce_mean(x) for x in given])


def start_after(tensors: Sequence[Any]) -> AbstractContextManager[Any]:
    """Let what is traced inside run only once `tensors` exist.

    At the end of a data set of unknown length Keras's loop runs one step more, in which all that does not depend on
    data still happens: counters, decay, averages. One node stands for all tensors, so that each operation inside gets
    one edge and not hundreds.
    """
    if tf.executing_eagerly():
        return contextlib.nullcontext()
    return tf.control_dependencies([tf.group([values(t) for t in tensors if t is not None])])


_REGROUPED = {"Mul": tf.multiply, "RealDiv": tf.divide}
"""What TensorFlow's graph optimizer multiplies in another order."""


def beside(gradient: Any, other: Tensor) -> Any:
    """Return a gradient as it is, which TensorFlow's graph optimizer takes for another one.

    It multiplies rate * (a * b) as (rate * a) * b, which rounds otherwise, if the product a * b, such as the gradient
    of batch normalization's gamma, has one reader only; so with a product in a product, and with quotients. So the
    second reader has all of these of its own; that they wait for another tensor keeps the optimizer from making one of
    the two. Of a sparse gradient that concerns the values: TensorFlow calls it a tensor and its operation theirs, so it
    is to be asked first.
    """
    if is_sparse(gradient):
        return with_values(gradient, beside(gradient.values, other))
    if tf.executing_eagerly() or in_xla() or not tf.is_tensor(gradient) or gradient.op.type not in _REGROUPED:
        return gradient
    with tf.control_dependencies([other]):
        return _REGROUPED[gradient.op.type](*(beside(tensor, other) for tensor in gradient.op.inputs))


def join(tensors: Sequence[Any], length: int) -> tf.Tensor:
    """Lay tensors end to end in one vector and fill it with zeros up to `length`."""
    parts = [t if len(t.shape) == 1 else tf.reshape(t, [-1]) for t in tensors]
    missing = length - sum(int(p.shape[0]) for p in parts)
    if missing:
        parts.append(tf.zeros([missing], parts[0].dtype))
    return tf.concat(parts, axis=0) if len(parts) > 1 else parts[0]


def cut(vector: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[tf.Tensor]:
    """Undo `join`."""
    sizes = [int(tf.TensorShape(s).num_elements()) for s in shapes]
    rest = int(vector.shape[0]) - sum(sizes)
    parts = tf.split(vector, [*sizes, rest]) if len(sizes) > 1 or rest else [vector]
    return [p if len(s) == 1 else tf.reshape(p, s) for p, s in zip(parts, shapes, strict=False)]


def all_finite(tensors: Sequence[Any]) -> tf.Tensor:
    """Whether no entry of any tensor is infinite or NaN."""
    finite = [tf.math.is_finite(values(t)) for t in tensors]
    if in_xla():
        return tf.reduce_all([total(tf.cast(~each, tf.float32)) == 0 for each in finite])
    return tf.reduce_all([tf.reduce_all(each) for each in finite])


def half_sum_of_squares(tensor: Tensor) -> tf.Tensor:
    """Return sum(x^2) / 2 of a tensor, or of the values of a sparse one: one fast kernel outside XLA."""
    return total(tf.square(values(tensor))) / 2 if in_xla() else tf.nn.l2_loss(values(tensor))


def total(tensor: Tensor) -> tf.Tensor:
    """Return the sum over all entries.

    XLA for CPU, as of TensorFlow 2.21, takes up to 2 ns for each entry of a sum. So the parts of a large tensor are
    first added to one another, entry by entry, which takes a quarter of that, and is more exact. XLA for a GPU sums
    side by side itself.
    """
    parts, large = 16, 16_384
    size = tensor.shape.num_elements()
    if not in_xla() or size is None or size < large or tf.config.get_visible_devices("GPU"):
        return tf.reduce_sum(tensor)
    length, rest = divmod(size, parts)
    *equal, last = tf.split(tf.reshape(tensor, [-1]), [*[length] * parts, rest])
    return tf.reduce_sum(tf.add_n(equal)) + tf.reduce_sum(last)


def ring(rows: int, width: int) -> tf.Variable:
    """Create a table of float32 rows, at first NaN, that a step writes and Python reads; not a weight, not saved.

    `rows` is a power of two: then the place of a step is a bit mask, which XLA fuses into the write.
    """
    return tf.Variable(tf.fill([rows, width], float("nan")), trainable=False)


def write_row(variable: tf.Variable, step: Tensor, row: Tensor) -> None:
    """Write the row of a step into a ring, in place: inside XLA a scatter would cost 12 us more."""
    place = tf.bitwise.bitwise_and(tf.cast(step, tf.int32), variable.shape[0] - 1)
    if in_xla():
        ring = tf.convert_to_tensor(variable)
        variable.assign(keras.ops.slice_update(ring, [place, 0], row[None]), read_value=False)
    else:
        variable.scatter_update(tf.IndexedSlices(tf.expand_dims(row, 0), tf.expand_dims(place, 0)))


def log_gamma(x: Tensor) -> tf.Tensor:
    """Return log(Gamma(x)), elementwise; log(n!) is that of n + 1."""
    return tf.math.lgamma(x)


def is_reachable(tensor: Tensor) -> bool:
    """Whether a tensor can be used here: eager ones always, others in their graph and the graphs inside it."""
    if isinstance(tensor, tf.__internal__.EagerTensor):
        return True
    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    while graph is not None and graph is not tensor.graph:
        graph = getattr(graph, "outer_graph", None)
    return graph is not None


def power_of_two_below(x: Tensor) -> tf.Tensor:
    """Return the largest power of two not above |x|, exactly, for float32 x; 0 for numbers below the normal range."""
    exponent_bits = tf.bitwise.bitwise_and(tf.bitcast(x, tf.int32), 0x7F800000)
    return tf.bitcast(exponent_bits, tf.float32)


# --- sparse gradients ------------------------------------------------------------------------------------------------


def is_sparse(tensor: Tensor) -> bool:
    """Whether this is the gradient of an embedding: values for some rows."""
    return isinstance(tensor, tf.IndexedSlices)


def as_gradient(value: Any, dtype: str) -> Any:
    """Return a gradient made of tensors, of one dtype: of a sparse one, values, rows and shape."""
    if not is_sparse(value):
        value = as_tensor(value)
        return value if value.dtype.name == dtype else tf.cast(value, dtype)
    shape = None if value.dense_shape is None else tf.convert_to_tensor(value.dense_shape)
    return tf.IndexedSlices(tf.cast(value.values, dtype), tf.convert_to_tensor(value.indices), shape)


def densify(tensor: Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Return the dense tensor that a sparse one stands for, with its shape known while tracing.

    `ensure_shape` would not do: XLA takes its shape for one that changes, and then makes the whole program anew, in
    which the random numbers of a Dropout take 20 times as long (TensorFlow 2.21).
    """
    return tf.reshape(tf.convert_to_tensor(tensor), shape)


def values(tensor: Tensor) -> Any:
    """Return the values of a sparse gradient, and a dense one as it is."""
    return tensor.values if is_sparse(tensor) else tensor


def with_values(slices: tf.IndexedSlices, values: Tensor) -> tf.IndexedSlices:
    """Return a sparse gradient for the same rows with other values."""
    return tf.IndexedSlices(values, slices.indices, slices.dense_shape)


def sum_duplicates(tensor: Tensor) -> Any:
    """Add up the values of rows that occur several times: only then are norms and squares those of the gradient.

    How many rows are left is known at run time only, so inside an XLA program the dense tensor comes back.
    """
    if not is_sparse(tensor):
        return tensor
    if in_xla():
        return tf.convert_to_tensor(tensor)
    indices, place = tf.unique(tensor.indices)
    sums = tf.math.unsorted_segment_sum(tensor.values, place, tf.shape(indices)[0])
    return tf.IndexedSlices(sums, indices, tensor.dense_shape)


def rows(variable: tf.Variable, indices: tf.Tensor) -> tf.Tensor:
    """Read some rows of a variable."""
    return tf.gather(variable, indices)


def assign_rows(variable: tf.Variable, indices: tf.Tensor, new: tf.Tensor) -> None:
    """Write some rows of a variable and leave the others alone."""
    variable.scatter_update(tf.IndexedSlices(new, indices))


# --- which objects have a state --------------------------------------------------------------------------------------


_HOLDERS = (tf.Module, tf.random.Generator, tf.train.ExponentialMovingAverage, tf.train.Checkpoint)
_OTHERS = (tf.data.Iterator, tf.lookup.experimental.MutableHashTable, tf.lookup.experimental.DenseHashTable)


def is_variable(value: Any) -> bool:
    """Whether this is a variable, of Keras or of TensorFlow."""
    return isinstance(value, keras.Variable | tf.Variable)


def can_be_saved(variable: Any) -> bool:
    """Whether a variable has numbers."""
    dtype = native(variable).dtype
    return bool(dtype.is_floating or dtype.is_integer or dtype.is_bool or dtype.is_complex)


def holds(value: Any) -> bool:
    """Whether this is an object of TensorFlow in whose attributes variables are."""
    return isinstance(value, _HOLDERS)


def has_state_without_variable(value: Any) -> bool:
    """Whether this changes while it is used, and has no variable that could be read and written."""
    return isinstance(value, _OTHERS)


def fits(variable: Any, shape: tuple[int, ...]) -> bool:
    """Whether a variable takes values of a shape."""
    return bool(native(variable).shape.is_compatible_with(shape))


# --- derivatives, and linear systems for the solvers of section 8.6 --------------------------------------------------


def gradients(function: Callable[[list[Any]], Any], values: list[Any]) -> list[Any]:
    """Return the dense gradient of a scalar function with respect to each tensor; 0 where it depends on it not."""
    return value_and_gradients(lambda values, watch: (function(values), []), values)[1]


def value_and_gradients(function: Callable[..., tuple[Any, list[Any]]], values: list[Any]) -> tuple[Any, list[Any]]:
    """Return a scalar function and its dense gradients with respect to each tensor, and to some on the way.

    `function(values, watch)` returns its value and tensors that it met on the way; one that it was given, such as the
    data, it hands to `watch` first.
    """
    with tf.GradientTape() as tape:
        tape.watch(values)
        value, met = function(values, tape.watch)
    sources = [*values, *met]
    # Where two sources have one gradient, as a tensor and its copy do, a tape never lets go of its graph (TF 2.21).
    gradients_of = tf.gradients if met and not tf.executing_eagerly() else tape.gradient
    found = gradients_of(value, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    dense = [tf.convert_to_tensor(g) for g in found]
    for gradient, source in zip(dense, sources, strict=True):
        gradient.set_shape(source.shape)  # that of an embedding has lost its own
    return value, dense


@contextlib.contextmanager
def reading() -> Iterator[list[tf.Variable]]:
    """Yield a list that gets, after the block, the trainable variables of TensorFlow that were read in it."""
    read: list[tf.Variable] = []
    with tf.GradientTape() as tape:
        yield read
    read += tape.watched_variables()


def value_and_gradient(function: Callable[[Any], Any], x: Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a scalar function of a vector and its gradient, 0 where it does not depend on an entry."""
    value, (gradient,) = value_and_gradients(lambda values, watch: (function(*values), []), [x])
    return value, gradient


def hessian_product(gradient: Callable[[Any], Any], x: Tensor, v: Tensor) -> tf.Tensor:
    """Return the Hessian times a vector, as the gradient of g . v: reverse over reverse is faster than forward."""
    return gradients(lambda values: tf.reduce_sum(gradient(*values) * tf.stop_gradient(v)), [x])[0]


def rows_of(function: Callable[[Any], Any], matrix: Tensor) -> tf.Tensor:
    """Return `function` of each row, all rows in one vectorized computation."""
    return tf.vectorized_map(function, matrix)


def value_and_jacobian(function: Callable[[Any], Any], x: Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a vector r of a vector x, and dr / dx, by as many derivatives side by side as the smaller has entries.

    A column is the derivative of u -> nabla (r . u) . v, which is linear in u: reverse over reverse, as in a product
    with the Hessian. A row for each residual instead (`tape.jacobian`) takes 100 times longer for 1000 residuals of 61
    parameters.
    """
    r = function(x)

    def row(u: Tensor) -> tf.Tensor:
        return value_and_gradient(lambda x: tf.reduce_sum(function(x) * u), x)[1]

    def column(v: Tensor) -> tf.Tensor:
        return value_and_gradient(lambda u: tf.reduce_sum(row(u) * v), tf.zeros_like(r))[1]

    if r.shape[0] is not None and r.shape[0] < x.shape[0]:
        return r, rows_of(row, tf.eye(r.shape[0], dtype=x.dtype))
    return r, tf.transpose(rows_of(column, tf.eye(x.shape[0], dtype=x.dtype)))


def solve(matrix: Tensor, b: Tensor) -> tf.Tensor:
    """Return the solution of a square system."""
    return tf.linalg.solve(matrix, b[:, None])[:, 0]


def solve_positive(matrix: Tensor, b: Tensor) -> tf.Tensor:
    """Return the solution of a positive definite system, or one for each column; NaN where it is not positive."""
    W = inverse_factor(matrix)
    columns = b if len(b.shape) == 2 else b[:, None]
    return tf.reshape(tf.matmul(W, tf.matmul(W, columns), transpose_a=True), tf.shape(b))


_LARGEST_BLOCK = 64


def inverse_factor(matrix: Tensor) -> tf.Tensor:
    """Return W, lower triangular, with W^T W the inverse of a positive definite matrix; NaN where it is none.

    It is the inverse of Cholesky's factor, by halves, so that nearly all of it is products of matrices: XLA's own
    factorization takes 10 to 20 times as long on a CPU.
    """
    n = matrix.shape[0]
    if n <= _LARGEST_BLOCK:
        return _inverse_factor_of_block(matrix)
    k = n // 2
    A, B, C = matrix[:k, :k], matrix[k:, :k], matrix[k:, k:]
    W = inverse_factor(A)
    L = tf.matmul(B, W, transpose_b=True)
    V = inverse_factor(C - tf.matmul(L, L, transpose_b=True))
    above = tf.concat([W, tf.zeros((k, n - k), matrix.dtype)], 1)
    return tf.concat([above, tf.concat([-tf.matmul(V, tf.matmul(L, W)), V], 1)], 0)


def _inverse_factor_of_block(matrix: Tensor) -> tf.Tensor:
    """Return the same by elimination: [A, I] becomes [U, W], where each row is divided by the root of its pivot."""
    n = matrix.shape[0]

    def eliminate(j: Tensor, M: Tensor) -> tuple[Tensor, Tensor]:
        unit = tf.one_hot(j, n, dtype=M.dtype)
        row, column = tf.linalg.matvec(M, unit, transpose_a=True), tf.linalg.matvec(M[:, :n], unit)
        pivot = tf.reduce_sum(column * unit)
        below = tf.where(tf.range(n) > j, column / pivot, 0)[:, None] * row
        return j + 1, tf.where(unit[:, None] > 0, tf.math.rsqrt(pivot) * row, M - below)

    begin = tf.zeros((), "int32"), tf.concat([matrix, tf.eye(n, dtype=matrix.dtype)], 1)
    return tf.while_loop(lambda j, M: j < n, eliminate, begin)[1][:, n:]
