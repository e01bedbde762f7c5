"""53 sick and 21 healthy trainings, made for this set by an author who had not seen the rules.

A function makes the data and the model; `sick` says what is right of its training, the root first, what is accepted
too, and where such a fault was met. There is no repaired twin: `run.py --detect` asks of a sick one whether it is told,
and of a healthy one whether it is left in peace.
"""

import keras

from . import healthy, sick_course, sick_set_up

SICK = sick_set_up.SICK | sick_course.SICK
HEALTHY = healthy.HEALTHY


def train(name, seed):
    """Train as the script of its user would."""
    made = HEALTHY[name] if name in HEALTHY else SICK[name].made
    training = made(seed)
    keras.utils.set_random_seed(seed)
    training.make().fit(
        *training.train, validation_data=training.val, epochs=training.epochs, batch_size=training.batch_size,
        callbacks=training.callbacks(), verbose=0, **training.options,
    )  # fmt: skip
