import numpy as np
import keras
from keras import layers
from sklearn.datasets import make_circles

# two rings, one inside the other
points, ring = make_circles(n_samples=1000, noise=0.1, random_state=1)
n_train = 700

inputs = keras.Input(shape=(2,))
x = inputs
for depth in range(8):
    x = layers.Dense(5, kernel_initializer="he_uniform")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("selu")(x)
outputs = layers.Dense(1, kernel_initializer="he_uniform", activation="sigmoid")(x)
model = keras.Model(inputs, outputs)

model.compile(optimizer=keras.optimizers.Adam(0.001), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(points[:n_train], ring[:n_train], batch_size=32, epochs=50, verbose=0,
          validation_data=(points[n_train:], ring[n_train:]))

inner = np.round(model.predict(points[n_train:], verbose=0)[:, 0])
score = float(np.mean(inner == ring[n_train:]))
print("accuracy:", score)
