"""50 sick and 25 healthy trainings, made for this set by an author who knew the kinds of verdicts and nothing else.

Each function is the script of a user: it makes the data and the model, trains, and returns the score on data that it
was not trained on. A sick one is repaired by `repaired=True`, which gains with two seeds. Nothing of the rules may be
chosen by what is said of them.
"""

import keras

from . import pictures_and_texts, tables_and_signals

SICK = tables_and_signals.SICK | pictures_and_texts.SICK
HEALTHY = tables_and_signals.HEALTHY | pictures_and_texts.HEALTHY


def train(name, seed):
    """Train as the script of its user would, and return the score."""
    keras.utils.set_random_seed(seed)
    return HEALTHY[name](seed) if name in HEALTHY else SICK[name].made(seed)
