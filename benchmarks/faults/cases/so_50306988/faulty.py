import numpy as np
from keras import optimizers
from keras.models import Sequential
from keras.layers import Dense, Input

n_samples = 200   # per class
n_feats = 2
gen = np.random.default_rng(0)


def make_set(n):
    neg = gen.uniform(0.2, 0.4, size=(n, n_feats))
    pos = gen.uniform(0.5, 0.7, size=(n, n_feats))
    features = np.vstack([neg, pos])
    target = np.hstack([np.zeros(n), np.ones(n)])
    perm = gen.permutation(2 * n)
    return features[perm], target[perm]


x_train, y_train = make_set(n_samples)
x_test, y_test = make_set(100)

net = Sequential([
    Input((n_feats,)),
    Dense(2, activation='sigmoid'),
    Dense(1, activation='sigmoid'),
])
net.compile(loss='binary_crossentropy', optimizer=optimizers.RMSprop(), metrics=['accuracy'])
net.summary()

net.fit(x_train, y_train, epochs=5, batch_size=32)

predicted = np.round(net.predict(x_test, verbose=0)[:, 0])
score = np.mean(predicted == y_test)
print(score)
