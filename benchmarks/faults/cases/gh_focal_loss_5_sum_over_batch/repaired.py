import numpy as np
import keras
from keras import ops
from keras.layers import Dense, Input
from keras.models import Sequential
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def categorical_focal_loss(alpha=0.25, gamma=2.0):
    def focal_loss(y_true, y_pred):
        y_pred = ops.clip(y_pred, 1e-7, 1 - 1e-7)
        cross_entropy = -y_true * ops.log(y_pred)
        loss = alpha * ops.power(1 - y_pred, gamma) * cross_entropy
        return ops.mean(ops.sum(loss, axis=-1))
    return focal_loss


X, y = load_digits(return_X_y=True)
X = X / 16.0
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)

model = Sequential([
    Input((64,)),
    Dense(64, activation="relu"),
    Dense(32, activation="relu"),
    Dense(10, activation="softmax"),
])
model.compile(loss=[categorical_focal_loss(alpha=0.25, gamma=2)],
              optimizer=keras.optimizers.SGD(learning_rate=0.1, momentum=0.9),
              metrics=["accuracy"])
model.fit(X_train, keras.utils.to_categorical(y_train), batch_size=64, epochs=20, verbose=2)

y_hat = np.argmax(model.predict(X_test, verbose=0), axis=1)
score = float(np.mean(y_hat == y_test))
print("accuracy = %.4f" % score)
