"""Greedy supervised pretraining."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import keras

from .. import _batches, _checks, _objects
from .._describe import section, short
from .._plot import GREY, axes_of, finished, line
from .._result import Result, Table
from .._sandbox import put_values, values_of, variables_of
from .._types import Data
from ..callbacks.base import say
from ..integration import keras_private
from ._chain import Chain, chain_of, transfer

Head: TypeAlias = Callable[[], keras.layers.Layer | list[keras.layers.Layer]]
"""Returns a new head."""


@dataclasses.dataclass(frozen=True, repr=False)
class Stage(Result):
    """One stage of `pretrain_greedily`.

    Args:
        name: `"stage 1"`, ..., `"fine-tuning"`.
        trained: Names of the hidden layers that were trained; the head always is.
        history: As `fit` returns it.
        seconds: How long it took.
    """

    name: str
    trained: tuple[str, ...]
    history: dict[str, list[float]]
    seconds: float

    @property
    def epochs(self) -> int:
        """How many epochs it had."""
        return len(self.history.get("loss", ()))

    def _headline(self) -> str:
        lasts = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items() if values)
        return f"{self.name}: {self.epochs} epochs in {self.seconds:.1f} s; {lasts}"


@dataclasses.dataclass(frozen=True, repr=False)
class Pretraining(Result):
    """The result of `pretrain_greedily`.

    Args:
        stages: The stages, fine-tuning last.
        transferred: Number of hidden layers that came from `source`.
    """

    stages: tuple[Stage, ...]
    transferred: int = 0

    def plot(self, ax: Any = None) -> Any:
        """Draw the losses of all stages, one behind another, with matplotlib; return the axes."""
        ax = axes_of(ax)
        for number, name in enumerate(self._losses):
            losses = [stage.history.get(name, [float("nan")] * stage.epochs) for stage in self.stages]
            values = [loss for of_stage in losses for loss in of_stage]
            ax.plot(range(1, len(values) + 1), values, label=name, **line(number))
        end = 0
        for stage in self.stages:
            ax.axvline(end + 0.5, color=GREY, linewidth=0.8)
            ax.annotate(stage.name, (end + 0.6, 1), xycoords=("data", "axes fraction"), va="top", fontsize="small")
            end += stage.epochs
        return finished(ax, "Greedy pretraining, stage by stage", "epoch, of all stages together", "loss", "losses")

    @property
    def _losses(self) -> list[str]:
        return [name for name in ("loss", "val_loss") if any(name in stage.history for stage in self.stages)]

    def _headline(self) -> str:
        given = f", {self.transferred} hidden layers from another network" if self.transferred else ""
        return f"{len(self.stages)} stages, {sum(s.epochs for s in self.stages)} epochs{given}."

    def _table(self) -> Table:
        rows = [
            (stage.name, stage.epochs, stage.seconds, *(stage.history.get(name, [None])[-1] for name in self._losses),
             ", ".join([*stage.trained, "head"]))
            for stage in self.stages
        ]  # fmt: skip
        return Table(("stage", "epochs", "time [s]", *self._losses, "trained layers"), rows)


@section("8.7.4")
def pretrain_greedily(
    model: keras.Model,
    x: Data,
    y: Data = None,
    *,
    epochs: int = 10,
    fine_tune_epochs: int = 10,
    head: Head | None = None,
    source: keras.Model | None = None,
    source_layers: int | None = None,
    verbose: str | int = "auto",
    **fit_arguments: Any,
) -> Pretraining:
    """Train the first hidden layer, then the second on top of it, ..., then all together (section 8.7.4).

    For i = 1, ..., m, with the hidden layers h_1, ..., h_m, each with what follows it up to the next (activations,
    normalization, pooling):

        theta_i, theta_head <- argmin J(y, head(h_i(h_{i-1}(... h_1(x)))))        a head of its own for each i

    and at the end all of theta by J(y, f(x)), f being the whole model: fine-tuning. The head of the last stage is that
    of the model; the earlier ones are discarded. Each stage is a shallow problem, where a deep network may not learn
    at all from a poor start. It is also how to transfer: with `source` the first layers are those of a trained model.

    The layers are trained in place, in the model as it was compiled: same loss, metrics, optimizer. Each stage has a
    new optimizer like the model's, which counts its steps from 0, as its schedule does. The layers of earlier stages
    stay as they are until fine-tuning; one that normalizes runs as in prediction there.

    If anything fails, or is interrupted, the model is restored. A `TensorBoard` among the callbacks writes a run for
    each stage.

    Args:
        model: A built and compiled `keras.Sequential`, or `keras.Model(inputs, outputs)`, that is a chain of layers.
        x: Inputs, as for `fit`.
        y: Targets, as for `fit`. Defaults to `None`, for a data set that holds them or a loss that needs none.
        epochs: Epochs of each stage. Defaults to `10`.
        fine_tune_epochs: Epochs of the whole model at the end; 0 for none. Defaults to `10`.
        head: Function that returns a new head, a layer or a list of them. Defaults to copies of the model's last layer
            with weights and of those after it, behind a `Flatten` if they take fewer axes.
        source: A trained model, a chain too, whose first hidden layers are copied and have no stage of their own.
            Defaults to `None`.
        source_layers: How many hidden layers are copied from `source`. Defaults to `None`: all that both models have.
        verbose: As for `fit`. Defaults to `"auto"`.
        **fit_arguments: For `fit`, in all stages: `batch_size`, `validation_data`, `sample_weight`, `callbacks`, ...

    Returns:
        A `Pretraining`. `print` it for a table of the stages.

    Raises:
        ValueError: If the model is not a chain or not compiled, if the output of a head has not the shape of the
            model's, or if the weights of `source` have other shapes.

    Example:
        >>> hidden = [keras.layers.Dense(8, "sigmoid") for _ in range(3)]
        >>> model = keras.Sequential([keras.Input((4,)), *hidden, keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.Momentum(0.1), "mse")
        >>> x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
        >>> report = keras_ch8.training.pretrain_greedily(
        ...     model, x, x[:, :1], epochs=2, fine_tune_epochs=3, verbose=0)
        >>> [(stage.name, len(stage.history["loss"])) for stage in report.stages]
        [('stage 1', 2), ('stage 2', 2), ('stage 3', 2), ('fine-tuning', 3)]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.4; Bengio et al. (2007), Greedy Layer-Wise
        Training of Deep Networks; Yosinski et al. (2014), How Transferable Are Features in Deep Neural Networks?
    """
    epochs = _checks.count("epochs", epochs, 1, meaning="the epochs of a stage", fix="Try 10.")
    fine_tune_epochs = _checks.count(
        "fine_tune_epochs", fine_tune_epochs, 0, meaning="the epochs of the whole model", fix="Try 10, or 0 for none."
    )
    if "initial_epoch" in fit_arguments:
        raise ValueError("Each stage begins at epoch 0. Received: initial_epoch. Leave it out.")
    if not isinstance(verbose, str) or verbose != "auto":
        _checks.verbose(verbose)
    if head is not None:
        _objects.function("head", head, returns="a layer or a list of layers")
    if source is not None:
        _objects.model(source, "source")
    if source_layers is not None:
        _checks.count(
            "source_layers", source_layers, 1, meaning="how many hidden layers to copy", fix="Try None, for all."
        )
    chain = chain_of(model)
    if not _batches.is_data_set(x):
        _objects.examples(x=x, y=y)
        _objects.targets(y, model)
    if not model.compiled:
        raise ValueError(
            f"The stages are compiled like the model. Received: {model.name!r}, which is not compiled. Compile it."
        )
    if not model.optimizer.built:
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)
    variables = variables_of(model)
    before = values_of(variables)
    flags = [flag for block in chain.blocks for link in block for flag in keras_private.flags_of(link.layer)]
    stages: list[Stage] = []

    def train(part: keras.Model, name: str, trained: list[str], length: int) -> None:
        if verbose:
            say(f"{name}: {', '.join([*trained, 'head'])}")
        start = time.monotonic()
        history = part.fit(x, y, epochs=length, verbose=verbose, **fit_arguments).history
        numbers = {key: [float(value) for value in values] for key, values in history.items()}
        stages.append(Stage(name, tuple(trained), numbers, time.monotonic() - start))

    try:
        count = 0 if source is None else transfer(chain, source, source_layers)
        for number in range(min(count + 1, len(chain.blocks)), len(chain.blocks) + 1):
            part = _up_to(model, chain, number, head)
            frozen = number - 1 if number > count else number
            for block in chain.blocks[:frozen]:
                for link in block:
                    link.layer.trainable = False
            _compile_like(part, model)
            train(part, f"stage {number}", chain.names[frozen:number], epochs)
            _restore_flags(flags)
        if fine_tune_epochs:
            train(model, "fine-tuning", chain.names, fine_tune_epochs)
    except BaseException:
        put_values(variables, before)
        raise
    finally:
        _restore_flags(flags)
    return Pretraining(tuple(stages), count)


def _up_to(model: keras.Model, chain: Chain, number: int, head: Head | None) -> keras.Model:
    """Return the model of a stage: the layers of the model up to a hidden one, and a head."""
    expected = model.outputs[0]
    if number == len(chain.blocks):
        return keras.Model(chain.input, expected)
    features = chain.blocks[number - 1][-1].output
    if head is not None:
        layers = keras.tree.flatten(_objects.made_by("head", head, keras.Layer, "a layer or a list of layers"))
    else:  # with the names of the originals, by which losses and metrics may be given
        layers = [type(link.layer).from_config(link.layer.get_config()) for link in chain.head]
        if len(features.shape) > len(chain.blocks[-1][-1].output.shape):
            layers = [keras.layers.Flatten(), *layers]
    output = features
    for layer in layers:
        output = layer(output)
    if tuple(output.shape) != tuple(expected.shape):
        raise ValueError(
            f"The output of the head of a stage must have the shape of the model's, {tuple(expected.shape)}. Received: "
            f"{tuple(output.shape)} on top of {short(chain.names[number - 1])}, whose output is "
            f"{tuple(features.shape)}. Pass `head`: a function that returns layers, such as `lambda: "
            "[GlobalAveragePooling2D(), Dense(10)]`."
        )
    return keras.Model(chain.input, output)


def _compile_like(part: keras.Model, model: keras.Model) -> None:
    """Compile the model of a stage as the whole one is, with a new optimizer like its."""
    with model.distribute_strategy.scope():
        new = type(model.optimizer).from_config(model.optimizer.get_config())
        part.compile(**keras_private.compile_arguments(model) | {"optimizer": new})


def _restore_flags(flags: list[tuple[keras.layers.Layer, bool]]) -> None:
    for part, trainable in flags:
        part.trainable = trainable
