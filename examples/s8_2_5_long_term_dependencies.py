"""Section 8.2.5: a gradient that is multiplied again and again by the same factor is soon gone, or everything.

Sequences of 60 random numbers; the sign of the first says the class. A SimpleRNN whose recurrent matrix W is small, of
half the variance of Glorot's, forgets: W^59 shrinks what it is applied to by |lambda|^59 for each eigenvalue, tanh
shrinks it further, and the gradient never reaches the first number. With an orthogonal W, all |lambda| = 1, and small
input weights, it does, and the class is learned. In an LSTM it is not W that counts but how far the forget gates are
open: with Keras's bias of 1 it forgets too, with 4 it does not.

Through the depth of a network it is the same: eight layers of sigmoids let through hardly any gradient, eight of ReLUs
with He's weights nearly all.

    .venv/bin/python examples/s8_2_5_long_term_dependencies.py
    .venv/bin/tensorboard --logdir runs/s8_2_5_long_term_dependencies

What to look for under Optimization: the gradient at each time step, the last number on top, is dark below where it is
gone; the gradient of the layers of eight_sigmoid is dark on top. Under Time Series diagnosis/horizon and
diagnosis/backward_factor; under Text, diagnosis/verdicts.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import clipping, curvature, optimizers

LOG_DIR = "runs/s8_2_5_long_term_dependencies"
LENGTH, UNITS = 60, 16


def open_gates(shape, dtype=None):
    """Return biases of an LSTM: 4 for the forget gate, which stands second, and 0 for the others."""
    return keras.ops.repeat(keras.ops.convert_to_tensor([0.0, 4.0, 0.0, 0.0], dtype), shape[0] // 4)


def recurrent(start, **options):
    """Return a SimpleRNN."""
    return keras.layers.SimpleRNN(UNITS, recurrent_initializer=start, **options)


def recurrent_layers():
    """Return a layer for each run; seeds count from here."""
    keras.utils.set_random_seed(0)
    small = keras.initializers.RandomNormal(stddev=0.1)
    return {
        "simple_small": recurrent(keras.initializers.VarianceScaling(0.5, "fan_avg")),
        "simple_orthogonal": recurrent("orthogonal", kernel_initializer=small),
        "lstm": keras.layers.LSTM(UNITS),
        "lstm_open": keras.layers.LSTM(UNITS, unit_forget_bias=False, bias_initializer=open_gates),
    }


def fit(name, model, x, y, check, **options):
    """Train; return what the check saw first, the accuracy at the end, and the verdicts that are not ok."""
    board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
    checks, every = ["gradient_norm", check], lambda step: step % 20 == 1
    diagnosis = keras_ch8.callbacks.Diagnosis((x[:256], y[:256]), checks, every, budget=None)
    history = model.fit(x[256:], y[256:], callbacks=[board, diagnosis], verbose=0, **options).history
    verdicts = ", ".join(f"{v.level} {v.kind}" for v in diagnosis.verdicts if v.level != "ok")
    return diagnosis.log.of(check)[0], history["accuracy"][-1], verdicts or "-"


def main():
    """Train six times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer runs and epochs, for the tests")
    quick = parser.parse_args().quick

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1280, LENGTH, 1)).astype("float32"), rng.integers(0, 2, 1280)
    x[:, 0, 0] = 2 * y - 1
    print(f"through {LENGTH:2d} time steps   largest   gradient, after one update:\n"
          "of the first layer    |l|^59    factor a step   horizon   accuracy   verdicts", flush=True)  # fmt: skip
    for name, layer in list(recurrent_layers().items())[: 2 if quick else None]:
        model = keras.Sequential([keras.Input((LENGTH, 1)), layer, keras.layers.Dense(1, "sigmoid")])
        adam = optimizers.Adam(0.003, clip=clipping.ByGlobalNorm(1.0))
        model.compile(adam, "binary_crossentropy", metrics=["accuracy"])
        w = layer.get_weights()[1]
        left = f"{curvature.matrix_power(w, np.ones(UNITS), LENGTH - 1).factors[0]:.0e}" if "simple" in name else "-"
        (back,), accuracy, verdicts = fit(name, model, x, y, "time_horizon", batch_size=32, epochs=1 if quick else 10)
        print(f"{name:20s}{left:>8s}{back.factor:15.2f}{back.horizon:10d}{accuracy:12.2f}   {verdicts}", flush=True)

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    print("\nthrough 8 layers             factor a layer     in all   accuracy   verdicts", flush=True)
    for activation, start in {"sigmoid": "glorot_uniform", "relu": "he_normal"}.items():
        keras.utils.set_random_seed(0)
        hidden = [keras.layers.Dense(32, activation, kernel_initializer=start) for _ in range(8)]
        model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10, "softmax")])
        model.compile(optimizers.Momentum(0.02, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
        name, epochs = f"eight_{activation}", 1 if quick else 15
        flow, accuracy, verdicts = fit(name, model, x, y, "layer_flow", batch_size=64, epochs=epochs)
        print(f"{name:28s}{flow.backward_factor:15.2f}{flow.total:11.1e}{accuracy:11.2f}   {verdicts}", flush=True)

    print(
        f"""
Guessing has the accuracy 0.5 above, 0.1 below. A horizon is where the gradient is below 1 %.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()
