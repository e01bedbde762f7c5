from sklearn.datasets import make_blobs
from sklearn.model_selection import train_test_split
from keras.models import Sequential
from keras.layers import Activation, BatchNormalization, Dense, Input
from keras.optimizers import Adam
from keras.utils import to_categorical
import numpy as np

# three blobs in the plane
X, y = make_blobs(n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2)
trainX, testX, trainy, testy = train_test_split(X, y, test_size=300, random_state=0)

model = Sequential()
model.add(Input((2,)))
hidden = 11
for i in range(hidden):
    model.add(Dense(5, kernel_initializer='he_uniform'))
    model.add(BatchNormalization())
    model.add(Activation('selu'))
model.add(Dense(3, kernel_initializer='he_uniform', activation='softmax'))

model.compile(loss='categorical_crossentropy', optimizer=Adam(learning_rate=0.001), metrics=['accuracy'])
history = model.fit(trainX, to_categorical(trainy), validation_data=(testX, to_categorical(testy)),
                    epochs=50, batch_size=32, verbose=0)
print('training accuracy', history.history['accuracy'][-1])

score = float(np.mean(np.argmax(model.predict(testX, verbose=0), axis=1) == testy))
print('test accuracy', score)
