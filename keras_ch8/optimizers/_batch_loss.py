"""The loss of a model on some batches, as a function of all its weights end to end, and where there is none."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from .. import _batches, _checks
from .._describe import short
from .._types import Tensor, Tree
from ..curvature.objective import Objective
from ..integration import backend, keras_private
from ..second_order.contract import Point, Problem


class Stack(NamedTuple):
    """Batches of one shape, one on the other: x, y and sample_weight with one more axis in front."""

    number: int
    parts: Tree

    @property
    def examples(self) -> int:
        """Examples in all of them."""
        return self.number * _batches.examples_of(self.batch(0))

    def batch(self, i: int | Tensor) -> Tree:
        """Return one of the batches; the index may be a tensor."""
        return _each(lambda a: backend.rows(a, i), self.parts)


def stacks_of(parts: Sequence[Tree]) -> list[Stack]:
    """Stack batches by their shapes."""
    groups: dict[tuple[tuple[int, ...], ...], list[Tree]] = {}
    for part in parts:
        shapes = tuple(tuple(a.shape) for a in keras.tree.flatten(part) if a is not None)
        groups.setdefault(shapes, []).append(part)
    return [Stack(len(group), _each(lambda *a: ops.stack(a), *group)) for group in groups.values()]


def joined(stacks: Sequence[Stack]) -> Tree:
    """Return x, y and sample_weight of all examples."""
    flat = [_each(_without_first_axis, stack.parts) for stack in stacks]
    return _each(lambda *a: ops.concatenate(a, axis=0), *flat)


def is_squared(model: keras.Model) -> bool:
    """Whether the compiled loss is the mean of squares, and not a multiple of it."""
    loss = model.loss
    if type(loss) is keras.losses.MeanSquaredError:
        is_mean = loss.reduction in ("sum_over_batch_size", "mean")
    else:
        is_mean = loss in ("mse", "MSE", "mean_squared_error", keras.losses.mean_squared_error)
    return is_mean and not keras_private.has_loss_weights(model)


def has_residuals(model: keras.Model) -> bool:
    """Whether a model says itself what the residuals are whose mean squares are its loss."""
    return callable(getattr(model, "compute_residuals", None))


class BatchLoss:
    """The mean over batches of their losses, weighted by their examples: the loss of one batch that holds them all.

    Batches of one shape are gone through in a loop, so that the program does not grow with their number.

    Args:
        model: A built and compiled model.
        stacks: The batches.
        dtype: Type to compute in.
        bounds: The lowest and the highest weights, laid end to end. Defaults to `()`: none.
    """

    def __init__(self, model: keras.Model, stacks: Sequence[Stack], dtype: str, bounds: Tree = ()) -> None:
        self.stacks, self.dtype, self.bounds = stacks, dtype, tuple(map(ops.convert_to_tensor, bounds))
        self.variables = list(model.trainable_variables)
        self.states = [*model.non_trainable_variables, *keras_private.global_seeds()]
        x, y, sample_weight = stacks[0].batch(0)
        self.objective = Objective(model, x, y, sample_weight=sample_weight)
        residuals, jacobian = self.residuals if is_squared(model) else None, None
        if has_residuals(model):
            residuals, jacobian = self.own_residuals, self.own_jacobian
        self.problem = Problem(self.value_and_gradient, residuals=residuals, jacobian=jacobian)

    def first(self) -> tuple[Point, Tree, list[tuple[keras.Variable, Tensor]]]:
        """Return the point of the weights, moved within bounds, the outputs there, and what other variables become."""
        x = self._flat([backend.as_tensor(v) for v in self.variables])
        x = ops.clip(x, *self.bounds) if self.bounds else x
        if len(self.stacks) == self.stacks[0].number == 1:
            value, gradient, outputs, states = self._at(x, self.stacks[0].batch(0))
        else:
            value, gradient = self.value_and_gradient(x)
            outputs, states = self._outputs(x)
        moved = [(v, new) for v, new in zip(self.states, states, strict=True) if new is not None]
        return Point(x, value, gradient, self.bounds), outputs, moved

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean loss and its gradient."""
        if len(self.stacks) == 1:
            return self._over(self.stacks[0], x)
        total = sum(stack.examples for stack in self.stacks)
        fractions = [stack.examples / total for stack in self.stacks]
        values, gradients = zip(*(self._over(stack, x) for stack in self.stacks), strict=True)
        return _dot(fractions, values), _dot(fractions, gradients)

    def residuals(self, x: Tensor) -> Tensor:
        """Return r with r . r the mean of squares: the weighted errors over the root of their number."""
        part = self.stacks[0].batch(0)
        with keras.StatelessScope(self.weights(x), collect_losses=True) as scope:
            y_pred = keras_private.call(self.objective.model, part[0], training=True)
        received = {
            f"{len(scope.losses)} additional losses": bool(scope.losses),
            "several outputs": keras.tree.is_nested(y_pred),
            "a mask": keras_private.mask_of(y_pred) is not None,
        }
        if any(received.values()):
            raise ValueError(
                f"`{type(self.objective.model.optimizer).__name__}` minimizes only the loss 'mse' of one output. "
                "Received from the forward pass: "
                f"{', '.join(what for what, is_so in received.items() if is_so)}. Leave out `add_loss`, activity "
                "regularizers and masks, or use `LBFGS()`."
            )
        errors = ops.cast(y_pred, self.dtype) - ops.cast(ops.reshape(part[1], ops.shape(y_pred)), self.dtype)
        if part[2] is not None:
            weight = ops.sqrt(ops.cast(part[2], self.dtype))
            for _ in range(len(errors.shape) - len(weight.shape)):
                weight = ops.expand_dims(weight, -1)
            errors = errors * weight
        return ops.reshape(errors, (-1,)) / ops.sqrt(ops.cast(ops.size(errors), self.dtype))

    def own_residuals(self, x: Tensor) -> Tensor:
        """Return r with r . r the sum of the mean squares of what the model's `compute_residuals` returns."""
        return ops.concatenate(
            [part / _root_of_size(part) for part in self._own(self._cut(x), self.stacks[0].batch(0))]
        )

    def own_jacobian(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return r and dr / dx: the rows of an example from that example alone, where a part has some for each."""
        values, batch = self._cut(x), self.stacks[0].batch(0)
        parts = self._own(values, batch)
        of_each: list[int] = []

        def derivatives(i: int, u: Tensor, batch: Tree) -> Tensor:
            def along(values: list[Tensor], watch: Callable[..., Any]) -> tuple[Tensor, list[Tree]]:
                return ops.sum(self._own(values, batch)[i] * u), []

            return self._flat(backend.value_and_gradients(along, values)[1])

        def rows_of_one(example: list[Tensor]) -> list[Tensor]:
            tensors = iter(example)
            alone = _each(lambda a: next(tensors)[None], batch)
            sizes = [part.shape[0] for part in self._own(values, alone)]
            of_each[:] = [i for i, size in enumerate(sizes) if size != parts[i].shape[0]]
            units = {i: ops.eye(sizes[i], dtype=self.dtype) for i in of_each}
            return [ops.stack([derivatives(i, u, alone) for u in ops.unstack(units[i])]) for i in of_each]

        found = backend.rows_of(rows_of_one, [a for a in keras.tree.flatten(batch) if a is not None])
        rows = {i: ops.reshape(each, (-1, x.shape[0])) for i, each in zip(of_each, found, strict=True)}
        for i in set(range(len(parts))) - set(of_each):
            unit = ops.eye(parts[i].shape[0], dtype=self.dtype)
            rows[i] = backend.rows_of(functools.partial(derivatives, i, batch=batch), unit)
        roots = [_root_of_size(part) for part in parts]
        r = ops.concatenate([part / root for part, root in zip(parts, roots, strict=True)])
        return r, ops.concatenate([rows[i] / root for i, root in enumerate(roots)])

    def _own(self, values: list[Tensor], batch: Tree) -> list[Tensor]:
        """Return the parts of what `compute_residuals` returns, each as a vector."""
        with keras.StatelessScope(list(zip(self.variables, values, strict=True))):
            found = keras.tree.flatten(self.objective.model.compute_residuals(*batch))
        return [ops.cast(ops.reshape(part, (-1,)), self.dtype) for part in found]

    def weights(self, x: Tensor) -> list[tuple[keras.Variable, Tensor]]:
        """Return each variable with its part of a flat vector."""
        return list(zip(self.variables, self._cut(x), strict=True))

    def _over(self, stack: Stack, x: Tensor) -> tuple[Tensor, Tensor]:
        if stack.number == 1:
            return self._at(x, stack.batch(0))[:2]

        def add(i: Tensor, sums: Tree) -> Tree:
            return tuple(a + b for a, b in zip(sums, self._at(x, stack.batch(i))[:2], strict=True))

        sums = ops.fori_loop(0, stack.number, add, (ops.zeros((), self.dtype), ops.zeros_like(x)))
        return sums[0] / stack.number, sums[1] / stack.number

    def _at(self, x: Tensor, part: Tree) -> tuple[Tensor, Tensor, Tree, list[Tensor]]:
        """Return value, gradient, outputs and new states on one batch."""
        seen: list[Tree] = []

        def value_of(values: list[Tensor], watch: Callable[..., Any]) -> tuple[Tensor, list[Tree]]:
            found = self.objective.evaluate(values, part, self.states)
            seen[:] = found.outputs, found.states
            return found.loss, []

        value, gradients = backend.value_and_gradients(value_of, self._cut(x))
        outputs, states = seen
        return ops.cast(value, self.dtype), self._flat(gradients), outputs, states

    def _outputs(self, x: Tensor) -> tuple[Tree, list[Tensor]]:
        """Return the outputs for all examples, and the new states after the first batch, which can be seeds only."""
        values = self._cut(x)
        states = self.objective.evaluate(values, self.stacks[0].batch(0), self.states).states
        _refuse_statistics(self.states, states)
        found = []
        for stack in self.stacks:

            def outputs_of(i: Tensor, stack: Stack = stack) -> Tree:
                return self.objective.evaluate(values, stack.batch(i)).outputs

            found.append(_each(_without_first_axis, ops.map(outputs_of, ops.arange(stack.number))))
        return _each(lambda *a: ops.concatenate(a, axis=0), *found), states

    def _flat(self, tensors: Sequence[Tensor]) -> Tensor:
        return backend.join([ops.cast(t, self.dtype) for t in tensors], self.objective.size)

    def _cut(self, x: Tensor) -> list[Tensor]:
        parts = backend.cut(x, self.objective.shapes)
        return [ops.cast(part, v.dtype) for part, v in zip(parts, self.variables, strict=True)]


def _refuse_statistics(states: Sequence[keras.Variable], new: Sequence[Tensor | None]) -> None:
    for variable, value in zip(states, new, strict=True):
        if value is not None and keras.backend.is_float_dtype(variable.dtype):
            raise ValueError(
                "`accumulate_batches` takes the mean loss over batches, already used by one large batch only if no "
                f"layer depends on the batch as a whole. Received: {variable.path!r}, which the forward pass changes. "
                "Use `keras.layers.LayerNormalization`, or pass all examples in one batch."
            )


def _each(function: Callable[..., Tensor], *structures: Tree) -> Tree:
    """Apply a function to the tensors of structures in which None stands for what is not there."""
    return keras.tree.map_structure(lambda *a: None if a[0] is None else function(*a), *structures)


def _root_of_size(a: Tensor) -> Tensor:
    return ops.sqrt(ops.cast(ops.size(a), a.dtype))


def _without_first_axis(a: Tensor) -> Tensor:
    return ops.reshape(a, (-1, *a.shape[2:]))


def _dot(fractions: Sequence[float], tensors: Sequence[Tensor]) -> Tensor:
    return sum(fraction * tensor for fraction, tensor in zip(fractions, tensors, strict=True))


# --- what has no such function: each raises an error with the fix -----------------------------------------------------


def refuse_without_weights(owner: str, model: keras.Model) -> None:
    """Refuse a model that has nothing to train."""
    if not model.trainable_variables:
        raise ValueError(
            f"`{owner}` needs weights to train. Received: a model without trainable weights. Set `trainable=True` on a "
            "layer, and compile again."
        )


def refuse_variables(owner: str, variables: Iterable[keras.Variable]) -> None:
    """Refuse variables in which losses cannot be compared, or that must stay within a constraint."""
    for variable in variables:
        path, dtype = getattr(variable, "path", variable.name), backend.dtype_of(variable)
        _checks.floating(owner, path, dtype)
        if dtype not in _checks.COMPARABLE:
            raise ValueError(
                f"`{owner}` compares losses that differ in the last digits, so weights must be float32 or float64. "
                f"Received: {path!r} of dtype {dtype}. Use a policy such as 'mixed_bfloat16', whose weights are "
                "float32."
            )
        if getattr(variable, "constraint", None) is not None:
            raise ValueError(
                f"`{owner}` minimizes without constraints. Received: {path!r} with {short(variable.constraint)}. "
                "Leave the constraint out, and give `LBFGS` its `bounds`, or use a first-order optimizer."
            )


def refuse_scaled_loss(optimizer: keras.optimizers.Optimizer, model: keras.Model) -> None:
    """Refuse a model whose loss is scaled."""
    if model.optimizer is not optimizer:
        raise ValueError(
            f"`{type(optimizer).__name__}` compares losses, which Keras scales for float16. Received: a "
            "`LossScaleOptimizer` around it. Compile with `auto_scale_loss=False`, or use the policy 'mixed_bfloat16' "
            "or 'float32'."
        )


def refuse_surroundings(owner: str, model: keras.Model, accumulates: bool) -> None:
    """Refuse several replicas, and a loss over all batches of an execution that has one batch."""
    replicas = model.distribute_strategy.num_replicas_in_sync
    if replicas > 1:
        raise ValueError(
            f"`{owner}` runs on one device: its line search would go its own way on each. Received: a strategy of "
            f"{replicas} replicas. Build and compile the model outside the strategy."
        )
    if accumulates and model.steps_per_execution == 1:
        raise ValueError(
            "`accumulate_batches` takes the loss over all batches of an execution. Received: steps_per_execution=1. "
            "Pass `compile(steps_per_execution=...)` the number of batches in an epoch."
        )
