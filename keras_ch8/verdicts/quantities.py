"""What monitors measure and rules judge: each quantity with its name, its meaning, and what a sentence says of it."""

from .rules import Quantity
from .wording import counted, digits, moved, part, percent, times

LAST = 9
"""Measurements that are judged together."""
OF_THREE = "in the median of the last 3 measurements"
OF_LAST = f"in the median of the last {LAST} measurements"
AT_THE_START = "at the start"


def _below(gain: float) -> str:
    return f"{percent(gain)} {'below' if gain >= 0 else 'above'}"


# --- the loss, and how far the training is ---------------------------------------------------------------------------

GAINED = Quantity(
    "gained",
    "By what fraction the loss on the probe is below its start or, if less and without penalties, "
    "below that of the best constant prediction.",
    lambda gain: f"the loss is {_below(gain)} where it began, or where the best constant prediction is if that is less",
    number=lambda gain: _below(gain),
    usual=OF_THREE,
)
GROWTH = Quantity(
    "growth",
    "The loss over its start, if it is never below 0.",
    lambda factor: f"the loss is {times(factor, 'what it was at the start')}",
    "the loss has grown beyond measure since the start",
    usual=OF_THREE,
    series="diagnosis/loss_over_start",
)
OVER_CHANCE = Quantity(
    "over_chance",
    "The loss, without penalties, over that of the best constant prediction, if that is known and above 0.",
    lambda factor: f"the loss is {times(factor, 'that of the best constant prediction')}",
    "the loss is beyond measure above that of the best constant prediction",
    usual=OF_THREE,
)
OVER_NEIGHBOURS = Quantity(
    "over_neighbours",
    "The loss, without penalties, over that of what the nearest other examples of the probe predict, "
    "if inputs are numbers.",
    lambda factor: f"the loss is {times(factor, 'that of predicting from the most similar other examples')}",
    "the loss is beyond measure above that of predicting from the most similar other examples",
    usual=OF_THREE,
)
RECENT = Quantity(
    "recent",
    "By what fraction the loss fell over the last third of the steps.",
    lambda fall: f"lately the loss {moved(fall)}",
    number=moved,
)
PACE_KEPT = Quantity(
    "pace_kept",
    "The fall over the last third of the steps over the whole fall: a third where it falls evenly; 0 without a fall.",
    number=percent,
)
HEADWAY_SINCE = Quantity(
    "headway_since_half",
    "By what fraction the loss is below its lowest in the first half, by medians of three measurements.",
    lambda fall: f"since its lowest in the first half of the steps the loss {moved(fall)}",
    number=lambda fall: f"a {'fall' if fall >= 0 else 'rise'} of {percent(fall)}",
)
HEIGHT_FALLEN = Quantity("height_fallen", "`gained`, by the median of the loss.")
RISES = Quantity(
    "rises",
    "All rises of the loss between measurements, as a fraction of the loss.",
    lambda rises: f"the rises of the loss between the last measurements come to {percent(rises)} of it",
    "between the last measurements it rises beyond measure",
    number=percent,
    series="diagnosis/relative_loss_rises",
)
MINIBATCHES = Quantity(
    "minibatches_over_start",
    "The median loss of the last 50 minibatches over that of the probe at the start, if never below 0.",
)
SHRUNK = Quantity(
    "shrunk_weights",
    "The length of all weights over that at the first measurement, where layers add to the loss.",
    lambda part: f"of the length of the weights {percent(part)} is left",
    number=percent,
)
FAR_TARGETS = Quantity(
    "far_targets", "1 where the standard deviation of targets that are numbers is above 100, else 0."
)
LOSS = Quantity("loss", "The loss on the probe.", series="diagnosis/loss")
PART_DONE = Quantity("part_done", "Steps so far over those of the training, if these are known.", number=percent)
UPDATES = Quantity(
    "updates",
    "Updates of the weights so far.",
    lambda number: f"the training has made {counted(number, 'update')}",
)

# --- the steps -------------------------------------------------------------------------------------------------------

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
TYPICAL_STEP = Quantity(
    "typical_step",
    "The size of `step_over_best`, whatever its sign, in the median.",
    lambda ratio: f"a step has {part(ratio, 'the best length in its direction')}",
    "a step is far longer than the best one in its direction",
    number=percent,
    usual=OF_LAST,
)
OVERSHOOT = Quantity(
    "overshoot",
    "Half the curvature along the step, (1/2) d'Hd, over the slope, -g'd: above 1 the loss rises.",
    lambda ratio: (
        f"the curvature takes back {percent(ratio)} of what the slope along a step promises"
        if ratio > 0
        else "the curvature takes nothing back of what the slope along a step promises"
    ),
    "the curvature takes back far more than the slope along a step promises",
    number=lambda ratio: percent(max(ratio, 0.0)),
    usual=OF_LAST,
)
RATE_LEFT = Quantity(
    "rate_left",
    "The effective learning rate, in the median, over the largest of the first three.",
    lambda part: f"of the effective learning rate of the start {percent(part)} is left",
    number=percent,
)
RATE_OF_LIMIT = Quantity(
    "rate_times_curvature",
    "The effective rate times the largest curvature: gradient descent is unstable above 2.",
    lambda product: f"the effective learning rate is {part(product / 2, 'the largest stable one')}",
    "the effective learning rate is far beyond the largest stable one",
    number=lambda product: percent(product / 2),
    series="diagnosis/rate_times_curvature",
)

# --- the gradient, and its noise -------------------------------------------------------------------------------------

SPIKES = Quantity(
    "spikes",
    "Steps whose gradient is 10 times the median of the 100 before, and above all that was usual so "
    "far; a run of them is one.",
    lambda number: counted(number, "spike") if number else "no spike",
    series="diagnosis/spikes",
)
BROKEN = Quantity(
    "nonfinite_steps",
    "Steps whose gradient is infinite, not a number, or longer than 1e19.",
    lambda number: counted(number, "such step") if number else "",
    series="diagnosis/nonfinite_steps",
)
GREW = Quantity("grew", "1 where loss, gradient or weights grew before the loss was infinite, else 0.")
SKIPS = Quantity("skips", "1 where steps that are not finite are left out, else 0.")
NOISE_OVER_BATCH = Quantity(
    "noise_over_batch",
    "`noise_scale` over the batch size: the steps needed go as 1 + this, the examples as 1 + 1 / this.",
    lambda ratio: f"{percent(max(ratio, 0.0) / (1 + max(ratio, 0.0)))} of the squared gradient of a minibatch is noise",
    "the gradient is lost in its noise on the probe",
    number=lambda ratio: percent(max(ratio, 0.0) / (1 + max(ratio, 0.0))),
)
NOISE_SCALE = Quantity(
    "noise_scale",
    "The batch size at which noise and gradient are equal, by the mean.",
    lambda scale: f"a batch of {counted(max(scale, 0.0), 'example')} would have as much noise as gradient",
    series="diagnosis/noise_scale",
)
FALL_NOISE = Quantity(
    "fall_noise_over_batch",
    "`noise_over_batch` while the first nine tenths of the loss were gained, by four measurements or more.",
    lambda ratio: f"while the loss fell, {NOISE_OVER_BATCH.number(ratio)} of it was noise",
    number=NOISE_OVER_BATCH.number,
)
EXCESS = Quantity(
    "excess",
    "By what fraction of the loss noise keeps it above its floor: rate tr(Sigma) / (4 m) on a quadratic.",
    lambda fraction: f"at this learning rate and batch size noise keeps the loss higher by {percent(fraction)}",
    number=percent,
)
BATCH_SIZE = Quantity(
    "batch_size",
    "Examples of a minibatch.",
    lambda size: f"a minibatch has {counted(size, 'example')}{'' if float(size).is_integer() else ' on average'}",
)
COMPARES = Quantity("compares", "1 where the optimizer compares losses of a batch (section 8.6), else 0.")

KERNEL_ELASTICITY = Quantity(
    "kernel_elasticity",
    "How much of the loss a change of the weights by their own size moves, |g| |theta| / L, on the probe or, if less, "
    "the last minibatches; of the weights with two axes or more, if less.",
    lambda fraction: f"changing all weights by 1 % would change the loss by {percent(fraction / 100)}",
    "the gradient is large beyond measure",
    number=lambda fraction: percent(fraction / 100),
)

# --- the curvature ---------------------------------------------------------------------------------------------------

NEWTON_GAIN = Quantity(
    "newton_gain",
    "The fraction of the loss that Newton's step would gain, with a length for each direction.",
    lambda gain: (
        f"steps that suit the curvature in each direction would lower the loss by another {percent(gain)}"
        if gain > 0
        else "steps that suit the curvature in each direction would gain nothing"
    ),
    "steps that suit the curvature in each direction would lower the loss by far more than it is",
    number=lambda gain: percent(max(gain, 0.0)),
    series="diagnosis/newton_gain",
)
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
OVER_LEAST_SQUARES = Quantity(
    "over_least_squares",
    "The loss of a linear model with a mean squared error over what least squares reach on the probe.",
    lambda factor: f"the loss is {times(factor, 'what least squares reach')}",
    "the loss is beyond measure above what least squares reach",
    usual=OF_THREE,
)
UNEVENNESS = Quantity(
    "unevenness",
    "The condition number of the covariance of a linear model's inputs, each scaled to variance 1.",
    lambda number: (
        f"the variance of the inputs, each scaled, differs between directions by a factor of {digits(number)}"
    ),
    "the inputs do not vary at all in some directions",
)

# --- the layers ------------------------------------------------------------------------------------------------------

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
HORIZON = Quantity(
    "horizon_reached",
    "`horizon` over all time steps, in the median.",
    lambda fraction: f"it falls below 1 % of its largest after {percent(fraction)} of the time steps",
    number=percent,
    usual=OF_LAST,
)
HORIZON_NOW = Quantity(
    "horizon", "Time steps after which the gradient is below 1 % of its largest.", series="diagnosis/horizon"
)
GROWTH_IN_TIME = Quantity(
    "growth_in_time",
    "The gradient at the first time step over that at the last, in the median; over their number "
    "where the loss sees every step.",
    lambda growth: f"on its way back through time it is multiplied by {digits(growth)}",
    "on its way back through time it grows beyond measure",
    usual=OF_LAST,
)
FACTOR_NOW = Quantity(
    "time_factor",
    "By what the gradient is multiplied from a time step to the one before.",
    series="diagnosis/time_factor",
)
GAP = Quantity(
    "statistics_gap",
    "How far the moving statistics are from those of the probe in the worst layer, in standard deviations.",
    lambda gap: f"the moving statistics are off by {counted(gap, 'standard deviation')}",
    "the moving statistics are off beyond measure",
    series="diagnosis/batch_norm_gap",
)
INFERENCE_OVER_TRAINING = Quantity(
    "inference_over_training",
    "The loss of the probe in inference over that in training.",
    lambda ratio: f"the loss in inference is {times(ratio, 'that in training') if ratio > 0 else 'not above 0'}",
    "the loss in inference is far above that in training",
)

# --- the epochs ------------------------------------------------------------------------------------------------------

LATELY = Quantity(
    "fell_lately",
    "By what fraction the validation (else training) loss fell in the last third of the training.",
    lambda fall: (
        f"in the last third of the training the loss fell by {percent(fall)}"
        if fall > 0
        else "in the last third of the training the loss did not fall"
    ),
    number=lambda fall: percent(max(fall, 0.0)),
)
STILL_AHEAD = Quantity(
    "still_ahead",
    "What as many epochs again would gain, as a fraction of the loss, if the fall goes on shrinking.",
    lambda gain: (
        f"if the fall goes on shrinking as it does, as many more epochs would lower the loss by {percent(gain)}"
        if gain > 0
        else ""
    ),
    number=lambda gain: percent(max(gain, 0.0)),
)
FALLEN_SO_FAR = Quantity("fallen_so_far", "By what fraction the loss is below that of the first part of the training.")
LAST_OF_FALL = Quantity(
    "last_of_fall",
    "The part of the whole fall that the last third of the training has brought.",
    lambda part: f"{percent(max(part, 0.0))} of its fall came in the last third",
    number=lambda part: percent(max(part, 0.0)),
)
BEST_AT = Quantity(
    "best_at",
    "Where the loss was lowest so far: 0 at the start, 1 in the last epoch.",
    lambda place: "it was lowest " + (f"after {percent(place)} of the epochs so far" if place else "at the beginning"),
    number=percent,
)
LEFT = Quantity(
    "left_of_chance",
    "The loss over that of the best constant prediction, else over that of the first epoch.",
    lambda part: f"{percent(part)} of the loss of the best constant prediction, or of the first epoch, is left",
    number=percent,
)
LEARNED_SINCE = Quantity(
    "learned_since_best",
    "By what fraction the training loss fell since validation was best.",
    lambda fall: f"since then the training loss fell by {percent(max(fall, 0.0))}",
    number=lambda fall: percent(max(fall, 0.0)),
)
RISEN = Quantity(
    "risen_since_best",
    "By what fraction the loss is above its lowest, of the course that `best_at` is of.",
    lambda rise: f"since then it rose by {percent(rise)}",
    number=percent,
)
SWING = Quantity(
    "swing",
    "The mean change of the training loss between epochs in the second half, as a fraction of the loss.",
    lambda size: f"from one epoch to the next it changes by {percent(size)}",
    number=percent,
)
HEADWAY = Quantity(
    "headway", "The fall over the second half of the epochs over all changes in it: 1 where it only falls."
)
HELD_OUT_RISE = Quantity(
    "held_out_rise",
    "The rise of the held-out loss (`val_loss`, else the probe's) since its best, over its fall "
    "before or, if more, a tenth of its start.",
    lambda rise: f"the loss on held-out examples has risen by {percent(rise)} of what it had fallen until its best",
    "the loss on held-out examples has risen beyond measure since its best",
    number=percent,
    usual="by the lowest of its last three values",
)
LEARNED = Quantity("learned", "By how much the training loss is below that of the first epoch.")
HELD_OUT_LEFT = Quantity(
    "held_out_left",
    "The held-out loss at its best over that of the best constant prediction, else over its start.",
    number=percent,
)
VALIDATION_LOSS = Quantity("val_loss", "The validation loss of the last epoch.", series="epoch/val_loss")
LOSS_OF_PROBE = Quantity("loss_of_probe", "The loss on the probe, where there is no other.", series="diagnosis/loss")
LEAST_OVER_CHANCE = Quantity(
    "least_over_chance",
    "The lowest of the losses on the probe, of the last epoch and of validation, over that of the best constant "
    "prediction.",
    lambda factor: f"the loss is {times(factor, 'that of the best constant prediction')}",
    "the loss is beyond measure above that of the best constant prediction",
)
VALIDATION_OVER_CHANCE = Quantity(
    "validation_over_chance",
    "The lowest validation loss over that of the best constant prediction for the validation data.",
    lambda factor: f"the validation loss is at its lowest {times(factor, 'that of the best constant prediction')}",
    "the validation loss is beyond measure above that of the best constant prediction",
)
MOVED = Quantity(
    "moved_over_noise",
    "Of all that `fit` reports, the largest change from the first third of the epochs to the last, by medians, over "
    "the usual change from one epoch to the next.",
    lambda factor: f"nothing moved by more than {times(factor, 'what it changes by from one epoch to the next')}",
)
FELL = Quantity(
    "fell_since_the_first_third",
    "By what fraction the training loss fell from the first third of the epochs to the last, by medians.",
    lambda fall: f"from the first third of the epochs to the last the training loss {moved(fall)}",
    number=moved,
)

HELD_OUT = (VALIDATION_LOSS, LOSS_OF_PROBE)
"""The held-out loss in its series, whichever there is."""
