"""What a training may have that decides what is to be done: one name for who sees it and for who asks."""

import enum
from typing import Self


class Fact(enum.StrEnum):
    """A fact about a training, with the word that pages and records have for it and what it means.

    `monitors/model_facts.py` and `monitors/start.py` say which hold, in sets called `has`; cures ask for them.
    """

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Self:
        """Return the fact that is written as this word."""
        fact = str.__new__(cls, word)
        fact._value_, fact.meaning = word, meaning
        return fact

    ADAPTIVE_RATES = "adaptive rates", "the optimizer gives each weight a rate of its own, as Adam does"
    STEPS_OF_THE_RATE = ("steps of the rate", "each step moves each weight by about the learning rate, as Adam's do")
    COMPARED_LOSSES = (
        "compared losses",
        "the optimizer, or one that comes later, compares losses of the same examples in a step, as those of "
        "section 8.6 do",
    )
    OWN_STEP_LENGTH = ("own step length", "the optimizer finds the length of each step itself (section 8.6)")
    CURVATURE = ("curvature", "the optimizer uses curvature: those of section 8.6 but `SteepestDescent`")
    FIRST_ORDER_ONLY = (
        "first order only",
        "a constraint, float16, several replicas, `callbacks.Guard` or `callbacks.ClipGradients` needs a "
        "first-order optimizer",
    )
    CLIPPING = "clipping", "the gradient is clipped"
    CLIPPED = "clipped", "nine of ten steps or more are clipped"
    ACCUMULATION = "accumulation", "an update adds up the gradients of several batches"
    STRONG_DECAY = "strong decay", "weight decay takes a hundredth or more of each weight away in a step"
    SKIPPING = "skipping", "steps that are not finite are left out, by `callbacks.Guard` or `skip_nonfinite=True`"
    LEARNING_RATE_SCHEDULE = "learning rate schedule", "the learning rate changes while the training runs"
    SCHEDULE_TO_SCALE = "schedule to scale", "the optimizer has a schedule of the learning rate, which can be copied"
    LOWERED_ON_PLATEAUS = (
        "lowered on plateaus",
        "a `keras.callbacks.ReduceLROnPlateau` lowers the learning rate that was set",
    )
    RATE_SET_ELSEWHERE = (
        "rate set elsewhere",
        "another callback, a function, or a schedule that cannot be copied sets the learning rate",
    )
    WARM_UP = "warm-up", "the learning rate began below 0.9 of the largest one"
    SCALED_LOSS = "scaled loss", "the optimizer is inside a `keras.optimizers.LossScaleOptimizer`"
    NO_ARRAYS = "no arrays", "`fit` is given a data set or a generator, and no arrays"
    DATA_SET = "data set", "`fit` is given a `tf.data.Dataset` of inputs and targets"
    VALIDATED_APART = "validated apart", "`fit` is given validation data, which were split off before"
    LOOP_OF_ONES_OWN = "loop of one's own", "a loop inside `Doctor.watch` makes the steps, without `compile` and `fit`"
    OWN_TRAINING_STEP = "own training step", "the model has its own `train_step` or `compile`"
    SUBCLASSED = "subclassed", "the model is a subclass of `keras.Model` that says itself how it calls its layers"
    BUILT_BY_THE_FIRST_BATCH = "built by the first batch", "the model has no weights before `fit`"
    FADED_RATE = ("faded rate", "the effective learning rate has fallen below a hundredth of its start")
    NORMALIZATION = "normalization", "there is a normalization between the layers"
    INPUT_NORMALIZATION = "input normalization", "there is a `keras.layers.Normalization`"
    SKIP_CONNECTIONS = "skip connections", "outputs of layers are added to those of others"
    RESHAPES = "reshapes", "a `keras.layers.Reshape` says how many units the layer before has"
    SEQUENTIAL = "sequential", "the model is a `keras.Sequential`"
    STATEFUL = "stateful", "a layer keeps its state from batch to batch, so that all batches have one size"
    SEVERAL_INPUTS = "several inputs", "the model has several inputs"
    SEVERAL_OUTPUTS = "several outputs", "the model has several outputs"
    FLAT_INPUTS = "flat inputs", "the inputs are one number for each example, without an axis of its own"
    TOKENS = "tokens", "the inputs are indices into an embedding"
    RECURRENCE = "recurrence", "there is a recurrent layer"
    SIMPLE_RECURRENCE = "simple recurrence", "there is a `keras.layers.SimpleRNN`"
    LSTM = "LSTM", "there is a `keras.layers.LSTM`"
    PADDING = ("padding", "the sequences of a recurrent layer end in zeros that no mask leaves out")
    SIGMOID_UNITS = "sigmoid units", "hidden units are sigmoids"
    SOFTMAX_UNITS = "softmax units", "hidden layers are softmaxes"
    PENALTIES_OF_UNITS = "penalties of units", "a layer has an `activity_regularizer`"
    LINEAR_MODEL = ("linear model", "a linear model with a mean squared error, for which least squares are known")
    LINEAR_LAYERS = ("linear layers", "layers with weights and no activation between them")
    NEGATIVE_BIASES = ("negative biases", "the biases of a layer began below -1 on average")
    SMALL_START = ("small start", "the weights of a matrix began with a standard deviation below 0.003")
    LOW_RATE = (
        "low rate",
        "there is one learning rate for all weights, without a schedule, below a fifth of the usual 0.01",
    )
    UNSCALED_INPUTS = (
        "unscaled inputs",
        "the root mean square of the inputs is far from 1, and of large ones the first layer does not give less "
        "than 0.5",
    )
    UNEVEN_INPUTS = (
        "uneven inputs",
        "the root mean square of the inputs is far from 1, or deviations of features differ by far",
    )
    LARGE_TARGETS = "large targets", "the standard deviation of targets that are numbers is above 100"
    HELD_OUT_OF_ANOTHER_KIND = (
        "held-out of another kind",
        "held-out examples were never predicted better than by a constant, and those of the training were",
    )
    SCALE_OF_THE_START = (
        "scale of the start",
        "units were saturated or dead, or the gradient vanished, at the first measurement, and the learning rate "
        "is no larger than is usual: at most 0.01 for steps of the rate, 1 for others",
    )
    DEFAULT_RATE = (
        "default rate",
        "the learning rate is at most Keras's default: 0.001 for steps of the rate, 0.01 for others",
    )
    DEAD_UNITS = "dead units", "many ReLUs are dead"
    SATURATED_UNITS = "saturated units", "many units are saturated"
