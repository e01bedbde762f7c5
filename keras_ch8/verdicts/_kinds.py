"""The closed list of what a verdict can be about."""

from typing import NamedTuple


class Kind(NamedTuple):
    """A difficulty of the chapter: its section, and what cures it."""

    section: str
    cure: str


KINDS = {
    "step_too_long": Kind(
        "8.2.1",
        "Lower the learning rate: `training.find_learning_rate` finds one, `callbacks.LearningRateDecay` lowers it in "
        "time, `schedules.Warmup` leads up to it.",
    ),
    "step_too_short": Kind("8.3.1", "Raise the learning rate: `training.find_learning_rate` finds one."),
    "ill_conditioned": Kind(
        "8.2.1",
        "Bring the inputs to one scale (`keras.layers.Normalization`), normalize between layers "
        "(`layers.BatchNormalization`), or give each weight a rate of its own: `optimizers.Adam`, "
        "`optimizers.RMSprop`; `optimizers.Nesterov` helps too.",
    ),
    "noise_dominated": Kind(
        "8.1.3",
        "Take larger batches, or let the learning rate fall: `schedules.LinearDecay`, `callbacks.LearningRateDecay`.",
    ),
    "batch_wasteful": Kind("8.1.3", "Take smaller batches: as many steps learn the same from fewer examples."),
    "plateau": Kind(
        "8.2.3",
        "Start where the gradient is not small: smaller initial weights and biases, or units that do not saturate "
        "(ReLU); `optimizers.Adam` makes steps that do not shrink with the gradient.",
    ),
    "saddle": Kind(
        "8.2.3",
        "Break the symmetry of the start with random weights (`initializers.GlorotUniform`); "
        "`optimizers.Momentum` and `optimizers.Adam` leave a saddle point sooner than `optimizers.SGD`.",
    ),
    "cliff": Kind(
        "8.2.4",
        "Clip the gradient: `clipping.ByGlobalNorm` in any optimizer of the suite, `callbacks.ClipGradients` for "
        "others; `callbacks.GradientClippingLogger` finds the threshold.",
    ),
    "exploding": Kind(
        "8.2.5",
        "Scale the start to the data (`training.scale_to_data`) or take `initializers.Orthogonal`, normalize between "
        "layers (`layers.BatchNormalization`), and clip: `clipping.ByGlobalNorm`.",
    ),
    "vanishing": Kind(
        "8.2.5",
        "Scale the start to the data (`training.scale_to_data`), normalize between layers "
        "(`layers.BatchNormalization`), add connections that skip layers (`layers.Residual`), or use ReLU with "
        "`keras.initializers.HeNormal`.",
    ),
    "short_horizon": Kind(
        "8.2.5",
        "Use gated units (`keras.layers.LSTM`, `keras.layers.GRU`), or start the recurrent kernel as an identity or "
        "orthogonal matrix (`initializers.IdentityRecurrent`, `initializers.Orthogonal`).",
    ),
    "dead_units": Kind(
        "8.2.5",
        "Lower the learning rate or add `schedules.Warmup`; start with `keras.initializers.HeNormal` and biases of 0 "
        "or slightly above; or use leaky units (`keras.layers.LeakyReLU`).",
    ),
    "saturated_units": Kind(
        "8.2.5",
        "Bring inputs and initial weights to a smaller scale, normalize before the activation "
        "(`layers.BatchNormalization`), or use ReLU.",
    ),
    "batch_norm_gap": Kind(
        "8.7.1",
        "Lower `momentum` of the batch normalization, take `layers.BatchNormalization`, which corrects for its start, "
        "estimate anew (`layers.recalibrate`), or train on batches like those that the model is used on: the moving "
        "statistics that inference uses are not those of the batches.",
    ),
    "bad_scale": Kind(
        "8.4",
        "Bring the inputs to mean 0 and variance 1 (`keras.layers.Normalization`), and scale the weights to the "
        "data: `training.scale_to_data`. `training.check_initialization` looks at a start before any step.",
    ),
    "overfitting": Kind(
        "8.1",
        "Stop when validation is best: `callbacks.EarlyStopping(restore_best_weights=True)`; regularize, or find more "
        "data. `callbacks.SurrogateGap` says whether the true loss suffers.",
    ),
    "underfitting": Kind(
        "8.1", "Train longer, take a larger model, or regularize less; first cure what else is found here."
    ),
    "nonfinite": Kind(
        "8.2.4",
        "Look at the data for NaN, lower the learning rate (`training.find_learning_rate`), clip "
        "(`clipping.ByGlobalNorm`), or skip such steps: `skip_nonfinite=True` of every optimizer of the suite.",
    ),
}
"""Every kind of verdict."""
