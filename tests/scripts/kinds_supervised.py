"""Models of every form, trained by `compile` and `fit` as they come."""

import keras
from keras import layers
from sklearn.datasets import load_digits

from .registry import BATCH, EPOCHS, blobs, kind, normal, regression

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
CLASSIFIES = {"pair": ("accuracy", "loss", "max")}


def classify(model, optimizer, **options):
    """Compile a classifier of `blobs`."""
    model.compile(
        optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"], **options
    )
    return model, of_blobs()


def of_blobs():
    x, y = blobs()
    validation = x[48:], y[48:]
    return {"x": x[:48], "y": y[:48], "validation_data": validation, "batch_size": BATCH, "epochs": EPOCHS}


def small_network(model=keras.Model, outputs=3):
    inputs = keras.Input((6,))
    return model(inputs, layers.Dense(outputs)(layers.Dense(8, "tanh")(inputs)))


@kind(**CLASSIFIES)
def functional(optimizer):
    return classify(small_network(), optimizer())


@kind(**CLASSIFIES)
def sequential_without_input(optimizer):
    return classify(keras.Sequential([layers.Dense(8, "relu"), layers.Dense(3)]), optimizer())


class Perceptron(keras.Model):
    """Built by its first batch."""

    def __init__(self, units=8, classes=3, **kwargs):
        super().__init__(**kwargs)
        self.units, self.classes = units, classes
        self.hidden, self.top = layers.Dense(units, "relu"), layers.Dense(classes)

    def call(self, x):
        return self.top(self.hidden(x))

    def get_config(self):
        return super().get_config() | {"units": self.units, "classes": self.classes}


@kind(**CLASSIFIES)
def subclassed_without_build(optimizer):
    return classify(Perceptron(), optimizer())


@kind(**CLASSIFIES)
def model_in_a_model(optimizer):
    inside = keras.Sequential([keras.Input((6,)), layers.Dense(8, "tanh"), layers.Dense(4)], name="inside")
    inputs = keras.Input((6,))
    return classify(keras.Model(inputs, layers.Dense(3)(inside(inputs))), optimizer())


@kind(**CLASSIFIES)
def convolutional_with_batch_normalization_and_dropout(optimizer):
    images, y = load_digits(n_class=3, return_X_y=True)
    x = (images[:60].reshape(-1, 8, 8, 1) / 16).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, strides=2, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(3),
        ]
    )
    model.compile(optimizer(), CROSS_ENTROPY, metrics=["accuracy"])
    validation = x[48:], y[48:60]
    return model, {"x": x[:48], "y": y[:48], "validation_data": validation, "batch_size": BATCH, "epochs": EPOCHS}


@kind(pair=("mae", "loss", "min"))
def inputs_in_a_dictionary(optimizer):
    inputs = {"numbers": keras.Input((6,), name="numbers"), "city": keras.Input((), dtype="int32", name="city")}
    city = layers.Embedding(5, 3)(inputs["city"])
    joined = layers.Concatenate()([inputs["numbers"], city])
    model = keras.Model(inputs, layers.Dense(1)(layers.Dense(6, "tanh")(joined)))
    model.compile(optimizer(), "mse", metrics=["mae"])
    numbers, y = regression(48)
    x = {"numbers": numbers, "city": (abs(normal(48, seed=3)) * 10).astype("int32") % 5}
    return model, {"x": x, "y": y, "batch_size": BATCH, "epochs": EPOCHS, "validation_split": 0.25}


@kind(pair=("kind_accuracy", "kind_loss", "max"))
def several_outputs(optimizer):
    inputs = keras.Input((6,))
    hidden = layers.Dense(8, "tanh")(inputs)
    model = keras.Model(inputs, {"kind": layers.Dense(3)(hidden), "size": layers.Dense(1)(hidden)})
    model.compile(
        optimizer(),
        loss={"kind": CROSS_ENTROPY, "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.5},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    x, classes = blobs()
    y = {"kind": classes, "size": x[:, :1] ** 2}
    rest = x[48:], {name: values[48:] for name, values in y.items()}
    y = {name: values[:48] for name, values in y.items()}
    return model, {"x": x[:48], "y": y, "validation_data": rest, "batch_size": BATCH, "epochs": EPOCHS}


@kind(
    pair=("mae", "loss", "min"),
    optimizers=(),
    keras_warns="The model does not have any trainable weights",
)
def nothing_to_train(optimizer):
    x, y = regression(48)
    normalization = layers.Normalization()
    normalization.adapt(x)
    model = keras.Sequential([keras.Input((6,)), normalization])
    model.compile(optimizer(), "mse", metrics=["mae"])
    return model, {"x": x, "y": y, "batch_size": BATCH, "epochs": EPOCHS}
