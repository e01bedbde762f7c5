import numpy as np
import tensorflow as tf
from tensorflow import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)

batch_size = 32
epochs = 12


def samples():
    for features, label in zip(x_train, y_train):
        yield features, label


train_ds = tf.data.Dataset.from_generator(
    samples,
    output_signature=(
        tf.TensorSpec(shape=(64,), dtype=tf.float32),
        tf.TensorSpec(shape=(), dtype=tf.int64),
    ),
)
train_ds = train_ds.shuffle(2000).batch(batch_size).prefetch(1)

steps_per_epoch = int(tf.data.experimental.cardinality(train_ds).numpy())
lr_schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
    boundaries=[steps_per_epoch * 8, steps_per_epoch * 10],
    values=[0.1, 0.01, 0.001],
)

model = keras.models.Sequential()
model.add(keras.Input(shape=(64,)))
model.add(keras.layers.Dense(64, activation="relu"))
model.add(keras.layers.Dense(64, activation="relu"))
model.add(keras.layers.Dense(10, activation="softmax"))
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=lr_schedule),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(train_ds, epochs=epochs, verbose=2)

predicted = np.argmax(model.predict(x_test, verbose=0), axis=-1)
score = (predicted == y_test).mean()
print(score)
