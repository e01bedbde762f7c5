import tensorflow as tf
import keras
from keras import layers
import numpy as np
from sklearn.datasets import load_digits

digits = load_digits().data.astype("float32") / 16.0
train_images, test_images = digits[:1500], digits[1500:]

CODE_SIZE = 6


def build_encoder():
    return keras.Sequential([
        layers.Input((64,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(CODE_SIZE, name="code"),
    ], name="encoder")


def build_decoder():
    return keras.Sequential([
        layers.Input((CODE_SIZE,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="sigmoid"),
    ], name="decoder")


class ImageCodec(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = build_encoder()
        self.decoder = build_decoder()
        self.loss_metric = keras.metrics.Mean(name="reconstruction")

    @property
    def metrics(self):
        return [self.loss_metric]

    def call(self, images):
        return self.decoder(self.encoder(images))

    def train_step(self, data):
        images = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as tape:
            code = self.encoder(images, training=True)
            code += tf.random.normal(tf.shape(code), stddev=0.05)
            fake = self.decoder(code, training=True)
            total_loss = tf.reduce_mean(tf.reduce_sum(tf.abs(images - fake), axis=1))
        variables = self.decoder.trainable_variables + self.encoder.trainable_variables
        gradients = tape.gradient(total_loss, variables)
        self.optimizer.apply_gradients(zip(gradients, variables))
        self.loss_metric.update_state(total_loss)
        return {"reconstruction": self.loss_metric.result()}


codec = ImageCodec()
codec.compile(optimizer=keras.optimizers.Adam(2e-3))
codec.fit(train_images, batch_size=32, epochs=25, verbose=2)

restored = codec.predict(test_images, verbose=0)
score = 1 - np.mean((restored - test_images) ** 2) / np.mean((test_images - test_images.mean(axis=0)) ** 2)
print("R2 of restored images:", score)
