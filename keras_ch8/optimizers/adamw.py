"""Adam with decoupled weight decay."""

from typing import Any, final

from .._registration import registered
from . import _arguments
from ._arguments import LearningRate
from .adam import AdamRule


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
        **kwargs: `skip_nonfinite`, `clip` and Keras's own (`clipnorm`, `use_ema`, `name`, ...); see
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
