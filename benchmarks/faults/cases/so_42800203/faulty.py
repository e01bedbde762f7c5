from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score
from keras.models import Sequential
from keras.layers import Dense, Dropout, Input

features, target = make_classification(n_samples=1000, n_features=20, n_informative=8, class_sep=1.5, random_state=0)
features_train, target_train = features[:700], target[:700]
features_test, target_test = features[700:], target[700:]

clf = Sequential()
clf.add(Input((20,)))
clf.add(Dense(64, activation='relu'))
clf.add(Dropout(0.5))
clf.add(Dense(64, activation='relu'))
clf.add(Dropout(0.5))
clf.add(Dense(1, activation='softmax'))

clf.compile(loss='binary_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
clf.fit(features_train, target_train, epochs=15, batch_size=32, validation_split=0.1)

score = accuracy_score(target_test, clf.predict(features_test).round().ravel())
print(score)
