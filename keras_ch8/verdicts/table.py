"""All rules, by the monitor that measures for them, and the limits that several of them share.

Each rule and each limit is here because recorded trainings are judged worse without it
(`benchmarks/diagnosis/ablate.py`), or because what the rule says would not be true without it.
"""

import functools

from . import quantities as q
from .rules import Combination, Limit, Rule

MEASURED = "measured on trainings with known faults"
"""The source of most limits; `benchmarks/diagnosis/LOG.md` says which trainings have changed what."""
BOOK = "Goodfellow, Bengio, Courville (2016)"
MCCANDLISH = "McCandlish et al. (2018)"
PLAYBOOK = "Deep Learning Tuning Playbook"

# --- limits that several rules share -------------------------------------------------------------------------------

THIRD_OVER = Limit(q.PART_DONE, "above", 0.3, name="at least 30 % of training is done")
LAST_THIRD = Limit(q.PART_DONE, "above", 0.7, name="training is in its last third")
AT_THE_END = Limit(q.PART_DONE, "above", 0.9, name="training is nearly over")
ENOUGH_UPDATES = Limit(q.UPDATES, "above", 100, name="there were enough weight updates to learn something")

GOOD = Limit(
    q.GAINED, "above", 0.5, name="the loss is far below both its initial value and the loss of a constant prediction"
)
HIGH = Limit(q.GAINED, "below", 0.9, name="the loss is still high")
LOW = Limit(q.GAINED, "above", 0.9, name="the loss is low")
AT_CHANCE = Limit(q.OVER_CHANCE, "above", 0.97, name="a constant prediction would do about as well as the model")
FALLING = Limit(q.RECENT, "above", 0.05, name="the loss is still falling")
FALLING_FAST = Limit(q.RECENT, "above", 0.2, name="the loss falls fast")
NOT_FAST = Limit(q.RECENT, "below", 0.2, name="the loss is not falling fast")
GOING_WELL = Combination("the loss is good or falls fast", "any of", (GOOD, FALLING_FAST))
AT_REST = (
    Limit(q.RECENT, "below", 0.05, name="the loss is not falling"),
    Limit(q.RECENT, "above", -0.2, name="the loss is not rising much"),
    Limit(q.PACE_KEPT, "below", 0.25, name="the loss fell faster earlier in training"),
)
STUCK = Combination("the loss is stuck", "none of", (GOOD, FALLING))

SHRUNK_AWAY = Limit(q.SHRUNK, "below", 0.4, name="regularization has shrunk the weights", source=MEASURED)
PENALIZED = Limit(q.PENALTIES, "above", 0.4, source=f"{MEASURED}; healthy ones that learn as little have up to 26 %")
FADED_RATE = Limit(q.RATE_LEFT, "below", 1e-2, source=MEASURED)
WANTS_ALL = Limit(q.COMPARES, "above", 1, name="the optimizer needs full batches")
TOO_LONG = Limit(q.TYPICAL_STEP, "above", 1.0, source=f"{BOOK}, section 8.2.1; {MEASURED}")
NEGATIVE = Limit(q.NEGATIVITY, "above", 0.1, source=f"{MEASURED}; trained networks have up to 3 %")
FAR_TARGETS = Limit(
    q.FAR_TARGETS, "above", 1, name="the standard deviation of the targets is above 100, so the outputs have to grow"
)
NOT_AT_SADDLE = Combination(
    "the negative curvature is too weak to exploit, regularization has shrunk the weights, or the standard deviation "
    "of the targets is above 100",
    "any of",
    (Limit(q.ESCAPES, "below", 1.0), SHRUNK_AWAY, FAR_TARGETS),
)
WORTH_A_SPECTRUM = Combination(
    "the spectrum is worth its price",
    "any of",
    (
        Combination(
            "training is not going well",
            "none of",
            (Limit(q.GAINED, "above", 0.95, name="almost all is learned"), FALLING_FAST),
        ),
        Limit(q.TYPICAL_STEP, "below", 1e-2, name="the steps are short"),
    ),
)

# --- the steps -------------------------------------------------------------------------------------------------------

STEP_LENGTH = (
    Rule(
        kind="step_too_long",
        says="The learning rate is too high and training diverges",
        limits=(Limit(q.GROWTH, "above", 1.5, source=MEASURED),),
        unless=Combination(
            "the steps are shorter than the optimal length, or the minibatch loss has fallen",
            "any of",
            (Limit(q.TYPICAL_STEP, "below", 1.0), Limit(q.MINIBATCHES, "below", 0.7)),
        ),
    ),
    Rule(
        kind="step_too_long",
        says="The learning rate is far too high and the loss no longer falls",
        limits=(
            Limit(q.RATE_OF_LIMIT, "above", 20.0, source=MEASURED),
            TOO_LONG,
            Limit(
                q.HEADWAY_SINCE,
                "below",
                0.0,
                name="the loss is no lower than its minimum in the first half of the steps",
            ),
        ),
        mentions=(q.HEADWAY_SINCE,),
    ),
    Rule(
        kind="step_too_long",
        says="The learning rate is too high and the loss oscillates",
        limits=(
            Limit(q.RISES, "above", 0.6, source=MEASURED),
            TOO_LONG,
            Limit(q.GAINED, "below", 0.5, name="the loss has not fallen far"),
        ),
    ),
    Rule(
        kind="step_too_long",
        says="The learning rate is too high",
        limits=(
            Limit(q.HEADWAY_SINCE, "below", -0.2, source=MEASURED),
            Limit(q.OVERSHOOT, "above", 1.0, source=f"{BOOK}, section 8.2.1; {MEASURED}"),
        ),
        mentions=(q.STEP_OVER_BEST,),
    ),
    Rule(
        kind="step_too_short",
        says="The updates are far too small",
        limits=(
            Limit(q.STEP_OVER_BEST, "below", 2e-2, 1e-2, source=MEASURED),
            Limit(q.GAINED, "below", 0.1, name="the loss has barely fallen"),
            Limit(q.PACE_KEPT, "above", 0.25, name="the loss is falling about as fast as it did earlier in training"),
            THIRD_OVER,
        ),
    ),
    Rule(
        kind="step_too_short",
        says="The learning rate decayed too early",
        limits=(FADED_RATE,),
        unless=GOOD,
        mentions=(q.RATE_OF_LIMIT,),
    ),
)

# --- the gradient, and its noise -------------------------------------------------------------------------------------

wasteful = functools.partial(
    Rule,
    kind="batch_wasteful",
    unless=WANTS_ALL,
    mentions=(q.NOISE_SCALE, q.BATCH_SIZE),
    expects="The loss should fall further in the same number of epochs.",
)
GRADIENT_NOISE = (
    Rule(
        kind="noise_dominated",
        says="Gradient noise keeps the loss too high",
        limits=(
            Limit(q.NOISE_OVER_BATCH, "above", 3.0, source=f"{MCCANDLISH}; {MEASURED}"),
            Limit(q.EXCESS, "above", 0.05, source=f"Mandt, Hoffman, Blei (2017), section 3; {MEASURED}"),
            HIGH,
            NOT_FAST,
        ),
        unless=Combination(
            "noise adds little to the loss, and the loss is still falling",
            "all of",
            (Limit(q.EXCESS, "below", 0.12), FALLING),
        ),
        mentions=(q.NOISE_SCALE, q.BATCH_SIZE),
    ),
    wasteful(
        says="Much smaller batches would do",
        limits=(
            Limit(q.NOISE_OVER_BATCH, "below", 0.025, source=f"{MCCANDLISH}; {MEASURED}"),
            Limit(q.BATCH_SIZE, "above", 256, name="smaller batches would save computation"),
        ),
        cure="Lower the batch size to about {smaller_batch}: each step will make almost as much progress with fewer "
        "examples.",
        code="batch_size = {smaller_batch}",
    ),
    wasteful(
        says="Much smaller batches would have done",
        limits=(
            Limit(q.FALL_NOISE, "below", 0.1, source=f"{MCCANDLISH}; {MEASURED}"),
            Limit(q.BATCH_SIZE, "above", 1024, name="smaller batches would save a lot of computation"),
        ),
        cure="Divide the batch size by 4, or even by 16: each step will make almost as much progress with fewer "
        "examples.",
        code="batch_size = batch_size // 4",
    ),
)

GRADIENT_NORM = (
    Rule(
        kind="ill_conditioned",
        says="Correlated inputs slow down the training of this linear model",
        limits=(
            Limit(q.OVER_LEAST_SQUARES, "above", 1.5, source=MEASURED),
            Limit(q.UNEVENNESS, "above", 100.0, name="the input features are strongly correlated", source=MEASURED),
            LAST_THIRD,
        ),
        mentions=(q.UNEVENNESS, q.LOSS),
    ),
)

BROKE = Limit(q.BROKEN, "above", 1)
NOT_BELOW_0 = Combination("the loss has not gone below 0", "none of", (Limit(q.GROWTH, "below", -1e-9),))
SKIPPED = Limit(q.SKIPS, "above", 1, name="steps with a NaN or infinite gradient are skipped")
CLIFF = (
    Rule(
        kind="cliff",
        says="The gradient spikes",
        limits=(Limit(q.SPIKES, "above", 6, source=MEASURED),),
        unless=LOW,
    ),
    Rule(
        kind="cliff",
        says="The gradient spikes, and training is not going well",
        limits=(Limit(q.SPIKES, "above", 3, source=MEASURED),),
        unless=Combination("the loss is good or falls fast, and is not negative", "all of", (GOING_WELL, NOT_BELOW_0)),
    ),
    Rule(
        kind="step_too_long",
        says="The learning rate is far above the usual range, and the loss stays high",
        limits=(
            Limit(q.RATE_OVER_USUAL, "above", 5.0, source="five times what is usual"),
            Limit(q.GAINED, "below", 0.5, name="the loss has not fallen far"),
            THIRD_OVER,
        ),
        mentions=(q.GROWTH,),
    ),
    Rule(
        kind="nonfinite",
        says="Some steps were skipped",
        limits=(BROKE, SKIPPED),
        at_most="watch",
        cure="Remove or repair the examples that `callbacks.Guard` lists in `guard.jsonl`, in the run folder.",
        expects="No step should be skipped.",
    ),
    Rule(
        kind="nonfinite",
        says="The gradient suddenly became non-finite, without growing first",
        limits=(
            BROKE,
            Limit(
                q.GREW,
                "below",
                0,
                name="loss, gradient and weights had not grown before a NaN or infinite gradient occurred",
            ),
        ),
        unless=SKIPPED,
        is_certain=True,
        cure="In the data, model and loss, look for divisions by 0, and for logarithms or square roots of 0 or "
        "negative numbers. Keep a divisor or argument that should be positive above 0 with "
        "`keras.ops.maximum(x, 1e-7)`. A lower learning rate will not help.",
        expects="All gradients should be finite.",
    ),
    Rule(
        kind="nonfinite",
        says="The gradient became non-finite, probably because of the learning rate",
        limits=(Limit(q.RATE_OVER_USUAL, "above", 10, source="ten times what is usual"), BROKE),
        unless=SKIPPED,
        is_certain=True,
        mentions=(q.BROKEN,),
    ),
    Rule(
        kind="nonfinite",
        says="The gradient became non-finite",
        limits=(BROKE,),
        unless=SKIPPED,
        is_certain=True,
    ),
)

# --- the epochs ------------------------------------------------------------------------------------------------------

MORE_TO_LEARN = Combination(
    "as many epochs again would gain much, or a nearest-neighbor prediction is far better",
    "any of",
    (Limit(q.STILL_AHEAD, "above", 0.3), Limit(q.OVER_NEIGHBOURS, "above", 3.0)),
)
BARELY_BEGUN = Combination(
    "there were few weight updates, or the loss is still near that of a constant prediction",
    "any of",
    (
        Combination(
            "few updates, and a fast fall", "all of", (Limit(q.UPDATES, "below", 400), Limit(q.LATELY, "above", 0.05))
        ),
        Limit(q.OVER_CHANCE, "above", 0.7),
    ),
)
DURATION = (
    Rule(
        kind="too_short",
        says="Training ends too early",
        limits=(
            Limit(q.LATELY, "above", 0.02, source=MEASURED),
            MORE_TO_LEARN,
            Limit(q.LEFT, "above", 0.3, name="the loss still has room to fall"),
            BARELY_BEGUN,
            Limit(q.BEST_AT, "above", 0.9, name="the loss is lowest at the end of training", source=PLAYBOOK),
            Limit(q.PART_DONE, "above", 1.0, name="training is over"),  # before, the last epochs may still bring it
        ),
        mentions=(q.STILL_AHEAD, q.OVER_NEIGHBOURS, q.UPDATES, q.LEFT, *q.HELD_OUT),
    ),
    Rule(
        kind="too_long",
        says="The last epochs made the model worse on the validation data",
        limits=(
            Limit(q.BEST_AT, "below", 0.3, source=f"{PLAYBOOK}; {MEASURED}"),
            Limit(q.RISEN, "above", 0.05, source=MEASURED),
            Limit(
                q.LEARNED_SINCE, "above", 0.02, name="the training loss has fallen since the validation loss was lowest"
            ),
            Limit(q.LEFT, "below", 0.9, name="the validation loss is clearly below that of a constant prediction"),
            AT_THE_END,
        ),
        mentions=(q.LEARNED_SINCE, *q.HELD_OUT),
    ),
    Rule(
        kind="oscillation",
        says="Training oscillates instead of settling",
        limits=(
            Limit(q.SWING, "above", 0.12, source=MEASURED),
            Limit(q.OVERSHOOT, "above", 0.7, source=MEASURED),
            Limit(q.HEADWAY, "below", 0.2, name="the increases in the loss cancel most of its decreases"),
        ),
        mentions=q.HELD_OUT,
    ),
)

TELLS_CLASSES = Limit(q.ACCURACY_ABOVE, "above", 4.0, name="the validation accuracy is clearly above chance")
ONLINE_RISK = (
    Rule(
        kind="overfitting",
        says="The model overfits",
        limits=(
            Limit(q.HELD_OUT_RISE, "above", 0.1, source=MEASURED),
            Combination(
                "the validation loss was clearly below that of a constant, or its accuracy above chance",
                "any of",
                (Limit(q.HELD_OUT_LEFT, "below", 0.97), TELLS_CLASSES),
            ),
        ),
        mentions=q.HELD_OUT,
    ),
)

NOTHING_LEARNED = (
    Rule(
        kind="learns_nothing",
        says="The model has learned little or nothing",
        limits=(Limit(q.SURELY_OVER_CHANCE, "above", 0.93, 1.0, source=MEASURED),),
        mentions=(q.LEAST_OVER_CHANCE, *q.HELD_OUT),
    ),
    Rule(
        kind="underfitting",
        says="Regularization is too strong for the model to learn well",
        limits=(PENALIZED, Limit(q.SURELY_OVER_CHANCE, "above", 0.23, 1.0, source=MEASURED)),
        mentions=q.HELD_OUT,
    ),
    Rule(
        kind="learns_nothing",
        says="The model does not generalize to the validation data",
        limits=(Limit(q.VALIDATION_OVER_CHANCE, "above", 1.0, source=MEASURED), ENOUGH_UPDATES),
        unless=TELLS_CLASSES,
        mentions=q.HELD_OUT,
        cure="Prepare the validation data like the training data: shuffle before you split, and use the same scaling "
        "and class numbers. If you already do this, check that each label matches its input.",
    ),
    Rule(
        kind="overfitting",
        says="The model has memorized the training data",
        limits=(
            Limit(q.VALIDATION_AT_THE_END, "above", 1.05, 1.1, source="chosen by us"),
            Limit(q.TRAINING_AT_THE_END, "below", 0.9, name="the training loss is clearly below that of a constant"),
        ),
        unless=Limit(
            q.VALIDATION_OVER_CHANCE, "above", 1.0, name="the validation loss was never below that of a constant"
        ),
        mentions=q.HELD_OUT,
    ),
    Rule(
        kind="too_short",
        says="Training is too short for the model to learn much",
        limits=(
            Limit(q.SURELY_OVER_CHANCE, "above", 0.7, source=MEASURED),
            Combination(
                "the loss is near that of a constant prediction, or still falling",
                "any of",
                (Limit(q.SURELY_OVER_CHANCE, "above", 0.93), FALLING),
            ),
            Limit(q.UPDATES, "below", 100, name="there were few weight updates"),
        ),
        mentions=(q.UPDATES, *q.HELD_OUT),
    ),
    Rule(
        kind="learns_nothing",
        says="No metric has changed by more than its noise",
        limits=(
            Limit(q.MOVED, "below", 3.0, source=MEASURED),
            Limit(q.FELL, "below", 0.02, name="the training loss has not fallen"),
            ENOUGH_UPDATES,
        ),
        mentions=(q.FELL, *q.HELD_OUT),
    ),
)

SOLVER = (
    Rule(
        kind="wrong_loss",
        says="The solver gave up",
        limits=(Limit(q.FAULT_OF_LOSS, "above", 1, name="the `stop_reason` of the optimizer blames the loss"),),
        unless=LOW,
        mentions=(q.LOSS,),
        cure="{advice_of_stop_reason}.",
    ),
)

# --- the layers ------------------------------------------------------------------------------------------------------

LAYER_FLOW = (
    Rule(
        kind="exploding",
        says="The gradient explodes from layer to layer",
        limits=(Limit(q.GROWTH_THROUGH_DEPTH, "above", 50.0, source=MEASURED),),
        unless=FALLING_FAST,
        mentions=(q.BACKWARD_FACTOR,),
    ),
    Rule(
        kind="exploding",
        says="The gradient exploded at the start and training has made no progress",
        limits=(
            Limit(q.GROWTH_AT_THE_START, "above", 50.0, source=MEASURED),
            Limit(q.GAINED, "below", 0.2, name="the loss is not far below that of a constant prediction"),
        ),
        mentions=(q.BACKWARD_FACTOR,),
    ),
    Rule(
        kind="vanishing",
        says="The gradient vanishes and the first layers do not learn",
        limits=(Limit(q.GROWTH_THROUGH_DEPTH, "below", 0.05, source=MEASURED), STUCK),
        mentions=(q.BACKWARD_FACTOR,),
    ),
    Rule(
        kind="step_too_long",
        says="The learning rate was too high and the weights have blown up",
        limits=(
            Limit(q.SIGNAL_GROWTH, "above", 100.0, source=MEASURED),
            Limit(q.SIGNAL_NOW, "above", 10.0, source=f"{BOOK}, section 8.4; {MEASURED}"),
            AT_CHANCE,
        ),
        unless=FAR_TARGETS,
        mentions=(q.LARGEST_SIGNAL, q.OVER_CHANCE),
    ),
    Rule(
        kind="no_gradient",
        says="Some layers get no gradient",
        limits=(Limit(q.STILL, "above", 0.002, source="a gradient of exactly 0 is no noise"),),
    ),
    Rule(
        kind="dead_units",
        says="Many ReLUs are dead and get no gradient",
        limits=(Limit(q.DEAD, "above", 0.4, source=f"{MEASURED}; healthy networks have up to 20 %"),),
        unless=Combination(
            "regularization has shrunk the weights, or the loss is good anyway",
            "any of",
            (SHRUNK_AWAY, Combination("most are alive", "all of", (GOOD, Limit(q.DEAD, "below", 0.5)))),
        ),
    ),
    Rule(
        kind="saturated_units",
        says="Saturated units block the gradient",
        limits=(Limit(q.SATURATED, "above", 0.7, source=f"{MEASURED}; healthy networks have up to 15 %"),),
        unless=LOW,
        mentions=(q.SATURATED_IN_LAYER,),
    ),
    Rule(
        kind="saturated_units",
        says="One layer blocks the gradient",
        limits=(Limit(q.SATURATED_IN_LAYER, "above", 0.7, source=MEASURED),),
        unless=GOOD,
        mentions=(q.SATURATED,),
    ),
    Rule(
        kind="bad_scale",
        says="The inputs or layer outputs are far too large at the start of training",
        limits=(Limit(q.LARGEST_SIGNAL, "above", 10.0, source=f"{BOOK}, section 8.4; {MEASURED}"),),
    ),
)

TIME_HORIZON = (
    Rule(
        kind="short_horizon",
        says="The model cannot learn from early time steps",
        limits=(Limit(q.HORIZON, "below", 0.7, 0.5, source=MEASURED),),
        unless=GOOD,
        mentions=(q.HORIZON_NOW,),
    ),
    Rule(
        kind="exploding",
        says="The gradient explodes through time",
        limits=(Limit(q.GROWTH_IN_TIME, "above", 20.0, source=MEASURED),),
        unless=GOOD,
        mentions=(q.FACTOR_NOW,),
    ),
)

BATCH_STATISTICS = (
    Rule(
        kind="batch_norm_gap",
        says="Batch normalization makes the model worse at inference than in training",
        limits=(
            Limit(q.GAP, "above", 0.3, source=MEASURED),
            Limit(q.LOST_AT_INFERENCE, "above", 0.13, 0.25, source=MEASURED),
        ),
        unless=Limit(q.PART_DONE, "below", 0.7, name="the moving statistics may still catch up with the batches"),
    ),
)

# --- the curvature ---------------------------------------------------------------------------------------------------

FLAT = Limit(q.NEWTON_GAIN, "below", 0.12, source=MEASURED)
ON_PLATEAU = Combination(
    "the model has hidden layers, and the gradient is almost 0",
    "all of",
    (
        Limit(q.KERNEL_ELASTICITY, "below", 0.05, source=MEASURED),
        Combination("the model may have hidden layers", "none of", (Limit(q.HIDDEN, "below", 0),)),
    ),
)
SPECTRUM = (
    Rule(
        kind="step_too_short",
        says="The learning rate is far too low",
        limits=(
            Limit(q.NEWTON_GAIN, "above", 0.3, source=MEASURED),
            Limit(q.RATE_OF_LIMIT, "below", 2e-3, name="the learning rate is below 1/1000 of the largest stable one"),
        ),
        unless=FADED_RATE.at("act", name="the learning rate has decayed to less than 1 % of its start"),
        mentions=(q.RATE_OF_LIMIT,),
    ),
    Rule(
        kind="saddle",
        says="Training is stuck near a saddle point",
        limits=(Limit(q.KERNEL_ELASTICITY, "below", 0.02, source=MEASURED), NEGATIVE),
        unless=NOT_AT_SADDLE,
    ),
    Rule(
        kind="plateau",
        says="Training is stuck on a flat part of the loss surface",
        limits=(Limit(q.NEWTON_GAIN, "below", 0.1, source=MEASURED), STUCK, ON_PLATEAU),
        unless=Limit(
            q.ESCAPES, "above", 1.0, name="training is long enough to follow a direction in which the loss curves down"
        ),
    ),
    Rule(
        kind="underfitting",
        says="The model is too small, or something else holds it back",
        limits=(Limit(q.OVER_NEIGHBOURS, "above", 1.6, source=MEASURED), FLAT, *AT_REST),
        mentions=(q.OVER_CHANCE, q.RECENT),
    ),
    Rule(
        kind="underfitting",
        says="A hidden layer of one or two units is a bottleneck",
        limits=(FLAT, Limit(q.NARROWEST, "below", 2, name="a hidden layer has one or two units"), HIGH),
        mentions=(q.NARROWEST, q.RECENT),
    ),
    Rule(
        kind="ill_conditioned",
        says="The loss surface is ill-conditioned, which slows training down",
        limits=(
            Limit(q.NEWTON_GAIN, "above", 0.3, source=MEASURED),
            Limit(q.RATE_OF_LIMIT, "above", 0.3, name="the learning rate is near the largest stable one"),
            Limit(q.NEGATIVITY, "below", 0.05, name="there is almost no negative curvature"),
            HIGH,
            NOT_FAST,
        ),
        unless=Limit(q.RATE_OF_LIMIT, "above", 2.5, name="the learning rate is too high for the largest curvature"),
        mentions=(q.RATE_OF_LIMIT,),
    ),
)

RULES = (
    *STEP_LENGTH,
    *GRADIENT_NOISE,
    *GRADIENT_NORM,
    *CLIFF,
    *DURATION,
    *ONLINE_RISK,
    *NOTHING_LEARNED,
    *SOLVER,
    *LAYER_FLOW,
    *TIME_HORIZON,
    *BATCH_STATISTICS,
    *SPECTRUM,
)
"""All of them."""
