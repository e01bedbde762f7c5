"""The loss of a model on some examples as a pure function of its weights, and its derivatives."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from .. import _checks, _numerics, _objects
from .._describe import section, short
from .._types import Data, Tensor, Tree
from ..integration import backend, keras_private
from ..integration.untouched import has_own_code, untouched


class ModelCall(NamedTuple):
    """One call of the model, as tensors of a graph.

    Args:
        loss: J.
        outputs: What the model returned.
        states: What the call would write to the variables that were asked for; None for one that it leaves.
        penalty: What layers have added to the loss, by regularizers or `add_loss`; None where they add nothing.
    """

    loss: Tensor
    outputs: Tree
    states: list[Tensor]
    penalty: Tensor


class Objective:
    """J(theta) for flat theta; the model never changes.

    Seeds and moving statistics are read as they are, and updates of them are discarded: Dropout has one
    mask, batch normalization the statistics of this batch (with `training`). The loss is that of `fit`: the compiled
    one, with sample weights, regularization and `add_loss`.

    Args:
        model: A model, compiled unless `loss` is given; it is built if it is not yet.
        x: Inputs, as for `fit`. Where a loss needs targets and none are given, a tuple is `(x, y)` or
            `(x, y, sample_weight)`.
        y: Targets.
        sample_weight: Weights of the examples.
        loss: Loss to use instead of the compiled one: a Keras loss, or a function of (y, y_pred).
        training: Whether the model runs as in training.
        watches: Whether this is done under a training, which is to go on as without it: what the Python of the model
            and the loss changes is put back, and a graph that would do more than compute is refused.

    Raises:
        HasEffects: Of `watches`, from whatever traces.
    """

    def __init__(
        self,
        model: keras.Model,
        x: Data,
        y: Data = None,
        *,
        sample_weight: Data = None,
        loss: Callable[[Tensor, Tensor], Tensor] | None = None,
        training: bool = True,
        watches: bool = False,
    ) -> None:
        _objects.model(model)
        if loss is not None:
            _objects.function("loss", loss, "y", "y_pred", returns="the loss")
        self.training = _checks.flag("training", training, meaning="whether the model runs as in training")
        self.model, self.loss, self.watches = model, loss, watches
        if y is None and _is_pair(model, x) and (loss is not None or keras_private.needs_targets(model)):
            if len(x) == 3 and sample_weight is not None:
                raise ValueError(
                    "Sample weights must be passed only once. Received: x=(x, y, sample_weight) and `sample_weight`. "
                    "Remove one of the two."
                )
            x, y, sample_weight = (*x, sample_weight)[:3]
        _objects.examples(x=x, y=y, sample_weight=sample_weight)
        if loss is None:
            _objects.targets(y, model)
        self.take((x, y, sample_weight))
        if not model.built:
            keras_private.build_on_inputs(model, self.data[0])
        self.variables = list(model.trainable_variables)
        self.shapes = [tuple(v.shape) for v in self.variables]
        self.ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)])
        """Where each variable begins in a flat vector, and where the last one ends."""
        self._value = backend.trace(self.value_at)
        self._gradient = backend.trace(self._gradient_at)
        self._product = backend.trace(self._product_at)

    def take(self, data: Data) -> None:
        """Evaluate J on these x, y and sample_weight from now on; what is traced serves all examples of one shape."""
        self.data = tuple(tensors_of(part) for part in data)

    def refuse_effects(self) -> None:
        """Raise where a call would do more than compute, before anything of it is run.

        Code of Keras's alone does not, so only other code is traced for it.

        Raises:
            HasEffects: If it does.
        """
        if has_own_code(*self._code()):
            with untouched() as self._seeds:
                self._value.get_concrete_function([backend.as_tensor(v) for v in self.variables], self.data)

    def _code(self) -> list[Any]:
        """Return what code is called: of the model, and of its losses."""
        return [self.model, *([self.loss] if self.loss is not None else keras_private.losses_of(self.model))]

    @property
    def size(self) -> int:
        """Number of weights."""
        return int(self.ends[-1])

    @property
    def dtype(self) -> str:
        """The type of flat vectors: float32, or wider where a weight is."""
        return _numerics.working_dtype(keras.backend.result_type(*(v.dtype for v in self.variables)))

    def theta(self) -> np.ndarray:
        """Return the weights as they are."""
        return self.join([v.numpy() for v in self.variables])

    def value(self, theta: np.ndarray) -> float:
        """Return J(theta)."""
        return float(self._value(self.cut(theta), self.data).numpy())

    def gradient(self, theta: np.ndarray, data: Tree = None) -> np.ndarray:
        """Return the gradient of J at theta; on other examples than its own, if given."""
        data = self.data if data is None else data
        return self.join([g.numpy() for g in self._gradient(self.cut(theta), data)])

    def product(self, theta: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Return H v, where H is the Hessian of J at theta."""
        return self.products(theta)(vector).astype("float64")

    def products(self, theta: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return v -> H v: many products at one theta, with one array of `dtype` in and one out."""
        values, dtype = self.cut(theta), self.dtype
        return lambda v: self._product(values, ops.convert_to_tensor(v, dtype), self.data)[0].numpy()

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return J(theta) and its gradient, by the graph of the products: no other is traced for them."""
        _, loss, grads = self._product(self.cut(theta), ops.zeros(self.size, self.dtype), self.data)
        return float(loss.numpy()), self.join([g.numpy() for g in grads])

    def join(self, arrays: list[np.ndarray]) -> np.ndarray:
        """Return arrays of the variables' shapes as a flat vector."""
        return np.concatenate([np.zeros(0), *(np.asarray(a, "float64").ravel() for a in arrays)])

    def cut(self, vector: np.ndarray) -> list[Tensor]:
        """Undo `join`."""
        parts = np.split(np.asarray(vector), self.ends[1:-1])
        return self.tensors([part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)])

    def weights(self, name: str, arrays: Sequence[Tensor]) -> list[Tensor]:
        """Return weights that a user gives, one array for each trainable variable, as tensors."""
        is_list = isinstance(arrays, Sequence) and not isinstance(arrays, str | bytes)
        shapes = [getattr(a, "shape", None) for a in arrays] if is_list else None
        if shapes != self.shapes:
            raise ValueError(
                f"`{name}` must be the trainable weights of the model at another time, a list of arrays of shapes "
                f"{self.shapes}. Received: {name} of type {type(arrays).__name__}, with arrays of shapes "
                f"{short(shapes)}. Use `[v.numpy() for v in model.trainable_variables]`."
            )
        return self.tensors(list(arrays))

    def tensors(self, arrays: list[Tensor]) -> list[Tensor]:
        """Return arrays of the variables' shapes as tensors of their types."""
        return [ops.convert_to_tensor(a, v.dtype) for a, v in zip(arrays, self.variables, strict=True)]

    def value_at(self, values: list[Tensor], data: Tree = None) -> Tensor:
        """Return J in a graph, at these values of the variables; on other examples than its own, if given."""
        return self.evaluate(values, data).loss

    def evaluate(self, values: list[Tensor], data: Tree = None, states: Sequence[keras.Variable] = ()) -> "ModelCall":
        """Call the model in a graph, at these values of the variables; on other examples than its own, if given."""
        if not self.watches:
            return self._evaluate(values, data, states)
        begin = backend.operations()
        with untouched(*self._code()):
            found = self._evaluate(values, data, states)
        backend.refuse_effects(begin)
        return found

    def _evaluate(self, values: list[Tensor], data: Tree, states: Sequence[keras.Variable]) -> "ModelCall":
        x, y, sample_weight = self.data if data is None else data
        mapping = list(zip(self.variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope, keras_private.exact_moments():
            y_pred = keras_private.call(self.model, x, self.training)
            if self.loss is None:
                batch = keras_private.Batch(x, y, sample_weight)
                loss = keras_private.compute_loss(self.model, batch, y_pred, self.training)
            else:
                loss = _given(self.loss, y, y_pred, sample_weight)
                loss = loss + sum(ops.cast(one, loss.dtype) for one in self.model.losses)
            added = [ops.sum(one) for one in self.model.losses]
        states_now = [scope.get_current_value(variable) for variable in states]
        return ModelCall(loss, y_pred, states_now, sum(added) if added else None)

    def _gradient_at(self, values: list[Tensor], data: Tree) -> list[Tensor]:
        return backend.gradients(lambda values: self.value_at(values, data), values)

    def _product_at(self, values: list[Tensor], vector: Tensor, data: Tree) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return H v, and J and its gradient, which are on the way to it."""
        met: list[Tensor] = []

        def along(values: list[Tensor]) -> Tensor:
            loss, grads = backend.value_and_gradients(lambda values, watch: (self.value_at(values, data), []), values)
            met[:] = [loss, *grads]
            vectors = backend.cut(vector, self.shapes)
            return sum(ops.sum(g * ops.cast(v, g.dtype)) for g, v in zip(grads, vectors, strict=True))

        found = backend.gradients(along, values)
        product = backend.join([ops.cast(p, vector.dtype) for p in found], self.size)
        return product, met[0], met[1:]


def _is_pair(model: keras.Model, x: Data) -> bool:
    """Whether this is (x, y) or (x, y, sample_weight), and not the inputs of a model that has several."""
    if not isinstance(x, tuple) or len(x) not in (2, 3):
        return False
    return len(keras.tree.flatten(x[0])) == len(keras.tree.flatten(getattr(model, "inputs", None) or [None]))


def _given(loss: Callable[..., Tensor], y: Tree, y_pred: Tree, sample_weight: Tensor | None) -> Tensor:
    """Return the mean of a loss that is not the compiled one, with the weights that `fit` gives that one.

    A function gets numbers of one type, as it does from `fit`, but for whole numbers, which it gets as they are.
    """
    if isinstance(loss, keras.losses.Loss):
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return ops.mean(loss(y, y_pred, **weights))
    predicted = [keras.backend.standardize_dtype(one.dtype) for one in keras.tree.flatten(y_pred)]
    dtype = keras.backend.result_type(*predicted, keras.config.floatx())

    def as_one(part: Tree) -> Tree:
        return keras.tree.map_structure(
            lambda a: ops.cast(a, dtype) if a is not None and keras.backend.is_float_dtype(a.dtype) else a, part
        )

    each = ops.convert_to_tensor(loss(as_one(y), as_one(y_pred)))
    if sample_weight is None or keras.tree.is_nested(sample_weight):  # which weigh losses of several outputs
        return ops.mean(each)
    weight = ops.cast(sample_weight, each.dtype)
    if not each.shape:
        return each * ops.mean(weight)
    while len(weight.shape) > len(each.shape) and weight.shape[-1] == 1:
        weight = ops.squeeze(weight, -1)
    for _ in range(len(each.shape) - len(weight.shape)):
        weight = ops.expand_dims(weight, -1)
    return ops.mean(each * weight)


def tensors_of(part: Data) -> Tree:
    """Return arrays, also nested, as tensors; None stays."""
    return keras.tree.map_structure(lambda a: None if a is None else ops.convert_to_tensor(a), part)


# --- gradient, Hessian times a vector, and the Hessian itself --------------------------------------------------------


LARGEST = 5000
"""Weights of the largest model whose whole Hessian is computed."""


@section("8.2.6")
def gradient(model: keras.Model, x: Data, y: Data = None, **options: Any) -> np.ndarray:
    r"""Return the gradient of the loss (section 8.2.6).

    .. math::

        g \leftarrow \frac{dJ}{d\theta}

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        **options: `sample_weight`, by default `None`: weights of the examples. `loss`, by default `None`: a Keras loss,
            or a function of (y, y_pred), to use instead of the compiled one. `training`, by default `True`: whether the
            model runs as in training (batch statistics, Dropout with one mask).

    Returns:
        A flat vector in float64.

    Raises:
        TypeError: If `model` is not a `keras.Model`, or an option is unknown.
        ValueError: If the model is not compiled and `loss` is not given, if targets that the loss reads are missing, or
            if `x`, `y` and `sample_weight` do not have one entry for each example.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(loss="mse")
        >>> keras_ch8.curvature.gradient(model, np.array([[1.0], [2.0]]), np.array([[0.0], [0.0]]))
        array([5., 3.])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 4.3.
    """
    objective = Objective(model, x, y, **options)
    return objective.gradient(objective.theta())


@section("8.2.1")
def hessian_vector_product(model: keras.Model, x: Data, y: Data, vector: np.ndarray, **options: Any) -> np.ndarray:
    r"""Return the Hessian of the loss times a vector, without the Hessian (section 8.2.1; Pearlmutter 1994).

    .. math::

        H v \leftarrow \frac{d (g \cdot v)}{d\theta}

    It costs about two gradients. Right for batch, layer and group normalization too, where second derivatives through
    TensorFlow's `tf.nn.moments` are silently wrong. Wrong where a product over an axis (`keras.ops.prod`) has a factor
    of 0: TensorFlow computes its second derivatives as 0; write a product of two factors with `*`. In a network of
    ReLUs it is the curvature between the kinks, which a finite step often finds larger.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        vector: Flat vector with as many entries as the model has trainable weights.
        **options: As for `gradient`.

    Returns:
        A flat vector in float64.

    Raises:
        ValueError: If `vector` has another length.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> x, y = np.array([[1.0], [2.0]]), np.array([[0.0], [0.0]])
        >>> keras_ch8.curvature.hessian_vector_product(model, x, y, np.array([1.0, 0.0]))
        array([5., 3.])

    References:
        Pearlmutter (1994), Fast Exact Multiplication by the Hessian.
    """
    objective = Objective(model, x, y, **options)
    _checks.length("vector", _objects.numbers("vector", vector), objective.size, of="the trainable weights")
    return objective.product(objective.theta(), vector)


@section("8.2.1")
def hessian(model: keras.Model, x: Data, y: Data = None, **options: Any) -> np.ndarray:
    """Return the full Hessian of the loss of a small model (section 8.2.1).

        H_ij <- d^2 J / dtheta_i dtheta_j

    Args:
        model: A compiled model of at most 5000 trainable weights.
        x: Inputs, as for `fit`.
        y: Targets.
        **options: As for `gradient`.

    Returns:
        A symmetric matrix in float64, a row and a column for each weight.

    Raises:
        ValueError: If the model has more than 5000 trainable weights.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> keras_ch8.curvature.hessian(model, np.array([[1.0], [2.0]]), np.array([[0.0], [0.0]]))
        array([[5., 3.],
               [3., 2.]])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 4.3.1.
    """
    objective = Objective(model, x, y, **options)
    if objective.size > LARGEST:
        raise ValueError(
            f"A full Hessian is computed for at most {LARGEST} weights. Received: a model of {objective.size}. Use "
            "`hessian_vector_product`, or `lanczos` for its extreme eigenvalues."
        )
    theta = objective.theta()
    rows = np.stack([objective.product(theta, unit) for unit in np.eye(objective.size)])
    return (rows + rows.T) / 2
