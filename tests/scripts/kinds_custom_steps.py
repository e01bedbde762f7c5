"""Training steps and losses written by hand."""

import keras
import tensorflow as tf
from keras import layers

from .kinds_supervised import CLASSIFIES, classify, small_network
from .registry import BATCH, EPOCHS, NEVER_BUILT, kind, regression


class AddsToTheStep(keras.Model):
    """Reports one number more than Keras's own step."""

    def train_step(self, data):
        logs = super().train_step(data)
        return logs | {"weights": tf.add_n([tf.reduce_sum(tf.square(w)) for w in self.trainable_variables])}


@kind(**CLASSIFIES)
def train_step_with_super(optimizer):
    return classify(small_network(AddsToTheStep), optimizer())


def reported(model, loss, y, y_pred):
    """Tell the metrics of a model, and return what they say."""
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss)
        else:
            metric.update_state(y, y_pred)
    return {metric.name: metric.result() for metric in model.metrics}


class OwnStep(keras.Model):
    """Does what Keras's own step does."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        self.optimizer.apply_gradients(
            zip(tape.gradient(loss, self.trainable_variables), self.trainable_variables, strict=True)
        )
        return reported(self, loss, y, y_pred)


@kind(**CLASSIFIES)
def train_step_without_super(optimizer):
    return classify(small_network(OwnStep), optimizer())


class NeverCalled(keras.Model):
    """Trains a network that it holds, and cannot be called itself."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.net = keras.Sequential([layers.Dense(8, "tanh"), layers.Dense(1)])
        self.seen = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.seen]

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.net(x, training=True) - y))
        variables = self.net.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        self.seen.update_state(loss)
        return {"loss": self.seen.result()}


@kind(**NEVER_BUILT, has_loss=False)
def train_step_that_never_calls_the_model(optimizer):
    model = NeverCalled()
    model.compile(optimizer())
    x, y = regression(48)
    return model, {"x": x, "y": y, "batch_size": BATCH, "epochs": EPOCHS}


class LossWithTraining(keras.Model):
    """A penalty in training only."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred, sample_weight, training=training)
        return loss + 0.01 * tf.reduce_mean(tf.square(y_pred)) if training else loss


@kind(**CLASSIFIES)
def compute_loss_with_training(optimizer):
    return classify(small_network(LossWithTraining), optimizer())


class LossWithoutTraining(keras.Model):
    """A loss of its own; `compile` is told none."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return tf.reduce_mean(tf.math.log(tf.cosh(y_pred - y)))


@kind(pair=("mae", "loss", "min"), has_loss=False)
def compute_loss_without_training(optimizer):
    model = small_network(LossWithoutTraining, outputs=1)
    model.compile(optimizer(), metrics=["mae"])
    x, y = regression()
    validation = x[48:], y[48:]
    return model, {"x": x[:48], "y": y[:48], "validation_data": validation, "batch_size": BATCH, "epochs": EPOCHS}


class Endpoint(layers.Layer):
    """Adds the loss of a reconstruction to its model."""

    def call(self, x, reconstructed):
        self.add_loss(keras.ops.mean(keras.ops.square(x - reconstructed)))
        return reconstructed


@kind(has_loss=False)
def loss_added_by_a_layer(optimizer):
    """Reconstruct: `compile` is told no loss, and `fit` no y."""
    inputs = keras.Input((6,))
    reconstructed = layers.Dense(6)(layers.Dense(3, "tanh", kernel_regularizer="l2")(inputs))
    model = keras.Model(inputs, Endpoint()(inputs, reconstructed))
    model.compile(optimizer())
    x, _ = regression()
    return model, {"x": x[:48], "validation_data": (x[48:], None), "batch_size": BATCH, "epochs": EPOCHS}
