"""What the two algorithms share that take the gradient at a look-ahead point (8.3 and 8.6)."""

from typing import Any

import numpy as np

from .base import AbstractOptimizer


class AbstractLookAhead(AbstractOptimizer):
    """Keeps theta + alpha * v in the variables while training, because Keras takes the gradient where they stand.

    Args:
        learning_rate: As in `AbstractOptimizer`.
        finish_at_theta: Whether `fit` leaves the book's theta in the model at its end. The velocity is then set to 0,
            so that a later `fit` starts from rest. Defaults to `False`.
        **kwargs: As in `AbstractOptimizer`.
    """

    momentum: float

    def __init__(self, learning_rate: Any, *, finish_at_theta: bool = False, **kwargs: Any) -> None:
        if finish_at_theta and kwargs.get("use_ema"):
            raise ValueError(
                "`use_ema=True` ends `fit` with the average of the weights and `finish_at_theta=True` with theta. "
                "Received both; leave one of them out."
            )
        super().__init__(learning_rate, **kwargs)
        self.finish_at_theta = finish_at_theta

    def carry(self, v_old: Any, v: Any) -> Any:
        """Return the step from theta_old + alpha * v_old to theta + alpha * v, where theta = theta_old + v."""
        alpha = self.momentum
        return v + alpha * v - alpha * v_old

    def theta(self, variable: Any, **state: Any) -> Any:
        """Return the book's theta."""
        return variable - self.momentum * state["v"]

    def finalize_variable_values(self, var_list: list[Any]) -> None:
        """End of `fit`: go from the look-ahead point to theta, at rest, if asked to."""
        super().finalize_variable_values(var_list)
        if self.finish_at_theta:
            for variable, theta in zip(self.known_variables, self._wide_thetas(), strict=True):
                self._place(variable, theta)
            for block in self._layout.blocks:
                block.state["v"].assign(np.zeros(block.state["v"].shape))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this optimizer again."""
        return super().get_config() | {"finish_at_theta": self.finish_at_theta}
