"""Compare what `find_learning_rate` suggests, and a tenth of the minimum of a short sweep, with the best of 13 rates.

    python benchmarks/find_learning_rate.py [--seed 0] [--json find_learning_rate.json]

Binary problems of 3000 x 20, a network with one hidden layer of 64, batches of 32. "best" is the rate from 1e-5 to 10,
two in a decade, with the lowest loss of 2000 held-out examples after 300 steps. "ours" is the suggestion of
`find_learning_rate(model, x, y)`, which takes up to 678 steps, or more where a pass diverges half-way; "tenth" is the
classical rule, a tenth of the rate of the smallest loss in 100 steps at rates from 1e-7 to 10; "averaged" is that as
fastai has it, with losses averaged with 0.98. These two stop at four times the smallest. Entries are ratios to "best".
"""

import harness
import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import make_classification, make_moons

from keras_ch8 import optimizers
from keras_ch8.choosing import find_learning_rate

TRAIN, HELD_OUT, BATCH, STEPS = 3000, 2000, 32, 300
RATES, SHORT = np.geomspace(1e-5, 10, 13), np.geomspace(1e-7, 10, 100, endpoint=False)
OPTIMIZERS = (optimizers.Momentum, optimizers.SGD, optimizers.Adam, optimizers.RMSprop)
RULES, LOSS = ("ours", "tenth", "averaged"), keras.losses.BinaryCrossentropy(from_logits=True)
CLASSES = {"classes": {}, "classes, close": {"class_sep": 0.5, "n_informative": 5},
           "classes, far": {"class_sep": 2.0, "n_informative": 8}, "classes, 10 inputs": {"n_informative": 10},
           "classes, 30 % random": {"n_informative": 10, "flip_y": 0.3, "n_clusters_per_class": 4}}  # fmt: skip


def problems():
    """Return inputs and labels of each problem, by name."""
    rng, count = np.random.default_rng(0), TRAIN + HELD_OUT
    found = {name: make_classification(count, 20, random_state=0, **options) for name, options in CLASSES.items()}
    x = rng.normal(size=(count, 20))
    teacher, line = np.tanh(x @ rng.normal(size=(20, 16)) / 5**0.5) @ rng.normal(size=16), x @ rng.normal(size=20)
    logits = {"teacher": 20 * teacher, "teacher, noisy": teacher, "linear": line, "linear, noisy": 0.3 * line}
    found |= {name: (x, rng.random(count) < 1 / (1 + np.exp(-logit))) for name, logit in logits.items()}
    moons, y = make_moons(count, noise=0.15, random_state=0)
    found["moons"] = np.hstack([1.5 * moons, x[:, 2:]]), y
    return {name: (x.astype("float32"), y[:, None].astype("float32")) for name, (x, y) in found.items()}


def trainer(model, x, y):
    """Return a function that takes a step at each rate, from the start; of it come batch losses and held-out loss."""
    rng, weights = np.random.default_rng(10), model.trainable_variables
    order = np.concatenate([rng.permutation(TRAIN) for _ in range(STEPS * BATCH // TRAIN + 1)])
    batches = tf.constant(order[: STEPS * BATCH].reshape(STEPS, BATCH))
    start = [(variable, variable.numpy()) for variable in (*model.variables, *model.optimizer.variables)]

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def train(rates):
        for variable, value in start:
            variable.assign(value)
        losses = tf.TensorArray(tf.float32, len(rates))
        for i in tf.range(len(rates)):
            model.optimizer.learning_rate.assign(rates[i])
            with tf.GradientTape() as tape:
                loss = LOSS(tf.gather(y, batches[i]), model(tf.gather(x, batches[i]), training=True))
            model.optimizer.apply(tape.gradient(loss, [weight.value for weight in weights]), weights)
            losses = losses.write(i, loss)
        return losses.stack(), LOSS(y[TRAIN:], model(x[TRAIN:], training=False))

    return lambda rates: [tensor.numpy() for tensor in train(rates.astype("float32"))]


def tenth_of_minimum(losses, decay):
    """Return a tenth of the rate of the smallest averaged loss, without the first ten and the last five."""
    average, averaged = 0.0, []
    for number, loss in enumerate(losses, 1):
        averaged.append((average := decay * average + (1 - decay) * loss) / (1 - decay**number))
        if not averaged[-1] <= 4 * min(averaged):
            break
    return SHORT[10 + np.argmin(averaged[10:-5])] / 10


def main():
    """Measure, print the table, write JSON."""
    options, results, ratios = harness.options(__doc__, "find_learning_rate.json", seed=0), {}, []
    print(("{:36s}" + 4 * "{:>10s}").format("", "best", *RULES))
    for name, (x, y) in problems().items():
        for optimizer in OPTIMIZERS:
            keras.utils.set_random_seed(options.seed)
            model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(1)])
            model.compile(optimizer(0.01), LOSS)
            found = find_learning_rate(model, x[:TRAIN], y[:TRAIN], seed=options.seed)
            train, kind = trainer(model, x, y), f"{name}  {optimizer.__name__}"
            best = RATES[np.nanargmin([train(np.full(STEPS, rate))[1] for rate in RATES])]
            tenths = [tenth_of_minimum(train(SHORT)[0], decay) for decay in (0.0, 0.98)]
            ratios.append([rate / best for rate in (found.suggestion, *tenths)])
            results[kind] = {"best": best, "doubt": found.doubt} | dict(zip(RULES, ratios[-1], strict=True))
            print(("{:36s}{:10.2g}" + 3 * "{:8.2f} x").format(kind, best, *ratios[-1]), found.doubt, flush=True)
    near = np.sum(np.abs(np.log(ratios)) <= np.log(3), axis=0).tolist()
    print(("{:46s}" + 3 * "{:8.2f} x").format("median", *np.median(ratios, axis=0)))
    print(("{:46s}" + 3 * "{:8d}  ").format(f"within a factor of 3, of {len(ratios)}", *near))
    results["within a factor of 3"] = dict(zip(RULES, near, strict=True)) | {"of": len(ratios)}
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
