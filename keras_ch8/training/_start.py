"""A model before its first step: what is wrong with its initial weights; compiled as another one was.

What each layer sums up is found in one pass through the model, which leaves it as it is.
"""

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from .. import _objects
from .._describe import section
from .._result import Result, Table
from .._types import Data, Tensor, Tree
from ..integration import keras_private, registry
from ..monitors.equal_units import copies as copies_of
from ..monitors.flow import LayerFlow, LayerFlowMonitor, gradient_through_depth, idle_units, scale_of_start
from ..monitors.probe import ProbeEvaluator
from ..verdicts.kinds import KINDS
from ..verdicts.verdict import LEVELS, Claim, Verdict

NORMALIZING = (layers.LayerNormalization, layers.GroupNormalization, layers.PReLU)
"""Layers whose matrices have no scale that could be chosen."""

GATED = (layers.SimpleRNNCell, layers.GRUCell, layers.LSTMCell)
"""Cells whose input goes through `kernel`."""


@dataclasses.dataclass(frozen=True)
class Summing:
    """A layer and its matrices; of a recurrent layer the one for its input, or none if that is not known."""

    layer: keras.layers.Layer
    matrices: tuple[keras.Variable, ...]

    def sums(self, call: Callable[..., Tree], inputs: Tensor, *args: Any, **kw: Any) -> Tensor | None:
        """Return the weighted sums of the layer, before its nonlinearity; None if they are not known."""
        if isinstance(self.layer, keras.layers.RNN):
            return ops.matmul(inputs, ops.cast(self.matrices[0], inputs.dtype)) if self.matrices else None
        with _without_activation(self.layer):
            return keras.tree.flatten(call(inputs, *args, **kw))[0]


def summing_layers(model: keras.Model) -> list[Summing]:
    """Return the layers of a model that have trainable matrices, in no particular order."""
    recurrent = [leaf for leaf in keras_private.leaves_of(model) if isinstance(leaf, keras.layers.RNN)]
    of_recurrent = {id(v) for layer in recurrent for v in layer.trainable_variables}
    rest = [v for v in model.trainable_variables if id(v) not in of_recurrent and len(v.shape) > 1]
    owners = keras_private.owners_in(model)
    matrices: dict[int, tuple[Any, list[Any]]] = {}
    for v in rest:
        owner = owners[id(v)]
        if not isinstance(owner, NORMALIZING):
            matrices.setdefault(id(owner), (owner, []))[1].append(v)
    found = [Summing(owner, tuple(own)) for owner, own in matrices.values()]
    for layer in recurrent:
        if layer.trainable_variables:
            known = isinstance(layer.cell, GATED) and layer.cell.kernel.trainable
            found.append(Summing(layer, (layer.cell.kernel,) if known else ()))
    return list({id(s.layer): s for s in found}.values())


def walk(
    model: keras.Model, found: list[Summing], x: Tree, visit: Callable[[Summing, Callable[[], Tensor]], None]
) -> None:
    """Call the model as in training, and `visit` each of its summing layers at its first call, before it goes on.

    `visit` receives a function that returns the sums of the layer, with the values that it has assigned to the matrices
    by then. All of this is undone at the end: weights, moving statistics and seeds are as they were.
    """
    met: set[int] = set()

    def call_of(summing: Summing, call: Callable[..., Tree], *args: Any, **kw: Any) -> Tree:
        if id(summing.layer) not in met:
            met.add(id(summing.layer))
            visit(summing, functools.partial(summing.sums, call, *args, **kw))
        return call(*args, **kw)

    with keras.StatelessScope(collect_losses=True), contextlib.ExitStack() as exits:
        for s in found:
            exits.enter_context(registry.replaced(s.layer, call=functools.partial(call_of, s, s.layer.call)))
        keras_private.call(model, x, training=True)


@contextlib.contextmanager
def _without_activation(layer: keras.layers.Layer) -> Iterator[None]:
    own = vars(layer)  # past Keras's `__setattr__`, which tracks activations that are layers
    activation = own.get("activation")
    if activation is not None:
        own["activation"] = keras.activations.linear
    try:
        yield
    finally:
        if activation is not None:
            own["activation"] = activation


# --- what is wrong with the initial weights --------------------------------------------------------------------------


NEGLIGIBLE = float(np.finfo("float32").eps)
"""A gradient of a layer up to this fraction of the largest of all layers is negligible."""


@dataclasses.dataclass(frozen=True, repr=False)
class InitializationCheck(Result):
    """The result of `check_initialization`, to print.

    Args:
        flow: Signal, gradient and idle units, by layer.
        copies: For each layer with weights the number of units that are copies of another: equal weights and equal
            gradients, so that no step tells them apart.
        verdicts: The conclusions, the most serious first.
    """

    flow: LayerFlow
    copies: dict[str, int]
    verdicts: tuple[Verdict, ...]

    def plot(self, ax: Any = None) -> Any:
        """Draw signal and gradient over the layers, with matplotlib; return the axes."""
        ax = self.flow.plot(ax)
        ax.set_title("Signal and gradient at the start")
        return ax

    def _headline(self) -> str:
        wrong = [v for v in self.verdicts if v.level != "ok"]
        said = [f"{v.level.upper()} {v.kind}, section {v.section}: {v.finding} {v.cure}" for v in wrong]
        return "\n".join(said) or "No problem found in the initial weights."

    def _table(self) -> Table:
        flow = self.flow.table()
        rows = [(*row, self.copies.get(name, 0)) for name, row in zip(self.flow.names, flow.rows, strict=True)]
        return Table((*flow.columns, "copies"), rows)


@section("8.4")
def check_initialization(model: keras.Model, x: Data, y: Data = None, **options: Any) -> InitializationCheck:
    """Report whether a network can learn from its initial weights (section 8.4).

    One forward and one backward pass on some examples, as in training, tell

        symmetry     units with equal weights and equal gradients, which no step tells apart; layers with equal weights
        idle units   ReLUs that give 0 for every example, and units on the flat ends of tanh or sigmoid
        signal       root mean square of the output of each layer: about 1 is best
        gradient     that of each layer: about the same for all is best; layers whose gradient is 0

    The model stays as it is; one that is not built is built by a call on the first example.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`; some hundred examples.
        y: Targets.
        **options: `sample_weight`, `loss` and `training`, as for `curvature.gradient`.

    Returns:
        An `InitializationCheck`, to print.

    Raises:
        ValueError: If the model is not compiled, or has no layer with weights.

    Example:
        >>> same = {"kernel_initializer": keras.initializers.Constant(0.5)}
        >>> parts = [keras.layers.Dense(4, "tanh", name="hidden", **same), keras.layers.Dense(1, name="out", **same)]
        >>> model = keras.Sequential([keras.Input((2,)), *parts])
        >>> model.compile(loss="mse")
        >>> audit = keras_ch8.training.check_initialization(model, np.eye(2), np.ones((2, 1)))
        >>> audit.copies, audit.verdicts[0].kind
        ({'hidden': 3, 'out': 0}, 'saddle')

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4; Glorot and Bengio (2010), Understanding the
        Difficulty of Training Deep Feedforward Neural Networks.
    """
    _objects.model(model)
    if not model.compiled and options.get("loss") is None:
        raise ValueError(
            f"`check_initialization` needs the gradient of the loss. Received: the model {model.name!r}, which is not "
            "compiled. Compile it, or pass `loss`."
        )
    probe = ProbeEvaluator(model, x, y, monitors=[LayerFlowMonitor()], **options)
    readings, objective = probe.evaluate(), probe.objective
    if "layer_flow" not in readings:
        raise ValueError(
            "`check_initialization` measures layers with weights or nonlinearities. Received: the model "
            f"{model.name!r}, which has none that it knows. It knows all that have a matrix but embeddings."
        )
    flat = objective.gradient(objective.theta())
    pieces = np.split(flat, objective.ends[1:-1])
    slopes = {id(v): piece.reshape(v.shape) for v, piece in zip(objective.variables, pieces, strict=True)}
    found = summing_layers(model)
    flow = readings["layer_flow"]
    copies = {s.layer.name: max((copies_of(v.numpy(), slopes[id(v)]) for v in s.matrices), default=0) for s in found}
    depth = gradient_through_depth(flow)
    claims = [*_symmetry(found, copies), *(depth or _unreached(found, slopes)), *idle_units(flow)]
    claims += scale_of_start([_without_still_output(flow)])
    verdicts = [
        Verdict(c.kind, c.level, c.finding, "" if c.level == "ok" else c.cure or KINDS[c.kind].cure,
                KINDS[c.kind].section, 0, code=c.code, then=c.then, expects=c.expects, then_code=c.then_code)
        for c in claims
    ]  # fmt: skip
    return InitializationCheck(flow, copies, tuple(sorted(verdicts, key=lambda v: -LEVELS.index(v.level))))


def _without_still_output(flow: LayerFlow) -> LayerFlow:
    """Leave out the last layer if its output is 0 for every input: that is a choice, not a loss of signal."""
    if len(flow.names) < 2 or not flow.is_output[-1] or flow.signal[-1] > 0:
        return flow
    columns = {f.name: getattr(flow, f.name) for f in dataclasses.fields(flow)}
    rest: dict[str, Any] = {k: v if v is None or isinstance(v, float) else v[:-1] for k, v in columns.items()}
    return LayerFlow(**rest)


def _symmetry(found: list[Summing], copies: dict[str, int]) -> Iterator[Claim]:
    cure = "Initialize the weights randomly, for example with `keras.initializers.GlorotUniform`."
    for s in found:
        if number := copies[s.layer.name]:
            units = s.matrices[0].shape[-1]
            finding = f"{number} of {units} units of {s.layer.name} are copies of another unit, so they learn the same."
            yield Claim("saddle", "act", finding, cure)
    cure = "Give each layer its own initializer, or use one of `initializers`, which you may share."
    for one, other in itertools.combinations(found, 2):
        if any(_same(a.numpy(), b.numpy()) for a in one.matrices for b in other.matrices if a.shape == b.shape):
            yield Claim("saddle", "watch", f"{one.layer.name} and {other.layer.name} start with the same matrix.", cure)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two matrices are equal, and not by design: neither constant nor an identity."""
    return bool((a == b).all()) and len(np.unique(np.asarray(a, "float64"))) > 2


def _unreached(found: list[Summing], slopes: dict[int, np.ndarray]) -> Iterator[Claim]:
    largest = {
        s.layer.name: max(np.abs(slopes[id(v)]).max(initial=0.0) for v in s.matrices) for s in found if s.matrices
    }
    limit = NEGLIGIBLE * max(largest.values(), default=0.0)
    if names := [name for name, slope in largest.items() if slope <= limit]:
        cure = "After these layers, look for weights near 0 and dead units; or the targets may be met already."
        yield Claim("vanishing", "watch", f"Almost no gradient reaches {', '.join(names)}.", cure)


# --- compiled as another one was -------------------------------------------------------------------------------------


@section("8.2")
def compile_as(model: keras.Model, other: keras.Model, **changes: Any) -> None:
    """Compile a model like another one, except for some arguments (section 8.2).

    Loss, metrics, weights of losses and all other arguments of `compile` are those of the other model, the objects
    themselves. So a model that has another layer, another loss or another optimizer still reports the metrics of yours.
    The optimizer is as it is now, with the learning rate that was set since; where it has been built for the weights of
    the other model, it is a new one with the same settings. The cures of verdicts use it.

    Args:
        model: The model to compile; it may be the other one itself.
        other: A compiled model.
        **changes: Arguments of `keras.Model.compile` that are to be different, such as `optimizer`.

    Raises:
        TypeError: If one of the two is no model.
        ValueError: If the other model is not compiled.

    Example:
        >>> first = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> first.compile("sgd", "mse", metrics=["mae"])
        >>> second = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8), keras.layers.Dense(1)])
        >>> keras_ch8.training.compile_as(second, first, optimizer="adam")
        >>> second.loss, type(second.optimizer).__name__
        ('mse', 'Adam')
        >>> sorted(second.evaluate(np.ones((4, 2)), np.ones((4, 1)), verbose=0, return_dict=True))
        ['loss', 'mae']

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """
    _objects.model(model)
    if not getattr(_objects.model(other, "other"), "compiled", False):
        raise ValueError(
            f"`other` must be compiled, so that its settings can be copied. Received: other={other.name!r}, which is "
            "not. Compile it, or `model` itself by `model.compile(optimizer, loss)`."
        )
    model.compile(**keras_private.compile_arguments(other) | {"optimizer": _optimizer_for(model, other)} | changes)


def _optimizer_for(model: keras.Model, other: keras.Model) -> Any:
    """Return the optimizer of the other model, or one with its settings where it was built for other weights."""
    optimizer = other.optimizer
    built_for = {id(v) for one in keras_private.optimizers_in(optimizer) for v in keras_private.known_variables(one)}
    if not built_for or built_for == {id(v) for v in model.trainable_variables}:
        return optimizer
    return type(optimizer).from_config(optimizer.get_config())
