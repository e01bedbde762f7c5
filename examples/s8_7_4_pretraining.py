"""Section 8.7.4: greedy supervised pretraining gives a deep network a start from which it can be trained.

Five sigmoid layers with small random weights tell handwritten digits apart. Trained all at once, they stay at chance:
on the way down, each layer takes most of the gradient away. Trained one on top of the other, then together, for as many
epochs in all, they learn. Last, the first layers of that network are given to a new one, which learns another task from
few examples: whether a digit is odd.

    .venv/bin/python examples/s8_7_4_pretraining.py
    .venv/bin/tensorboard --logdir runs/s8_7_4_pretraining

What to look for: under Time Series, step/loss of the run joint is flat at log 10 = 2.3, while that of each stage of
greedy falls; in fine-tuning it starts where the last stage has ended.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8
from keras_ch8 import training

LOG_DIR = "runs/s8_7_4_pretraining"


def digits():
    """Return images and digits to train on, and those to test on."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


def network(depth, classes, seed):
    """Return a network that is hard to train, compiled."""
    keras.utils.set_random_seed(seed)
    inits = [keras.initializers.RandomNormal(stddev=0.1) for _ in range(depth + 1)]
    hidden = [keras.layers.Dense(64, "sigmoid", kernel_initializer=init) for init in inits[1:]]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(classes, kernel_initializer=inits[0])])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metric = keras_ch8.metrics.ZeroOneLoss(from_logits=True)
    model.compile(keras_ch8.optimizers.Momentum(0.1), loss, metrics=[metric])
    return model


def main():
    """Train both ways for each seed, transfer once, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    quick = parser.parse_args().quick
    depth, epochs, seeds = (2, 1, [0]) if quick else (5, 10, [0, 1, 2])

    train, test = digits()
    errors = {"joint": [], "greedy": []}
    for seed in seeds:
        joint, greedy = network(depth, 10, seed), network(depth, 10, seed)
        of_joint, of_greedy = (
            [keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{name}")] if seed == 0 else [] for name in errors
        )
        joint.fit(*train, epochs=epochs * (depth + 1), callbacks=of_joint, verbose=0)
        report = training.pretrain_greedily(
            greedy, *train, epochs=epochs, fine_tune_epochs=epochs, callbacks=of_greedy, verbose=0
        )
        for name, model in (("joint", joint), ("greedy", greedy)):
            errors[name].append(100 * model.evaluate(*test, verbose=0)[1])
        print(f"seed {seed}   test error   joint {errors['joint'][-1]:5.1f} %   greedy {errors['greedy'][-1]:5.1f} %")

    print(f"\n{report}\n")
    few, odd = (train[0][:100], train[1][:100] % 2), []
    for source in [] if quick else [{}, {"source": greedy, "source_layers": 2}]:
        model = network(depth, 2, seed=9)
        training.pretrain_greedily(model, *few, epochs=20, fine_tune_epochs=20, verbose=0, **source)
        odd.append(100 * model.evaluate(test[0], test[1] % 2, verbose=0)[1])
    if odd:
        print("Odd or even, from 100 examples: {:.1f} % wrong anew, {:.1f} % on two layers of greedy.".format(*odd))
    print(
        f"""\
Test error, mean over seeds: joint {np.mean(errors["joint"]):.1f} %, greedy {np.mean(errors["greedy"]):.1f} %.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()
