# VGG style network for the small digits
import keras
from keras.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from keras.optimizers import SGD
from keras.utils import to_categorical
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

x, y = load_digits(return_X_y=True)
x = x.reshape(-1, 8, 8, 1) / 16
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=360, random_state=1)

model = keras.Sequential()
model.add(Input((8, 8, 1)))
model.add(Conv2D(16, (3, 3), padding="same", activation="relu", kernel_initializer="he_normal"))
model.add(Conv2D(16, (3, 3), padding="same", activation="relu", kernel_initializer="he_normal"))
model.add(MaxPooling2D((2, 2)))
model.add(Conv2D(32, (3, 3), padding="same", activation="relu", kernel_initializer="he_normal"))
model.add(Conv2D(32, (3, 3), padding="same", activation="relu", kernel_initializer="he_normal"))
model.add(MaxPooling2D((2, 2)))
model.add(Flatten())
model.add(Dense(64, activation="relu", kernel_initializer="he_normal"))
model.add(Dropout(0.2))
model.add(Dense(10, activation="softmax"))

opt = SGD(learning_rate=0.1, momentum=0.9)
model.compile(loss="categorical_crossentropy", optimizer=opt, metrics=["accuracy"])
history = model.fit(x_train, to_categorical(y_train), epochs=15, batch_size=32,
                    validation_data=(x_test, to_categorical(y_test)), verbose=2)

score = float((model.predict(x_test, verbose=0).argmax(axis=-1) == y_test).mean())
print("score:", score)
