import numpy as np
import tensorflow as tf
import keras
from keras import layers
from sklearn.model_selection import train_test_split

# readings of a weather station: hPa, K, %, m/s, and so on
rng = np.random.default_rng(0)
z = rng.normal(size=(1000, 6))
offset = np.array([1013.0, 288.0, 55.0, 3.2, 0.4, 1200.0])
scale = np.array([8.0, 6.0, 15.0, 1.1, 0.05, 90.0])
x = (offset + scale * z).astype("float32")
logits = np.stack([z[:, 0] - z[:, 3], z[:, 4] + z[:, 1], z[:, 2] * z[:, 5]], axis=1)
y = logits.argmax(axis=1)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=0)


class StationNet(keras.Model):
    def __init__(self, num_classes):
        super().__init__()
        self.bn = layers.BatchNormalization(momentum=0.9)
        self.hidden1 = layers.Dense(48, activation="relu")
        self.hidden2 = layers.Dense(48, activation="relu")
        self.classifier = layers.Dense(num_classes, activation="softmax")

    def call(self, x, training=False):
        x = self.bn(x, training=training)
        x = self.hidden1(x)
        x = self.hidden2(x)
        return self.classifier(x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


model = StationNet(3)
model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=25, verbose=2)

probs = model.predict(x_test, verbose=0)
score = np.mean(np.argmax(probs, axis=1) == y_test)
print("held-out accuracy:", score)
