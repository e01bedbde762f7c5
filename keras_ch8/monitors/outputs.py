"""What a model was compiled with for each of its outputs: the loss, its weight and the metrics, and which data are its.

As Keras pairs them: by name or by place; a loss that stands alone is that of every output.
"""

import contextlib
import dataclasses
import numbers
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._types import Data, Tensor
from ..integration import keras_private
from ..verdicts.facts import Output
from .model_end import is_of_keras

LOSSES = {
    keras.losses.BinaryCrossentropy: "binary_crossentropy",
    keras.losses.CategoricalCrossentropy: "categorical_crossentropy",
    keras.losses.SparseCategoricalCrossentropy: "sparse_categorical_crossentropy",
    keras.losses.BinaryFocalCrossentropy: "binary_focal_crossentropy",
    keras.losses.CategoricalFocalCrossentropy: "categorical_focal_crossentropy",
    keras.losses.MeanSquaredError: "mean_squared_error",
    keras.losses.MeanAbsoluteError: "mean_absolute_error",
    keras.losses.Huber: "huber",
    keras.losses.LogCosh: "log_cosh",
    keras.losses.MeanSquaredLogarithmicError: "mean_squared_logarithmic_error",
    keras.losses.MeanAbsolutePercentageError: "mean_absolute_percentage_error",
    keras.losses.Poisson: "poisson",
    keras.losses.KLDivergence: "kl_divergence",
    keras.losses.CosineSimilarity: "cosine_similarity",
    keras.losses.CategoricalHinge: "categorical_hinge",
    keras.losses.Hinge: "hinge",
    keras.losses.SquaredHinge: "squared_hinge",
}
"""Losses that checks know, by their classes; the functions have the names on the right."""


@dataclasses.dataclass(frozen=True)
class Head:
    """One output of a model, as it was compiled.

    Args:
        output: What the settings say of it; the layer that gives it is seen in a pass.
        loss: What `compile` was given for it; None of a model that computes its loss itself.
        names: The names of all outputs; () where there is one.
        with_loss: Those of them that have a loss.
    """

    output: Output = dataclasses.field(default_factory=Output)
    loss: Any = None
    names: tuple[str, ...] = ()
    with_loss: tuple[str, ...] = ()

    @property
    def place(self) -> int:
        """Its place among all outputs."""
        return self.names.index(self.output.name) if self.names else 0

    def part_of(self, data: Data) -> Data:
        """Return what of some targets belongs to it; None where that is not known."""
        if not self.names:
            return data
        name = self.output.name
        if isinstance(data, dict):
            return data.get(name)
        for names in (self.names, self.with_loss):
            if isinstance(data, list | tuple) and len(data) == len(names):
                return data[names.index(name)]
        return None

    def losses_of(self, y: Data, given: Data) -> Tensor:
        """Return the loss of each example, by the only targets and what the model has given."""
        (y,), given = keras.tree.flatten(y), keras.tree.flatten(given)[self.place]
        loss = keras.losses.get(self.loss)
        given = ops.expand_dims(given, -1) if len(given.shape) == 1 else given
        if len(y.shape) == len(given.shape) - 1 and given.shape[-1] == 1:
            y = ops.expand_dims(y, -1)
        if self.output.loss != "sparse_categorical_crossentropy":
            y = ops.cast(y, given.dtype)
        each = ops.cast(getattr(loss, "call", loss)(y, given), "float32")
        return self.output.share * ops.mean(ops.reshape(each, (ops.shape(each)[0], -1)), axis=1)

    def weights_of(self, weights: Data) -> Data:
        """Return what of some weights is for it: those that stand alone are for all."""
        return self.part_of(weights) if keras.tree.is_nested(weights) else weights


def heads_of(model: keras.Model, given: Data = None, loss: Any = None) -> list[Head]:
    """Return the outputs of a model that have a loss.

    Args:
        model: A model.
        given: What it has given. Defaults to `None`: the outputs that its graph has.
        loss: The loss of its only output in place of the one that is compiled. Defaults to `None`: that one.
    """
    given = getattr(model, "outputs", None) if given is None else given
    names = _names_of(model, given)
    if loss is not None:
        return [Head(dataclasses.replace(_loss_of(loss), compiled_by=""), loss)] if len(names) <= 1 else []
    if not model.compiled or keras_private.has_own_loss(model):
        return [Head()] if len(names) <= 1 else []
    arguments = keras_private.compile_arguments(model)
    if len(names) <= 1:
        return _only_head(arguments)
    losses = _of_each(names, arguments.get("loss"), is_shared=True)
    shares = _of_each(names, arguments.get("loss_weights"))
    metrics, weighted = (_of_each(names, arguments.get(of)) for of in ("metrics", "weighted_metrics"))
    with_loss = tuple(name for name, loss in zip(names, losses, strict=True) if loss is not None)
    heads = []
    for place, (name, loss, share) in enumerate(zip(names, losses, shares, strict=True)):
        if loss is not None:
            output = dataclasses.replace(
                _loss_of(loss),
                metrics=_metrics(metrics[place]),
                weighted_metrics=_metrics(weighted[place]),
                name=name,
                share=1.0 if share is None else float(share),
                compiled_by=_compiled_by(arguments.get("loss"), name, place),
            )
            heads.append(Head(output, loss, names, with_loss))
    return heads


def without_loss(model: keras.Model) -> list[keras.Variable]:
    """Return the weights of a model that lead to no loss.

    They lead to outputs without one, or to what a model inside gives and nobody takes, such as the summary of a text
    beside its words.
    """
    heads, outputs = heads_of(model), keras.tree.flatten(getattr(model, "outputs", None) or [])
    if not outputs:
        return []
    names = heads[0].names if heads else ()
    tensors = [outputs[head.place] for head in heads] if names and len(names) == len(outputs) else [*outputs]
    met, used = set[int](), set[int]()
    while tensors:
        if id(tensor := tensors.pop()) not in met:
            met.add(id(tensor))
            operation, inputs = keras_private.source_of(tensor)
            within = keras_private.inside(tensor)
            used |= set() if within else {id(v) for v in getattr(operation, "variables", ())}
            tensors += [*inputs, *within]
    return [v for v in model.trainable_variables if id(v) not in used]


def _only_head(arguments: dict[str, Any]) -> list[Head]:
    """Return the only output by the arguments of `compile`, if it has one loss."""
    losses, shares = (keras.tree.flatten(arguments.get(of)) for of in ("loss", "loss_weights"))
    metrics, weighted = (_metrics(arguments.get(of)) for of in ("metrics", "weighted_metrics"))
    is_one = len(losses) == 1 and losses[0] is not None and len(shares) == 1
    output = _loss_of(losses[0]) if is_one else Output()
    is_share = is_one and isinstance(shares[0], numbers.Real)  # in the third place some users give metrics
    share = float(shares[0]) if is_share else 1.0
    output = dataclasses.replace(output, metrics=metrics, weighted_metrics=weighted, share=share)
    return [Head(output, losses[0] if is_one else None)]


def _names_of(model: keras.Model, given: Data) -> tuple[str, ...]:
    """Return the names of the outputs, as losses are named for them."""
    count = len(keras.tree.flatten(given))
    if isinstance(given, dict) and len(given) == count:
        return tuple(map(str, sorted(given)))
    names = tuple(getattr(model, "output_names", None) or ())
    is_named = len(set(names)) == len(names) == count
    return names if is_named else tuple(f"output {place}" for place in range(count))


def _of_each(names: Sequence[str], given: Any, is_shared: bool = False) -> list[Any]:
    """Return what of an argument of `compile` is for each output; None where nothing is, or it is not known.

    Args:
        names: The names of the outputs.
        given: The argument.
        is_shared: Whether what stands alone is for all of them. Defaults to `False`.
    """
    if isinstance(given, dict):
        return [given.get(name) for name in names]
    if isinstance(given, list | tuple):
        return list(given) if len(given) == len(names) else [None] * len(names)
    return [given if is_shared else None] * len(names)


def _compiled_by(losses: Any, name: str, place: int) -> str:
    """Return how another loss is given in the place of that of one of several outputs; see `Output`."""
    if isinstance(losses, dict):
        return f'{{{{**model.loss, "{name}": "{{}}"}}}}'
    if isinstance(losses, list | tuple):
        return f'[*model.loss[:{place}], "{{}}", *model.loss[{place + 1}:]]'
    return ""


def _loss_of(given: Any) -> Output:
    """Return what a loss says, as `compile` is given one."""
    with contextlib.suppress(ValueError, TypeError):
        loss = keras.losses.get(given)
        if not is_of_keras(type(loss)) and not is_of_keras(loss):
            return Output()
        if not isinstance(loss, keras.losses.Loss):
            return Output(loss=loss.__name__, from_logits=False)
        config = loss.get_config()
        return Output(
            loss=LOSSES.get(type(loss), ""),
            from_logits=bool(config.get("from_logits", False)),
            label_smoothing=float(config.get("label_smoothing") or 0.0),
            is_mean=config.get("reduction") in ("sum_over_batch_size", "mean"),
        )
    return Output()


def _metrics(given: Any) -> tuple[str, ...]:
    """Return the names of metrics."""
    return tuple(filter(None, map(_metric, keras.tree.flatten(given or []))))


def _metric(metric: Any) -> str:
    return metric if isinstance(metric, str) else str(getattr(metric, "name", getattr(metric, "__name__", "")))
