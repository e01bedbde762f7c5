import keras
import numpy as np
from keras import layers
from keras.regularizers import l2
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

WEIGHT_DECAY = 1e-1
EPOCHS = 8
BATCH_SIZE = 32

images, labels = load_digits().images, load_digits().target
images = np.expand_dims(images, -1) / 16.0
x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=0.25, random_state=0)

inputs = keras.Input((8, 8, 1))
x = layers.Conv2D(16, 5, padding="same", activation="relu",
                  kernel_initializer="he_normal", kernel_regularizer=l2(WEIGHT_DECAY))(inputs)
x = layers.MaxPooling2D(2, strides=2)(x)
x = layers.Conv2D(32, 3, padding="same", activation="relu",
                  kernel_initializer="he_normal", kernel_regularizer=l2(WEIGHT_DECAY))(x)
x = layers.MaxPooling2D(2, strides=2)(x)
x = layers.Flatten()(x)
x = layers.Dense(128, activation="relu",
                 kernel_initializer="he_normal", kernel_regularizer=l2(WEIGHT_DECAY))(x)
outputs = layers.Dense(10, activation="softmax", kernel_regularizer=l2(WEIGHT_DECAY))(x)
model = keras.Model(inputs, outputs)

model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.1),
              loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=BATCH_SIZE, epochs=EPOCHS, validation_split=0.1, verbose=2)

score = float(np.mean(np.argmax(model.predict(x_test, verbose=0), axis=-1) == y_test))
print("test accuracy:", score)
