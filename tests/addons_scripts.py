"""Short scripts with TensorFlow Addons, written after public ones, each with what stands there after the swap."""

import textwrap

HEAD = """
import numpy as np
import tensorflow as tf
from tensorflow import keras
{imports}

x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
y = (x[:, 0] > 0).astype("int32")
"""

CLASSIFIER = """
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
"""

FIT = """
model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
history = model.fit(x, y, batch_size=8, epochs=2, verbose=0)
"""

TFA = "import tensorflow_addons as tfa"


def script(body, imports=TFA):
    return HEAD.format(imports=imports) + CLASSIFIER + textwrap.dedent(body) + FIT


def with_rate(rate, more=""):
    """Return a script whose rate is a schedule."""
    return script(f"{textwrap.dedent(more)}schedule = {rate}\noptimizer = keras.optimizers.SGD(schedule)\n")


def stopped(imports, callback):
    """Return a script that stops by a callback."""
    return script("optimizer = 'sgd'\n", imports).replace("verbose=0)", f"verbose=0, callbacks=[{callback}])")


SCRIPTS = {
    "a vision transformer": (
        script("""
            learning_rate = 0.001
            weight_decay = 0.0001
            optimizer = tfa.optimizers.AdamW(
                learning_rate=learning_rate, weight_decay=weight_decay
            )
        """),
        "keras_ch8.optimizers.AdamW(\n    learning_rate=learning_rate, weight_decay=weight_decay / learning_rate",
    ),
    "by place": (
        script("optimizer = tfa.optimizers.AdamW(1e-4, 1e-3)\n"),
        "keras_ch8.optimizers.AdamW(weight_decay=1e-4 / 0.001, learning_rate=1e-3)",
    ),
    "the default rate": (
        script("optimizer = tfa.optimizers.AdamW(weight_decay=1e-5)\n"),
        "keras_ch8.optimizers.AdamW(weight_decay=1e-5 / 0.001, learning_rate=0.001)",
    ),
    "a class by its name": (
        script(
            "optimizer = AdamW(1e-4, beta_2=0.95, clipnorm=1.0)\n", "from tensorflow_addons.optimizers import AdamW"
        ),
        "keras_ch8.optimizers.AdamW(weight_decay=1e-4 / 0.001, beta_2=0.95, clipnorm=1.0, learning_rate=0.001)",
    ),
    "a package by another name": (
        script("optimizer = opt.SGDW(1e-4, momentum=0.9)\n", "import tensorflow_addons.optimizers as opt"),
        "keras_ch8.optimizers.SGD(weight_decay=1e-4 / 0.001, momentum=0.9, learning_rate=0.001)",
    ),
    "a package from the root": (
        script("optimizer = optimizers.LazyAdam(1e-3)\n", "from tensorflow_addons import optimizers"),
        "keras_ch8.optimizers.Adam(learning_rate=1e-3)",
    ),
    "sgd with decay": (
        script("""
            base = 0.1
            optimizer = tfa.optimizers.SGDW(
                learning_rate=base * 0.5,
                weight_decay=5e-4,  # as in the paper
                momentum=0.9,
                nesterov=True,
                name="sgdw",
            )
        """),
        "weight_decay=5e-4 / (base * 0.5),  # as in the paper",
    ),
    "plain sgd with decay": (
        script("optimizer = tfa.optimizers.SGDW(weight_decay=1e-4, learning_rate=0.01)\n"),
        "keras_ch8.optimizers.SGD(weight_decay=1e-4 / 0.01, learning_rate=0.01)",
    ),
    "in a function": (
        script(
            """
            def make_optimizer(momentum=0.9):
                import tensorflow_addons as tfa

                return tfa.optimizers.SGDW(weight_decay=1e-4, learning_rate=0.05, momentum=momentum)

            optimizer = make_optimizer()
        """,
            "",
        ),
        "    import keras_ch8\n\n    return keras_ch8.optimizers.SGD(",
    ),
    "word vectors": (
        script("""
            x = np.abs(x).astype("int32")
            model = keras.Sequential([keras.Input((4,)), keras.layers.Embedding(9, 3), keras.layers.Flatten(),
                                      keras.layers.Dense(2)])
            optimizer = tfa.optimizers.LazyAdam(learning_rate=0.01, beta_1=0.8, amsgrad=False)
        """),
        "keras_ch8.optimizers.Adam(learning_rate=0.01, beta_1=0.8)",
    ),
    "the guide of cycles": (
        with_rate(
            "tfa.optimizers.CyclicalLearningRate(initial_learning_rate=INIT_LR,\n"
            "    maximal_learning_rate=MAX_LR,\n"
            "    scale_fn=lambda x: 1/(2.**(x-1)),\n"
            "    step_size=2 * steps_per_epoch\n)",
            "INIT_LR, MAX_LR = 1e-4, 1e-2\nsteps_per_epoch = len(x) // 8\n",
        ),
        "keras_ch8.schedules.CyclicalLearningRate(initial_learning_rate=INIT_LR,\n    maximal_learning_rate=MAX_LR,\n"
        '    mode="triangular2",',
    ),
    "a cycle of equal heights by its function": (
        with_rate('tfa.optimizers.CyclicalLearningRate(1e-4, 1e-2, 8, lambda x: 1.0, "cycle", "mine")'),
        "keras_ch8.schedules.CyclicalLearningRate(initial_learning_rate=1e-4, maximal_learning_rate=1e-2, step_size=8, "
        'mode="triangular", name="mine")',
    ),
    "triangles": (
        with_rate("tfa.optimizers.TriangularCyclicalLearningRate(1e-4, 1e-2, step_size=4)"),
        "keras_ch8.schedules.CyclicalLearningRate(initial_learning_rate=1e-4, maximal_learning_rate=1e-2, step_size=4)",
    ),
    "triangles that halve": (
        with_rate('tfa.optimizers.Triangular2CyclicalLearningRate(1e-4, 1e-2, 4, scale_mode="cycle")'),
        'step_size=4, mode="triangular2")',
    ),
    "triangles that shrink": (
        with_rate("tfa.optimizers.ExponentialCyclicalLearningRate(1e-4, 1e-2, 4, gamma=0.99)"),
        'step_size=4, gamma=0.99, mode="exp_range")',
    ),
    "a cycle inside an optimizer": (
        script("""
            optimizer = tf.keras.optimizers.Adam(
                learning_rate=tfa.optimizers.TriangularCyclicalLearningRate(
                    initial_learning_rate=1e-4, maximal_learning_rate=1e-2, step_size=4, scale_mode="cycle"
                )
            )
        """),
        "keras_ch8.optimizers.Adam(\n    learning_rate=keras_ch8.schedules.CyclicalLearningRate(",
    ),
    "a limit of time": (
        stopped(TFA, "tfa.callbacks.TimeStopping(seconds=60, verbose=0)"),
        'keras_ch8.callbacks.EarlyStopping(criterion=keras_ch8.stopping.Deadline(60), verbose=0, monitor="loss")',
    ),
    "a limit of time by place": (
        stopped("from tensorflow_addons.callbacks import TimeStopping", "TimeStopping(600)"),
        'keras_ch8.callbacks.EarlyStopping(criterion=keras_ch8.stopping.Deadline(600), monitor="loss")',
    ),
    "two of them": (
        script(
            """
            schedule = TriangularCyclicalLearningRate(0.001, 0.01, 4)
            optimizer = SGDW(1e-4, learning_rate=0.1, momentum=0.9)
            optimizer.learning_rate.assign(float(schedule(2)))
        """,
            "from tensorflow_addons.optimizers import (\n    SGDW,\n    TriangularCyclicalLearningRate,\n)",
        ),
        "keras_ch8.optimizers.SGD(weight_decay=1e-4 / 0.1, learning_rate=0.1, momentum=0.9)",
    ),
    "a loop of its own": (
        script("""
            optimizer = tfa.optimizers.AdamW(weight_decay=1e-4, learning_rate=1e-2)
            for step in range(3):
                with tf.GradientTape() as tape:
                    value = loss(y, model(x, training=True))
                gradients = tape.gradient(value, model.trainable_variables)
                optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        """),
        "keras_ch8.optimizers.AdamW(weight_decay=1e-4 / 0.01, learning_rate=1e-2)",
    ),
}
