import numpy as np
from tensorflow import keras
from tensorflow.keras import layers
from sklearn.model_selection import train_test_split

# questions of customers, ten departments
rng = np.random.default_rng(0)
DEPARTMENTS, MAXLEN, N = 10, 18, 3500
label = rng.integers(0, DEPARTMENTS, N)
tokens = rng.integers(2, 60, (N, MAXLEN))
typical = rng.random((N, MAXLEN)) < 0.35
tokens[typical] = (60 + label[:, None] * 10 + rng.integers(0, 10, (N, MAXLEN)))[typical]
tokens[:, 0] = 1
x_train, x_val, y_train, y_val = train_test_split(tokens, label, test_size=0.2, random_state=3)

init = keras.initializers.Constant(0.05)


class TransformerBlock(layers.Layer):
    def __init__(self, embed_dim, num_heads, ff_dim, rate=0.1):
        super().__init__()
        self.att = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim // num_heads, kernel_initializer=init)
        self.ffn = keras.Sequential([layers.Dense(ff_dim, activation="relu"), layers.Dense(embed_dim)])
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(rate)
        self.dropout2 = layers.Dropout(rate)

    def call(self, inputs, training=None):
        attn_output = self.dropout1(self.att(inputs, inputs), training=training)
        out1 = self.layernorm1(inputs + attn_output)
        ffn_output = self.dropout2(self.ffn(out1), training=training)
        return self.layernorm2(out1 + ffn_output)


inputs = layers.Input(shape=(MAXLEN,))
x = layers.Embedding(160, 32)(inputs)
x = TransformerBlock(32, 4, 64)(x)
x = x[:, 0]
x = layers.Dense(32, activation="relu")(x)
outputs = layers.Dense(DEPARTMENTS, activation="softmax")(x)

model = keras.Model(inputs=inputs, outputs=outputs)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=8, validation_data=(x_val, y_val), verbose=2)

score = float((model.predict(x_val, verbose=0).argmax(axis=1) == y_val).mean())
print("validation accuracy:", score)
