"""A demo of a minute: a network that learns nothing, what is wrong with it, and the same network fixed.

It trains on real handwritten digits. `python -m keras_ch8 tour` and `examples/quickstart.py` are this module.
"""

import itertools
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8
from keras_ch8._result import coloured
from keras_ch8.verdicts.kinds import title_of
from keras_ch8.verdicts.texts import WIDTH

EPOCHS, BATCH_SIZE = 10, 32


def digits() -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return 1347 training and 450 validation examples of 8 x 8 pixels in [0, 1], each with its digit."""
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise ImportError(
            "The tour reads its digits from scikit-learn, which is not installed. Install it with "
            '`pip install "keras_ch8[examples]"`.'
        ) from error
    x, y = load_digits(return_X_y=True)
    x, x_val, y, y_val = train_test_split(x.astype("float32") / 16, y, test_size=450, random_state=0)
    return (x, y), (x_val, y_val)


def network() -> keras.Model:
    """Return a compiled classifier that is deep, of sigmoid units, as a beginner might make it."""
    keras.utils.set_random_seed(2)
    hidden = [keras.layers.Dense(32, "sigmoid") for _ in range(6)]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
    model.compile(keras_ch8.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def train(folder: Path, epochs: int, code: str = "") -> tuple[Any, float]:
    """Train, with some lines of code before `fit`; return the doctor, and the fraction of digits that is right."""
    (x, y), val = digits()
    doctor = keras_ch8.Doctor(folder, probe=val)
    names: dict[str, Any] = {"model": network(), "x": x, "y": y, "batch_size": BATCH_SIZE, "epochs": epochs}
    names |= {"callbacks": [doctor], "keras": keras, "keras_ch8": keras_ch8, "np": np}
    exec(compile(code, "<verdict.code>", "exec"), names)
    names["model"].fit(
        names["x"], names["y"], batch_size=names["batch_size"], epochs=names["epochs"], validation_data=val,
        callbacks=names["callbacks"], verbose=0,
    )  # fmt: skip
    predicted = names["model"].predict(val[0], verbose=0).argmax(axis=1)
    return doctor, float(np.mean(predicted == val[1]))


def main(log_dir: str | os.PathLike[str] = "runs/tour", epochs: int = EPOCHS) -> None:
    """Train, diagnose, fix, train again, and print one screen.

    Args:
        log_dir: Folder for the logs and the page; where it exists, one beside it is made. Defaults to `"runs/tour"`.
        epochs: Epochs of each of the two trainings. Defaults to `10`.
    """
    logs = _new_folder(Path(log_dir))
    _say("Two trainings on 1347 handwritten digits. First: six hidden layers of sigmoid units, Adam ...")
    sick, before = train(logs / "sick", epochs)
    _say(f"... it gets {100 * before:.0f} % of 450 new digits right. keras_ch8 says:\n")
    wrong = [verdict for verdict in sick.verdicts if verdict.code]
    if not wrong:
        _say(f"{sick}\nThere is nothing to fix. To see the training: tensorboard --logdir {logs}")
        return
    verdict = wrong[0]
    parts = (
        f"{verdict.level.upper()} {title_of(verdict.kind)}",
        f"What is wrong: {verdict.finding}",
        f"Fix: {verdict.cure}",
    )
    _say("\n".join([*(textwrap.fill(part, WIDTH) for part in parts), verdict.code, ""]))
    _say("Second: the same training, with this code between `compile` and `fit` ...")
    cured, after = train(logs / "cured", epochs, verdict.code)
    _say(f"... it gets {100 * after:.0f} % right. keras_ch8 says: {str(cured).splitlines()[0]}\n")
    page = logs / "report.html"
    keras_ch8.report(logs, page)
    _say(
        f"""In your script: doctor = keras_ch8.Doctor("logs", probe=(x_val, y_val))
                model.fit(..., callbacks=[doctor]), then print(doctor)
To see both trainings on one page, open in a browser: {page.resolve()}
To see them live: tensorboard --logdir {logs}"""
    )


def _new_folder(folder: Path) -> Path:
    """Return the folder, or one beside it if there is one already."""
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain([folder], numbered) if not path.exists())


def _say(text: str) -> None:
    sys.stdout.write(coloured(f"{text}\n", sys.stdout))
    sys.stdout.flush()
