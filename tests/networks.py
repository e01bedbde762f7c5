"""Networks of tests in several folders."""

import keras

from keras_ch8.extend import Annealed


class Counted(keras.Sequential):
    """Has a train step of its own, and counts how often it is traced."""

    traces = 0

    def train_step(self, data):
        self.traces += 1
        return super().train_step(data)


class Unbuilt(keras.Model):
    """Two outputs after some hidden units of tanh; unbuilt until its first batch."""

    def __init__(self, units):
        super().__init__()
        self.hidden, self.out = keras.layers.Dense(units, "tanh"), keras.layers.Dense(2)

    def call(self, x):
        return self.out(self.hidden(x))


class Softmax(keras.Model):
    """One output behind a softmax, so that it is always 1; unbuilt until its first batch."""

    def __init__(self):
        super().__init__()
        self.last = keras.layers.Dense(1, "softmax", name="last")

    def call(self, x):
        return self.last(x)


@keras.saving.register_keras_serializable(package="tests")
class Softened(keras.losses.CategoricalCrossentropy):
    """A loss with a number that continuation moves: at first the labels are shrunk."""

    def __init__(self, share=0.3, value=None, name="softened"):
        super().__init__(from_logits=True, name=name)
        self.share = Annealed(share, value=value, low=0.0, high=1.0)

    def call(self, y_true, y_pred):
        return super().call((1 - self.share.read()) * y_true, y_pred)

    def get_config(self):
        return {"share": self.share.start, "value": self.share.value, "name": self.name}
