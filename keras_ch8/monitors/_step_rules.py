"""What is said of the length of the steps: the quantities, and the rules that judge them."""

from ..verdicts.rules import Combination, Condition, LevelThreshold, Quantity, Rule
from ..verdicts.wording import counted, part, percent, times
from ._cliff import GREW, SPIKES
from ._gradient_noise import NOISE, NOISE_OVER_BATCH
from .progress import (
    AT_CHANCE,
    BOOK,
    CREEPING,
    DECREMENT,
    DIVERGED,
    FADED_RATE,
    FALLEN,
    FALLING,
    FALLING_FAST,
    FAR_OFF,
    GOOD,
    GROWTH,
    HALF_OVER,
    HARDLY_MOVED,
    HEADWAY_SINCE,
    HIGH,
    KEEPS_ITS_PACE,
    MEASURED,
    NEWTON_GAIN,
    NO_FALL,
    NO_RISE,
    OF_LAST,
    OVER_CHANCE,
    OVERSHOOT,
    RATE_LIMIT,
    RATE_OF_LIMIT,
    RECENT,
    SLOW,
    SMALL_GRADIENT,
    STUCK,
    THIRD_OVER,
    TYPICAL_STEP,
)

# --- what is measured ----------------------------------------------------------------------------------------------

INFINITE = Quantity("infinite_loss", "1 where the loss on the probe is infinite or not a number.")
MEASUREMENTS = Quantity("measurements", "Measurements that are judged together, at most 9.")
JUMP = Quantity(
    "jump",
    "The change of the loss in one update, as a fraction of the loss.",
    lambda change: f"an update changes the loss by {percent(change)}",
    "an update changes the loss beyond measure",
    number=percent,
    usual=OF_LAST,
    series="diagnosis/relative_loss_change",
)
HEIGHT_FALLEN = Quantity("height_fallen", "`gained`, by the median of the loss.")
UPDATES_SPANNED = Quantity("updates_spanned", "Updates between the first and the last of these measurements.")
RISES = Quantity(
    "rises",
    "All rises of the loss between measurements, as a fraction of the loss.",
    lambda rises: f"the rises of the loss between the last measurements come to {percent(rises)} of it",
    "between the last measurements it rises beyond measure",
    number=percent,
    series="diagnosis/relative_loss_rises",
)
STEP_OVER_BEST = Quantity(
    "step_over_best",
    "The length of a step over the best length in its direction, in the median.",
    lambda ratio: (
        f"a step has {part(ratio, 'the best length in its direction')}"
        f"{', along which the loss curves down' if ratio < 0 else ''}"
    ),
    "a step is far longer than the best one in its direction",
    number=percent,
    usual=OF_LAST,
    series="diagnosis/step_over_best",
)
THROWN = Quantity(
    "thrown",
    "The largest median of nine minibatches in a row among the first hundred, over the loss of the probe at the start.",
    lambda factor: f"in the first steps the loss went up to {times(factor, 'its start')}",
    "in the first steps the loss went up beyond measure",
)
THROWN_AT_ONCE = Quantity(
    "thrown_at_once",
    "The largest loss of the ten minibatches after the first, over that of the probe at the start.",
    lambda factor: f"a minibatch after the first steps had {times(factor, 'the loss of the start')}",
    "a minibatch after the first steps had a loss beyond measure",
)
MINIBATCHES = Quantity(
    "minibatches_over_start",
    "The median loss of the last 50 minibatches over that of the probe at the start, if never below 0.",
)
LARGEST_STEP = Quantity(
    "largest_step",
    "The longest update measured, over the length of all weights, now or usually.",
    lambda part: f"a step was {percent(part)} as long as all weights together",
    "a step was far longer than all weights together",
    number=percent,
)
TRAININGS_TO_HALVE = Quantity(
    "trainings_to_halve",
    "Steps that would halve the loss at the slope along them, over those of the training.",
    lambda trainings: f"at this pace the loss halves after {counted(trainings, 'training')} of this length",
    "at this pace the loss never halves",
    number=lambda trainings: counted(trainings, "training"),
    usual=OF_LAST,
)

# --- what it means -------------------------------------------------------------------------------------------------

SHORT = LevelThreshold(STEP_OVER_BEST, "below", watch=1e-2, act=1.5e-3, source=f"{MEASURED}; healthy Adam has 2 to 6 %")
LEAPS = LevelThreshold(JUMP, "above", watch=0.1, act=0.3, source=MEASURED)
NOT_MOSTLY_NOISE = Condition(NOISE_OVER_BATCH, "<", NOISE.watch, "the gradient of a minibatch is not mostly noise")
NOT_LOW_ALL_THE_WHILE = Condition(HEIGHT_FALLEN, "<", 0.9, "the loss is not low all the while")
LEAPS_FAR = Condition(JUMP, ">=", 0.45, "single steps change it by nearly half")
MANY_UPDATES = Condition(UPDATES_SPANNED, ">=", 100, "the measurements that are judged span 100 updates or more")
BY_CLIFFS = Combination(
    "it is single gradients that stand out, and the steps between are not too long",
    "all of",
    (
        Condition(SPIKES, ">=", 3),
        Condition(TYPICAL_STEP, "<", 1.0),
    ),
)
BY_NOISE = Combination(
    "the gradient of a minibatch is mostly noise, and the learning rate is far below the largest stable one",
    "all of",
    (
        NOISE.at("act"),
        Condition(RATE_OF_LIMIT, "<", RATE_LIMIT.watch),
    ),
)
SWINGS = ("oscillation", BY_CLIFFS, BY_NOISE)
"""What explains a loss that goes up and down better than steps that are too long everywhere."""
CANNOT_BE_LONGER = (
    RATE_LIMIT.at("watch", "the learning rate is near the largest stable one"),
    SMALL_GRADIENT.at("watch", "there is hardly a gradient"),
    DIVERGED.at("watch", "the loss is above its start"),
)
"""Where longer steps would not help: at the limit of the rate, where there is no slope, and where the loss rises."""

RULES = (
    Rule(
        kind="step_too_long",
        says="The loss on the probe has overflowed: it is infinite or not a number",
        when=(
            Condition(INFINITE, ">=", 1, "the loss on the probe is infinite or not a number"),
            Condition(GREW, ">=", 1, "the loss or the gradient grew before", MEASURED),
        ),
        proven_by=(Condition(MEASUREMENTS, ">", 1),),
    ),
    Rule(
        kind="step_too_long",
        says="The training diverges: the loss is above where it began",
        all_of=(DIVERGED,),
        silenced_by=(
            BY_CLIFFS,
            Condition(MINIBATCHES, "<", 0.7, "the loss of the minibatches has fallen: they are learned by heart"),
        ),
    ),
    Rule(
        kind="oscillation",
        says="The loss has fallen, but swings up and down at one level",
        all_of=(LevelThreshold(RISES, "above", watch=0.6, act=0.8, source=MEASURED),),
        when=(
            Condition(HEIGHT_FALLEN, ">=", 0.5, "the loss has come down"),
            MANY_UPDATES,
            Condition(OVERSHOOT, ">=", 0.5, "the curvature takes back much of what a step gains"),
            NOT_MOSTLY_NOISE,
        ),
        silenced_by=(
            LEAPS_FAR,
            Condition(HEIGHT_FALLEN, ">=", 0.9, "the loss is low all the while"),
        ),
        mentions=(STEP_OVER_BEST,),
    ),
    Rule(
        kind="step_too_long",
        says="The loss does not fall because the steps go beyond the lowest point in their direction",
        all_of=(LevelThreshold(OVERSHOOT, "above", watch=0.5, act=1.0, source=f"{BOOK}, section 8.2.1; {MEASURED}"),),
        when=(STUCK,),
        silenced_by=SWINGS,
        mentions=(STEP_OVER_BEST,),
    ),
    Rule(
        kind="step_too_long",
        says="The loss does not fall because single steps throw it up and down",
        all_of=(LevelThreshold(JUMP, "above", watch=0.1, act=0.15, source=MEASURED),),
        when=(STUCK,),
        silenced_by=SWINGS,
    ),
    Rule(
        kind="step_too_long",
        says="Single steps throw the loss up and down, so it stays above what it could be",
        all_of=(LEAPS,),
        when=(
            NOT_LOW_ALL_THE_WHILE,
            MANY_UPDATES,
        ),
        silenced_by=(
            *SWINGS,
            Combination(
                "the loss falls fast, by small leaps",
                "all of",
                (FALLING_FAST, Combination("the leaps are small", "none of", (LEAPS.at("act"),))),
            ),
        ),
    ),
    Rule(
        kind="step_too_long",
        says="The loss goes up and down in many small steps, and the learning rate is near the largest stable one",
        all_of=(LevelThreshold(RISES, "above", watch=0.3, act=None, source=MEASURED),),
        when=(SLOW, RATE_LIMIT.at("watch", "the learning rate is near the largest stable one")),
        silenced_by=(*SWINGS, GOOD, DECREMENT.at("watch", "it is a ravine: Newton's step would gain much")),
        mentions=(RATE_OF_LIMIT,),
    ),
    Rule(
        kind="step_too_long",
        says="The learning rate is far beyond the largest stable one, and the loss is no lower than in the first half "
        "of the training",
        all_of=(
            LevelThreshold(RATE_OF_LIMIT, "above", watch=20.0, act=20.0, source=MEASURED),
            LevelThreshold(TYPICAL_STEP, "above", watch=1.0, act=1.0, source=f"{BOOK}, section 8.2.1; {MEASURED}"),
        ),
        when=(
            Condition(HEADWAY_SINCE, "<", 0.0, "the loss is no lower than in the first half"),
            NOT_LOW_ALL_THE_WHILE,
            HALF_OVER,
        ),
        silenced_by=SWINGS,
        mentions=(HEADWAY_SINCE,),
    ),
    Rule(
        kind="step_too_long",
        says="The loss swings up and down and has not come down, since the steps go beyond the lowest point in their "
        "direction",
        all_of=(
            LevelThreshold(RISES, "above", watch=0.6, act=0.8, source=MEASURED),
            LevelThreshold(TYPICAL_STEP, "above", watch=1.0, act=1.0, source=f"{BOOK}, section 8.2.1; {MEASURED}"),
        ),
        when=(
            Condition(HEIGHT_FALLEN, "<", 0.5, "the loss has not come down"),
            MANY_UPDATES,
            NOT_MOSTLY_NOISE,
        ),
        silenced_by=(BY_CLIFFS,),
    ),
    Rule(
        kind="step_too_long",
        says="The loss had come down and rises again, since the steps go beyond the lowest point in their direction",
        all_of=(
            LevelThreshold(HEADWAY_SINCE, "below", watch=-0.4, act=-0.6, source=MEASURED),
            LevelThreshold(OVERSHOOT, "above", watch=0.5, act=1.0, source=f"{BOOK}, section 8.2.1; {MEASURED}"),
        ),
        when=(
            HIGH,
            MANY_UPDATES,
            NOT_MOSTLY_NOISE,
        ),
        silenced_by=SWINGS,
        mentions=(STEP_OVER_BEST,),
    ),
    Rule(
        kind="step_too_long",
        says="The first steps drove the loss far above its start, and it has been stuck since",
        all_of=(LevelThreshold(THROWN, "above", watch=3.0, act=3.0, source=MEASURED),),
        when=(STUCK,),
        silenced_by=(BY_CLIFFS,),
        mentions=(GROWTH,),
    ),
    Rule(
        kind="step_too_long",
        says="The first steps moved the weights to where nothing is learned: since then a constant predicts as well",
        all_of=(LevelThreshold(THROWN_AT_ONCE, "above", watch=7.0, act=7.0, source=MEASURED),),
        when=(STUCK, AT_CHANCE),
        mentions=(OVER_CHANCE, GROWTH),
    ),
    Rule(
        kind="step_too_long",
        says="A step was about as long as all weights together, which undoes what they were, and the loss is not low",
        all_of=(LevelThreshold(LARGEST_STEP, "above", watch=0.5, act=0.6, source=MEASURED),),
        when=(HIGH, THIRD_OVER),
        silenced_by=(
            FALLING_FAST,
            Combination("the steps follow noise, and the loss still falls", "all of", (FALLING, BY_NOISE)),
        ),
        mentions=(GROWTH,),
    ),
    Rule(
        kind="step_too_short",
        says="The loss hardly falls at this pace, and steps could be many times as long",
        all_of=(SHORT, LevelThreshold(TRAININGS_TO_HALVE, "above", watch=2.0, act=4.0, source=MEASURED)),
        when=(Condition(RECENT, ">", 0, "the loss falls at all"),),
        silenced_by=(GOOD, *CANNOT_BE_LONGER),
    ),
    Rule(
        kind="step_too_short",
        says="The loss is far above that of a constant: the targets are far from 1, and the outputs get there slowly",
        all_of=(LevelThreshold(OVER_CHANCE, "above", watch=1.5, act=2.0, source=MEASURED),),
        when=(FAR_OFF, THIRD_OVER),
        silenced_by=(FALLING_FAST,),
        mentions=(STEP_OVER_BEST,),
    ),
    Rule(
        kind="step_too_short",
        says="The loss creeps, though the learning rate could be many times as large",
        all_of=(
            LevelThreshold(RATE_OF_LIMIT, "below", watch=0.02, act=None, source=MEASURED),
            DECREMENT,
            CREEPING,
        ),
        when=(SLOW,),
        silenced_by=CANNOT_BE_LONGER,
    ),
    Rule(
        kind="step_too_short",
        says="The loss has hardly fallen, and evenly since the start, in steps that could be many times as long",
        all_of=(LevelThreshold(STEP_OVER_BEST, "below", watch=1e-2, act=5e-3, source=MEASURED),),
        when=(
            HARDLY_MOVED,
            KEEPS_ITS_PACE,
            THIRD_OVER,
        ),
        silenced_by=(FALLING_FAST, *CANNOT_BE_LONGER[1:]),
        mentions=(FALLEN,),
    ),
    Rule(
        kind="step_too_short",
        says="The loss falls slowly, most of it is still to be gained, and the learning rate could be larger",
        all_of=(LevelThreshold(NEWTON_GAIN, "above", watch=0.5, act=None, source=MEASURED), CREEPING),
        when=(SLOW, Condition(RATE_OF_LIMIT, "<", RATE_LIMIT.watch, "the learning rate is not near its limit")),
        silenced_by=CANNOT_BE_LONGER,
        mentions=(RATE_OF_LIMIT,),
    ),
    Rule(
        kind="step_too_short",
        says="The learning rate has fallen to next to nothing, and the loss has stopped falling, though it is far from "
        "low",
        all_of=(FADED_RATE,),
        when=(
            NO_FALL,
            NO_RISE,
            Condition(UPDATES_SPANNED, ">=", 100, "there were updates enough to see it"),
        ),
        silenced_by=(GOOD, *CANNOT_BE_LONGER[1:]),
        mentions=(FALLEN, RATE_OF_LIMIT),
    ),
    Rule(
        kind="step_too_short",
        says="Steps a thousand times as long would still be safe, and would gain much of the loss",
        all_of=(DECREMENT,),
        when=(
            HIGH,
            SHORT.at("act", "the steps are far too short"),
            Condition(RATE_OF_LIMIT, "<=", 2e-3, "the learning rate is below a thousandth of the largest stable one"),
        ),
        silenced_by=CANNOT_BE_LONGER,
        eased_by=(GOOD,),
        mentions=(STEP_OVER_BEST, RATE_OF_LIMIT),
    ),
)
