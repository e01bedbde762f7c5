"""What is said of the curvature: the quantities, and the rules that judge them."""

import functools

from ..verdicts.rules import Combination, Condition, LevelThreshold, Quantity, Rule
from ..verdicts.wording import counted, part, percent
from ._layer_rules import DEAD_UNITS, SATURATED_UNITS, SMALLEST_SIGNAL, VANISHING
from .progress import (
    AT_CHANCE,
    AT_REST,
    DECREMENT,
    ELASTICITY,
    EVENLY,
    FADED_RATE,
    FALLEN,
    FAR_OFF,
    GAINED,
    HALF_OVER,
    LAST_QUARTER,
    MEASURED,
    NEWTON_GAIN,
    NO_RISE,
    NOT_ARRIVED,
    NOT_KNOWN_LOW,
    OVER_CHANCE,
    OVER_NEIGHBOURS,
    RATE_LIMIT,
    RATE_OF_LIMIT,
    RECENT,
    SHORT_STEP,
    SHRUNK_AWAY,
    SLOW,
    SMALL_GRADIENT,
    STUCK,
    TRAININGS_TO_GAIN,
    TYPICAL_STEP,
    UPDATES,
)

# --- what is measured ----------------------------------------------------------------------------------------------

KERNEL_ELASTICITY = Quantity(
    "kernel_elasticity",
    "`elasticity` of the weights with two axes or more, if less.",
    ELASTICITY.phrase,
    ELASTICITY.endless,
    ELASTICITY.number,
)
EARLIER_GAIN = Quantity("earlier_gain", "`newton_gain` by the spectrum before.")
NEGATIVITY = Quantity(
    "negativity",
    "The strongest negative curvature over the strongest positive: up to 0.03 in trained networks.",
    lambda ratio: (
        f"the strongest negative curvature is {part(ratio, 'the strongest positive one')}"
        if ratio > 0
        else "no negative curvature was found"
    ),
    "nearly all curvature is negative",
    number=percent,
    series="diagnosis/negative_curvature",
)
UNCERTAINTY = Quantity("curvature_error", "The error of the smallest eigenvalue, if that is negative, over its size.")
ESCAPES = Quantity(
    "escapes",
    "Effective rate times negative curvature times the steps of the training.",
)
HIDDEN = Quantity("hidden_layers", "Layers with a matrix before those that give the output.")
NARROWEST = Quantity(
    "narrowest",
    "Units of the narrowest hidden layer, if fewer than the outputs.",
    lambda units: f"a hidden layer has {counted(units, 'unit')}, fewer than the outputs",
)
LOWEST_CURVATURE = Quantity(
    "lowest_curvature", "The smallest eigenvalue over the size of the largest: up to 0.001 it is no minimum."
)

# --- what it means -------------------------------------------------------------------------------------------------

FLAT = LevelThreshold(NEWTON_GAIN, "below", watch=0.1, act=0.05, source=MEASURED)
SADDLE_CANNOT_BE_LEFT = (
    Condition(ESCAPES, "<", 1, "its negative curvature leads nowhere within the training"),
    Condition(NEGATIVITY, ">", 10.0, "nearly all curvature is negative: the flat end of a loss that has a bound"),
    SHRUNK_AWAY,
    FAR_OFF,
)
AT_SADDLE = (
    LevelThreshold(KERNEL_ELASTICITY, "below", watch=SMALL_GRADIENT.watch, act=SMALL_GRADIENT.act, source=MEASURED),
    LevelThreshold(NEGATIVITY, "above", watch=0.1, act=0.2, source=f"{MEASURED}; trained networks have up to 3 %"),
)
IS_NEGATIVE = Condition(UNCERTAINTY, "<", 0.5, "the curvature is negative for certain")
AS_A_CONSTANT = Combination(
    "only the biases have a gradient, and a constant predicts as well, though the nearest examples predict better",
    "all of",
    (
        Condition(KERNEL_ELASTICITY, "<=", SMALL_GRADIENT.watch),
        AT_CHANCE,
        Condition(OVER_NEIGHBOURS, ">=", 1.1),
    ),
)
"""A loss that the bias of the output alone has lowered; that has a gradient on any examples but those of its fit."""
ON_PLATEAU = Combination(
    "it is a plateau",
    "all of",
    (
        Combination(
            "there is hardly a gradient, at all or for the layers before idle units",
            "any of",
            (
                SMALL_GRADIENT.at("watch", "there is hardly a gradient"),
                AS_A_CONSTANT,
                DEAD_UNITS.at("watch", "many ReLUs are dead"),
                SATURATED_UNITS.at("watch", "many units are saturated"),
                VANISHING.at("watch", "the gradient vanishes"),
            ),
        ),
        Condition(LOWEST_CURVATURE, "<=", 1e-3, "it is no minimum"),
        Combination(
            "it is not known to have no hidden layer",
            "none of",
            (Condition(HIDDEN, "<", 1, "there is no hidden layer"),),
        ),
    ),
)
CANNOT_RISE = (
    RATE_LIMIT.at("watch", "the learning rate is near the largest stable one"),
    Condition(NEGATIVITY, "<", 0.05, "the curvature is positive enough for Newton's step to mean something"),
)
"""Where the curvature does not let the learning rate rise."""

HELD_UP = (
    "saddle",
    ON_PLATEAU,
    FADED_RATE.at("watch", "the learning rate has fallen to next to nothing"),
    SHORT_STEP.at("act", "the steps are far too short to arrive"),
)
"""Where a loss is at rest without a minimum, or because the steps are, not because there is nothing to gain."""
REST_IS_CERTAIN = (
    LAST_QUARTER,
    Condition(OVER_NEIGHBOURS, ">=", 2.0),
    Condition(GAINED, ">=", 0.1),
)
"""Where one spectrum is enough: near the end, of a loss that has fallen, far above what the neighbours predict."""
RESTED = Condition(UPDATES, ">=", 50, "there were updates enough to come to rest")
EVEN = Condition(LOWEST_CURVATURE, ">", 0.1, "the curvature is much the same in all directions")
BEYOND_LIMIT = Combination(
    "the steps are too long for the largest curvature",
    "all of",
    (Condition(RATE_OF_LIMIT, ">", 2.5), Condition(TYPICAL_STEP, ">", 0.5)),
)
NO_RAVINE = (EVEN, BEYOND_LIMIT, EVENLY)
"""Where the walls are no steeper than the floor, where the steps are too long, or where none fell fast before."""

AT_LIMIT = Condition(RATE_OF_LIMIT, ">=", 1.0, "the learning rate cannot be larger")

ravine = functools.partial(Rule, kind="ill_conditioned", silenced_by=NO_RAVINE, mentions=(RATE_OF_LIMIT,))
RULES = (
    Rule(
        kind="saddle",
        says="The training is stuck near a saddle point: there is hardly a gradient, but a direction along which the "
        "loss curves down",
        all_of=AT_SADDLE,
        when=(STUCK, IS_NEGATIVE),
        silenced_by=SADDLE_CANNOT_BE_LEFT,
    ),
    Rule(
        kind="saddle",
        says="The training is stuck near a saddle point: there is next to no gradient, but a direction along which the "
        "loss curves down slightly",
        all_of=(LevelThreshold(NEGATIVITY, "above", watch=0.03, act=None, source=MEASURED),),
        when=(
            STUCK,
            IS_NEGATIVE,
            Condition(KERNEL_ELASTICITY, "<=", 0.02, "there is next to no gradient"),
        ),
        silenced_by=SADDLE_CANNOT_BE_LEFT,
    ),
    Rule(
        kind="saddle",
        says="The training began so near to weights of 0, a saddle point, that it does not get away from it",
        all_of=(AT_SADDLE[0], LevelThreshold(NEGATIVITY, "above", watch=0.1, act=0.1, source=MEASURED)),
        when=(
            STUCK,
            IS_NEGATIVE,
            Condition(SMALLEST_SIGNAL, "<=", 0.01, "a layer gives next to nothing"),
        ),
        silenced_by=(
            *SADDLE_CANNOT_BE_LEFT[1:],
            Condition(OVER_CHANCE, ">", 1.3, "the loss is above what weights of 0 give"),
        ),
    ),
    Rule(
        kind="plateau",
        says="The training is stuck on a plateau: there is hardly a gradient, and no curvature to gain from",
        all_of=(FLAT,),
        when=(STUCK, ON_PLATEAU),
        silenced_by=("saddle", SHRUNK_AWAY, FAR_OFF),
        mentions=(ELASTICITY,),
    ),
    Rule(
        kind="underfitting",
        says="The loss has come to rest, though predicting from similar examples does better: the model is too small, "
        "or something such as a penalty holds it back",
        all_of=(
            LevelThreshold(NEWTON_GAIN, "below", watch=0.15, act=0.1, source=MEASURED),
            LevelThreshold(OVER_NEIGHBOURS, "above", watch=1.1, act=1.15, source=MEASURED),
        ),
        when=(AT_REST, Condition(UPDATES, ">=", 200, "there were many updates")),
        silenced_by=HELD_UP,
        proven_by=REST_IS_CERTAIN,
        mentions=(FALLEN, OVER_CHANCE, RECENT),
    ),
    Rule(
        kind="underfitting",
        says="The loss hardly falls, and no steps would gain much, though predicting from similar examples does far "
        "better",
        all_of=(LevelThreshold(OVER_NEIGHBOURS, "above", watch=1.9, act=1.9, source=MEASURED),),
        when=(
            NOT_KNOWN_LOW,
            NO_RISE,
            Condition(RECENT, "<", 0.1, "the loss hardly falls"),
            Condition(GAINED, ">=", 0.1, "something was learned"),
            Condition(NEWTON_GAIN, "<", 0.25, "steps that suit the curvature would not gain much"),
            Condition(UPDATES, ">=", 300, "there were many updates"),
            LAST_QUARTER,
        ),
        silenced_by=HELD_UP,
        proven_by=(Condition(OVER_NEIGHBOURS, ">=", 1.9), LAST_QUARTER),
        mentions=(FALLEN, OVER_CHANCE, RECENT, NEWTON_GAIN),
    ),
    Rule(
        kind="underfitting",
        says="The loss has come to rest where it is not low: a hidden layer of one or two units passes on too little",
        all_of=(LevelThreshold(NEWTON_GAIN, "below", watch=0.15, act=0.1, source=MEASURED),),
        when=(
            AT_REST,
            Condition(NARROWEST, "<=", 2, "a hidden layer has one or two units, fewer than outputs"),
            Condition(UPDATES, ">=", 200, "there were many updates"),
        ),
        silenced_by=HELD_UP,
        mentions=(NARROWEST, FALLEN, RECENT),
    ),
    Rule(
        kind="underfitting",
        says="The loss has come to rest at a minimum that is not low: the model has learned all that it can",
        all_of=(FLAT,),
        when=(AT_REST, RESTED),
        silenced_by=(
            *HELD_UP,
            Condition(OVER_NEIGHBOURS, "<", 1.1, "what the nearest other examples predict is no better"),
        ),
        at_most="watch",
        mentions=(FALLEN, OVER_CHANCE, RECENT),
    ),
    ravine(
        says="The loss creeps along the floor of a ravine, whose walls do not let the learning rate rise",
        all_of=(
            DECREMENT,
            LevelThreshold(TRAININGS_TO_GAIN, "above", watch=1.0, act=2.0, source=MEASURED),
        ),
        when=(SLOW, *CANNOT_RISE),
        proven_by=(
            LAST_QUARTER,
            Condition(NEWTON_GAIN, ">=", 0.7),
            Condition(EARLIER_GAIN, ">=", 0.7),
        ),
    ),
    ravine(
        says="Nearly all of the loss is still to be gained along the floor of a ravine, whose walls do not let the "
        "learning rate rise",
        all_of=(
            LevelThreshold(NEWTON_GAIN, "above", watch=0.9, act=0.9, source=MEASURED),
            LevelThreshold(TRAININGS_TO_GAIN, "above", watch=1.0, act=1.0, source=MEASURED),
        ),
        when=(
            SLOW,
            *CANNOT_RISE,
            Condition(EARLIER_GAIN, ">=", 0.9, "another spectrum says the same"),
            Condition(OVER_NEIGHBOURS, ">=", 2.0, "the nearest examples predict twice as well"),
            HALF_OVER,
        ),
    ),
    ravine(
        says="The steps are far too short along the floor of a ravine, whose walls do not let the learning rate rise",
        all_of=(DECREMENT, SHORT_STEP),
        when=CANNOT_RISE,
    ),
    ravine(
        says="The learning rate is at its limit, and the loss still falls slowly along the floor of a ravine",
        all_of=(DECREMENT,),
        when=(SLOW, NOT_ARRIVED, *CANNOT_RISE, AT_LIMIT),
        at_most="watch",
    ),
    ravine(
        says="The learning rate is at its limit, and nearly all of the loss is left along the floor of a ravine",
        all_of=(LevelThreshold(NEWTON_GAIN, "above", watch=0.7, act=0.7, source=MEASURED),),
        when=(NOT_ARRIVED, *CANNOT_RISE, AT_LIMIT),
        at_most="watch",
    ),
)
