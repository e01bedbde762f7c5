"""Block coordinate descent."""

import numbers
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, final

import keras
from keras import ops

from .. import _checks, _numerics, _objects
from .._describe import short
from .._registration import registered
from .._types import Config, Tensor
from ..integration import backend, keras_private
from . import _arguments, _layout
from ._layout import Layout, Store
from .closure import ClosureOptimizer

Blocks = tuple[tuple[str | int, ...], ...]
"""For each block, patterns that are searched in the paths of variables, and places among the trainable variables."""
Part: TypeAlias = int | str | keras.Variable | keras.layers.Layer | Sequence[Any]
"""What a user may say of a block: a place, a pattern, a variable, a layer, or a list of these."""


@final
@registered
class BlockCoordinateDescent(_arguments.FixedOnceBuilt, keras_private.Optimizer):
    """Move one block of variables at a time, all others held where they are (section 8.7.2).

    At every step, with theta_b the variables of block b, and u the steps that were made before:

        b       <- floor(u / steps_per_block) mod n          one block after the other
        theta_b <- one step of the optimizer of block b, given g_b

    It helps where the blocks hardly influence each other, or each alone is easy: in sparse coding, the cost is convex
    in the code and in the dictionary, and not in both. Where the best value of one variable depends strongly on another
    it is slow: for f = (x_1 - x_2)^2 + a (x_1^2 + x_2^2), a sweep of exact minimizations over x_1 and x_2 leaves the
    fraction (1 + a)^-2 of both, where Newton's method is done after one step.

    Each block has an optimizer of its own, with the arguments of `inner`: what it remembers, and the count of steps in
    its formulae (t in Adam), stand still while another block moves. Its clipping acts on the gradient of the block, and
    weight decay, moving averages and gradient accumulation (a step is an update) are the block's too. Learning rate and
    `iterations` are shared, so a schedule counts the steps of all blocks. Only the block in turn is updated, but Keras
    computes the gradient of all of them, so a step costs about what one of `inner` does.

    State: that of the blocks' optimizers, in `inners`; and `block`, the one that moved last. Once built, `blocks` has
    the places of the variables, which a file keeps: Keras drops names of outer models from the paths when it loads.

    Differs from `keras.optimizers.MultiOptimizer`: that moves all variables at every step, each group with its own
    optimizer; here they take turns.

    With `callbacks.TensorBoard`, `step/block` shows which block moves, and `step/block_gradient_norm_<number>`
    the norm of the gradient of each block, whichever moves.

    Args:
        inner: A new first-order optimizer, of the suite or of Keras, or the name of one.
        blocks: List with an entry for each block: a regular expression, which is searched in the path of a variable, a
            variable, its place in `model.trainable_variables`, a layer, or a list of these. A variable belongs to the
            first block that fits, so a last block `".*"` takes all that are left.
        steps_per_block: Integer of at least 1: steps in a turn of a block. Defaults to `1`.
        name: As in `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If an argument lies outside its range, a variable is in no block or a block has no variable, or
            `inner` needs more than a gradient, as those of section 8.6 do.

    Example:
        >>> x_1, x_2 = keras.Variable(1.0, name="x_1"), keras.Variable(1.0, name="x_2")
        >>> exact = keras_ch8.optimizers.SGD(learning_rate=1 / 4)  # 1 / (2 (1 + a)), the minimum over one, for a = 1
        >>> optimizer = keras_ch8.optimizers.BlockCoordinateDescent(exact, blocks=["x_1", "x_2"])
        >>> for step in range(4):
        ...     apart = 2 * (x_1 - x_2)
        ...     optimizer.apply([apart + 2 * x_1, -apart + 2 * x_2], [x_1, x_2])
        ...     print(float(x_1), float(x_2))
        0.5 1.0
        0.5 0.25
        0.125 0.25
        0.125 0.0625

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.2.
    """

    section = "8.7.2"
    compiled = ("blocks", "steps_per_block")

    gradient_accumulation_steps: int | None

    def __init__(
        self,
        inner: keras.optimizers.Optimizer | str,
        blocks: Sequence[Part],
        steps_per_block: int = 1,
        name: str | None = None,
    ) -> None:
        _checks.keras_3(inner)
        inner = _first_order(_objects.of_keras("inner", inner, "optimizer"))
        rate = keras_private.rate_of(inner)
        super().__init__(
            learning_rate=float(rate.numpy()) if isinstance(rate, keras.Variable) else rate,
            loss_scale_factor=inner.loss_scale_factor,
            gradient_accumulation_steps=inner.gradient_accumulation_steps,
            name=_checks.label(name),
        )
        self.blocks: Blocks = blocks_of(blocks)
        self.steps_per_block = _checks.count(
            "steps_per_block", steps_per_block, 1, meaning="the steps in a turn of a block", fix="Try 1."
        )
        self._recipe = types.MappingProxyType(keras.saving.serialize_keras_object(inner))
        self.inners = [self._like(inner, number) for number in range(len(self.blocks))]
        self._block_of: list[int] = []
        self._block: keras.Variable | None = None

    def _like(self, inner: keras.optimizers.Optimizer, number: int) -> keras.optimizers.Optimizer:
        """Return an optimizer for one block, whose rate is the shared one."""
        config = inner.get_config() | {"learning_rate": 1.0, "name": f"{inner.name}_{number}"}
        optimizer = type(inner).from_config(config)
        optimizer.learning_rate = lambda: self.learning_rate
        return optimizer

    # --- state ---------------------------------------------------------------------------------------------------

    def build(self, variables: list[keras.Variable]) -> None:
        """Say which variables are in which block, and create the state of each block."""
        if self.built:
            return
        self._block_of = split(self.blocks, [getattr(v, "path", v.name) for v in variables])
        places = [[p for p, of in enumerate(self._block_of) if of == number] for number in range(len(self.blocks))]
        self.blocks = tuple(map(tuple, places))  # paths change when Keras loads a model, places do not
        accumulated, self.gradient_accumulation_steps = self.gradient_accumulation_steps, None
        super().build(variables)  # without sums: each block has its own
        self.gradient_accumulation_steps = accumulated
        self._block = self.add_variable((), dtype="int32", name="block")
        for inner, own in zip(self.inners, places, strict=True):
            inner.loss_scale_factor = self.loss_scale_factor
            inner.build([variables[place] for place in own])

    @property
    def variables(self) -> list[keras.Variable]:
        """The counters, then the state of each block."""
        return [*super().variables, *(v for inner in getattr(self, "inners", ()) for v in inner.variables)]

    @property
    def block(self) -> int:
        """Which block moved last, counted from 0; 0 before the first step."""
        return 0 if self._block is None else int(self._block.numpy())

    def save_own_variables(self, store: Store) -> None:
        """Save the counters; Keras saves what is in `inners` besides."""
        _layout.save(store, super().variables, Layout({}))

    def load_own_variables(self, store: Store) -> None:
        """Load what `save_own_variables` saved."""
        _layout.load(store, super().variables, Layout({}), into=self)

    def exclude_from_weight_decay(
        self, var_list: list[keras.Variable] | None = None, var_names: list[str] | None = None
    ) -> None:
        """Exclude variables from the weight decay of their block."""
        for inner in self.inners:
            inner.exclude_from_weight_decay(var_list=var_list, var_names=var_names)

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """End of `fit`: each block may put its averages into the model."""
        del var_list
        for inner in self.inners:
            if inner.built:
                inner.finalize_variable_values(keras_private.known_variables(inner))

    # --- the step ------------------------------------------------------------------------------------------------

    def apply(self, grads: list[Tensor], trainable_variables: list[keras.Variable] | None = None) -> None:
        """Take one step of the block in turn."""
        grads = list(grads)
        if not grads:
            return
        variables = self.known_variables if trainable_variables is None else list(trainable_variables)
        self.build(variables)
        parts: list[tuple[list[Tensor], list[keras.Variable]]] = [([], []) for _ in self.inners]
        for g, variable in zip(grads, variables, strict=True):
            of_block = parts[self._block_of[self._index_of(variable)]]
            of_block[0].append(g)
            of_block[1].append(variable)
        with backend.start_after(grads):
            turn = backend.as_tensor(self.iterations) // self.steps_per_block
            block = ops.cast(turn % len(self.inners), "int32")
            backend.write([self._block], [block])
            steps = [_step_of(inner, vs) for inner, (_, vs) in zip(self.inners, parts, strict=True)]
            backend.switch(block, steps, [gs for gs, _ in parts])
            self.micro_steps.assign_add(1)

    # --- what a callback that observes gets of each step -----------------------------------------------------------

    @property
    def step_numbers(self) -> tuple[str, ...]:
        """Names of what `report_step` returns: the block that moved, and the norm of the gradient of each block."""
        return ("block", *(f"block_gradient_norm_{number}" for number in range(len(self.inners))))

    def report_step(self, halves: Mapping[int, Tensor]) -> list[Tensor]:
        """Return the numbers of the step that was just made.

        Args:
            halves: Half the sum of squares of the gradient of each variable that has one, by its place.
        """
        of_blocks: list[list[Tensor]] = [[] for _ in self.inners]
        for place, half in halves.items():
            of_blocks[self._block_of[place]].append(half)
        nothing = ops.full((), float("nan"), "float32")
        norms = [ops.sqrt(2 * _numerics.half_of_all(of_one)) if of_one else nothing for of_one in of_blocks]
        return [backend.as_tensor(self._block), *norms]

    def _index_of(self, variable: keras.Variable) -> int:
        try:
            return self.index_of(variable)
        except KeyError:
            raise ValueError(
                f"Optimizer {self.name!r} has no block for {getattr(variable, 'path', variable.name)!r}: it was built "
                f"on {[v.path for v in self.known_variables]}. Compile the model with a new optimizer."
            ) from None

    # --- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> Config:
        """Return the arguments that make this optimizer again."""
        base = super().get_config()
        inner = {**self._recipe, "config": {**self._recipe["config"], "learning_rate": base["learning_rate"]}}
        return {
            "name": self.name,
            "inner": inner,
            "blocks": [list(block) for block in self.blocks],
            "steps_per_block": self.steps_per_block,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> "BlockCoordinateDescent":
        """Make the optimizer that `get_config` describes."""
        inner = keras.saving.deserialize_keras_object(config["inner"], custom_objects=custom_objects)
        return cls(**config | {"inner": inner})


def _first_order(inner: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return an optimizer that can be given the gradient of a block; else raise ValueError."""
    if isinstance(inner, ClosureOptimizer):
        raise ValueError(
            "`inner` must be a first-order optimizer, because it gets the gradient of a single block. Received: "
            f"`{type(inner).__name__}`, which evaluates the loss several times for all weights together. Use `Adam()`, "
            "or go block by block: set `trainable=False` on the layers of all others, compile with it, and fit."
        )
    if isinstance(inner, BlockCoordinateDescent) or keras_private.optimizers_in(inner) != [inner]:
        raise ValueError(
            f"`inner` must be an optimizer that updates weights itself. Received: `{type(inner).__name__}`, which "
            "wraps other optimizers. Pass one of those; Keras scales the loss around all of them."
        )
    if getattr(inner, "groups", ()):
        raise ValueError(
            "Each block has an optimizer of its own with the rate of all, so `inner` must have no `groups`. Received: "
            f"groups={short(inner.groups)}. Remove them, or train all blocks together with `inner` alone."
        )
    if inner.built:
        raise ValueError(
            f"Each block begins with an optimizer like `inner`, so it must be a new one. Received: {inner.name!r}, "
            f"which has trained {len(keras_private.known_variables(inner))} variables. Create another."
        )
    return inner


def _step_of(inner: keras.optimizers.Optimizer, variables: list[keras.Variable]) -> Callable[[list[Tensor]], None]:
    return lambda grads: inner.apply(grads, variables) if any(g is not None for g in grads) else None


# --- which variables make up a block ---------------------------------------------------------------------------------


_MEND = 'Try blocks=["encoder", "decoder"], or blocks=[model.layers[:2], model.layers[2:]].'


def blocks_of(given: Sequence[Part]) -> Blocks:
    """Return blocks that are given by patterns, places, variables and layers, or lists of them."""
    if isinstance(given, str | bytes) or not isinstance(given, Sequence) or not len(given):
        raise ValueError(
            "`blocks` says which variables move together, so it must be a list with an entry for each block: a regular "
            "expression for paths of variables, a variable, its place among the trainable ones, a layer, or a list of "
            f"these. Received: {short(given)}. {_MEND}"
        )
    lists = [entry if isinstance(entry, list | tuple) else [entry] for entry in given]
    blocks = tuple(tuple(word for part in parts for word in _words(part)) for parts in lists)
    for number, block in enumerate(blocks):
        if not block:
            raise ValueError(f"Each block must contain variables. Received: block {number} is an empty list. {_MEND}")
    return blocks


def _words(part: Part) -> Iterator[str | int]:
    if isinstance(part, numbers.Integral) and not isinstance(part, bool):
        yield int(part)
    elif isinstance(part, str):
        try:
            re.compile(part)
        except re.error as error:
            raise ValueError(
                "A text in `blocks` is a regular expression that is searched in the paths of variables. Received: "
                f"{short(part)}, which is none: {error}. Pass the variable itself, or `re.escape` the text."
            ) from None
        yield part
    elif isinstance(part, keras.Layer):
        if not (weights := _objects.trained(part)):
            raise ValueError(
                f"A layer in `blocks` stands for its trainable variables. Received: layer {part.name!r}, which has "
                f"none yet. Build the model first, or pass a pattern such as {part.name + '/'!r}."
            )
        for variable in weights:
            yield from _words(variable)
    elif isinstance(part, keras.Variable):
        yield f"^{re.escape(part.path)}$"
    else:
        raise ValueError(
            "What is in a block must be a regular expression, a variable, its place, or a layer. Received: "
            f"{short(part)} of type {type(part).__name__}. {_MEND}"
        )


def split(blocks: Blocks, paths: Sequence[str]) -> list[int]:
    """Return the block of each variable: the first that fits its path or place. No block is without a variable."""
    found = [
        next((number for number, block in enumerate(blocks) if _fits(block, path, place)), None)
        for place, path in enumerate(paths)
    ]
    for path, number in zip(paths, found, strict=True):
        if number is None:
            raise ValueError(
                f"Every trainable variable must be in one of `blocks`, or it would never move. Received: {path!r}, for "
                f'which none of {_shown(blocks)} fits. Add one for it; a last block ".*" takes all that are left.'
            )
    for number, block in enumerate(blocks):
        if number not in found:
            raise ValueError(
                f"Each block must contain variables. Received: block {number}, {list(block)}, which is the first that "
                f"matches none of {list(paths)}. Remove it, fix its pattern, or move it before the others."
            )
    return [number for number in found if number is not None]


def _fits(block: tuple[str | int, ...], path: str, place: int) -> bool:
    return any(re.search(word, path) if isinstance(word, str) else word == place for word in block)


def _shown(blocks: Blocks) -> str:
    return str([block[0] if len(block) == 1 else list(block) for block in blocks])
