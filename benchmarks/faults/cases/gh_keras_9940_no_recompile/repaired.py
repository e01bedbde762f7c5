import numpy as np
import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

x, y = load_digits(return_X_y=True)
x = x.astype("float32") / 16
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=600, random_state=0)

# base model, trained beforehand on a simpler task
base = keras.Sequential([
    keras.Input((64,)),
    layers.Dense(32, activation="relu"),
    layers.Dense(6, activation="relu"),
], name="base")
simple = keras.Sequential([base, layers.Dense(1, activation="sigmoid")])
simple.compile(optimizer="adam", loss="binary_crossentropy")
simple.fit(x_train, (y_train < 5).astype("float32"), epochs=10, verbose=0)

# new top, base frozen
base.trainable = False
model = keras.Sequential([keras.Input((64,)), base, layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax")])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=10, batch_size=32, verbose=2)

# fine-tune everything
for layer in model.layers[0].layers:
    layer.trainable = True
base.trainable = True
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()
model.fit(x_train, y_train, epochs=20, batch_size=32, verbose=2)

score = np.mean(model.predict(x_test, verbose=0).argmax(axis=1) == y_test)
print("accuracy after fine-tuning:", score)
