from keras.models import Sequential
from keras.layers import Dense, Input
import numpy

# 8 measurements, scaled to -1..1
rng = numpy.random.default_rng(0)
X = rng.uniform(-1, 1, (3000, 8))
Y = (numpy.sin(6 * X[:, 0]) + numpy.sin(6 * X[:, 1]) > 0).astype(int)

X_train, Y_train = X[:2400], Y[:2400]
X_test, Y_test = X[2400:], Y[2400:]

# create model
model = Sequential()
model.add(Input((8,)))
model.add(Dense(12, activation='relu'))
model.add(Dense(8, activation='relu'))
model.add(Dense(1, activation='sigmoid'))

# compile model
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])

# fit
model.fit(X_train, Y_train, epochs=12, batch_size=10, verbose=2)

# evaluate
rounded = numpy.round(model.predict(X_test, verbose=0)).ravel()
score = numpy.mean(rounded == Y_test)
print('acc: %.2f%%' % (score * 100))
