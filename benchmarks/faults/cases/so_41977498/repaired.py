import keras
import numpy as np
import tensorflow as tf

K = 3
rng = np.random.default_rng(0)
arm = rng.integers(0, K, 1000)
radius = rng.uniform(0.1, 1, 1000)
theta = 4 * radius + 2 * np.pi / K * arm + rng.normal(0, 0.15, 1000)
points = np.stack([radius * np.cos(theta), radius * np.sin(theta)], axis=1).astype("float32")
onehot = np.eye(K, dtype="float32")[arm]

ds = tf.data.Dataset.from_tensor_slices((points, onehot))
train_ds = ds.take(600).cache().shuffle(600).batch(32)
test_ds = ds.skip(600).batch(32)

model = keras.Sequential()
model.add(keras.layers.Dense(32, activation="relu", input_shape=(2,)))
model.add(keras.layers.Dense(32, activation="relu"))
model.add(keras.layers.Dense(K, activation="softmax"))
model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])

model.fit(train_ds, epochs=50, validation_data=test_ds, verbose=2)

probabilities = model.predict(test_ds, verbose=0)
score = float((probabilities.argmax(1) == arm[600:]).mean())
print("score", score)
