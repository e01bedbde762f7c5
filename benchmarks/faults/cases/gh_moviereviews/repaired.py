import numpy as np
from keras import models, layers, optimizers

# reviews as multi-hot vectors of the 2000 most frequent words
VOCAB = 2000
rng = np.random.default_rng(0)
frequency = rng.uniform(0.005, 0.1, VOCAB)
mood = rng.normal(0, 0.2, VOCAB)
sentiment = rng.integers(0, 2, 1800)
reviews = rng.uniform(size=(1800, VOCAB)) < frequency * np.exp(mood * (2 * sentiment[:, None] - 1))

x = reviews.astype("float32")
y = sentiment.astype("float32")
x_train, y_train = x[:1000], y[:1000]
x_val, y_val = x[1000:1300], y[1000:1300]
x_test, y_test = x[1300:], y[1300:]

model = models.Sequential()
model.add(layers.Input((VOCAB,)))
model.add(layers.Dense(16, activation="relu"))
model.add(layers.Dropout(0.5))
model.add(layers.Dense(16, activation="relu"))
model.add(layers.Dropout(0.5))
model.add(layers.Dense(1, activation="sigmoid"))
model.compile(optimizer=optimizers.RMSprop(learning_rate=0.001), loss="binary_crossentropy", metrics=["accuracy"])

history = model.fit(x_train, y_train, epochs=40, batch_size=512, validation_data=(x_val, y_val))

positive = model.predict(x_test, verbose=0)[:, 0] > 0.5
score = float(np.mean(positive == (y_test > 0.5)))
print("accuracy on the test reviews", score)
