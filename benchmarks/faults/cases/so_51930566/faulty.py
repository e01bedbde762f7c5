from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale
from keras.models import Sequential
from keras.layers import Dense, Input
import numpy as np

X, y = load_iris(return_X_y=True)
X = scale(X)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.33, stratify=y, random_state=7)

model = Sequential()
model.add(Input((4,)))
model.add(Dense(8, activation='relu'))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])

# Fit the model
model.fit(X_train, y_train, epochs=60, batch_size=4, verbose=0)

# Evaluate the model
out = model.predict(X_test, verbose=0)
classes = np.round(out[:, 0])
score = np.mean(classes == y_test)
print("accuracy: %.2f%%" % (100 * score))
