"""Auxiliary heads: a second, short path from the labels to a hidden layer."""

import types
from collections.abc import Callable
from typing import Any, Self, TypeAlias, final

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from .. import _checks, _objects
from .._describe import section, short
from .._registration import registered
from .._types import Config, Data, Tensor
from ..integration import keras_private

Weight: TypeAlias = float | LearningRateSchedule | Callable[..., Tensor]
"""The factor of the loss of a head: a number or a schedule."""


@final
@registered
class DeeplySupervised(keras.Model):
    """A model some of whose hidden layers have a head in training; `auxiliary_head` creates it.

    Args:
        model: The model.
        at: Names of its layers that have a head.
        heads: Their heads.
        weights: What the loss of each head is multiplied by: numbers or schedules.
        **kwargs: As in `keras.Model`: `name`, `trainable`.
    """

    def __init__(
        self, model: keras.Model, at: list[str], heads: list[keras.layers.Layer], weights: list[Weight], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        _checks.keras_3(model)
        outputs = getattr(model, "outputs", None) if getattr(model, "built", False) else None
        if not outputs or len(outputs) != 1:
            raise ValueError(
                "`model` must be a built `keras.Sequential` or `keras.Model(inputs, outputs)` with one output, since "
                f"its hidden layers are looked up. Received: {short(model)} with outputs {outputs}. Start it with "
                "`keras.Input(shape)`, or remove the other outputs."
            )
        self.model = model
        self.at = list(at)
        self.heads = list(heads)
        self.weights_of_heads = [_checked(weight) for weight in weights]
        guesses = [head(model.get_layer(name).output) for name, head in zip(at, heads, strict=True)]
        for name, guess in zip(at, guesses, strict=True):
            if tuple(guess.shape) != tuple(outputs[0].shape):
                raise ValueError(
                    "A head is trained on the model's labels, so its output must have the same shape as the model's, "
                    f"{tuple(outputs[0].shape)}. Received: at {short(name)} a head whose output is "
                    f"{tuple(guess.shape)}. Pass `head=keras.Sequential([keras.layers.Flatten(), "
                    "keras.layers.Dense(...)])`, for instance."
                )
        inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
        self.with_heads = keras.Model(inputs, [outputs[0], *guesses])
        # Of the call before compute_loss; Keras does not track such an object.
        self._last = types.SimpleNamespace(guesses=[])
        self.built = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Do nothing: the model was built."""

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Return the output of the model."""
        if not training:
            self._last.guesses = []
            return self.model(inputs, training=training)
        output, *self._last.guesses = self.with_heads(inputs, training=training)
        return output

    def compute_loss(
        self, x: Data = None, y: Data = None, y_pred: Tensor = None, sample_weight: Data = None, training: bool = True
    ) -> Tensor:
        """Return the loss, with those of the heads after a call in training."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training=training)
        guesses, self._last.guesses = self._last.guesses, []
        for guess, weight in zip(guesses if training else [], self.weights_of_heads, strict=False):
            of_head = keras_private.compiled_loss(self, y, guess, sample_weight)
            loss = loss + ops.cast(self._now(weight), of_head.dtype) * of_head
        return loss

    def _now(self, weight: Weight) -> float | Tensor:
        return weight(keras_private.unscaled(self.optimizer).iterations) if callable(weight) else weight

    def get_config(self) -> Config:
        """Return the arguments that make this model again."""
        own = {"model": self.model, "at": self.at, "heads": self.heads, "weights": self.weights_of_heads}
        return keras.saving.serialize_keras_object(own | {"name": self.name, "trainable": self.trainable})

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        """Make it from `get_config`."""
        made = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
            for name in ("model", "heads", "weights")
        }
        return cls(**config | made)


def _checked(weight: Weight) -> Weight:
    if isinstance(weight, LearningRateSchedule):
        if getattr(weight, "is_relative", False):
            raise ValueError(
                f"A schedule for the weight of a head must have its lengths in steps. Received: {weight.get_config()}. "
                "Pass numbers, such as epochs times steps in an epoch."
            )
        return weight
    fix = "Try 0.3, or a schedule such as `schedules.LinearDecay(0.3, 1000, 0.0)`."
    return _checks.number("weight", weight, 0.0, meaning="a factor of the loss of the head", fix=fix)


@section("8.7.5")
def auxiliary_head(
    model: keras.Model,
    at: keras.layers.Layer | str,
    head: keras.layers.Layer | None = None,
    weight: Weight = 0.3,
) -> DeeplySupervised:
    r"""Also train a hidden layer on the labels, through its own head (section 8.7.5; Lee et al. 2014).

    .. math::

        J_t &\leftarrow J (y, f(x)) + w_t J (y, \text{head}(h(x))) \qquad \text{in training} \\
        J &\leftarrow J (y, f(x)) \qquad \text{ otherwise }

    where h is the hidden layer, J the compiled loss, sample weights included, and w_t the weight at update t. The
    gradient of the second term reaches h on a short path, whatever the layers above it do. In the end h should suit the
    whole model and not the head, so w_t may fall: a schedule is read in the compiled step, by `optimizer.iterations`.

    The returned model is trained, saved and used like the original, and shares its layers: training one trains the
    other. Its outputs, its metrics and the loss on validation data are those of f alone: outside training the head is
    not run. For several heads call it again, with the returned model.

    With an output of its own for the head, as in Keras, the labels are needed twice, `loss_weights` are constant, and
    every prediction computes the head.

    Args:
        model: A built `keras.Sequential` or `keras.Model(inputs, outputs)` with one output, or what this function has
            returned.
        at: The hidden layer, or its name.
        head: A layer from h(x) to the shape of the output; several in a `keras.Sequential`. Defaults to a new one like
            the last layer of the model.
        weight: w: a number, or a `LearningRateSchedule` with lengths in steps, such as
            `schedules.LinearDecay(0.3, 1000, 0.0)`. Defaults to `0.3`.

    Returns:
        A model that is to be compiled.

    Raises:
        TypeError: If `model` is not a model, or `head` is not a layer.
        ValueError: If the model has no such layer or several outputs, the output of the head has another shape, or
            `weight` is negative or a schedule whose lengths are not in steps.

    Example:
        >>> hidden = [keras.layers.Dense(16, "tanh", name=f"h{i}") for i in range(3)]
        >>> model = keras.Sequential([keras.Input((4,)), *hidden, keras.layers.Dense(1)])
        >>> x = np.random.default_rng(0).normal(size=(64, 4))
        >>> supervised = keras_ch8.layers.auxiliary_head(model, "h1")
        >>> supervised.compile("adam", "mse")
        >>> _ = supervised.fit(x, x[:, :1], verbose=0)
        >>> bool(np.array_equal(supervised.predict(x, verbose=0), model.predict(x, verbose=0)))
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.5; Lee et al. (2014), Deeply-Supervised Nets;
        Szegedy et al. (2014), Going Deeper with Convolutions.
    """
    _objects.model(model)
    if head is not None and not isinstance(head, keras.Layer):
        raise TypeError(
            f"`head` must be a layer, or None for a copy of the model's last layer. Received: head={short(head)} of "
            f"type {type(head).__name__}."
        )
    inner, earlier = (model.model, model) if isinstance(model, DeeplySupervised) else (model, None)
    name = _objects.layer_of(inner, "at", at).name
    if head is None:
        last = inner.layers[-1]
        head = type(last).from_config({**last.get_config(), "name": f"{name}_head"})
    ats, heads, weights = ([], [], []) if earlier is None else (earlier.at, earlier.heads, earlier.weights_of_heads)
    return DeeplySupervised(inner, [*ats, name], [*heads, head], [*weights, weight])
