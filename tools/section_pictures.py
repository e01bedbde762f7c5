"""Makes docs/pictures/sections: a picture for each section of the chapter, out of its example, in about two minutes.

python tools/section_pictures.py               # all
python tools/section_pictures.py 8.2.4 8.7.3   # some
"""

import contextlib
import io
import os
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from drawing import algorithms, difficulties, learning, second_order, strategies, style

FOLDER = style.ROOT / "docs" / "pictures" / "sections"
PICTURES = {
    "8.1": learning.early_stopping,
    "8.1.1": learning.surrogates,
    "8.1.2": learning.likelihood,
    "8.1.3": learning.minibatches,
    "8.2": difficulties.seen_in_tensorboard,
    "8.2.1": difficulties.ill_conditioning,
    "8.2.2": difficulties.local_minima,
    "8.2.3": difficulties.saddle,
    "8.2.4": difficulties.cliff,
    "8.2.5": difficulties.long_term_dependencies,
    "8.2.6": difficulties.inexact_gradients,
    "8.2.7": difficulties.local_and_global,
    "8.3.1": algorithms.learning_rate,
    "8.3.2": algorithms.momentum,
    "8.3.3": algorithms.nesterov,
    "8.4": algorithms.initialization,
    "8.5.1": algorithms.adagrad,
    "8.5.2": algorithms.rmsprop,
    "8.5.3": algorithms.adam,
    "8.5.4": algorithms.choice,
    "8.6": second_order.differential_equation,
    "8.6.1": second_order.newton,
    "8.6.2": second_order.conjugate_gradients,
    "8.6.3": second_order.bfgs,
    "8.7.1": strategies.batch_normalization,
    "8.7.2": strategies.coordinate_descent,
    "8.7.3": strategies.polyak,
    "8.7.4": strategies.pretraining,
    "8.7.5": strategies.easy_models,
    "8.7.6": strategies.continuation,
}


def main(sections: list[str]) -> None:
    """Draw those of some sections, or all."""
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # where the examples write their logs
        for section in sections or PICTURES:
            began = time.process_time()
            keras.utils.set_random_seed(0)
            with contextlib.redirect_stdout(io.StringIO()):  # what the examples print
                made = PICTURES[section]()
            style.save(made, FOLDER / f"{section}.png")
            size = (FOLDER / f"{section}.png").stat().st_size
            sys.stdout.write(f"{section:8s}{size / 1000:6.0f} KB{time.process_time() - began:8.1f} CPU s\n")
            sys.stdout.flush()
        os.chdir(style.ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
