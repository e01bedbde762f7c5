"""Teach a small network what a large one knows: it learns from labels, and from how sure that is of each digit."""

import forms
import keras
import tensorflow as tf
from keras import layers, ops
from sklearn.datasets import load_digits

BATCH, EPOCHS, ALPHA, TEMPERATURE = 32, 14, 0.1, 10.0
LEARNS = "val_accuracy", 0.1, 0.85
TRUTH = ()


def data():
    """Return images of digits, and which digit each is."""
    digits = load_digits()
    return (digits.images[:1792, ..., None] / 16).astype("float32"), digits.target[:1792].astype("int32")


def network(first, second):
    """Return a network of two convolutions, that returns logits."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(first, 3, padding="same"),
            layers.LeakyReLU(0.2),
            layers.MaxPooling2D(2, strides=1, padding="same"),
            layers.Conv2D(second, 3, strides=2, padding="same"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


class Distiller(keras.Model):
    """The small network, with the large one as its teacher."""

    def __init__(self, student, teacher):
        super().__init__()
        self.student, self.teacher = student, teacher
        self.teacher.trainable = False
        self.built = True  # its parts are
        self.likeness = keras.losses.KLDivergence()
        self.tracker, self.accuracy = keras.metrics.Mean("loss"), keras.metrics.SparseCategoricalAccuracy("accuracy")

    @property
    def metrics(self):
        """What is reported."""
        return [self.tracker, self.accuracy]

    def call(self, images, training=None):
        """Return what the small network says."""
        return self.student(images, training=training)

    def lost(self, images, labels, training):
        """Return the loss, and keep what is reported."""
        said, taught = self(images, training=training), self.teacher(images, training=False)
        softly = (ops.softmax(logits / TEMPERATURE) for logits in (taught, said))
        own = ops.mean(keras.losses.sparse_categorical_crossentropy(labels, said, from_logits=True))
        loss = ALPHA * own + (1 - ALPHA) * TEMPERATURE**2 * self.likeness(*softly)
        self.tracker.update_state(loss)
        self.accuracy.update_state(labels, said)
        return loss

    def train_step(self, data):
        """One step of the small network."""
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = self.lost(images, labels, training=True)
        variables = self.student.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        """The same without a step."""
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.lost(images, labels, training=False)
        return {metric.name: metric.result() for metric in self.metrics}


def model():
    """Return the compiled pair, of which the teacher has been trained."""
    teacher, loss = network(32, 64), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    teacher.compile("adam", loss)
    teacher.fit(*forms.split(data(), BATCH)[0], epochs=5, verbose=0)
    distiller = Distiller(network(4, 8), teacher)
    distiller.compile(keras.optimizers.Adam())
    return distiller


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
