import keras
import numpy as np
from keras import layers, ops
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

# sensors around a tank: 10 readings with 16 values each; one of them is marked by the operator,
# and its state (first four values) is asked for
rng = np.random.default_rng(0)
n, readings, width = 800, 10, 16
state = rng.integers(0, 4, (n, readings))
X = rng.normal(0, 1, (n, readings, width))
X[:, :, :4] = 2 * np.eye(4)[state] + rng.normal(0, 0.3, (n, readings, 4))
marked = rng.integers(0, readings, n)
X[:, :, 4] = rng.normal(0, 0.3, (n, readings))
X[np.arange(n), marked, 4] += 2
y = state[np.arange(n), marked]

X = StandardScaler().fit_transform(X.reshape(-1, width)).reshape(X.shape).astype("float32")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)


class Attention(layers.Layer):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim
        self.query = layers.Dense(dim, use_bias=False, kernel_initializer="he_normal")
        self.key = layers.Dense(dim, use_bias=False, kernel_initializer="he_normal")
        self.value = layers.Dense(dim, use_bias=False)

    def call(self, x):
        scores = ops.matmul(self.query(x), ops.transpose(self.key(x), (0, 2, 1)))
        weights = ops.softmax(scores)
        return ops.matmul(weights, self.value(x))


inputs = keras.Input((readings, width))
h = Attention(256)(inputs)
h = layers.GlobalAveragePooling1D()(h)
outputs = layers.Dense(4, activation="softmax")(h)
model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9),
              loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, epochs=6, batch_size=32, validation_split=0.1, verbose=2)

y_pred = model.predict(X_test, verbose=0).argmax(axis=1)
score = float((y_pred == y_test).mean())
print("accuracy", score)
