from keras.layers import Input, Dense
from keras.models import Model
from keras.optimizers import Adadelta
import numpy as np
from sklearn.datasets import load_digits

data = load_digits().data.astype("float32") / 16.
x_train, x_test = data[:1500], data[1500:]

# this is the size of our encoded representations
encoding_dim = 16

input_img = Input(shape=(64,))
encoded = Dense(encoding_dim, activation="relu")(input_img)
decoded = Dense(64, activation="sigmoid")(encoded)

autoencoder = Model(input_img, decoded)
autoencoder.compile(optimizer=Adadelta(learning_rate=1.0), loss="binary_crossentropy")
autoencoder.fit(x_train, x_train,
                epochs=50,
                batch_size=32,
                shuffle=True,
                validation_data=(x_test, x_test),
                verbose=2)

decoded_imgs = autoencoder.predict(x_test, verbose=0)
mse = np.mean((decoded_imgs - x_test) ** 2)
score = 1 - mse / np.mean((x_test - x_test.mean(axis=0)) ** 2)
print("R2:", score)
