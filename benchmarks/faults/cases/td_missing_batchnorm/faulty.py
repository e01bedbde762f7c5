import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
images = (digits.images[..., None] / 16.0).astype(np.float32)
x_train, x_test, y_train, y_test = train_test_split(images, digits.target, test_size=0.2, random_state=3)


class StatelessModel(keras.Model):
    """Training step in the functional style of the Keras guide."""

    def train_step(self, data):
        x, y = data
        weights = [v.value for v in self.trainable_variables]
        state = [v.value for v in self.non_trainable_variables]
        with tf.GradientTape() as tape:
            y_pred, new_state = self.stateless_call(weights, state, x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        grads = tape.gradient(loss, weights)
        self.optimizer.apply(grads, self.trainable_variables)
        for m in self.metrics:
            if m.name == "loss":
                m.update_state(loss)
            else:
                m.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


inputs = keras.Input((8, 8, 1))
x = inputs
for filters in (16, 32):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, activation="relu", kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, activation="relu", kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.MaxPooling2D(2)(x)
x = layers.Flatten()(x)
x = layers.Dense(64, activation="relu", kernel_initializer="he_normal")(x)
x = layers.BatchNormalization(momentum=0.9)(x)
outputs = layers.Dense(10, activation="softmax")(x)

model = StatelessModel(inputs, outputs)
model.compile(optimizer=keras.optimizers.SGD(0.001, momentum=0.9),
              loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=8, batch_size=32, validation_split=0.1, verbose=2)

y_pred = model.predict(x_test, verbose=0)
score = float(np.mean(y_pred.argmax(-1) == y_test))
print("test accuracy", score)
