"""Train a network on real handwritten digits with one word swapped, and see every step of it in TensorBoard.

    .venv/bin/python examples/quickstart.py    # under a minute on two cores
    .venv/bin/tensorboard --logdir runs/quickstart

What to look for under Time Series: ch8/loss and ch8/gradient_norm, ch8/clipped_share,
ch8/average_distance, and ch8_epoch/val_accuracy. Custom Scalars shows them in groups, Text the report of the run.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_ch8

LOG_DIR = "runs/quickstart"
BATCH = 32


def digits():
    """Return 1347 training and 450 test images of 8 x 8 pixels in [0, 1]; the split is fixed."""
    x, y = load_digits(return_X_y=True)
    return train_test_split((x / 16).astype("float32"), y.astype("int32"), test_size=450, random_state=0, stratify=y)


def network(optimizer):
    """Return a compiled multilayer perceptron; the same seed gives the same start."""
    keras.utils.set_random_seed(8)
    hidden = [layer for _ in range(2) for layer in (keras.layers.Dense(512, "relu"), keras.layers.Dropout(0.5))]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return model


def milliseconds_a_step(optimizers, x, y, rounds):
    """Time epochs of `fit` with each optimizer in turn, compilation excluded; return the medians."""
    models = [network(optimizer) for optimizer in optimizers]
    steps = -(-len(x) // BATCH)
    times = [[] for _ in models]
    for number in range(rounds + 1):
        for model, own in zip(models, times, strict=True):
            start = time.perf_counter()
            model.fit(x, y, batch_size=BATCH, verbose=0)
            if number:
                own.append((time.perf_counter() - start) / steps * 1e3)
    return [statistics.median(own) for own in times]


def main():
    """Train, evaluate, compare, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    quick = parser.parse_args().quick

    x, x_test, y, y_test = digits()
    model = network(keras_ch8.optimizers.Adam(learning_rate=0.001, global_clipnorm=1.0))
    logger = keras_ch8.callbacks.GradientClippingLogger()
    average = keras_ch8.callbacks.PolyakAveraging()
    stop = keras_ch8.callbacks.EarlyStopping("val_loss", patience=8, restore_best_weights=True)
    start = time.perf_counter()
    model.fit(
        x,
        y,
        batch_size=BATCH,
        epochs=3 if quick else 20,
        validation_split=0.15,
        callbacks=[keras_ch8.callbacks.TensorBoard(LOG_DIR), logger, average, stop],
        verbose=2 if quick else "auto",
    )
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    ours, peer = milliseconds_a_step(
        [keras_ch8.optimizers.Adam(), keras.optimizers.Adam()], x, y, rounds=2 if quick else 9
    )

    print(
        f"""
digits: {len(x)} training and {len(x_test)} test images, {model.count_params():,} weights
test accuracy         {accuracy:.1%} of the averaged weights, after {seconds:.0f} s
early stopping        {stop.reason.message}
gradient clipping     {logger.findings()[0]}
a step of fit         {ours:.2f} ms with keras_ch8.optimizers.Adam
                      {peer:.2f} ms with keras.optimizers.Adam ({peer / ours:.2f} times as long)
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()
