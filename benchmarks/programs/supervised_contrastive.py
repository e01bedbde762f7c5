"""Tell digits in two stages: an encoder learns to lay those of one kind together, a classifier to name them."""

import forms
import keras
from keras import layers, ops
from sklearn.datasets import load_digits

BATCH, EPOCHS = 64, (15, 25)
LEARNS = "val_accuracy", 0.1, 0.9
TRUTH = ()


def data():
    """Return images of digits, and which digit each is."""
    digits = load_digits()
    return (digits.images[:1792, ..., None] / 16).astype("float32"), digits.target[:1792].astype("int32")


@keras.saving.register_keras_serializable("programs")
class SupervisedContrastive(keras.losses.Loss):
    """How surely each vector of a batch finds the others of its class, by their angles."""

    def __init__(self, temperature=0.1, **kwargs):
        super().__init__(**kwargs)
        self.temperature = temperature

    def call(self, labels, vectors):
        """Return the loss of each example: the mean surprise of the others of its class, among all others."""
        vectors = ops.normalize(vectors, axis=1)
        itself = ops.eye(ops.shape(vectors)[0])
        scores = ops.matmul(vectors, ops.transpose(vectors)) / self.temperature - 1e9 * itself
        labels = ops.reshape(labels, (-1, 1))
        others = ops.cast(ops.equal(labels, ops.transpose(labels)), "float32") - itself
        return -ops.sum(others * ops.log_softmax(scores), axis=1) / ops.maximum(ops.sum(others, axis=1), 1)

    def get_config(self):
        """Return what it is made of."""
        return {**super().get_config(), "temperature": self.temperature}


def model():
    """Return the compiled classifier, whose first layer is the encoder."""
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.RandomTranslation(0.1, 0.1),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(64, "relu"),
        ]
    )
    head = [layers.Dropout(0.2), layers.Dense(64, "relu"), layers.Dropout(0.2), layers.Dense(10, "softmax")]
    classifier = keras.Sequential([encoder, *head])
    classifier.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return classifier


def train(model, data, callbacks=()):
    """Train the encoder with a head that is left away later, and then the classifier on top of it."""
    encoder = model.layers[0]
    contrastive = keras.Sequential([encoder, layers.Dense(32, "relu")])
    contrastive.compile(keras.optimizers.Adam(1e-3), SupervisedContrastive())
    first = contrastive.fit(**data, epochs=EPOCHS[0], callbacks=[*callbacks])
    encoder.trainable = False
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return [first, model.fit(**data, epochs=EPOCHS[1], callbacks=[*callbacks])]


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
