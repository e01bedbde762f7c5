"""Six trainings, healthy and ill, for docs/pictures: `python tools/six_runs.py LOG_DIR`. A minute or two."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_ch8 as ch8
from keras_ch8 import callbacks

EPOCHS = 20


def digits() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return 1347 training and 450 test images of 8 x 8 pixels in [0, 1]."""
    x, y = load_digits(return_X_y=True)
    x, x_val, y, y_val = train_test_split(x.astype("float32") / 16, y, test_size=450, random_state=0)
    return (x, y), (x_val, y_val)


def network(optimizer: keras.optimizers.Optimizer, *hidden: keras.layers.Layer) -> keras.Model:
    """Return a compiled classifier of the digits."""
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return model


def main(log_dir: str) -> None:
    """Train them all."""
    train, val = digits()
    dense = keras.layers.Dense

    def fit(name: str, model: keras.Model, *more: keras.callbacks.Callback, data: object = None, **options: object):
        """Train with everything that observes."""
        observers = [callbacks.TensorBoard(f"{log_dir}/{name}"), callbacks.Diagnosis(probe=val)]
        options = {"epochs": EPOCHS, "validation_data": val, "verbose": 0} | options
        x, y = train if data is None else data
        model.fit(x, y, callbacks=[*observers, *more], **options)

    keras.utils.set_random_seed(1)
    image, convolution = keras.layers.Reshape((8, 8, 1)), keras.layers.Conv2D
    layers = image, convolution(16, 3, activation="relu"), convolution(32, 3, activation="relu"), keras.layers.Flatten()
    healthy = network(ch8.optimizers.Adam(1e-3), *layers, keras.layers.Dropout(0.3))
    fit("healthy_cnn", healthy, callbacks.EarlyStopping(patience=4, restore_best_weights=True))

    keras.utils.set_random_seed(2)
    # Sigmoids over small weights: what comes back to the first layers is next to nothing.
    fit("deep_sigmoid", network(ch8.optimizers.SGD(0.1), *(dense(32, "sigmoid") for _ in range(10))))

    keras.utils.set_random_seed(3)
    fit("long_steps", network(ch8.optimizers.SGD(3.0), dense(64, "relu"), dense(64, "relu")))

    keras.utils.set_random_seed(4)
    few = train[0][:150], train[1][:150]
    fit("few_examples", network(ch8.optimizers.Adam(3e-3), dense(256, "relu"), dense(256, "relu")), data=few, epochs=60)

    keras.utils.set_random_seed(5)
    second_order = network(ch8.optimizers.LBFGS(), dense(32, "tanh", kernel_initializer=ch8.initializers.Orthogonal()))
    fit("lbfgs", second_order, batch_size=len(train[0]), epochs=60)

    keras.utils.set_random_seed(6)
    everything = network(ch8.optimizers.Momentum(0.05, clip=ch8.clipping.ByGlobalNorm(1.0)), dense(64, "relu"))
    source = ch8.data.ArraySource(*train, batch_size=32, seed=0)
    easy_first = callbacks.Curriculum(source, difficulty=np.linalg.norm(train[0], axis=1), until="50%", mix=0.1)
    average = callbacks.PolyakAveraging(half_life="5%")
    fit("curriculum_and_average", everything, easy_first, average, data=(source, None))


if __name__ == "__main__":
    main(sys.argv[1])
