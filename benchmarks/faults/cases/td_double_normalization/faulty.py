import keras
import numpy as np
import tensorflow as tf
from keras import layers, regularizers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
images = np.round(digits.images * 255 / 16).astype("uint8")[..., np.newaxis]
x_train, x_test, y_train, y_test = train_test_split(
    images, digits.target, test_size=0.25, random_state=42, stratify=digits.target)


def prepare(image, label):
    image = tf.image.convert_image_dtype(image, tf.float32)
    image = image / 255.0
    return image, label


train_ds = (tf.data.Dataset.from_tensor_slices((x_train, y_train))
            .shuffle(len(x_train))
            .map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
            .batch(32)
            .prefetch(tf.data.AUTOTUNE))
test_ds = (tf.data.Dataset.from_tensor_slices((x_test, y_test))
           .map(prepare)
           .batch(32))

l2 = regularizers.l2(1e-5)
model = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Conv2D(16, 5, padding="same", activation="relu", kernel_initializer="he_normal", kernel_regularizer=l2),
    layers.MaxPooling2D(),
    layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer="he_normal", kernel_regularizer=l2),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(128, activation="relu", kernel_initializer="he_normal", kernel_regularizer=l2),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(0.1),
              loss="sparse_categorical_crossentropy",
              metrics=["accuracy"])
model.fit(train_ds, validation_data=test_ds, epochs=10, verbose=2)

predicted = model.predict(test_ds, verbose=0).argmax(axis=1)
score = float(np.mean(predicted == y_test))
print("test accuracy:", score)
