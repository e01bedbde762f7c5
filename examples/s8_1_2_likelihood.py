"""Section 8.1.2: maximum likelihood brings a model as near to the data as its family of distributions can come.

The loss is a mean over examples of -log p(y | x). It is the entropy of the data plus KL(data || model), and training
can lower only the second. Two data sets have the same curve f(x) and a known noise: Gaussian, stronger to the right;
and Laplace, with outliers. Three families are fitted to each by the same network.

    .venv/bin/python examples/s8_1_2_likelihood.py
    .venv/bin/tensorboard --logdir runs/s8_1_2_likelihood

What to look for under Time Series: epoch/val_loss of the six runs. For each data set the family that made the noise
comes down to the entropy, which is printed; the others stop above it, however long they train.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8
from keras_ch8 import losses

LOG_DIR = "runs/s8_1_2_likelihood"
BATCH = 100


def f(x):
    """Return the curve."""
    return np.sin(3 * x)


def gaussian_noise(rng, x):
    """Return noise whose standard deviation grows from 0.1 to 0.9, and its -log p."""
    sigma = 0.5 + 0.4 * x
    noise = sigma * rng.normal(size=x.shape)
    return noise, (noise / sigma) ** 2 / 2 + np.log(2 * np.pi * sigma**2) / 2


def laplace_noise(rng, x):
    """Return noise of mean size 0.3, often small and at times large, and its -log p."""
    noise = rng.laplace(scale=0.3, size=x.shape)
    return noise, np.abs(noise) / 0.3 + np.log(2 * 0.3)


def data(noise_of, examples, seed):
    """Return x, y and the mean of -log p_data(y | x), which is the entropy of these data."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(examples, 1))
    noise, surprise = noise_of(rng, x)
    return x.astype("float32"), (f(x) + noise).astype("float32"), surprise.mean()


def network(family):
    """Return a compiled network; the same seed gives the same start."""
    keras.utils.set_random_seed(8)
    outputs = 2 if family == losses.likelihoods.HeteroscedasticGaussianLikelihood() else 1
    hidden = [keras.layers.Dense(32, "tanh"), keras.layers.Dense(32, "tanh")]
    model = keras.Sequential([keras.Input((1,)), *hidden, keras.layers.Dense(outputs)])
    model.compile(
        keras_ch8.optimizers.Adam(keras_ch8.schedules.CosineDecay(0.03)), losses.NegativeLogLikelihood(family)
    )
    return model


def main():
    """Train six times, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    quick = parser.parse_args().quick
    examples, epochs = (10_000, 3) if quick else (50_000, 8)

    print(f"{'nats an example':24s}{'test NLL':>10s}{'- entropy':>11s}{'= KL to the data':>18s}")
    right, wrong = [], []
    for noise_of, maker in (
        (gaussian_noise, losses.likelihoods.HeteroscedasticGaussianLikelihood),
        (laplace_noise, losses.likelihoods.LaplaceLikelihood),
    ):
        x, y, _ = data(noise_of, examples, seed=0)
        x_test, y_test, entropy = data(noise_of, 100_000, seed=1)
        noise = y - f(x)  # each family of fixed width gets the width that fits best
        families = [
            losses.likelihoods.GaussianLikelihood(float(np.var(noise))),
            losses.likelihoods.LaplaceLikelihood(float(np.mean(np.abs(noise)))),
            losses.likelihoods.HeteroscedasticGaussianLikelihood(),
        ]
        print(noise_of.__name__.replace("_", " "))
        for family in families:
            name = type(family).__name__
            model = network(family)
            board = keras_ch8.callbacks.TensorBoard(f"{LOG_DIR}/{noise_of.__name__}/{name}")
            history = model.fit(
                x,
                y,
                batch_size=BATCH,
                epochs=epochs,
                validation_data=(x_test, y_test),
                validation_batch_size=10_000,
                callbacks=[board],
                verbose=0,
            ).history
            kl = history["val_loss"][-1] - entropy
            (right if isinstance(family, maker) else wrong).append(kl)
            print(f"  {name:22s}{kl + entropy:10.4f}{entropy:11.4f}{kl:18.4f}", flush=True)

    print(
        f"""
The family that made the noise is {max(right):.4f} or less above the floor, every other {min(wrong):.4f} or more.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()
