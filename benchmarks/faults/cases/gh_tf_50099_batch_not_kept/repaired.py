import numpy as np
import tensorflow as tf
import keras

# synthetic linear data with measurement noise
rng = np.random.default_rng(0)
num_data, num_features = 300, 6
w = rng.normal(size=(num_features, 1))
inputs = rng.normal(size=(num_data + 200, num_features)).astype("float32")
labels = inputs @ w + 0.5 * np.linalg.norm(w) * rng.normal(size=(num_data + 200, 1))
labels = (labels / np.std(labels)).astype("float32")
test_inputs, test_labels = inputs[num_data:], labels[num_data:]
inputs, labels = inputs[:num_data], labels[:num_data]

# every element of the dataset needs a leading batch dimension
dataset = tf.data.Dataset.from_tensor_slices(
    (inputs.reshape((num_data, 1, num_features)), labels.reshape((num_data, 1, 1))))
dataset = dataset.unbatch().shuffle(num_data).batch(32)

linear_model = keras.Sequential([keras.Input((num_features,)), keras.layers.Dense(1)])
linear_model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.1), loss="mse")
history = linear_model.fit(dataset, epochs=15, verbose=2)

pred = linear_model.predict(test_inputs, verbose=0)
mse = np.mean((pred - test_labels) ** 2)
score = 1 - mse / np.var(test_labels)
print("R2", score)
