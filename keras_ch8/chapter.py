"""The chapter as data: what each section is about and which parts of the suite are for it.

README's table is made from this: `python -m keras_ch8.chapter`.
"""

from typing import NamedTuple


class Section(NamedTuple):
    """One section of chapter 8: its number, its subject, the parts for it (dotted below `keras_ch8`), its example."""

    number: str
    subject: str
    parts: tuple[str, ...] = ()
    example: str = ""


SECTIONS = (
    Section(
        "8.1",
        "learning differs from pure optimization: early stopping",
        (
            "callbacks.EarlyStopping",
            "stopping.patience",
            "stopping.generalization_loss",
            "stopping.productivity",
            "stopping.successive_rises",
            "stopping.threshold",
            "stopping.diverged",
            "stopping.deadline",
            "stopping.any_of",
            "stopping.all_of",
            "training.retrain_on_all_data",
        ),
        "s8_1_early_stopping.py",
    ),
    Section(
        "8.1.1",
        "empirical risk, and surrogates of the 0-1 loss",
        ("metrics.ZeroOneLoss", "losses.ExponentialLoss", "losses.ModifiedHuber", "callbacks.SurrogateGap"),
        "s8_1_1_surrogate.py",
    ),
    Section(
        "8.1.2",
        "surrogate losses: maximum likelihood",
        (
            "losses.NegativeLogLikelihood",
            "losses.bernoulli",
            "losses.categorical",
            "losses.gaussian",
            "losses.gaussian_with_variance",
            "losses.laplace",
            "losses.poisson",
        ),
        "s8_1_2_likelihood.py",
    ),
    Section(
        "8.1.3",
        "batch and minibatch algorithms",
        ("monitors.gradient_noise", "monitors.online_risk", "data.ArraySource", "data.read"),
        "s8_1_3_minibatches.py",
    ),
    Section(
        "8.2",
        "challenges, seen in TensorBoard",
        ("callbacks.standard", "callbacks.TensorBoard", "callbacks.Diagnosis"),
        "quickstart.py",
    ),
    Section(
        "8.2.1",
        "ill-conditioning",
        ("monitors.step_length", "curvature.hessian_vector_product", "curvature.hessian"),
        "s8_2_1_ill_conditioning.py",
    ),
    Section(
        "8.2.2",
        "local minima",
        (
            "monitors.gradient_norm",
            "symmetries.permute_units",
            "symmetries.rescale_units",
            "symmetries.balance",
            "symmetries.difference",
        ),
        "s8_2_2_local_minima.py",
    ),
    Section(
        "8.2.3",
        "plateaus, saddle points and other flat regions",
        ("monitors.spectrum", "curvature.lanczos"),
        "s8_2_3_saddle_points.py",
    ),
    Section(
        "8.2.4",
        "cliffs and exploding gradients",
        (
            "clipping.by_global_norm",
            "clipping.by_norm",
            "clipping.by_value",
            "clipping.adaptive",
            "clipping.by_percentile",
            "callbacks.ClipGradients",
            "callbacks.GradientClippingLogger",
            "monitors.cliff",
        ),
        "s8_2_4_cliffs.py",
    ),
    Section(
        "8.2.5",
        "long-term dependencies",
        ("monitors.layer_flow", "monitors.time_horizon", "curvature.powers"),
        "s8_2_5_long_term_dependencies.py",
    ),
    Section(
        "8.2.6",
        "inexact gradients",
        ("curvature.gradient", "curvature.check_gradient"),
        "s8_2_6_inexact_gradients.py",
    ),
    Section(
        "8.2.7",
        "poor correspondence between local and global structure",
        (
            "monitors.distance",
            "landscapes.path",
            "landscapes.plane",
            "landscapes.ravine",
            "landscapes.saddle",
            "landscapes.cliff",
            "landscapes.rosenbrock",
        ),
        "s8_2_7_local_and_global.py",
    ),
    Section(
        "8.3.1",
        "stochastic gradient descent and its learning rate",
        (
            "optimizers.SGD",
            "schedules.LinearDecay",
            "schedules.InverseTimeDecay",
            "schedules.ExponentialDecay",
            "schedules.CosineDecay",
            "schedules.OneCycle",
            "schedules.Warmup",
            "schedules.SequentialSchedule",
            "schedules.ScaledSchedule",
            "schedules.on_plateau",
            "callbacks.LearningRateDecay",
            "training.find_learning_rate",
            "training.compare_learning_rates",
        ),
        "s8_3_1_learning_rate.py",
    ),
    Section("8.3.2", "momentum", ("optimizers.Momentum",)),
    Section("8.3.3", "Nesterov momentum", ("optimizers.Nesterov",)),
    Section(
        "8.4",
        "parameter initialization",
        (
            "initializers.GlorotUniform",
            "initializers.Heuristic",
            "initializers.Orthogonal",
            "initializers.Sparse",
            "initializers.RandomWalk",
            "initializers.IdentityRecurrent",
            "initializers.output_marginal",
            "initializers.saturation",
            "initializers.forget_gate",
            "training.scale_to_data",
            "training.check_initialization",
        ),
        "s8_4_initialization.py",
    ),
    Section("8.5.1", "AdaGrad", ("optimizers.Adagrad",)),
    Section("8.5.2", "RMSProp", ("optimizers.RMSprop", "optimizers.RMSpropNesterov")),
    Section("8.5.3", "Adam", ("optimizers.Adam", "optimizers.AdamW"), "quickstart.py"),
    Section(
        "8.6",
        "approximate second-order methods",
        ("second_order.minimize", "callbacks.SwitchOptimizer"),
        "s8_6_pinn.py",
    ),
    Section(
        "8.6.1",
        "Newton's method",
        (
            "optimizers.Newton",
            "optimizers.TruncatedNewton",
            "optimizers.SaddleFreeNewton",
            "optimizers.LevenbergMarquardt",
        ),
        "s8_6_1_newton.py",
    ),
    Section(
        "8.6.2",
        "conjugate gradients",
        ("optimizers.SteepestDescent", "optimizers.ConjugateGradient"),
        "s8_6_2_conjugate_gradients.py",
    ),
    Section("8.6.3", "BFGS", ("optimizers.BFGS", "optimizers.LBFGS"), "s8_6_3_bfgs.py"),
    Section(
        "8.7.1",
        "batch normalization",
        ("layers.BatchNormalization", "layers.fold", "layers.recalibrate", "monitors.batch_statistics"),
        "s8_7_1_batch_norm.py",
    ),
    Section(
        "8.7.2",
        "coordinate descent",
        ("optimizers.BlockCoordinateDescent",),
        "s8_7_2_coordinate_descent.py",
    ),
    Section("8.7.3", "Polyak averaging", ("callbacks.PolyakAveraging",), "s8_7_3_polyak.py"),
    Section("8.7.4", "supervised pretraining", ("training.pretrain_greedily",), "s8_7_4_pretraining.py"),
    Section(
        "8.7.5",
        "designing models to aid optimization",
        ("layers.Maxout", "layers.Residual", "layers.auxiliary_head"),
        "s8_7_5_easy_models.py",
    ),
    Section(
        "8.7.6",
        "continuation methods and curriculum learning",
        (
            "callbacks.Continuation",
            "continuation.minimize",
            "continuation.Annealed",
            "continuation.GaussianBlur",
            "continuation.SmoothedActivation",
            "continuation.WeightNoise",
            "continuation.Temperature",
            "continuation.LabelSmoothing",
            "callbacks.Curriculum",
            "curriculum.linear",
            "curriculum.root",
            "curriculum.competence",
            "curriculum.exponential",
            "curriculum.step",
            "curriculum.baby_steps",
            "curriculum.one_pass",
            "curriculum.sequence_length",
            "curriculum.teacher_loss",
            "curriculum.cross_validated_loss",
            "training.compare_curricula",
        ),
        "s8_7_6_curriculum.py",
    ),
)


def table() -> str:
    """Return the map as a Markdown table of the sections that have parts."""
    lines = ["| section | subject | parts of `keras_ch8` |", "|---|---|---|"]
    for section in SECTIONS:
        if section.parts:
            lines.append(f"| {section.number} | {section.subject} | {', '.join(f'`{p}`' for p in section.parts)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())  # noqa: T201
