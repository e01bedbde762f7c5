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

    ADAPTIVE_RATES = "adaptive rates", "the optimizer has its own learning rate for each weight, like Adam"
    STEPS_OF_THE_RATE = ("steps of the rate", "each step moves each weight by about the learning rate, like Adam")
    COMPARED_LOSSES = (
        "compared losses",
        "the optimizer, or a later one, compares losses of the same examples within a step, like those of section 8.6",
    )
    OWN_STEP_LENGTH = ("own step length", "the optimizer chooses the length of each step (section 8.6)")
    CURVATURE = ("curvature", "the optimizer uses curvature, like all of section 8.6 but `SteepestDescent`")
    FIRST_ORDER_ONLY = (
        "first order only",
        "a constraint, float16, several replicas, `callbacks.Guard` or `callbacks.ClipGradients` needs a "
        "first-order optimizer",
    )
    CLIPPING = "clipping", "the gradient is clipped"
    CLIPPED = "clipped", "at least 9 of 10 steps are clipped"
    ONE_BATCH = "one batch", "each epoch is a single batch of more than 64 examples"
    ACCUMULATION = "accumulation", "each update adds up the gradients of several batches"
    STRONG_DECAY = "strong decay", "weight decay shrinks each weight by 1 % or more per step"
    STRONG_DROPOUT = "strong dropout", "a dropout layer drops at least 80 % of its inputs"
    SKIPPING = "skipping", "`callbacks.Guard` or `skip_nonfinite=True` skips steps that are not finite"
    LEARNING_RATE_SCHEDULE = "learning rate schedule", "the learning rate changes during training"
    SCHEDULE_TO_SCALE = "schedule to scale", "the optimizer has a learning rate schedule that can be copied"
    CUT_SCHEDULE = (
        "cut schedule",
        "training is nearly over, and its learning rate schedule is still above half of its peak",
    )
    LOWERED_ON_PLATEAUS = (
        "lowered on plateaus",
        "`keras.callbacks.ReduceLROnPlateau` lowers the learning rate",
    )
    RATE_SET_ELSEWHERE = (
        "rate set elsewhere",
        "another callback, a function or a schedule that cannot be copied sets the learning rate",
    )
    WARM_UP = "warm-up", "the learning rate starts below 0.9 of its maximum"
    SCALED_LOSS = "scaled loss", "a `keras.optimizers.LossScaleOptimizer` wraps the optimizer"
    NO_ARRAYS = "no arrays", "`fit` gets a data set or a generator instead of arrays"
    DATA_SET = "data set", "`fit` gets a `tf.data.Dataset` of inputs and targets"
    VALIDATED_APART = "validated apart", "`fit` gets validation data that you split off before"
    LOOP_OF_ONES_OWN = "loop of one's own", "your own loop inside `Doctor.watch` replaces `compile` and `fit`"
    OWN_TRAINING_STEP = "own training step", "the model overrides `train_step` or `compile`"
    LOSS_MAY_RISE = (
        "loss may rise",
        "the loss has been below 0, or several optimizers take turns: it may rise in a healthy training",
    )
    SUBCLASSED = "subclassed", "the model is a subclass of `keras.Model` with its own `call`"
    BUILT_BY_THE_FIRST_BATCH = "built by the first batch", "the model has no weights before `fit`"
    FADED_RATE = ("faded rate", "the effective learning rate has fallen below 1 % of its start")
    NORMALIZATION = "normalization", "a normalization layer stands between the layers"
    INPUT_NORMALIZATION = "input normalization", "the model has a `keras.layers.Normalization`"
    SKIP_CONNECTIONS = "skip connections", "the model adds outputs of earlier layers to later ones"
    MOVES_IMAGES = "moves images", "a layer such as `keras.layers.RandomFlip` turns or moves images at random"
    RESHAPES = "reshapes", "a `keras.layers.Reshape` fixes the units of the layer before it"
    SHORT_AVERAGES = (
        "short averages",
        "the momentum of a batch normalization layer is below 0.5, so that the last batch or two make its moving "
        "statistics",
    )
    CONSTRAINTS = "constraints", "a trainable weight has a constraint, which changes it after each step"
    SEQUENTIAL = "sequential", "the model is a `keras.Sequential`"
    STATEFUL = "stateful", "a layer keeps its state between batches, so all batches have one size"
    SEVERAL_INPUTS = "several inputs", "the model has several inputs"
    SEVERAL_OUTPUTS = "several outputs", "the model has several outputs"
    FLAT_INPUTS = "flat inputs", "each input is a single number, without an axis of its own"
    TOKENS = "tokens", "the inputs are indices into an embedding"
    ATTENTION = "attention", "a layer of the model is a `keras.layers.MultiHeadAttention`"
    RECURRENCE = "recurrence", "the model has a recurrent layer"
    SIMPLE_RECURRENCE = "simple recurrence", "the model has a `keras.layers.SimpleRNN`"
    LSTM = "LSTM", "the model has a `keras.layers.LSTM`"
    PADDING = ("padding", "the sequences end in zeros that no mask hides from the recurrent layer")
    SIGMOID_UNITS = "sigmoid units", "hidden layers use sigmoid"
    SOFTMAX_UNITS = "softmax units", "hidden layers use softmax"
    PENALTIES_OF_WEIGHTS = "penalties of weights", "a trainable weight has a regularizer, such as L2"
    STRONG_PENALTIES = (
        "strong penalties",
        "the regularizers of weights are, or have been, at least 40 % of the loss",
    )
    PENALTIES_OF_UNITS = "penalties of units", "a layer has an `activity_regularizer`"
    LINEAR_MODEL = ("linear model", "the model is linear with mean squared error: its least-squares solution is known")
    LINEAR_LAYERS = ("linear layers", "layers with weights follow each other without an activation")
    NEGATIVE_BIASES = ("negative biases", "the biases of a layer start below -1 on average")
    SMALL_START = ("small start", "a weight matrix starts with a standard deviation below 0.003")
    LOW_RATE = (
        "low rate",
        "the learning rate is fixed, the same for all weights, and below 0.002, a fifth of the usual 0.01",
    )
    UNSCALED_INPUTS = (
        "unscaled inputs",
        "the RMS of the inputs is far from 1, and the first layer does not bring large ones below 0.5",
    )
    UNEVEN_INPUTS = (
        "uneven inputs",
        "the RMS of the inputs is far from 1, or the standard deviations of features differ widely",
    )
    LARGE_TARGETS = "large targets", "numeric targets have a standard deviation above 100"
    HELD_OUT_OF_ANOTHER_KIND = (
        "held-out of another kind",
        "the model never beat a constant on held-out examples, but did on training examples",
    )
    SCALE_OF_THE_START = (
        "scale of the start",
        "units were saturated or dead, or the gradient vanished, at the first measurement, though the learning rate is "
        "at most 0.01 (steps of the rate) or 1 (others)",
    )
    DEFAULT_RATE = (
        "default rate",
        "the learning rate is at most Keras's default, 0.001 (steps of the rate) or 0.01 (others)",
    )
    DEAD_UNITS = "dead units", "many ReLUs are dead"
    SATURATED_UNITS = "saturated units", "many units are saturated"
