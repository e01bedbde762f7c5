"""Faults that people make with others' libraries, one for each of eight trainings, and the kinds that would name it.

They were written by someone who had seen the names of the kinds, but not the rules behind them. Three kinds were added
when it was seen that they say exactly what is wrong: `wrong_output`, `equal_units`, and `bad_inputs`.
"""

import keras
import numpy as np
from parts import adam


def high_rate(made):
    """The rate is a hundred times too high: one for SGD is given to Adam."""
    return made._replace(optimizer=adam(0.1))


def low_rate(made):
    """The rate is one for fine-tuning all weights, and a thousand times too low for LoRA."""
    return made._replace(optimizer=adam(1e-5))


def slow_batch_norm(made):
    """Batch normalization keeps its averages for a far longer training: a momentum of 0.999 in some 150 steps."""

    def model():
        slow = made.model()
        for layer in slow._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.999
        return slow

    return made._replace(model=model)


def unsaid_logits(made):
    """The model returns logits, and the loss, given by its name, takes them for probabilities."""
    return made._replace(compiled=made.compiled | {"loss": "sparse_categorical_crossentropy"})


def shuffled_labels(made):
    """The labels are shuffled, and the inputs are not."""
    inputs, labels = made.examples
    return made._replace(examples=(inputs, np.random.default_rng(1).permutation(labels)))


def zeros(made):
    """All layers begin with weights of zero."""

    def model():
        empty = made.model()
        for weight in empty.weights:
            weight.assign(keras.ops.zeros_like(weight))
        return empty

    return made._replace(model=model)


def prices(made):
    """The numbers to be predicted are prices of houses, and not scaled."""
    x, y = made.examples
    return made._replace(examples=(x, 300_000 + 100_000 * y))


def failed_simulations(made):
    """One in a hundred simulations has failed, and left NaN in what is seen."""
    (examples,) = made.examples
    failed = np.random.default_rng(2).random((len(examples["seen"]), 1)) < 0.01
    return made._replace(examples=(examples | {"seen": np.where(failed, np.float32(np.nan), examples["seen"])},))


PLANTED = {
    "rate too high": ("vit", ("step_too_long", "oscillation"), high_rate),
    "rate too low for LoRA": ("gpt2_lora", ("step_too_short",), low_rate),
    "slow batch normalization": ("efficient_net", ("batch_norm_gap",), slow_batch_norm),
    "logits as probabilities": (
        "distil_bert",
        ("wrong_output", "wrong_loss", "no_gradient", "learns_nothing"),
        unsaid_logits,
    ),
    "shuffled labels": ("cross", ("learns_nothing", "overfitting"), shuffled_labels),
    "weights of zero": ("classifier", ("equal_units", "no_gradient", "dead_units", "learns_nothing"), zeros),
    "targets not scaled": ("hyperband", ("bad_scale", "step_too_short", "underfitting"), prices),
    "failed simulations": ("coupling_flow", ("bad_inputs", "nonfinite"), failed_simulations),
}
"""Each fault: the training it is in, the kinds of verdict that name it, and what plants it."""
