"""Adam, also with decoupled weight decay."""

from typing import Any, final

from keras import ops

from .. import _checks, _numerics
from .._registration import registered
from .._types import Tensor
from . import _arguments
from ._arguments import LearningRate
from ._update import State
from .base import RuleOptimizer


class AdamRule(RuleOptimizer):
    """Moves by algorithm 8.7.

    Args:
        learning_rate: As in `RuleOptimizer`.
        beta_1: The book's rho_1, in [0, 1).
        beta_2: The book's rho_2, in [0, 1).
        epsilon: The book's delta, above 0.
        amsgrad: Accepted at Keras's off value `False` only.
        **kwargs: As in `RuleOptimizer`.
    """

    state_names = ("s", "r")
    hyperparameters = ("beta_1", "beta_2", "epsilon")
    elementwise = True
    is_adaptive = True
    moves_by_rate = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        owner = type(self).__name__
        _checks.off("amsgrad", amsgrad, False, owner=owner, instead=f"Keras's `keras.optimizers.{owner}` has it.")
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = _checks.decay_rate("beta_1", beta_1, of="s, the mean gradient,")
        self.beta_2 = _checks.decay_rate("beta_2", beta_2, of="r, the mean squared gradient,")
        self.epsilon = _checks.stabilizer("epsilon", epsilon, default=1e-8)

    def rule(self, g: Tensor, lr: Tensor, t: Tensor, s: Tensor, r: Tensor) -> tuple[Tensor, State]:
        """Algorithm 8.7, line by line."""
        rho_1, rho_2, delta = self.beta_1, self.beta_2, self.epsilon
        s = rho_1 * s + (1 - rho_1) * g
        r = rho_2 * r + (1 - rho_2) * g * g
        s_hat = _numerics.debias(s, rho_1, t)
        r_hat = _numerics.debias(r, rho_2, t)
        return -lr * s_hat / (ops.sqrt(r_hat) + delta), {"s": s, "r": r}


@final
@registered
class Adam(AdamRule):
    r"""Momentum and RMSProp's scaling, both corrected for their start at 0 (algorithm 8.7, section 8.5.3).

    For each parameter, at every step:

    .. math::

        t &\leftarrow t + 1 \\
        s &\leftarrow \rho_1 s + (1 - \rho_1) g \\
        r &\leftarrow \rho_2 r + (1 - \rho_2) g \odot g \\
        \hat{s} &\leftarrow \frac{s}{1 - \rho_1^t} \\
        \hat{r} &\leftarrow \frac{r}{1 - \rho_2^t} \\
        \theta &\leftarrow \theta - \frac{\text{lr} \cdot \hat{s}}{\sqrt{\hat{r}} + \delta}

    Book          Argument        Unit and meaning
    epsilon       learning_rate   step size; about the length of a parameter's step
    rho_1         beta_1          fraction of s kept each step; memory of about 1 / (1 - rho_1) steps
    rho_2         beta_2          fraction of r kept each step
    delta         epsilon         added outside the root of the corrected r

    State: `s` and `r`, one tensor each for each variable, in float32 or wider. float16 and bfloat16 variables carry
    one float32 residual besides and move as a rounded float32 run does (12 bytes an entry in all).

    Differs from `keras.optimizers.Adam`: there `epsilon` (1e-7) is added to the root of the uncorrected r, which acts
    as delta = epsilon / sqrt(1 - rho_2^t), 32 times larger at the first step; its bfloat16 weights do not move. No
    `amsgrad`. The state is the same, so a training that goes over in its middle feels only the place of `epsilon`.

    Args:
        learning_rate: Number, `LearningRateSchedule` or callable without arguments. Defaults to `0.001`.
        beta_1: Number in [0, 1). Defaults to `0.9`.
        beta_2: Number in [0, 1). Defaults to `0.999`.
        epsilon: Number above 0. Defaults to `1e-8`.
        amsgrad: Accepted at Keras's off value `False` only.
        **kwargs: `skip_nonfinite`, `clip`, `groups` and Keras's own (`clipnorm`, `weight_decay`, `use_ema`, `name`,
            ...); see `RuleOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the fix.

    Example:
        >>> variable = keras.Variable([1.0, 1.0])
        >>> keras_ch8.optimizers.Adam(0.1).apply([keras.ops.array([100.0, -0.01])], [variable])
        >>> [round(float(x), 4) for x in variable.numpy()]
        [0.9, 1.1]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.7; Kingma and Ba (2014).
    """

    section = "8.5.3"
    twin_in_keras = "Adam()"


@final
@registered
class AdamW(AdamRule):
    r"""Adam that also shrinks each weight by an unscaled fraction (algorithm 8.7, section 8.5.3; Loshchilov, Hutter).

    For each parameter, at every step:

    .. math::

        t &\leftarrow t + 1 \\
        s &\leftarrow \rho_1 s + (1 - \rho_1) g \\
        r &\leftarrow \rho_2 r + (1 - \rho_2) g \odot g \\
        \hat{s} &\leftarrow \frac{s}{1 - \rho_1^t} \\
        \hat{r} &\leftarrow \frac{r}{1 - \rho_2^t} \\
        \theta &\leftarrow \theta - \frac{\text{lr} \cdot \hat{s}}{\sqrt{\hat{r}} + \delta} - \text{lr} \cdot
          \text{weight_decay} \cdot \theta

    `Adam(weight_decay=...)` makes the same steps. A penalty in the loss does not: it goes through s and r, so weights
    with large gradients hardly decay. `exclude_from_weight_decay(var_names=["bias"])` spares variables.

    Book          Argument        Unit and meaning
    epsilon       learning_rate   step size; about the length of a parameter's step
    rho_1         beta_1          fraction of s kept each step; memory of about 1 / (1 - rho_1) steps
    rho_2         beta_2          fraction of r kept each step
    delta         epsilon         added outside the root of the corrected r
    none          weight_decay    fraction of theta taken away each step, times the step size

    State: `s` and `r`, one tensor each for each variable, in float32 or wider. float16 and bfloat16 variables carry
    one float32 residual besides and move as a rounded float32 run does (12 bytes an entry in all).

    Differs from `keras.optimizers.AdamW` as `Adam` differs from Keras's: `epsilon` is added outside the root of the
    corrected r, bfloat16 weights move, and there is no `amsgrad`. The state is the same.

    Args:
        learning_rate: Number, `LearningRateSchedule` or callable without arguments. Defaults to `0.001`.
        weight_decay: Number of at least 0. Defaults to `0.004`.
        beta_1: Number in [0, 1). Defaults to `0.9`.
        beta_2: Number in [0, 1). Defaults to `0.999`.
        epsilon: Number above 0. Defaults to `1e-8`.
        amsgrad: Accepted at Keras's off value `False` only.
        **kwargs: `skip_nonfinite`, `clip`, `groups` and Keras's own (`clipnorm`, `use_ema`, `name`, ...); see
            `RuleOptimizer`.

    Raises:
        ValueError: If an argument lies outside its range; the message names the value and the fix.

    Example:
        >>> variable = keras.Variable([1.0, 1.0])
        >>> keras_ch8.optimizers.AdamW(0.1, weight_decay=0.5).apply([keras.ops.array([100.0, -0.01])], [variable])
        >>> [round(float(x), 4) for x in variable.numpy()]
        [0.85, 1.05]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.7; Loshchilov and Hutter (2019), Decoupled
        Weight Decay Regularization.
    """

    section = "8.5.3"
    twin_in_keras = "AdamW()"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        decay = _arguments.weight_decay(weight_decay, or_none=False)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=decay, **kwargs)
