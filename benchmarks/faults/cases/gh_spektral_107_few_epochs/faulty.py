import numpy as np
import keras
from keras import layers, ops
from keras.callbacks import EarlyStopping

# a citation-like graph: four communities, noisy bag of words for each node
rng = np.random.default_rng(0)
N, F, C = 400, 60, 4
community = rng.integers(0, C, N)
same = community[:, None] == community[None, :]
adj = rng.random((N, N)) < np.where(same, 0.04, 0.006)
adj = np.triu(adj, 1)
adj = (adj + adj.T + np.eye(N)).astype("float32")
d = 1 / np.sqrt(adj.sum(1))
a_hat = d[:, None] * adj * d[None, :]
word_prob = rng.uniform(0.05, 0.2, (C, F))
features = (rng.random((N, F)) < word_prob[community]).astype("float32")
features /= np.maximum(features.sum(1, keepdims=True), 1)

perm = rng.permutation(N)
mask_tr = np.zeros(N, "float32")
mask_tr[perm[:120]] = 1
test_nodes = perm[200:]


class GCNConv(layers.Layer):
    def __init__(self, channels, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.channels), initializer="glorot_uniform")
        self.bias = self.add_weight(shape=(self.channels,), initializer="zeros")

    def call(self, x):
        return self.activation(ops.matmul(a_hat, ops.matmul(x, self.kernel)) + self.bias)


inp = keras.Input((F,), batch_size=N)
h = layers.Dropout(0.5)(inp)
h = GCNConv(16, activation="relu")(h)
h = layers.Dropout(0.5)(h)
out = GCNConv(C, activation="softmax")(h)
model = keras.Model(inp, out)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01),
              loss="sparse_categorical_crossentropy", weighted_metrics=["acc"])

epochs = 20
patience = 5
model.fit(features, community, sample_weight=mask_tr, batch_size=N, shuffle=False, epochs=epochs,
          callbacks=[EarlyStopping(monitor="loss", patience=patience)], verbose=0)

pred = model.predict(features, batch_size=N, verbose=0).argmax(1)
score = np.mean(pred[test_nodes] == community[test_nodes])
print("test accuracy", score)
