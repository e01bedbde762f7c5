"""Networks of tests in several folders."""

import keras


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
