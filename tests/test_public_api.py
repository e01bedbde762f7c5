"""What the suite promises by name, its docstrings, and the map of the chapter."""

import inspect
import re
from pathlib import Path

import pytest

import keras_ch8
from keras_ch8 import (
    board,
    callbacks,
    chapter,
    clipping,
    continuation,
    curriculum,
    curvature,
    data,
    initializers,
    landscapes,
    layers,
    losses,
    metrics,
    monitors,
    optimizers,
    schedules,
    second_order,
    stopping,
    symmetries,
    telemetry,
    training,
    verdicts,
)

ROOT = Path(__file__).parent.parent
OPTIMIZERS = ["SGD", "Adagrad", "Adam", "AdamW", "Momentum", "Nesterov", "RMSprop", "RMSpropNesterov"]
SECOND_ORDER = [
    "BFGS", "ConjugateGradient", "LBFGS", "LevenbergMarquardt", "Newton", "SaddleFreeNewton", "SteepestDescent",
    "TruncatedNewton",
]  # fmt: skip
RULES = ["Adaptive", "ByGlobalNorm", "ByNorm", "ByPercentile", "ByValue"]
CALLBACKS = [
    "ClipGradients", "Continuation", "Curriculum", "Diagnosis", "EarlyStopping", "GradientClippingLogger",
    "LearningRateDecay", "PolyakAveraging", "SurrogateGap", "SwitchOptimizer", "TensorBoard", "standard",
]  # fmt: skip
LAWS = [
    "CosineDecay", "ExponentialDecay", "InverseTimeDecay", "LinearDecay", "OneCycle", "ScaledSchedule",
    "SequentialSchedule", "Warmup", "ReduceOnPlateau",
]  # fmt: skip
CRITERIA = [
    "AllOf", "AnyOf", "Deadline", "Diverged", "GeneralizationLoss", "Patience", "Productivity", "SuccessiveRises",
    "Threshold",
]  # fmt: skip
FAMILIES = [
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "GaussianLikelihood",
    "HeteroscedasticGaussianLikelihood",
    "LaplaceLikelihood",
    "PoissonLikelihood",
]
LOSSES = ["ExponentialLoss", "ModifiedHuber", "NegativeLogLikelihood"]
TRIALS = [
    "check_initialization", "compare_curricula", "compare_learning_rates", "find_learning_rate", "pretrain_greedily",
    "retrain_on_all_data", "scale_to_data",
]  # fmt: skip
STARTS = [
    "GlorotUniform", "Heuristic", "IdentityRecurrent", "Orthogonal", "RandomWalk", "Sparse", "forget_gate",
    "output_marginal", "saturation",
]  # fmt: skip
MONITORS = [
    "batch_statistics", "cliff", "distance", "gradient_noise", "gradient_norm", "layer_flow", "online_risk", "spectrum",
    "step_length", "time_horizon",
]  # fmt: skip
ANNEALED = ["Annealed", "GaussianBlur", "LabelSmoothing", "SmoothedActivation", "Temperature", "WeightNoise"]
CURRICULA = [
    "BabySteps", "Competence", "cross_validated_loss", "Exponential", "Linear", "OnePass", "Root", "sequence_length",
    "Step", "teacher_loss",
]  # fmt: skip
NAMES = {
    board: [],
    callbacks: CALLBACKS,
    clipping: RULES,
    continuation: [*ANNEALED, "minimize"],
    curriculum: CURRICULA,
    curvature: ["check_gradient", "gradient", "hessian", "hessian_vector_product", "lanczos", "matrix_power"],
    data: ["ArraySource", "read"],
    initializers: STARTS,
    landscapes: ["Cliff", "interpolate", "loss_plane", "Ravine", "Rosenbrock", "Saddle"],
    layers: ["BatchNormalization", "Maxout", "Residual", "auxiliary_head", "fold", "recalibrate"],
    losses: LOSSES + FAMILIES,
    metrics: ["ZeroOneLoss"],
    monitors: MONITORS,
    optimizers: [*OPTIMIZERS, *SECOND_ORDER, "BlockCoordinateDescent"],
    schedules: LAWS,
    second_order: ["minimize"],
    stopping: CRITERIA,
    symmetries: ["balance", "difference", "permute_units", "rescale_units"],
    telemetry: [],
    training: TRIALS,
    verdicts: [],
}  # fmt: skip
HELD = {
    board: ["Tag"],
    callbacks: ["AbstractCallback"],
    continuation: ["Continued"],
    curriculum: ["AbstractPacing", "CurriculumSampler"],
    data: ["Plan", "Sampler"],
    curvature: ["GradientCheck", "MatrixPower", "Spectrum"],
    landscapes: ["AbstractSurface", "Interpolation", "LossPlane", "Trajectory"],
    initializers: ["AbstractInitializer", "AbstractKernelInitializer", "AbstractRandomInitializer"],
    layers: ["DeeplySupervised"],
    losses: ["AbstractLikelihood"],
    monitors: [
        "AbstractMonitor",
        "BatchStatistics",
        "Cliff",
        "Curve",
        "Distance",
        "GradientNoise",
        "GradientNorm",
        "LayerCall",
        "LayerFlow",
        "OnlineRisk",
        "Past",
        "Snapshot",
        "SpectrumEnds",
        "StepLength",
        "TimeHorizon",
    ],
    schedules: ["Clock"],
    second_order: [
        "AbstractDescent",
        "AbstractMethod",
        "AbstractSearch",
        "BFGS",
        "Backtracking",
        "ConjugateGradient",
        "Constant",
        "Exact",
        "HagerZhang",
        "Info",
        "LBFGS",
        "LevenbergMarquardt",
        "SolverState",
        "Minimizer",
        "OptimizeResult",
        "Newton",
        "Point",
        "Problem",
        "Run",
        "SaddleFreeNewton",
        "Status",
        "SteepestDescent",
        "Stop",
        "StrongWolfe",
        "TruncatedNewton",
        "init_state",
        "resume",
        "solve",
    ],
    stopping: ["AbstractCriterion", "AbstractMonitorCriterion", "EpochHistory", "Reason", "StopReason"],
    symmetries: ["Balance"],
    telemetry: ["Frame"],
    training: [
        "Comparison", "CurriculumComparison", "InitializationCheck", "Pretraining", "RangeTest", "Retraining",
        "Scaling", "Stage",
    ],
    verdicts: [
        "KINDS",
        "LEVELS",
        "Claim",
        "Combination",
        "Condition",
        "Kind",
        "Quantity",
        "Rule",
        "Threshold",
        "Verdict",
        "VerdictTracker",
        "judge",
        "report",
    ],
}  # fmt: skip
"""What parts give or take; the map of the chapter has them not."""

ADDED = ["get_compile_config", "compile_from_config", "compiled"]
"""What registration gives to every class (see _registration)."""


def room_of(module):
    return module.__name__.removeprefix("keras_ch8.")


def test_public_names():
    rest = ["__version__", "chapter", "integration", "register_strings", "watch"]
    assert sorted([room_of(module) for module in NAMES] + rest) == dir(keras_ch8)
    assert sorted(keras_ch8.integration.__all__) == ["Hook", "hooks", "uninstall"]
    assert callable(keras_ch8.watch)
    assert callable(keras_ch8.register_strings)
    for module, names in NAMES.items():
        assert sorted(module.__all__) == sorted(names + HELD.get(module, [])), module
    public = [n for n, v in vars(optimizers).items() if not n.startswith("_") and not inspect.ismodule(v)]
    assert sorted(public) == sorted(NAMES[optimizers])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_final_and_explains_itself_in_order(name):
    cls = getattr(optimizers, name)
    assert cls.__final__
    headings = ["(algorithm 8.", "theta <- theta", "Book  ", "State:", "Differs from `keras.optimizers.", "Args:",
                "Raises:", "Example:", "References:"]  # fmt: skip
    places = [cls.__doc__.find(heading) for heading in headings]
    assert -1 not in places, f"missing: {headings[places.index(-1)]}"
    assert places == sorted(places)
    assert cls.__doc__.splitlines()[0].endswith(").")
    own = [p for p in inspect.signature(cls).parameters if p != "kwargs"]
    assert all(argument in cls.__doc__ for argument in own)


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_an_optimizer_that_is_given_the_loss_is_final_and_explains_itself_in_order(name):
    cls = getattr(optimizers, name)
    assert cls.__final__
    headings = ["section 8.", "theta <- theta", "State:", "Args:", "Raises:", "Example:", "References:"]
    text = " ".join(cls.__doc__.split())
    places = [text.find(heading) for heading in headings]
    assert -1 not in places, f"missing: {headings[places.index(-1)]}"
    assert places == sorted(places)
    own = inspect.signature(cls.__init__).parameters.keys() - {"self", "kwargs"} if "__init__" in vars(cls) else ()
    assert all(f"{argument}:" in cls.__doc__ for argument in own)
    assert {n for n in vars(cls) if not n.startswith("_")} <= {"method", "hyperparameters", "refuse", "section", *ADDED}
    assert getattr(keras_ch8.second_order, name).__doc__.count("<-")


PARTS = [getattr(module, name) for module, names in NAMES.items() if module is not optimizers for name in names]
PARTS.append(optimizers.BlockCoordinateDescent)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.__module__}.{part.__name__}")
def test_a_part_is_final_and_explains_itself_in_order(part):
    assert inspect.isfunction(part) or part.__final__
    first, room = part.__doc__.splitlines()[0], part.__module__.split(".")[1]
    assert re.search(r"\(.*[78]\.\d.*\)\.$", first)
    parameters = (
        [] if part in (losses.BernoulliLikelihood, losses.CategoricalLikelihood) else inspect.signature(part).parameters
    )
    equation = {"clipping": ["<-"], "schedules": ["<-"], "losses": [" = "] if part.__name__ in FAMILIES else ["<-"]}
    state = ["State:"] if room == "clipping" else []
    headings = [*equation.get(room, []), *state, *(["Args:"] if parameters else []), "Example:", "References:"]
    places = [part.__doc__.find(heading) for heading in headings]
    assert -1 not in places, f"missing: {headings[places.index(-1)]}"
    assert places == sorted(places)
    assert all(re.search(rf"\b{argument}(,\s+\w+)*:", part.__doc__) for argument in parameters)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_file_of_an_algorithm_holds_its_box_and_nothing_else(name):
    cls = getattr(optimizers, name)
    assert {n for n in vars(cls) if not n.startswith("_")} <= {
        "rule", "state_names", "hyperparameters", "elementwise", "rests_without_gradient", "section", *ADDED,
    }  # fmt: skip
    assert len(inspect.getsource(cls.rule).splitlines()) <= 10


def test_the_map_names_parts_that_exist_and_all_of_them():
    sections, parts = zip(*chapter.parts(), strict=True)
    assert set(sections) <= {section.number for section in chapter.SECTIONS}
    assert {f"{room_of(module)}.{name}" for module, names in NAMES.items() for name in names} == set(parts)
    numbers = [section.number for section in chapter.SECTIONS]
    assert numbers == sorted(numbers)
    assert all((ROOT / "examples" / s.example).is_file() for s in chapter.SECTIONS if s.example)


def test_readme_shows_the_map():
    assert chapter.table() in (ROOT / "README.md").read_text()
