import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

data = load_digits()
X = (data.images / 16.0).astype("float32")[..., None]
Y = keras.utils.to_categorical(data.target, 10)
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, random_state=0)


class MyModel(keras.Model):
    # own training step: gradients by hand, so that I can look at them later
    def train_step(self, batch):
        x, y = batch
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


inputs = keras.Input(shape=(8, 8, 1))
h = layers.Conv2D(16, 3, padding="same", activation="relu", kernel_initializer="he_normal")(inputs)
h = layers.Conv2D(16, 3, padding="same", activation="relu", kernel_initializer="he_normal")(h)
h = layers.MaxPooling2D(2)(h)
h = layers.Flatten()(h)
h = layers.Dense(64, activation="relu", kernel_initializer="he_normal")(h)
outputs = layers.Dense(10, activation="softmax")(h)

model = MyModel(inputs, outputs)
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.001, momentum=0.9),
              loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, Y_train, batch_size=32, epochs=12, validation_split=0.1, verbose=2)

probs = model.predict(X_test, verbose=0)
score = float((probs.argmax(1) == Y_test.argmax(1)).mean())
print("Accuracy on the test set: %.3f" % score)
