"""A bias whose values are known."""

from collections.abc import Sequence
from typing import Any, final

import keras
from keras import ops

from ._base import AbstractInitializer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class Bias(AbstractInitializer):
    """These values, for a bias of as many units; see `output_marginal` and `forget_gate`.

    Args:
        numbers: One for each unit.
        mend: What to do for a bias of another size.
    """

    hyperparameters = ("numbers", "mend")

    def __init__(self, numbers: Sequence[float], mend: str) -> None:
        self.numbers, self.mend = [float(x) for x in numbers], mend

    def values(self, shape: tuple[int, ...], dtype: str) -> Any:
        """Return the values."""
        if shape != (len(self.numbers),):
            raise ValueError(
                f"This start is for a bias of {len(self.numbers)} entries. Received: shape={shape}. {self.mend}"
            )
        return ops.convert_to_tensor(self.numbers, dtype)
