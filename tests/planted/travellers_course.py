"""Trainings of travellers that go a wrong way, or end at a wrong time: group 18, by another author with fresh eyes.

Nobody who knew the rules wrote these runs; they were committed before they were judged. Each docstring says what the
cure changes, measured at seed 0 without `Diagnosis`.
"""

from keras import layers

import keras_ch8

from .data import relabeled_digits
from .runs import LOGITS, net, ready, sick

optimizers, schedules = keras_ch8.optimizers, keras_ch8.schedules


@sick("step_too_long", "a hundredth of the learning rate", group=18)
def a_softmax_regression_at_a_rate_of_twenty(rng, cured=False):
    """Loss on new examples, a tenth mislabeled: 3.5, and 0.83 with the cure; accuracy 0.78, and 0.82."""
    model = net((64,), layers.Dense(10))
    return ready(
        model, LOGITS, optimizers.SGD(0.2 if cured else 20.0), *relabeled_digits(rng, 0.1), 64, steps=500, validate=True
    )
