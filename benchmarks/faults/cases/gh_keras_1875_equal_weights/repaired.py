import numpy as np
from keras.models import Sequential
from keras.layers import Input, Dense, Dropout


def calculate_class_weights(train_label):
    labels = train_label.tolist()
    num_neg = labels.count(0)
    num_pos = labels.count(1)
    duplicate = num_pos / num_neg
    return {0: duplicate, 1: 1.0}


# spectra of healthy (0) and ill (1) plants
rng = np.random.default_rng(0)
direction = rng.normal(size=20)
direction /= np.linalg.norm(direction)


def draw(n_healthy, n_ill):
    label = np.array([0] * n_healthy + [1] * n_ill)
    spectra = rng.normal(size=(len(label), 20)) + 2.0 * np.outer(label, direction)
    order = rng.permutation(len(label))
    return spectra[order], label[order]


x_train, y_train = draw(1900, 100)
x_test, y_test = draw(500, 500)

class_weight = calculate_class_weights(y_train)
print(class_weight)

model = Sequential()
model.add(Input((20,)))
model.add(Dense(16, activation="relu"))
model.add(Dropout(0.2))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=15, batch_size=32, class_weight=class_weight, verbose=2)

predicted = np.round(model.predict(x_test, verbose=0)[:, 0])
score = np.mean(predicted == y_test)
print("accuracy:", score)
