"""Section 8.7.6: easy examples first help only together with some examples of every difficulty at all times.

A recurrent network learns to add two numbers of four digits from strings such as "4321+8765", read backwards (Zaremba
and Sutskever 2014). It is trained for the same number of steps

    baseline   on numbers of four digits alone
    naive      on one digit first, then two, three and, in the second half, four: what was easy never comes back
    combined   the same, but a fifth of each batch is drawn from all lengths, from the first step to the last

    .venv/bin/python examples/s8_7_6_curriculum.py
    .venv/bin/tensorboard --logdir runs/s8_7_6_curriculum

What to look for: in the table, how many new sums of four digits are right to the last digit. With three digits the
baseline needs no help: there the combined curriculum is no better. The default, three seeds, takes a quarter of an hour
on two cores.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8
from keras_ch8 import callbacks, curriculum, data

LOG_DIR = "runs/s8_7_6_curriculum"
BATCH = 128
SYMBOLS = " 0123456789+"  # 0 is padding
STRATEGIES = {"baseline": None, "naive": 0.0, "combined": 0.2}
"""Share of each batch that is drawn from all lengths."""
FULL_LENGTH = 0.5
"""Share of the steps after which the last length begins."""


def encoded(strings):
    """Return the places of the symbols in SYMBOLS, of strings of the same length."""
    codes = np.frombuffer("".join(strings).encode(), "uint8").reshape(len(strings), -1)
    return np.array([SYMBOLS.find(chr(code)) for code in range(128)])[codes]


def sums(lengths, count, digits, seed):
    """Return questions and answers, as many of each length."""
    rng = np.random.default_rng(seed)
    pairs = [rng.integers(10 ** (n - 1) if n > 1 else 0, 10**n, (count // len(lengths), 2)) for n in lengths]
    a, b = np.concatenate(pairs).T
    questions = [f"{i}+{j}".ljust(2 * digits + 1)[::-1] for i, j in zip(a, b, strict=True)]
    return encoded(questions), encoded([str(total).ljust(digits + 1) for total in a + b])


def network(digits, units):
    """Return an encoder and a decoder."""
    layers = [
        keras.layers.Embedding(len(SYMBOLS), 16),
        keras.layers.GRU(units, unroll=digits > 2),
        keras.layers.RepeatVector(digits + 1),
        keras.layers.GRU(units, return_sequences=True, unroll=digits > 2),
        keras.layers.Dense(len(SYMBOLS)),
    ]
    model = keras.Sequential([keras.Input((2 * digits + 1,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras_ch8.optimizers.Adam(3e-3, global_clipnorm=1.0)
    model.compile(optimizer, loss, jit_compile=digits > 2)
    return model


def right(name, seed, digits, units, steps):
    """Train, and return the fraction of new sums of the full length that are right to the last digit."""
    keras.utils.set_random_seed(seed)
    mix, lengths = STRATEGIES[name], range(1, digits + 1)
    x, y = sums([digits] if mix is None else lengths, steps // 2 * BATCH, digits, seed)
    source = data.ArraySource(x, y, batch_size=BATCH, seed=seed)
    used = [callbacks.TensorBoard(f"{LOG_DIR}/{name}_{seed}")]
    if mix is not None:
        bucket_by_bucket = curriculum.pacings.OnePass(digits)
        until = FULL_LENGTH * 2 * source.steps * digits / (digits - 1)  # the last bucket of n begins at 1 - 1 / n
        used.append(callbacks.Curriculum(source, curriculum.sequence_length, bucket_by_bucket, until=until, mix=mix))
    model = network(digits, units)
    model.fit(source, epochs=2, callbacks=used, verbose=0)
    x, y = sums([digits], 2000, digits, seed + 1000)
    return float((model.predict(x, batch_size=1000, verbose=0).argmax(axis=-1) == y).all(axis=1).mean())


def main():
    """Train three strategies with some seeds, print one screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two digits and 60 steps, for the tests")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each strategy")
    options = parser.parse_args()
    size = {"digits": 2, "units": 32, "steps": 60} if options.quick else {"digits": 4, "units": 128, "steps": 2500}
    seeds = range(1 if options.quick else options.seeds)

    print(f"sums of {size['digits']} digits that are right, in %, after {size['steps']} steps; seeds {list(seeds)}")
    found = {}
    for name in ("baseline", "combined") if options.quick else STRATEGIES:
        found[name] = 100 * np.array([right(name, seed, **size) for seed in seeds])
        error = found[name].std(ddof=1) / np.sqrt(len(seeds)) if len(seeds) > 1 else float("nan")
        each = " ".join(f"{share:6.1f}" for share in found[name])
        print(f"  {name:10s}{found[name].mean():7.1f} (s.e. {error:.1f})   {each}", flush=True)
    gains = [f"{name} {found[name].mean() - found['baseline'].mean():+.1f}" for name in list(found)[1:]]
    print(
        f"""
Points over the baseline: {", ".join(gains)}.
To see the logs: tensorboard --logdir {os.path.abspath(LOG_DIR)}"""
    )


if __name__ == "__main__":
    main()
