import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

batch_size = 32
nb_classes = 10
nb_epoch = 10

# small colour images, ten patterns with shifts, noise and changing contrast
rng = np.random.default_rng(0)
patterns = np.kron(rng.normal(size=(nb_classes, 4, 4, 3)), np.ones((1, 4, 4, 1)))
labels = rng.integers(0, nb_classes, 1300)
images = patterns[labels]
for i, shift in enumerate(rng.integers(-2, 3, (len(images), 2))):
    images[i] = np.roll(images[i], shift, axis=(0, 1))
images = 128 + 35 * images * rng.uniform(0.4, 1.0, (len(images), 1, 1, 1)) + rng.normal(0, 40, images.shape)
images = np.clip(images, 0, 255).astype("float32") / 255
one_hot = keras.utils.to_categorical(labels, nb_classes)

train = tf.data.Dataset.from_tensor_slices((images[:900], one_hot[:900])).shuffle(900).batch(batch_size).prefetch(2)
val = tf.data.Dataset.from_tensor_slices((images[900:1000], one_hot[900:1000])).batch(batch_size)

model = keras.Sequential([
    keras.Input((16, 16, 3)),
    layers.Conv2D(16, 3, activation="relu"),
    layers.Conv2D(16, 3, activation="relu"),
    layers.MaxPooling2D(),
    layers.Conv2D(16, 3, activation="relu"),
    layers.Flatten(),
    layers.Dense(64, activation="relu"),
    layers.Dense(nb_classes, activation="softmax"),
])
sgd = keras.optimizers.SGD(learning_rate=0.1, momentum=0.9, nesterov=True)
model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
model.fit(train, epochs=nb_epoch, validation_data=val)

guess = model.predict(images[1000:], verbose=0).argmax(-1)
score = (guess == labels[1000:]).mean()
print("Test accuracy:", score)
