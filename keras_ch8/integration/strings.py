"""Plain strings for parts of the suite, where Keras takes a string."""

import re

import keras

from .._section import source
from . import keras_private


def register_strings() -> list[str]:
    """Let Keras know the classes of the suite by their plain names, where it has none of its own of that name.

    Then `model.compile("Momentum")`, `kernel_initializer="heuristic"` and `metrics=["zero_one_loss"]` work, each also
    in Keras's lower-case form. Names that Keras has, such as `"Adam"`, stay Keras's: ours is always
    `"keras_ch8>Adam"`.

    Returns:
        The names, those that were registered before too.

    Example:
        >>> "Momentum" in keras_ch8.integration.register_strings()
        True
        >>> type(keras.optimizers.get("momentum")).__name__
        'Momentum'
    """
    registered = keras.saving.get_custom_objects().items()
    ours = [made for name, made in registered if name.startswith("keras_ch8>") and source(made)]  # no bases
    names = []
    for package, (kind, table) in keras_private.tables_of_strings().items():
        for made in (each for each in ours if isinstance(each, type) and issubclass(each, kind)):
            name = made.__name__
            words = {name, name.lower() if package == "optimizers" else _snake(name)}
            if all(table.get(word, made) is made for word in words):
                table |= dict.fromkeys(words, made)
                names += sorted(words)
    return names


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
