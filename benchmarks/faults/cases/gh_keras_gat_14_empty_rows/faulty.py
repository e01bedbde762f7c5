import numpy as np
from keras.layers import Input, Dropout, Dense
from keras.models import Model
from keras.optimizers import Adam
from keras.regularizers import l2

# bag of words of short documents in six topics, rows normalized to sum 1
rng = np.random.default_rng(0)
n_docs, n_words, n_classes = 1500, 120, 6
topics = rng.dirichlet(np.full(n_words, 0.15), size=n_classes)
labels = rng.integers(0, n_classes, n_docs)
lengths = rng.poisson(9, n_docs)
lengths[rng.choice(n_docs, 15, replace=False)] = 0
counts = np.array([rng.multinomial(n, topics[c]) for n, c in zip(lengths, labels)])
with np.errstate(invalid="ignore"):
    X = counts / counts.sum(axis=1, keepdims=True)

train, test = np.arange(1000), np.arange(1000, n_docs)
test = test[lengths[test] > 0]

X_in = Input(shape=(n_words,))
h = Dropout(0.3)(X_in)
h = Dense(32, activation="elu", kernel_regularizer=l2(5e-5))(h)
h = Dropout(0.3)(h)
out = Dense(n_classes, activation="softmax", kernel_regularizer=l2(5e-5))(h)
model = Model(X_in, out)
model.compile(optimizer=Adam(learning_rate=5e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X[train], labels[train], epochs=15, batch_size=32, verbose=2)

pred = np.argmax(model.predict(X[test], verbose=0), axis=1)
score = np.mean(pred == labels[test])
print("Test accuracy:", score)
