import numpy as np
import keras
from keras import layers
from sklearn.model_selection import train_test_split

# currents of 12 motors, in ampere: eight features each; one motor is switched (feature 6),
# the kind of that motor is wanted
rng = np.random.default_rng(0)
n, motors, kinds = 3000, 12, 6
kind = rng.integers(0, kinds, (n, motors))
switched = rng.integers(0, motors, n)
currents = rng.normal(0, 0.1, (n, motors, 8))
currents[:, :, :6] += np.eye(kinds)[kind]
currents[np.arange(n), switched, 6] += 1.0
currents = (0.01 * currents).astype("float32")
wanted = kind[np.arange(n), switched]
x_train, x_test, y_train, y_test = train_test_split(currents, wanted, test_size=0.2, random_state=0)

inputs = keras.Input((motors, 8))
x = layers.LayerNormalization(epsilon=1e-6)(inputs)
x = layers.MultiHeadAttention(num_heads=2, key_dim=16, output_shape=32)(x, x)
x = layers.LayerNormalization(epsilon=1e-6)(x)
x = layers.Dense(32, activation="relu")(x)
x = layers.GlobalAveragePooling1D()(x)
outputs = layers.Dense(kinds, activation="softmax")(x)
model = keras.Model(inputs, outputs)

model.compile(optimizer=keras.optimizers.Adam(0.003),
              loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=12, batch_size=32, validation_split=0.1, verbose=2)

p = model.predict(x_test, verbose=0)
score = float(np.mean(p.argmax(-1) == y_test))
print("accuracy:", score)
