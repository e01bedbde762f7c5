"""What Adam and AdamW share: all but the default weight decay."""

from typing import Any

from keras import ops

from .. import _checks, _numerics
from .base import AbstractOptimizer


class AbstractAdam(AbstractOptimizer):
    """Moves by algorithm 8.7.

    Args:
        learning_rate: As in `AbstractOptimizer`.
        beta_1: The book's rho_1, in [0, 1).
        beta_2: The book's rho_2, in [0, 1).
        epsilon: The book's delta, above 0.
        amsgrad: Accepted at Keras's off value `False` only.
        **kwargs: As in `AbstractOptimizer`.
    """

    state_names = ("s", "r")
    hyperparameters = ("beta_1", "beta_2", "epsilon")
    elementwise = True

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        owner = type(self).__name__
        _checks.off("amsgrad", amsgrad, False, owner=owner, instead=f"Keras's `keras.optimizers.{owner}` has it.")
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = _checks.share("beta_1", beta_1, of="s, the mean gradient,")
        self.beta_2 = _checks.share("beta_2", beta_2, of="r, the mean squared gradient,")
        self.epsilon = _checks.stabilizer("epsilon", epsilon, default=1e-8)

    def rule(self, g: Any, lr: Any, t: Any, s: Any, r: Any) -> tuple[Any, dict[str, Any]]:
        """Algorithm 8.7, line by line."""
        rho_1, rho_2, delta = self.beta_1, self.beta_2, self.epsilon
        s = rho_1 * s + (1 - rho_1) * g
        r = rho_2 * r + (1 - rho_2) * g * g
        s_hat = _numerics.debias(s, rho_1, t)
        r_hat = _numerics.debias(r, rho_2, t)
        return -lr * s_hat / (ops.sqrt(r_hat) + delta), {"s": s, "r": r}
