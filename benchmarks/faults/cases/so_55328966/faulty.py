import numpy as np
from sklearn.datasets import load_digits
from keras.utils import to_categorical
from keras.models import Sequential
from keras.layers import Dense, Input
from keras.optimizers import SGD, Adam

data = load_digits()
rows = np.random.default_rng(0).permutation(len(data.target))
pixels = data.data[rows] * (255 / 16)   # grey values as in the csv
digit = data.target[rows]

x_train, x_test = pixels[:1200], pixels[1200:]
y_train, y_test = to_categorical(digit[:1200]), digit[1200:]

model = Sequential()
model.add(Input((64,)))
model.add(Dense(128))
model.add(Dense(50, activation='relu'))
model.add(Dense(10, activation='sigmoid'))

model.compile(optimizer=SGD(learning_rate=0.0001), loss='categorical_crossentropy', metrics=['accuracy'])
model.fit(x_train, y_train, epochs=30, batch_size=32, validation_split=0.1, verbose=2)

score = (model.predict(x_test, verbose=0).argmax(axis=1) == y_test).mean()
print('accuracy', score)
