"""Section 8.1.2: stop on the loss that should be small, which is rarely the one that is minimized.

A network tells handwritten digits apart. A fifth of its 1000 training labels is wrong; 400 validation labels are right.
What is minimized, the negative log-likelihood, goes on falling on validation data long after the 0-1 loss has begun to
rise there: the network memorizes wrong labels, and becomes surer of the right ones too.

    .venv/bin/python examples/s8_1_early_stopping.py
    .venv/bin/tensorboard --logdir runs/s8_1_early_stopping

What to look for under Time Series: epoch/val_loss and epoch/val_zero_one_loss of the run nothing have their
lowest points at different epochs. On the screen: what stopping at each costs on test data, where the criteria of
Prechelt (1998) would have stopped the same run, and what is won by training on the validation examples too.

The difference is one of goals. If validation labels are as often wrong as training labels, the negative log-likelihood
is punished for being sure, as it should be, and stopping on it does as well.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import extend, stopping

LOG_DIR = "runs/s8_1_early_stopping"
MONITORS = ("val_loss", "val_zero_one_loss")
CRITERIA = {
    "GL 5": stopping.GeneralizationLoss(5),
    "PQ 0.75": stopping.Productivity(0.75),
    "UP 3": stopping.SuccessiveRises(3),
    "patience 5": stopping.Patience(5),
}


def digits(seed):
    """Return examples to train on, to stop on and to test on; a fifth of the first have a wrong label."""
    rng = np.random.default_rng(seed)
    x, y = load_digits(return_X_y=True)
    order = rng.permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    y[:1000] = (y[:1000] + (rng.uniform(size=1000) < 0.2) * rng.integers(1, 10, 1000)) % 10
    return [(x[part], y[part]) for part in (slice(1000), slice(1000, 1400), slice(1400, None))]


def network():
    """Return a compiled network; the same seed gives the same start."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(256, "relu"), keras.layers.Dense(10)])
    nll = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        keras_ch8.optimizers.Adam(0.001), nll, metrics=[keras_ch8.metrics.ZeroOneLoss()], steps_per_execution=8
    )
    return model


def epoch_of_stop(criterion, monitor, history):
    """Return the epoch, counted from 1, after which a criterion stops a training; None if it never does."""
    past = extend.EpochHistory(monitor)
    for epoch, values in enumerate(zip(*history.values(), strict=True)):
        past = past.after(epoch, dict(zip(history, values, strict=True)), seconds=0.0)
        if criterion.evaluate(past):
            return epoch + 1
    return None


def main():
    """Train five times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    epochs = 4 if parser.parse_args().quick else 120
    (x, y), validation, (x_test, y_test) = digits(seed=0)

    def error(model):
        return 100 * np.mean(np.argmax(model(x_test), axis=1) != y_test)

    def fit(name, *callbacks):
        board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")
        return model.fit(x, y, epochs=epochs, validation_data=validation, validation_batch_size=400,
                         callbacks=[board, *callbacks], verbose=0).history  # fmt: skip

    model, tested = network(), []
    history = fit("nothing", keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: tested.append(error(model))))
    errors = {"nothing": tested[-1]}
    print(f"stop on            epochs   best   test error\nnothing{epochs:18d}{tested[-1]:18.1f} %", flush=True)
    for monitor in MONITORS:
        model, stop = network(), keras_ch8.callbacks.EarlyStopping(monitor, patience=15, restore_best_weights=True)
        epochs_run = len(fit(monitor, stop)["loss"])
        errors[monitor] = error(model)
        print(f"{monitor:17s}{epochs_run:8d}{stop.best_epoch + 1:7d}{errors[monitor]:11.1f} %", flush=True)

    model, board = network(), keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/all_data")
    x_all, y_all = (np.concatenate(parts) for parts in zip((x, y), validation, strict=True))
    model.fit(x_all, y_all, epochs=stop.best_epoch + 1, callbacks=[board], verbose=0)
    print(f"and again from the start, on all data{error(model):8.1f} %\n")
    print(f"the run without stopping, stopped by ...{'on val_loss':>16s}{'on val_zero_one_loss':>26s}")
    for name, criterion in CRITERIA.items():
        stops = [epoch_of_stop(criterion, monitor, history) for monitor in MONITORS]
        cells = [f"epoch {at:3d}: {tested[at - 1]:5.1f} %" if at else "never" for at in stops]
        print("{:32s}{:>24s}{:>26s}".format(name, *cells))

    print(
        f"""
Test error {errors["nothing"]:.1f} % without stopping, {errors["val_loss"]:.1f} % by the loss that is minimized,
{errors["val_zero_one_loss"]:.1f} % by the 0-1 loss.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()
