from keras import Input, Model
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from keras.optimizers import SGD
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X = X.reshape((-1, 8, 8, 1)) / 16.
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=2)

img = Input((8, 8, 1))
net = Conv2D(32, (5, 5), padding="same", activation="softmax", kernel_initializer="he_normal")(img)
net = MaxPooling2D((2, 2))(net)
net = Conv2D(32, (3, 3), padding="same", activation="relu", kernel_initializer="he_normal")(net)
net = MaxPooling2D((2, 2))(net)
net = Flatten()(net)
net = Dense(128, activation="relu", kernel_initializer="he_normal")(net)
net = Dense(10, activation="softmax")(net)

model = Model(img, net)
model.compile(SGD(learning_rate=0.1), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, batch_size=64, epochs=8, validation_split=0.1, verbose=2)

score = float((model.predict(X_test, verbose=0).argmax(-1) == y_test).mean())
print("test accuracy", score)
