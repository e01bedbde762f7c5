"""What is said of signal and gradient from layer to layer: the quantities, and the rules that judge them."""

from ..verdicts.rules import Combination, Condition, LevelThreshold, Quantity, Rule
from ..verdicts.wording import digits, percent, times
from .progress import (
    AT_CHANCE,
    BOOK,
    FALLING_FAST,
    FAR_OFF,
    GAINED,
    GOOD,
    LOW,
    MEASURED,
    OF_LAST,
    OVER_CHANCE,
    SHRUNK_AWAY,
    STUCK,
    THIRD_OVER,
)

AT_THE_START = "at the start"

GROWTH_THROUGH_DEPTH = Quantity(
    "growth_through_depth",
    "The gradient at the first hidden layer over that at the last, in the median.",
    lambda growth: f"from the last hidden layer to the first it is multiplied by {digits(growth)}",
    "from the last hidden layer to the first it grows beyond measure",
    usual=OF_LAST,
)
GROWTH_AT_THE_START = Quantity(
    "growth_at_the_start",
    "The gradient at the first hidden layer over that at the last, in the median of the first three measurements.",
    lambda growth: (
        f"at the start it was multiplied by {digits(growth)} on its way from the last hidden layer to the first"
    ),
    "at the start it grew beyond measure on its way from the last hidden layer to the first",
    usual=AT_THE_START,
)
BACKWARD_FACTOR = Quantity(
    "backward_factor",
    "By what the gradient is multiplied from a hidden layer to the one before.",
    series="diagnosis/backward_factor",
)
DEAD = Quantity(
    "fraction_dead",
    "The fraction of all ReLUs that give 0 for every example.",
    lambda fraction: f"{percent(fraction)} of the ReLUs give 0 for every example of the probe",
    number=percent,
    series="diagnosis/fraction_dead",
)
SATURATED = Quantity(
    "fraction_saturated",
    "The fraction of the outputs of all units of tanh or sigmoid that are on the flat ends.",
    lambda fraction: f"{percent(fraction)} of the units of tanh or sigmoid are on their flat ends",
    number=percent,
    series="diagnosis/fraction_saturated",
)
DEAD_IN_LAYER = Quantity(
    "dead_in_layer",
    "`fraction_dead` of the worst layer.",
    lambda fraction: f"{percent(fraction)} in the layer with most of them",
    number=percent,
)
SATURATED_IN_LAYER = Quantity(
    "saturated_in_layer",
    "`fraction_saturated` of the worst layer.",
    lambda fraction: f"{percent(fraction)} in the layer with most of them",
    number=percent,
)
LARGEST_SIGNAL = Quantity(
    "largest_signal",
    "The largest root mean square of the inputs and of what layers give, at the start: best near 1.",
    lambda signal: f"the largest root mean square is {digits(signal)}",
    "the largest root mean square is beyond measure",
    usual=AT_THE_START,
    series="diagnosis/largest_signal",
)
SMALLEST_SIGNAL = Quantity(
    "smallest_signal",
    "The smallest root mean square of the inputs and of what layers give.",
    lambda signal: f"the smallest root mean square is {digits(signal)}",
    "the smallest root mean square is beyond measure",
    usual=AT_THE_START,
    series="diagnosis/smallest_signal",
)
SIGNAL_GROWTH = Quantity(
    "signal_growth",
    "`signal_now` over what it was before the first update.",
    lambda factor: f"what the layers give is at its largest {times(factor, 'what it was at the start')}",
    "what the layers give has grown beyond measure since the start",
)
SIGNAL_NOW = Quantity(
    "signal_now",
    "The largest root mean square of what layers give, in the median of three measurements.",
    lambda signal: f"the largest root mean square of a layer is {digits(signal)}",
    "the largest root mean square of a layer is beyond measure",
)
STILL = Quantity(
    "fraction_still",
    "The fraction of the matrices whose gradient is exactly 0 in all measurements, where others have one.",
    lambda fraction: f"{percent(fraction)} of the matrices that are trained have a gradient of exactly 0",
    number=percent,
    series="diagnosis/fraction_without_gradient",
)

EXPLODING = LevelThreshold(GROWTH_THROUGH_DEPTH, "above", watch=20.0, act=30.0, source=MEASURED)
VANISHING = LevelThreshold(GROWTH_THROUGH_DEPTH, "below", watch=0.05, act=0.03, source=MEASURED)
DEAD_UNITS = LevelThreshold(DEAD, "above", watch=0.3, act=0.4, source=f"{MEASURED}; healthy networks have up to 20 %")
SATURATED_UNITS = LevelThreshold(
    SATURATED, "above", watch=0.4, act=0.7, source=f"{MEASURED}; healthy networks have up to 15 %"
)

RULES = (
    Rule(
        kind="exploding",
        says="The gradient grows from layer to layer on its way back",
        all_of=(EXPLODING,),
        eased_by=(GOOD,),
        mentions=(BACKWARD_FACTOR,),
    ),
    Rule(
        kind="exploding",
        says="The training began with a gradient that grows from layer to layer on its way back, and has got nowhere",
        all_of=(LevelThreshold(GROWTH_AT_THE_START, "above", watch=30.0, act=50.0, source=MEASURED),),
        when=(
            Condition(GAINED, "<", 0.2, "the loss is not far below that of the best constant prediction"),
            THIRD_OVER,
        ),
        silenced_by=(FALLING_FAST,),
        mentions=(BACKWARD_FACTOR,),
    ),
    Rule(
        kind="vanishing",
        says="The first layers hardly learn, since the gradient shrinks from layer to layer on its way back",
        all_of=(VANISHING,),
        eased_by=(GOOD,),
        mentions=(BACKWARD_FACTOR,),
    ),
    Rule(
        kind="step_too_long",
        says="The steps have moved the weights so far from their start that a constant predicts as well",
        all_of=(
            LevelThreshold(SIGNAL_GROWTH, "above", watch=100.0, act=100.0, source=MEASURED),
            LevelThreshold(SIGNAL_NOW, "above", watch=10.0, act=10.0, source=f"{BOOK}, section 8.4; {MEASURED}"),
        ),
        when=(STUCK, AT_CHANCE),
        silenced_by=(FAR_OFF,),
        mentions=(LARGEST_SIGNAL, OVER_CHANCE),
    ),
    Rule(
        kind="no_gradient",
        says="No gradient gets through to some layers: something between them and the loss stops it",
        all_of=(LevelThreshold(STILL, "above", watch=0.001, act=0.001, source="any: exactly 0 is no matter of noise"),),
        silenced_by=(
            Condition(DEAD_IN_LAYER, ">=", 1.0, "a whole layer of ReLUs is dead"),
            Condition(SATURATED_IN_LAYER, ">=", 0.99, "a whole layer is saturated"),
        ),
    ),
    Rule(
        kind="dead_units",
        says="Many ReLUs are dead: they give 0 and get no gradient",
        all_of=(DEAD_UNITS,),
        silenced_by=(LOW, SHRUNK_AWAY, FAR_OFF),
        eased_by=(
            Combination("it is less than 60 %, and the loss is good", "all of", (GOOD, Condition(DEAD, "<", 0.6))),
        ),
        mentions=(DEAD_IN_LAYER,),
    ),
    Rule(
        kind="dead_units",
        says="Nearly all ReLUs of a layer are dead, so that hardly a signal gets through",
        all_of=(LevelThreshold(DEAD_IN_LAYER, "above", watch=0.7, act=0.7, source=MEASURED),),
        silenced_by=(LOW, SHRUNK_AWAY, FAR_OFF),
        mentions=(DEAD,),
    ),
    Rule(
        kind="saturated_units",
        says="Many units are saturated and pass hardly a gradient on",
        all_of=(SATURATED_UNITS,),
        silenced_by=(LOW,),
        mentions=(SATURATED_IN_LAYER,),
    ),
    Rule(
        kind="saturated_units",
        says="Nearly all units of a layer are saturated, and pass hardly a gradient on",
        all_of=(LevelThreshold(SATURATED_IN_LAYER, "above", watch=0.8, act=0.9, source=MEASURED),),
        silenced_by=(LOW,),
        mentions=(SATURATED,),
    ),
    Rule(
        kind="saturated_units",
        says="Most units of a layer are saturated, since a layer gave large numbers from the start",
        all_of=(LevelThreshold(SATURATED_IN_LAYER, "above", watch=0.7, act=0.7, source=MEASURED),),
        when=(Condition(LARGEST_SIGNAL, ">=", 8.0, "a layer gave large numbers at the start"),),
        silenced_by=(GOOD,),
        mentions=(SATURATED,),
    ),
    Rule(
        kind="bad_scale",
        says="At the start a layer gives far larger numbers than others can work with",
        all_of=(
            LevelThreshold(LARGEST_SIGNAL, "above", watch=10.0, act=10.0, source=f"{BOOK}, section 8.4; {MEASURED}"),
        ),
        mentions=(SMALLEST_SIGNAL,),
    ),
    Rule(
        kind="bad_scale",
        says="At the start a layer gives larger numbers than others can well work with",
        all_of=(
            LevelThreshold(LARGEST_SIGNAL, "above", watch=8.0, act=None, source=f"{BOOK}, section 8.4; {MEASURED}"),
        ),
        silenced_by=(GOOD,),
        mentions=(SMALLEST_SIGNAL,),
    ),
    Rule(
        kind="bad_scale",
        says="At the start a layer gave larger numbers than others can work with, and the loss is still above that of "
        "the best constant prediction",
        all_of=(LevelThreshold(LARGEST_SIGNAL, "above", watch=8.0, act=8.0, source=MEASURED),),
        when=(
            Condition(OVER_CHANCE, ">=", 1.5, "the loss is far above that of the best constant prediction"),
            THIRD_OVER,
        ),
        mentions=(OVER_CHANCE,),
    ),
    Rule(
        kind="bad_scale",
        says="At the start a layer gives far smaller numbers than others can work with",
        all_of=(
            LevelThreshold(
                SMALLEST_SIGNAL,
                "below",
                watch=1e-3,
                act=5e-4,
                source=f"{BOOK}, section 8.4; {MEASURED}; an embedding has 0.03",
            ),
        ),
        mentions=(LARGEST_SIGNAL,),
    ),
)
