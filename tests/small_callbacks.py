"""Callbacks that several tests hand to `fit`: what ends a training somewhere, and what keeps its rates."""

import os

import keras


class Dies(keras.callbacks.Callback):
    """Raises in the hook of this name, at this call of it, counted from 1."""

    def __init__(self, hook, call=1, error=KeyboardInterrupt):
        super().__init__()
        self.left, self.error = call, error
        setattr(self, hook, self.count)

    def count(self, *args, **kwargs):
        self.left -= 1
        if self.left == 0:
            self.die()

    def die(self):
        raise self.error


class Signals(Dies):
    """Sends its own process a signal there, and goes on if the process does."""

    def die(self):
        os.kill(os.getpid(), self.error)


class Rates(keras.callbacks.Callback):
    """Keeps the learning rate after each batch of the last training."""

    def on_train_begin(self, logs=None):
        self.rates = []

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))
