"""The callbacks to begin with."""

import os
from typing import Any

from .._section import section
from ._diagnosis import Diagnosis
from ._tensorboard import TensorBoard
from .base import AbstractCallback


@section("8.2")
def standard(log_dir: str | os.PathLike[str] = "logs", probe: Any = None) -> list[AbstractCallback]:
    """Return the callbacks to begin with: they watch a training, say what is wrong with it, and change nothing (8.2).

    `TensorBoard(log_dir)` writes the curves, and `Diagnosis(probe)` the verdicts, which are printed when `fit` ends;
    the progress bar stays as it is. What stops, averages or slows a training, such as `EarlyStopping`,
    `PolyakAveraging` and `LearningRateDecay`, is added by hand: `callbacks=[*standard(), EarlyStopping(patience=5)]`.

    Args:
        log_dir: Folder of the run for TensorBoard. Defaults to `"logs"`.
        probe: What to measure on, best some 64 to 512 examples that are not trained on: `(x_val, y_val)` or a data set
            (see `Diagnosis`). Defaults to `None`: the first 256 examples that `fit` reads.

    Returns:
        A list of callbacks for `fit`, of new ones at each call.

    Raises:
        ValueError: If `probe` is no batch.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.Adam(), "mse")
        >>> watching = keras_ch8.callbacks.standard(tempfile.mkdtemp())
        >>> [type(callback).__name__ for callback in watching]
        ['TensorBoard', 'Diagnosis']

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """
    return [TensorBoard(log_dir), Diagnosis(probe, verbose=True, logs=False)]
