"""A model with auxiliary heads."""

import types
from typing import Any, Self, final

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from .. import _checks
from ..integration import keras_private


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class DeeplySupervised(keras.Model):
    """A model some of whose hidden layers have a head in training; `auxiliary_head` makes it.

    Args:
        model: The model.
        at: Names of its layers that have a head.
        heads: Their heads.
        weights: What the loss of each head is multiplied by: numbers or schedules.
        **kwargs: As in `keras.Model`: `name`, `trainable`.
    """

    def __init__(self, model: Any, at: list[str], heads: list[Any], weights: list[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _checks.keras_3(model)
        outputs = getattr(model, "outputs", None) if getattr(model, "built", False) else None
        if not outputs or len(outputs) != 1:
            raise ValueError(
                "`model` must be a built `keras.Sequential` or `keras.Model(inputs, outputs)` with one output, since "
                f"its hidden layers are looked up. Received: {model!r} with outputs {outputs}. Begin it with "
                "`keras.Input(shape)`, or leave out the other outputs."
            )
        self.model = model
        self.at = list(at)
        self.heads = list(heads)
        self.weights_of_heads = [_checked(weight) for weight in weights]
        guesses = [head(model.get_layer(name).output) for name, head in zip(at, heads, strict=True)]
        for name, guess in zip(at, guesses, strict=True):
            if tuple(guess.shape) != tuple(outputs[0].shape):
                raise ValueError(
                    "A head is given the labels of the model, so it must put out the shape of the model's output, "
                    f"{tuple(outputs[0].shape)}. Received: at {name!r} a head that puts out {tuple(guess.shape)}. "
                    "Give `head=keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(...)])`, for instance."
                )
        inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
        self.with_heads = keras.Model(inputs, [outputs[0], *guesses])
        self._last = types.SimpleNamespace(guesses=[])  # of the call that compute_loss follows; Keras tracks no such
        self.built = True

    def build(self, input_shape: Any) -> None:
        """Do nothing: the model was built."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return what the model puts out."""
        if not training:
            self._last.guesses = []
            return self.model(inputs, training=training)
        output, *self._last.guesses = self.with_heads(inputs, training=training)
        return output

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss, with those of the heads after a call in training."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training=training)
        guesses, self._last.guesses = self._last.guesses, []
        for guess, weight in zip(guesses if training else [], self.weights_of_heads, strict=False):
            of_head = keras_private.compiled_loss(self, y, guess, sample_weight)
            loss = loss + ops.cast(self._now(weight), of_head.dtype) * of_head
        return loss

    def _now(self, weight: Any) -> Any:
        return weight(keras_private.unscaled(self.optimizer).iterations) if callable(weight) else weight

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this model again."""
        save = keras.saving.serialize_keras_object
        return {
            "model": save(self.model),
            "at": list(self.at),
            "heads": [save(head) for head in self.heads],
            "weights": [save(weight) if callable(weight) else weight for weight in self.weights_of_heads],
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Make it from `get_config`."""
        made = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
            for name in ("model", "heads", "weights")
        }
        return cls(**config | made)


def _checked(weight: Any) -> Any:
    if isinstance(weight, LearningRateSchedule):
        if getattr(weight, "is_relative", False):
            raise ValueError(
                "The weight of a head is read by the step, so a schedule of it must have its lengths in steps. "
                f"Received: {weight.get_config()}. Give numbers, such as epochs times steps in an epoch."
            )
        return weight
    mend = "Try 0.3, or a schedule such as `schedules.LinearDecay(0.3, 1000, 0.0)`."
    return _checks.number("weight", weight, 0.0, float("inf"), meaning="a factor of the loss of the head", mend=mend)
