"""What is wrong with the initial weights of a network, before any step."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from .. import _objects
from .._describe import section
from .._result import Result, Table
from .._types import Data
from ..monitors.flow import LayerFlow, LayerFlowMonitor, gradient_through_depth, idle_units, scale_of_start
from ..monitors.probe import ProbeEvaluator
from ..monitors.start import copies as copies_of
from ..verdicts.kinds import KINDS
from ..verdicts.verdict import LEVELS, Claim, Verdict
from ._sums import Summing, summing_layers

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
        return "\n".join(said) or "Nothing is wrong with this start."

    def _table(self) -> Table:
        flow = self.flow.table()
        rows = [(*row, self.copies.get(name, 0)) for name, row in zip(self.flow.names, flow.rows, strict=True)]
        return Table((*flow.columns, "copies"), rows)


@section("8.4")
def check_initialization(model: keras.Model, x: Data, y: Data = None, **options: Any) -> InitializationCheck:
    """Report in words whether a network can learn from its initial weights (section 8.4).

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
            f"`check_initialization` needs the gradient of the loss. Received: the model {model.name!r}, which is "
            "not compiled. Compile it, or give `loss`."
        )
    probe = ProbeEvaluator(model, x, y, monitors=[LayerFlowMonitor()], **options)
    readings, objective = probe.evaluate(), probe.objective
    for error in probe.failed.values():
        raise error
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
                KINDS[c.kind].section, 0, code=c.code, then=c.then, expects=c.expects)
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
    cure = "Start with random weights, such as `keras.initializers.GlorotUniform`."
    for s in found:
        if number := copies[s.layer.name]:
            units = s.matrices[0].shape[-1]
            finding = (
                f"In {s.layer.name} {number} of {units} units are copies of another, and no step tells them apart."
            )
            yield Claim("saddle", "act", finding, cure)
    cure = "Give each an initializer of its own, or one of `initializers`, which may be shared."
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
        cure = (
            "Look for small weights, or weights of 0, after them, for dead units, and for targets that are met already."
        )
        yield Claim("vanishing", "watch", f"No gradient to speak of comes back to {', '.join(names)}.", cure)
