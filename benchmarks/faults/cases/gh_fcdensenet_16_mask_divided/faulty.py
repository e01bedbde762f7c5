import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, models

IMG = 24
rng = np.random.default_rng(0)


def make_pictures(n):
    yy, xx = np.mgrid[:IMG, :IMG]
    images, masks = [], []
    for _ in range(n):
        cy, cx = rng.uniform(7, IMG - 7, size=2)
        r = rng.uniform(5, 8)
        mask = ((yy - cy) ** 2 + (xx - cx) ** 2 < r ** 2).astype("uint8")
        img = 90 + 70 * mask + rng.normal(scale=35, size=(IMG, IMG))
        images.append(np.clip(img, 0, 255).astype("uint8"))
        masks.append(mask)
    return np.array(images)[..., None], np.array(masks)[..., None]


train_images, train_masks = make_pictures(240)
test_images, test_masks = make_pictures(80)


def normalize(image, mask):
    image = tf.cast(image, tf.float32) / 255.0
    mask = tf.cast(mask, tf.float32) / 255.0
    return image, mask


def load_test(image):
    return tf.cast(image, tf.float32) / 255.0


train_data = (tf.data.Dataset.from_tensor_slices((train_images, train_masks))
              .map(normalize, num_parallel_calls=tf.data.AUTOTUNE)
              .cache().shuffle(240).batch(16).prefetch(tf.data.AUTOTUNE))
test_data = tf.data.Dataset.from_tensor_slices(test_images).map(load_test).batch(16)

inputs = layers.Input((IMG, IMG, 1))
x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
x = layers.Conv2D(16, 5, padding="same", activation="relu")(x)
outputs = layers.Conv2D(1, 1, activation="sigmoid")(x)
net = models.Model(inputs, outputs)
net.compile(optimizer=tf.keras.optimizers.Adam(3e-3), loss="binary_crossentropy", metrics=["accuracy"])
net.fit(train_data, epochs=10, verbose=2)

pred = net.predict(test_data, verbose=0) > 0.5
score = float(np.mean(pred == (test_masks > 0)))
print("pixel accuracy", score)
