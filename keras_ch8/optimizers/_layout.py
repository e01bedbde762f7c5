"""How the variables of a model are laid out for the update.

A graph pays about 2 us for every operation and 10 us for every compiled program, however small the tensor. So small
variables share a tile: their gradients are laid end to end, their state is one vector for each of the rule's names, and
one compiled program updates the tile. A tile that is the only one is as long as what it holds; several have one of ten
lengths, so at most ten programs serve them all. A variable of more than half a tile has a vector for itself: nothing is
copied together. A large variable, and one of a narrow type, is updated in place.

All this is for elementwise rules. Of any other rule, each variable is updated in place, alone and in its own shape.
"""

import math
import warnings
from collections.abc import Callable, Collection, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import ops

from .. import _numerics
from .._types import Tensor
from ..integration import backend

Store = MutableMapping[str, np.ndarray]
"""What Keras hands over to be filled or read: arrays by name."""

TILE = 40_960
"""Entries of a full tile: four float32 vectors of it stay in a core's cache, and XLA does not split it over threads."""

STEP = 4_096
"""Where there are several shared tiles, each is filled up to a multiple of this."""


@dataclass
class Block:
    """Variables that are updated together as a vector of `length` entries, or one on its own in place (None)."""

    dtype: str
    device: str
    length: int | None = None
    parts: dict[int, tuple[slice, tuple[int, ...]]] = field(default_factory=dict)
    """Of each variable, by its place among all, where it lies in the flattened state, and its shape."""
    used: int = 0
    """Entries that belong to a variable."""
    state: dict[str, keras.Variable] = field(default_factory=dict)

    def add(self, index: int, shape: tuple[int, ...]) -> "Block":
        """Append one variable."""
        start, self.used = self.used, self.used + math.prod(shape)
        self.parts[index] = slice(start, self.used), shape
        return self

    def gather(self, gs: Sequence[Tensor | None]) -> Tensor:
        """Return the gradient of the block: of a tile, laid end to end, with 0 where a variable has none (None)."""
        if self.length is None:
            return gs[0]
        dense = [
            ops.zeros(shape, self.dtype) if g is None else backend.densify(g, shape)
            for g, (_, shape) in zip(gs, self.parts.values(), strict=True)
        ]
        return backend.join(dense, self.length)


class Layout:
    """The blocks of one optimizer, and its state seen variable by variable."""

    def __init__(self, variables: dict[int, tuple[tuple[int, ...], str, str]], elementwise: bool = True) -> None:
        """Lay out variables given as {index: (shape, dtype, device)}, each into the first tile that has room.

        With a rule that is not `elementwise`, each variable is updated alone, whatever its size.
        """
        self.blocks: list[Block] = []
        shared: list[Block] = []
        for index, (shape, dtype, device) in variables.items():
            size = math.prod(shape)
            if not elementwise or size > TILE or _numerics.is_narrow(dtype):
                self.blocks.append(Block(dtype, device).add(index, shape))
            elif size > TILE // 2:
                self.blocks.append(Block(dtype, device, size).add(index, shape))
            else:
                like = (tile for tile in shared if (tile.dtype, tile.device) == (dtype, device))
                tile = next((tile for tile in like if tile.used + size <= TILE), None) or Block(dtype, device)
                tile.add(index, shape)
                if len(tile.parts) == 1:
                    shared.append(tile)
        for tile in shared:
            tile.length = max(1, tile.used if len(shared) == 1 else -(-tile.used // STEP) * STEP)
        self.blocks += shared
        self.block_of = {index: block for block in self.blocks for index in block.parts}

    def blocks_with(self, indices: Collection[int]) -> list[Block]:
        """Return the blocks that hold at least one of these variables."""
        return [block for block in self.blocks if any(index in indices for index in block.parts)]

    def create_state(self, names: Sequence[str], labels: dict[int, str], create: Callable[..., keras.Variable]) -> None:
        """Make the state by `create(shape, dtype=..., name=...)`; a narrow one has a residual (see _numerics.widen)."""
        for number, block in enumerate(self.blocks):
            first, (_, shape) = next(iter(block.parts.items()))
            shape = shape if block.length is None else (block.length,)
            label = labels[first] if len(block.parts) == 1 else f"tile_{number}"
            own = [*names, "residual"] if _numerics.is_narrow(block.dtype) else names
            for name in own:
                with backend.on(block.device):
                    dtype = _numerics.working_dtype(block.dtype)
                    block.state[name] = create(shape, dtype=dtype, name=f"{label}_{name}")

    def variables(self) -> list[keras.Variable]:
        """Return all state variables."""
        return [variable for block in self.blocks for variable in block.state.values()]

    def state_of(self, index: int) -> dict[str, np.ndarray]:
        """Return the state of one variable by name, in the variable's shape; {} if it has none."""
        if index not in self.block_of:
            return {}
        block = self.block_of[index]
        part, shape = block.parts[index]
        return {name: s.numpy().reshape(-1)[part].reshape(shape) for name, s in block.state.items()}

    def value_of(self, index: int, variable: keras.Variable) -> np.ndarray:
        """Return the value of variable `index`; of a narrow one in float32, with what rounding has dropped."""
        value, residual = backend.native(variable).numpy(), self.state_of(index).get("residual")
        return value if residual is None else np.asarray(_numerics.widen(value, residual, backend.dtype_of(variable)))

    def place(self, index: int, variable: keras.Variable, value: Tensor) -> None:
        """Set variable `index` to a value in the working dtype; what a narrow one drops of it becomes its residual."""
        block = self.block_of[index]
        if "residual" in block.state:
            value, residual = _numerics.narrow(value, block.dtype)
            block.state["residual"].assign(residual)
        backend.native(variable).assign(value)

    def slots(self) -> Iterator[tuple[str, keras.Variable, slice, tuple[int, ...]]]:
        """Yield (name, variable, part of it, shape) weight by weight, name by name: the order of Keras's files."""
        for index in sorted(self.block_of):
            block = self.block_of[index]
            part, shape = block.parts[index]
            for name, variable in block.state.items():
                yield name, variable, part, shape

    def export(self) -> list[np.ndarray]:
        """Return the state in the order of `slots`, each in the shape of its weight, whatever the tiles."""
        values = {id(v): v.numpy().reshape(-1) for v in self.variables()}
        return [values[id(variable)][part].reshape(shape) for _, variable, part, shape in self.slots()]

    def restore(self, values: Sequence[np.ndarray]) -> None:
        """Take back what `export` returned."""
        new = {id(v): np.zeros(v.shape, v.dtype) for v in self.variables()}
        for (_, variable, part, _), value in zip(self.slots(), values, strict=True):
            new[id(variable)].reshape(-1)[part] = value.reshape(-1)
        for variable in self.variables():
            variable.assign(new[id(variable)])


# --- in a file: plain variables, then the state of each weight in the weight's own shape -----------------------------


def save(store: Store, plain: list[keras.Variable], layout: Layout) -> None:
    """Write under "0", "1", ... as Keras does."""
    for i, value in enumerate([*(v.numpy() for v in plain), *layout.export()]):
        store[str(i)] = value


def load(
    store: Store,
    plain: list[keras.Variable],
    layout: Layout,
    *,
    into: keras.optimizers.Optimizer,
    of_keras: int | None = None,
) -> None:
    """Read what `save` or Keras's optimizer wrote; everything is checked before anything is assigned.

    The first `of_keras` plain variables (None: all) are those of Keras. Its files lack what only the suite keeps: the
    count of skipped steps, the memory of a clipping rule, what rounding has dropped. All of these start at 0.
    """
    shapes = [*(tuple(v.shape) for v in plain), *(shape for *_, shape in layout.slots())]
    ours = [i >= (of_keras or len(plain)) for i in range(len(plain))] + [n == "residual" for n, *_ in layout.slots()]
    found = len(store.keys())
    if found == len(shapes):
        ours = [False] * found
    elif found != ours.count(False):
        warnings.warn(
            f"Skipping the state of optimizer {into.name!r}: it expects {len(shapes)} arrays and the file has {found}. "
            f"{_fix(into)}",
            stacklevel=3,
        )
        return
    values = _read(store, shapes, ours, into)
    for variable, value in zip(plain, values, strict=False):
        variable.assign(value)
    layout.restore(values[len(plain) :])


def _read(
    store: Store, shapes: list[tuple[int, ...]], missing: list[bool], into: keras.optimizers.Optimizer
) -> list[np.ndarray]:
    """Return an array of each shape: the next of the file, or zeros where it is missing there."""
    values, read = [], 0
    for shape, is_missing in zip(shapes, missing, strict=True):
        if is_missing:
            values.append(np.zeros(shape, "float32"))
            continue
        value = np.asarray(store[str(read)])
        if value.shape != shape:
            raise ValueError(
                f"Array {read} of the saved state of optimizer {into.name!r} has shape {value.shape}, and {shape} was "
                f"expected. Nothing was loaded. {_fix(into)}"
            )
        values.append(value)
        read += 1
    return values


def _fix(into: keras.optimizers.Optimizer) -> str:
    if not into.built:
        return "It has no state yet: call `model.optimizer.build(model.trainable_variables)`, then load."
    cls = type(into).__name__
    twin = f" or of Keras's `{found}`" if (found := getattr(into, "twin_in_keras", "")) else ""
    return (
        f"Load a file of `{cls}`{twin} that was made for the same variables, with the same arguments (`use_ema`, "
        "`gradient_accumulation_steps`, a number or a schedule as `learning_rate`), or build this one so."
    )
