import numpy as np
import tensorflow as tf
import keras
from keras import layers
from sklearn.datasets import load_digits

latent_dim = 8

images = load_digits().images / 16.0
images = np.kron(images, np.ones((1, 2, 2))).reshape(-1, 256).astype("float32")
x_train, x_test = images[:1440], images[1440:]

encoder_in = keras.Input((256,))
h = layers.Dense(128, activation="relu")(encoder_in)
z_mean = layers.Dense(latent_dim, name="z_mean")(h)
z_log_var = layers.Dense(latent_dim, name="z_log_var")(h)
encoder = keras.Model(encoder_in, [z_mean, z_log_var], name="encoder")

decoder = keras.Sequential([
    keras.Input((latent_dim,)),
    layers.Dense(128, activation="relu"),
    layers.Dense(256, activation="sigmoid"),
], name="decoder")


class VAE(keras.Model):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.r_loss_tracker = keras.metrics.Mean(name="vae_r_loss")
        self.kl_loss_tracker = keras.metrics.Mean(name="vae_kl_loss")

    @property
    def metrics(self):
        return [self.r_loss_tracker, self.kl_loss_tracker]

    def call(self, x):
        return self.decoder(self.encoder(x)[0])

    def train_step(self, data):
        x = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as tape:
            mean, log_var = self.encoder(x, training=True)
            z = mean + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mean))
            reconstruction = self.decoder(z, training=True)
            r_loss = tf.reduce_mean(tf.square(x - reconstruction))
            kl_loss = -0.5 * tf.reduce_mean(1 + log_var - tf.square(mean) - tf.exp(log_var))
            loss = 10.0 * r_loss + kl_loss
        grads = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(grads, self.trainable_weights))
        self.r_loss_tracker.update_state(r_loss)
        self.kl_loss_tracker.update_state(kl_loss)
        return {m.name: m.result() for m in self.metrics}


vae = VAE(encoder, decoder)
vae.compile(optimizer=keras.optimizers.Adam(learning_rate=2e-3))
vae.fit(x_train, epochs=30, batch_size=64, verbose=2)

recon = decoder.predict(encoder.predict(x_test, verbose=0)[0], verbose=0)
score = 1 - np.mean((recon - x_test) ** 2) / np.mean((x_test - x_test.mean(axis=0)) ** 2)
print("R2 of the reconstructions:", score)
