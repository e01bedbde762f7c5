import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

# load
digits = load_digits()
x = digits.images.astype("float32") / 16.0
x = x.reshape((-1, 8, 8, 1))
x_train, x_test, y_train, y_test = train_test_split(x, digits.target, test_size=0.2)

# build model
inp = keras.Input(shape=(8, 8, 1), name="image")
z = layers.Conv2D(16, kernel_size=5, padding="same", activation="relu", kernel_initializer="he_normal")(inp)
z = layers.MaxPooling2D(pool_size=2)(z)
z = layers.Conv2D(32, kernel_size=3, padding="same", activation="relu", kernel_initializer="he_normal")(z)
z = layers.MaxPooling2D(pool_size=2)(z)
z = layers.Flatten()(z)
z = layers.Dense(128, activation="relu", kernel_initializer="he_normal")(z)
out = layers.Dense(10)(z)
model = keras.Model(inp, out, name="lenet")
model.summary()

# train
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.001),
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
              metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=64, epochs=10, validation_split=0.1, verbose=2)

# test
logits = model.predict(x_test, verbose=0)
score = float((logits.argmax(axis=1) == y_test).mean())
print("Test accuracy:", score)
