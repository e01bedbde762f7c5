"""Training steps and losses written by hand."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from .kinds_supervised import CLASSIFIES, classify, of_blobs, small_network
from .registry import BATCH, EPOCHS, NEVER_BUILT, kind, normal, regression


@keras.saving.register_keras_serializable("scripts")
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


@keras.saving.register_keras_serializable("scripts")
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


@keras.saving.register_keras_serializable("scripts")
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


@kind(**NEVER_BUILT, has_loss=False, saves=False)
def train_step_that_never_calls_the_model(optimizer):
    model = NeverCalled()
    model.compile(optimizer())
    x, y = regression(48)
    return model, {"x": x, "y": y, "batch_size": BATCH, "epochs": EPOCHS}


@keras.saving.register_keras_serializable("scripts")
class Denoiser(keras.Model):
    """Finds the noise in a signal: the loss of `compile`, taken where the model itself is never called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.net = keras.Sequential([keras.Input((7,)), layers.Dense(8, "swish"), layers.Dense(6)])
        self.seeds = keras.random.SeedGenerator(0)

    def noisy(self, x):
        noise = keras.random.normal(tf.shape(x), seed=self.seeds)
        share = keras.random.uniform((tf.shape(x)[0], 1), seed=self.seeds)
        mixed = tf.sqrt(1 - share) * x + tf.sqrt(share) * noise
        return tf.concat([mixed, share], axis=1), noise

    def train_step(self, x):
        with tf.GradientTape() as tape:
            inputs, noise = self.noisy(x)
            loss = self.loss(noise, self.net(inputs, training=True))
        weights = self.net.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"noise_loss": loss}

    def test_step(self, x):
        inputs, noise = self.noisy(x)
        return {"noise_loss": self.loss(noise, self.net(inputs, training=False))}


@kind(**NEVER_BUILT, monitor="noise_loss", has_arrays=False, has_validation=True, saves=False)
def diffusion(optimizer):
    model = Denoiser()
    model.compile(optimizer(), loss=keras.losses.MeanSquaredError())
    x, _ = regression()
    return model, {"x": x[:48], "validation_data": (x[48:],), "batch_size": BATCH, "epochs": EPOCHS}


@keras.saving.register_keras_serializable("scripts")
class LossWithTraining(keras.Model):
    """A penalty in training only."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred, sample_weight, training=training)
        return loss + 0.01 * tf.reduce_mean(tf.square(y_pred)) if training else loss


@kind(**CLASSIFIES)
def compute_loss_with_training(optimizer):
    return classify(small_network(LossWithTraining), optimizer())


@keras.saving.register_keras_serializable("scripts")
class LossWithoutTraining(keras.Model):
    """A loss of its own; `compile` is told none."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return tf.reduce_mean(tf.math.log(tf.cosh(y_pred - y)))


@kind(pair=("mae", "loss", "min"), has_loss=False, has_validation=True)
def compute_loss_without_training(optimizer):
    model = small_network(LossWithoutTraining, outputs=1)
    model.compile(optimizer(), metrics=["mae"])
    x, y = regression()
    validation = x[48:], y[48:]
    return model, {"x": x[:48], "y": y[:48], "validation_data": validation, "batch_size": BATCH, "epochs": EPOCHS}


@keras.saving.register_keras_serializable("scripts")
class Endpoint(layers.Layer):
    """Adds the loss of a reconstruction to its model."""

    def call(self, x, reconstructed):
        self.add_loss(keras.ops.mean(keras.ops.square(x - reconstructed)))
        return reconstructed


@kind(has_loss=False, has_arrays=False, has_validation=True)
def loss_added_by_a_layer(optimizer):
    """Reconstruct: `compile` is told no loss, and `fit` no y."""
    inputs = keras.Input((6,))
    reconstructed = layers.Dense(6)(layers.Dense(3, "tanh", kernel_regularizer="l2")(inputs))
    model = keras.Model(inputs, Endpoint()(inputs, reconstructed))
    model.compile(optimizer())
    x, _ = regression()
    return model, {"x": x[:48], "validation_data": (x[48:], None), "batch_size": BATCH, "epochs": EPOCHS}


@keras.saving.register_keras_serializable("scripts")
class Distiller(keras.Model):
    """Teaches a student what a teacher says; `compute_loss` takes what Keras's example takes."""

    def __init__(self, student, teacher, **kwargs):
        super().__init__(**kwargs)
        self.student, self.teacher = student, teacher
        self.teacher.trainable = False

    def compile(self, optimizer, metrics, weight=0.3, temperature=2.0):
        super().compile(optimizer=optimizer, metrics=metrics)
        self.weight, self.temperature = weight, temperature

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, allow_empty=False):
        soft = tf.nn.softmax(self.teacher(x, training=False) / self.temperature)
        told = keras.losses.kl_divergence(soft, tf.nn.softmax(y_pred / self.temperature))
        true = keras.losses.sparse_categorical_crossentropy(y, y_pred, from_logits=True)
        return tf.reduce_mean(self.weight * true + (1 - self.weight) * self.temperature**2 * told)

    def call(self, x):
        return self.student(x)

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return super().get_config() | {"student": serialize(self.student), "teacher": serialize(self.teacher)}

    @classmethod
    def from_config(cls, config):
        student, teacher = (keras.saving.deserialize_keras_object(config.pop(name)) for name in ("student", "teacher"))
        return cls(student, teacher, **config)

    def get_compile_config(self):
        return {"optimizer": keras.saving.serialize_keras_object(self.optimizer)}

    def compile_from_config(self, config):
        self.compile(keras.saving.deserialize_keras_object(config["optimizer"]), metrics=["accuracy"])
        self.optimizer.build(self.trainable_variables)


@kind(**CLASSIFIES | {"has_loss": False})
def distillation(optimizer):
    model = Distiller(keras.Sequential([keras.Input((6,)), layers.Dense(3)]), small_network())
    model.compile(optimizer(), metrics=["accuracy"])
    return model, of_blobs()


class Attention(layers.Layer):
    """Attention of each node of a graph to its neighbors."""

    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[0][-1], self.units), initializer="glorot_uniform", name="kernel")
        self.attention = self.add_weight(shape=(2 * self.units, 1), initializer="glorot_uniform", name="attention")

    def call(self, inputs):
        states, edges = inputs
        states = tf.matmul(states, self.kernel)
        of_edges = tf.reshape(tf.gather(states, edges), (-1, 2 * self.units))
        scores = tf.exp(tf.clip_by_value(tf.nn.leaky_relu(tf.matmul(of_edges, self.attention))[:, 0], -2.0, 2.0))
        total = tf.math.unsorted_segment_sum(scores, edges[:, 0], tf.shape(states)[0])
        shares = scores / tf.gather(total, edges[:, 0])
        neighbors = tf.gather(states, edges[:, 1]) * shares[:, None]
        return tf.math.unsorted_segment_sum(neighbors, edges[:, 0], tf.shape(states)[0])


class GraphAttention(keras.Model):
    """Classifies the nodes of one graph: a batch is node numbers, and `call` takes the graph."""

    def __init__(self, states, edges):
        super().__init__()
        self.states, self.edges = states, edges
        self.first, self.top = Attention(6), layers.Dense(3)

    def call(self, inputs):
        states, edges = inputs
        return self.top(tf.nn.elu(self.first([states, edges])))

    def train_step(self, data):
        nodes, classes = data
        with tf.GradientTape() as tape:
            outputs = tf.gather(self([self.states, self.edges], training=True), nodes)
            loss = self.compute_loss(y=classes, y_pred=outputs)
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return reported(self, loss, classes, outputs)

    def predict_step(self, data):
        return tf.gather(self([self.states, self.edges], training=False), data)

    def test_step(self, data):
        nodes, classes = data
        outputs = self.predict_step(nodes)
        return reported(self, self.compute_loss(y=classes, y_pred=outputs), classes, outputs)


@kind(**CLASSIFIES, has_call=False, saves=False, exports=False, clones=False)
def graph_attention(optimizer):
    classes = np.arange(30) % 3
    pairs = np.random.default_rng(0).integers(0, 30, (400, 2))
    pairs = pairs[classes[pairs[:, 0]] == classes[pairs[:, 1]]]
    edges = np.concatenate([pairs, np.repeat(np.arange(30), 2).reshape(-1, 2)]).astype("int32")
    states = normal(3, 5)[classes] + normal(30, 5, seed=1)
    model = GraphAttention(tf.constant(states), tf.constant(edges))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(), loss, metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")])
    nodes = np.arange(30)
    validation = nodes[24:], classes[24:]
    return model, {
        "x": nodes[:24],
        "y": classes[:24],
        "validation_data": validation,
        "batch_size": 8,
        "epochs": EPOCHS,
    }
