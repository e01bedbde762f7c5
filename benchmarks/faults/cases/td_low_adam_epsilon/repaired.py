import numpy as np
from keras import Sequential, layers, optimizers, regularizers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
X = digits.images.reshape(-1, 8, 8, 1).astype("float32")
X = (X - X.min()) / (X.max() - X.min())
y = digits.target
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, shuffle=True, random_state=7)
print(X_train.shape, X_val.shape)

reg = regularizers.L2(1e-5)
model = Sequential([
    layers.Input(shape=(8, 8, 1)),
    layers.Conv2D(32, 5, padding="same", activation="relu", kernel_initializer="he_normal", kernel_regularizer=reg),
    layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, padding="same", activation="relu", kernel_initializer="he_normal", kernel_regularizer=reg),
    layers.MaxPooling2D(2),
    layers.Flatten(),
    layers.Dense(256, activation="relu", kernel_initializer="he_normal", kernel_regularizer=reg),
    layers.Dense(10, activation="softmax", kernel_regularizer=reg),
])
model.compile(
    optimizer=optimizers.SGD(learning_rate=0.1),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(X_train, y_train, batch_size=64, epochs=8, validation_data=(X_val, y_val), verbose=2)

y_hat = np.argmax(model.predict(X_val, verbose=0), axis=1)
score = float(np.mean(y_hat == y_val))
print(f"accuracy {score:.4f}")
