import numpy as np
import tensorflow as tf
import keras
from keras import layers

# short reviews made of neutral words and a few words of praise or blame
rng = np.random.default_rng(0)
good = ["great", "superb", "lovely", "brilliant", "moving", "funny", "charming", "perfect"]
bad = ["awful", "boring", "dull", "terrible", "weak", "silly", "clumsy", "poor"]
neutral = ["w%d" % i for i in range(40)]
texts, labels = [], []
for _ in range(1000):
    label = int(rng.integers(2))
    words = list(rng.choice(neutral, size=rng.integers(4, 10)))
    words += list(rng.choice(good if label else bad, size=3))
    rng.shuffle(words)
    texts.append(" ".join(words))
    labels.append(label)
texts, labels = np.array(texts), np.array(labels)
train_texts, train_labels = texts[:800], labels[:800]
test_texts, test_labels = texts[800:], labels[800:]

max_features = 100
sequence_length = 80
vectorize_layer = layers.TextVectorization(
    max_tokens=max_features, output_mode="int", output_sequence_length=sequence_length)
vectorize_layer.adapt(train_texts)


def vectorize_text(text, label):
    return vectorize_layer(text), label


train_ds = tf.data.Dataset.from_tensor_slices((train_texts, train_labels)).shuffle(800).batch(64).map(vectorize_text)
test_ds = tf.data.Dataset.from_tensor_slices((test_texts, test_labels)).batch(64).map(vectorize_text)

inputs = keras.Input(shape=(sequence_length,), dtype="int64")
x = layers.Embedding(max_features, 16)(inputs)
x = layers.LSTM(16)(x)
predictions = layers.Dense(1, activation="sigmoid", name="predictions")(x)
model = keras.Model(inputs, predictions)
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.01), metrics=["accuracy"])
model.fit(train_ds, validation_data=test_ds, epochs=10, verbose=2)

p = model.predict(test_ds, verbose=0)[:, 0]
score = np.mean((p > 0.5) == test_labels)
print("accuracy on the test texts:", score)
