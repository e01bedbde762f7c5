"""A second way to the loss."""

from typing import Any

from .. import _checks
from .._section import section
from ._deeply_supervised import DeeplySupervised


@section("8.7.5")
def auxiliary_head(model: Any, at: Any, head: Any = None, weight: Any = 0.3) -> DeeplySupervised:
    """Let a hidden layer be told the labels too, through a head of its own (section 8.7.5; Lee et al. 2014).

        J_t <- J(y, f(x)) + w_t J(y, head(h(x)))        in training
        J   <- J(y, f(x))                               otherwise

    where h is the hidden layer, J the compiled loss, sample weights included, and w_t the weight at update t. The
    gradient of the second term reaches h on a short way, whatever the layers above it do; that h suits the head is not
    what is wanted in the end, so w_t may fall: a schedule is read in the compiled step, by `optimizer.iterations`.

    The model that is returned is trained, saved and used like the one that was given, and shares its layers: once it is
    trained, so is the given one. It puts out what that puts out, and its metrics, and the loss on validation data, are
    those of f alone: outside training the head is not run. Several heads: call it again, with the model returned.

    An output of its own for the head, as Keras has it, needs the labels twice, has constant `loss_weights`, and makes
    every prediction pay for the head.

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
        ValueError: If the model has no such layer or several outputs, or the head puts out another shape.

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
    _checks.keras_3(model)
    inner, earlier = (model.model, model) if isinstance(model, DeeplySupervised) else (model, None)
    layers = {layer.name: layer for layer in getattr(inner, "layers", ())}
    name: Any = at if isinstance(at, str) else getattr(at, "name", None)
    if name not in layers or (at is not name and layers[name] is not at):
        raise ValueError(f"`at` must be a layer of the model or its name. Received: at={at!r}; it has {[*layers]}.")
    if head is None:
        last = inner.layers[-1]
        head = type(last).from_config({**last.get_config(), "name": f"{name}_head"})
    ats, heads, weights = ([], [], []) if earlier is None else (earlier.at, earlier.heads, earlier.weights_of_heads)
    return DeeplySupervised(inner, [*ats, name], [*heads, head], [*weights, weight])
