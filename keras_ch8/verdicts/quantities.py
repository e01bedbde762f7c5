"""What monitors measure and rules judge: each quantity with its name, its meaning, and what a sentence says of it."""

from .rules import Quantity
from .wording import counted, digits, moved, part, percent, share, times

LAST = 9
"""Measurements that are judged together."""
OF_THREE = "median of the last 3 measurements"
OF_LAST = f"median of the last {LAST} measurements"
AT_THE_START = "at the start"


def _below(gain: float) -> str:
    return f"{percent(gain)} {'below' if gain >= 0 else 'above'}"


def _of_gradient(noise_over_batch: float) -> str:
    """Return what part of the squared norm of a minibatch gradient is noise."""
    ratio = max(noise_over_batch, 0.0)
    return percent(ratio / (1 + ratio))


def _lower(gain: float) -> str:
    """Return what comes of a step that gains a fraction of the loss, as far as the loss is quadratic."""
    if gain <= 0:
        return "not lower the loss"
    return f"lower the loss by {percent(gain)}" if gain <= 1 else "lower the loss to 0 or below"


def _change(fraction: float) -> str:
    return f"change the loss by {percent(fraction)}" if fraction else "not change the loss"


def _has_moved(fall: float) -> str:
    return f"{'risen' if fall < 0 else 'fallen'} by {percent(fall)}" if fall else "neither fallen nor risen"


# --- the loss, and how far the training is ---------------------------------------------------------------------------

GAINED = Quantity(
    "gained",
    "Fraction by which the loss on the probe is below its initial value or, if lower and without penalties, that of "
    "the best constant prediction.",
    lambda gain: f"the loss is {_below(gain)} its initial value or, if lower, that of the best constant prediction",
    number=_below,
    usual=OF_THREE,
)
GROWTH = Quantity(
    "growth",
    "The loss over its initial value, if it is never below 0.",
    lambda factor: f"the loss is {times(factor, 'its initial value')}",
    "the loss has grown without limit",
    usual=OF_THREE,
    series="diagnosis/loss_over_start",
)
OVER_CHANCE = Quantity(
    "over_chance",
    "The loss without penalties over that of the best constant prediction, if this is known and above 0.",
    lambda factor: f"the loss is {times(factor, 'that of the best constant prediction')}",
    "the loss is far above that of the best constant prediction",
    usual=OF_THREE,
)
OVER_NEIGHBOURS = Quantity(
    "over_neighbours",
    "The loss, without penalties, over that of a nearest-neighbor prediction within the probe, if the inputs are "
    "numbers and that is less than half the loss of the best constant prediction.",
    lambda factor: f"the loss is {times(factor, 'that of a nearest-neighbor prediction')}",
    "the loss is far above that of a nearest-neighbor prediction",
    number=lambda factor: digits(factor, 3),
    usual=OF_THREE,
)
RECENT = Quantity(
    "recent",
    "Fraction by which the loss fell over the last third of the steps.",
    lambda fall: f"in the last third of the steps the loss {moved(fall)}",
    number=moved,
)
PACE_KEPT = Quantity(
    "pace_kept",
    "The part of the whole fall of the loss that came in the last third of the steps: a third if it falls evenly.",
    number=percent,
)
HEADWAY_SINCE = Quantity(
    "headway_since_half",
    "Fraction by which the loss is below its lowest value in the first half of the steps, by medians of three "
    "measurements.",
    lambda fall: f"the loss has {_has_moved(fall)} since its minimum in the first half of the steps",
    number=lambda fall: f"a {'fall' if fall >= 0 else 'rise'} of {percent(fall)}",
)
RISES = Quantity(
    "rises",
    "All recent rises of the loss between measurements, as a fraction of the loss.",
    lambda rises: f"recent increases in the loss add up to {percent(rises)} of its value",
    "recent increases in the loss have no limit",
    number=percent,
    series="diagnosis/relative_loss_rises",
)
MINIBATCHES = Quantity(
    "minibatches_over_start",
    "The median loss of the last 50 minibatches over the initial loss on the probe, if neither is below 0.",
)
SHRUNK = Quantity(
    "shrunk_weights",
    "The norm of all weights over that at the first measurement, if layers add penalties to the loss.",
    lambda part: f"the weight norm is {percent(part)} of its initial value",
    number=percent,
)
PENALTIES = Quantity(
    "penalties_of_loss",
    "The largest part of the loss, at any measurement, that penalties are, if weights have regularizers.",
    lambda part: f"penalties on the weights have been {percent(part)} of the loss",
    number=percent,
)
FAR_TARGETS = Quantity("far_targets", "1 if the standard deviation of numeric targets is above 100, else 0.")
LOSS = Quantity("loss", "The loss on the probe.", series="diagnosis/loss")
PART_DONE = Quantity(
    "part_done", "Steps so far over the steps of the whole training run, if these are known.", number=percent
)
UPDATES = Quantity(
    "updates",
    "Updates of the weights so far.",
    lambda number: f"training made {counted(number, 'weight update')}",
)

# --- the steps -------------------------------------------------------------------------------------------------------

STEP_OVER_BEST = Quantity(
    "step_over_best",
    "The length of a step over the optimal length in its direction, by the median.",
    lambda ratio: f"steps are {part(ratio, 'the optimal length')}",
    "steps are far longer than the optimal length",
    number=share,
    usual=OF_LAST,
    series="diagnosis/step_over_best",
)
TYPICAL_STEP = Quantity(
    "typical_step",
    "The absolute value of `step_over_best`, by the median.",
    lambda ratio: f"steps are {part(ratio, 'the optimal length')}",
    "steps are far longer than the optimal length",
    number=share,
    usual=OF_LAST,
)
OVERSHOOT = Quantity(
    "overshoot",
    "Half the curvature along the step, (1/2) d'Hd, over the slope, -g'd: above 1 the loss rises.",
    lambda ratio: f"curvature cancels {percent(max(ratio, 0.0))} of the decrease that the slope of a step predicts",
    "curvature cancels far more than the decrease that the slope of a step predicts",
    number=lambda ratio: percent(max(ratio, 0.0)),
    usual=OF_LAST,
)
RATE_LEFT = Quantity(
    "rate_left",
    "The median effective learning rate over the largest of the first three.",
    lambda left: f"the effective learning rate is {part(left, 'its initial value') if left else 0}",
    number=share,
)
RATE_OF_LIMIT = Quantity(
    "rate_times_curvature",
    "The effective learning rate times the largest curvature: gradient descent is unstable above 2.",
    lambda product: f"the effective learning rate is {part(product / 2, 'the largest stable one')}",
    "the effective learning rate is far above the largest stable one",
    number=lambda product: share(product / 2),
    series="diagnosis/rate_times_curvature",
)

# --- the gradient, and its noise -------------------------------------------------------------------------------------

SPIKES = Quantity(
    "spikes",
    "Steps whose gradient is 10 times the median of the 100 before, and 3 times the largest median so far; those less "
    "than 20 steps after such a step count with it.",
    lambda number: f"{counted(number, 'step')} had a gradient at least 10 times the usual size",
    series="diagnosis/spikes",
)
BROKEN = Quantity(
    "nonfinite_steps",
    "Steps whose gradient is NaN, infinite, or longer than 1e19.",
    lambda number: f"{counted(number, 'step')} had a NaN or infinite gradient",
    series="diagnosis/nonfinite_steps",
)
RATE_OVER_USUAL = Quantity(
    "rate_over_usual",
    "The largest learning rate over the largest that is usual: 0.01 for Adam and its like, 1 for other optimizers.",
    lambda ratio: f"it is {times(ratio, 'the largest usual one')}",
)
GREW = Quantity("grew", "1 if the loss, gradient or weights grew before the loss became infinite, else 0.")
SKIPS = Quantity("skips", "1 if steps with a NaN or infinite gradient are skipped, else 0.")
NOISE_OVER_BATCH = Quantity(
    "noise_over_batch",
    "`noise_scale` over the batch size: the steps needed grow as 1 + this, the examples needed as 1 + 1 / this.",
    lambda ratio: f"{_of_gradient(ratio)} of the squared minibatch gradient norm is noise",
    "the minibatch gradient is nothing but noise",
    number=_of_gradient,
)
NOISE_SCALE = Quantity(
    "noise_scale",
    "The batch size at which noise and gradient have equal norms, by the mean.",
    lambda scale: f"noise and gradient would have equal norms at a batch size of {digits(max(scale, 0.0))}",
    series="diagnosis/noise_scale",
)
FALL_NOISE = Quantity(
    "fall_noise_over_batch",
    "`noise_over_batch` during the first nine tenths of the fall of the loss, by four measurements or more.",
    lambda ratio: f"while the loss fell, {_of_gradient(ratio)} of the squared minibatch gradient norm was noise",
    number=_of_gradient,
)
EXCESS = Quantity(
    "excess",
    "Fraction by which noise keeps the loss above its minimum: learning rate times tr(Sigma) / (4 m) on a quadratic.",
    lambda fraction: f"noise keeps the loss {percent(fraction)} above its minimum",
    number=percent,
)
BATCH_SIZE = Quantity(
    "batch_size",
    "Examples in a minibatch.",
    lambda size: f"the batch size is {size:.0f}",
)
COMPARES = Quantity("compares", "1 if the optimizer compares losses on the same batch (section 8.6), else 0.")

KERNEL_ELASTICITY = Quantity(
    "kernel_elasticity",
    "Relative change of the loss per relative change of the weights, |g| |theta| / L: the lowest for the probe, the "
    "last minibatches, and the weights with two or more axes.",
    lambda size: f"changing all weights by 1 % would {_change(size / 100)}",
    "the gradient is extremely large",
    number=lambda fraction: percent(fraction / 100),
)

# --- the curvature ---------------------------------------------------------------------------------------------------

NEWTON_GAIN = Quantity(
    "newton_gain",
    "Fraction by which an ideal Newton step, with its own length in each direction, would lower the loss.",
    lambda gain: f"an ideal Newton step would {_lower(gain)}",
    "an ideal Newton step would lower the loss without limit",
    number=lambda gain: percent(max(gain, 0.0)),
    series="diagnosis/newton_gain",
)
NEGATIVITY = Quantity(
    "negativity",
    "The strongest negative curvature over the strongest positive: up to 0.03 in trained networks.",
    lambda ratio: f"the strongest negative curvature is {percent(ratio)} of the strongest positive one",
    "almost all curvature is negative",
    number=percent,
    series="diagnosis/negative_curvature",
)
ESCAPES = Quantity(
    "escapes",
    "Effective learning rate times negative curvature times the steps of the whole training run.",
)
HIDDEN = Quantity("hidden_layers", "Layers with a weight matrix before the output layers.")
NARROWEST = Quantity(
    "narrowest",
    "Units of the narrowest hidden layer, if it has fewer than the output.",
    lambda units: f"the narrowest hidden layer has {counted(units, 'unit')}",
)
OVER_LEAST_SQUARES = Quantity(
    "over_least_squares",
    "The mean squared error of a linear model over the least-squares minimum on the probe; not known below a millionth "
    "of the error of the best constant prediction.",
    lambda factor: f"the loss is {times(factor, 'the least-squares minimum')}",
    "the loss is far above the least-squares minimum",
    usual=OF_THREE,
)
UNEVENNESS = Quantity(
    "unevenness",
    "The condition number of the covariance of a linear model's inputs, each scaled to variance 1.",
    lambda number: f"the condition number of the standardized inputs is {digits(number)}",
    "the standardized inputs are linearly dependent",
)

# --- the layers ------------------------------------------------------------------------------------------------------

GROWTH_THROUGH_DEPTH = Quantity(
    "growth_through_depth",
    "The gradient at the first hidden layer over that at the last, by the median.",
    lambda growth: f"the first hidden layer gets {part(growth, 'the gradient of the last')}",
    "the gradient of the first hidden layer has no limit",
    number=share,
    usual=OF_LAST,
)
GROWTH_AT_THE_START = Quantity(
    "growth_at_the_start",
    "The gradient at the first hidden layer over that at the last, by the median of the first three measurements.",
    lambda growth: f"the first hidden layer got {part(growth, 'the gradient of the last')}",
    "the gradient of the first hidden layer had no limit",
    number=share,
    usual=AT_THE_START,
)
BACKWARD_FACTOR = Quantity(
    "backward_factor",
    "Factor by which the gradient changes from a hidden layer to the one before.",
    lambda factor: f"each hidden layer now multiplies the gradient by {digits(factor)} during backpropagation",
    series="diagnosis/backward_factor",
)
DEAD = Quantity(
    "fraction_dead",
    "The fraction of all ReLUs that output 0 for every example.",
    lambda fraction: f"{percent(fraction)} of the ReLUs output 0 for every example",
    number=percent,
    series="diagnosis/fraction_dead",
)
SATURATED = Quantity(
    "fraction_saturated",
    "The fraction of the outputs of all tanh and sigmoid units that are on the flat ends of the curve.",
    lambda fraction: f"{percent(fraction)} of the tanh and sigmoid units are saturated",
    number=percent,
    series="diagnosis/fraction_saturated",
)
SATURATED_IN_LAYER = Quantity(
    "saturated_in_layer",
    "`fraction_saturated` of the layer with the most.",
    lambda fraction: f"{percent(fraction)} of the units in the most saturated layer are saturated",
    number=percent,
)
LARGEST_SIGNAL = Quantity(
    "largest_signal",
    "The largest root mean square (RMS) of the inputs and the layer outputs at the start: best near 1.",
    lambda signal: f"the largest RMS is {digits(signal)} instead of about 1",
    "the largest RMS is too large to measure",
    usual=AT_THE_START,
    series="diagnosis/largest_signal",
)
SIGNAL_GROWTH = Quantity(
    "signal_growth",
    "`signal_now` over its value before the first update.",
    lambda factor: f"the largest layer output is {times(factor, 'its initial size')}",
    "the largest layer output has grown without limit",
)
SIGNAL_NOW = Quantity(
    "signal_now",
    "The largest root mean square (RMS) of the layer outputs, by the median of three measurements.",
    lambda signal: f"the largest layer output has an RMS of {digits(signal)}",
    "the largest layer output is too large to measure",
)
STILL = Quantity(
    "fraction_still",
    "The fraction of the weight matrices whose gradient is exactly 0 in all measurements, while others get one.",
    lambda fraction: f"the gradient is exactly 0 for {percent(fraction)} of the trainable weight matrices",
    number=percent,
    series="diagnosis/fraction_without_gradient",
)
HORIZON = Quantity(
    "horizon_reached",
    "`horizon` over the number of time steps, by the median.",
    lambda fraction: (
        f"the gradient reaches {f'back through {percent(fraction)} of the' if fraction else 'no'} time steps"
    ),
    number=percent,
    usual=OF_LAST,
)
HORIZON_NOW = Quantity(
    "horizon",
    "Time steps, counted back from the end, after which the gradient is below 1 % of its maximum.",
    lambda steps: f"the gradient now reaches back {counted(steps, 'time step')}",
    series="diagnosis/horizon",
)
GROWTH_IN_TIME = Quantity(
    "growth_in_time",
    "The gradient at the first time step over that at the last, by the median; divided by the number of time steps "
    "if the loss sees each of them.",
    lambda growth: f"the first time step gets {part(growth, 'the gradient of the last')}",
    "the gradient of the first time step has no limit",
    number=share,
    usual=OF_LAST,
)
FACTOR_NOW = Quantity(
    "time_factor",
    "Factor by which the gradient changes from a time step to the one before.",
    lambda factor: f"each time step now multiplies the gradient by {digits(factor)} during backpropagation",
    series="diagnosis/time_factor",
)
GAP = Quantity(
    "statistics_gap",
    "How far the moving statistics are from those of the probe in the worst layer, in standard deviations.",
    lambda gap: f"the moving statistics are off by {counted(gap, 'standard deviation')}",
    "the moving statistics are far off",
    series="diagnosis/batch_norm_gap",
)
LOST_AT_INFERENCE = Quantity(
    "lost_at_inference",
    "How much higher the loss on the probe is at inference than in training, as a fraction of the loss of a constant "
    "prediction, or, if that is unknown, of the first measurement.",
    lambda part: f"at inference, the loss rises by {percent(part)} of that of the best constant prediction",
    "the loss is far higher at inference than in training",
    number=percent,
)

# --- the epochs ------------------------------------------------------------------------------------------------------

LATELY = Quantity(
    "fell_lately",
    "Fraction by which the validation loss, or else the training loss, fell in the last third of training.",
    lambda fall: f"the loss fell by {percent(max(fall, 0.0))} in the last third of training",
    number=lambda fall: percent(max(fall, 0.0)),
)
STILL_AHEAD = Quantity(
    "still_ahead",
    "Fraction by which as many epochs again would lower the loss, if its fall keeps slowing down at the same rate.",
    lambda gain: f"as many epochs again would lower the loss by {percent(max(gain, 0.0))}",
    number=lambda gain: percent(max(gain, 0.0)),
)
BEST_AT = Quantity(
    "best_at",
    "Where the loss was lowest so far: 0 at the start, 1 in the last epoch.",
    lambda place: f"the loss was lowest {f'after {percent(place)} of the epochs' if place else 'in the first epoch'}",
    number=percent,
)
LEFT = Quantity(
    "left_of_chance",
    "The loss over that of the best constant prediction, or else over that of the first epoch.",
    lambda part: f"the loss is {percent(part)} of that of the best constant prediction or of the first epoch",
    number=percent,
)
LEARNED_SINCE = Quantity(
    "learned_since_best",
    "Fraction by which the training loss fell since the validation loss was lowest.",
    lambda fall: f"since the best epoch, the training loss fell by {percent(max(fall, 0.0))}",
    number=lambda fall: percent(max(fall, 0.0)),
)
RISEN = Quantity(
    "risen_since_best",
    "Fraction by which the loss that `best_at` is about is above its minimum.",
    lambda rise: f"the loss has risen by {percent(rise)} since its minimum",
    number=percent,
)
SWING = Quantity(
    "swing",
    "The mean change of the training loss between epochs in the second half, as a fraction of the loss.",
    lambda size: f"the training loss changes by {percent(size)} from one epoch to the next",
    number=percent,
)
HEADWAY = Quantity(
    "headway", "The fall of the loss in the second half of the epochs over all its changes there: 1 if it only falls."
)
HELD_OUT_RISE = Quantity(
    "held_out_rise",
    "The rise of the validation loss (`val_loss`, or else the loss on the probe) since its minimum, over its fall "
    "before or, if larger, a tenth of its initial value.",
    lambda rise: f"the validation loss has lost {percent(rise)} of its improvement",
    "the validation loss has risen without limit",
    number=percent,
    usual="lowest of the last 3 values",
)
HELD_OUT_LEFT = Quantity(
    "held_out_left",
    "The lowest validation loss over that of the best constant prediction, or else over its initial value.",
    number=percent,
)
ACCURACY_ABOVE = Quantity(
    "accuracy_above_the_commonest",
    "The best validation accuracy minus the fraction of the most common class, in standard errors of an accuracy of "
    "that size.",
)
VALIDATION_LOSS = Quantity("val_loss", "The validation loss of the last epoch.", series="epoch/val_loss")
LOSS_OF_PROBE = Quantity("loss_of_probe", "The loss on the probe, if there is no other.", series="diagnosis/loss")
LEAST_OVER_CHANCE = Quantity(
    "least_over_chance",
    "The lowest of three losses (on the probe, of the last epoch, on the validation data) over that of the best "
    "constant prediction.",
    lambda factor: f"the lowest loss is {times(factor, 'that of the best constant prediction')}",
    "the lowest loss is far above that of the best constant prediction",
)
SURELY_OVER_CHANCE = Quantity(
    "surely_over_chance",
    "The lowest of these losses over that of the best constant prediction, plus 3 standard errors of their difference, "
    "measured on the same examples: at most, and where they are not known, 0.03.",
    lambda factor: f"the loss may still be {times(factor, 'that of the best constant prediction')}",
    "the lowest loss is far above that of the best constant prediction",
)
VALIDATION_OVER_CHANCE = Quantity(
    "validation_over_chance",
    "The lowest validation loss over that of the best constant prediction for the validation data.",
    lambda factor: f"the lowest validation loss is {times(factor, 'that of the best constant prediction')}",
    "the lowest validation loss is far above that of the best constant prediction",
)
VALIDATION_AT_THE_END = Quantity(
    "validation_at_the_end",
    "The validation loss of the last epoch over that of the best constant prediction for the validation data or, where "
    "these are no arrays, for the probe.",
    lambda factor: f"the validation loss is {times(factor, 'that of the best constant prediction')}",
    "the validation loss is far above that of the best constant prediction",
)
TRAINING_AT_THE_END = Quantity(
    "training_at_the_end",
    "The training loss of the last epoch over that of the best constant prediction for the training data or, where "
    "these are no arrays, for the probe.",
)
MOVED = Quantity(
    "moved_over_noise",
    "The largest change of any metric from the first third of the epochs to the last, by medians, over its usual "
    "change between epochs.",
    lambda factor: (
        f"the largest change of any metric is {times(factor, 'its usual change between epochs') if factor else 0}"
    ),
)
FELL = Quantity(
    "fell_since_the_first_third",
    "Fraction by which the training loss fell from the first third of the epochs to the last, by medians.",
    lambda fall: f"the training loss {moved(fall)} from the first third of the epochs to the last",
    number=moved,
)
FAULT_OF_LOSS = Quantity(
    "fault_of_loss", "1 if an optimizer of section 8.6 has ended the training by a fault of the loss or its gradient."
)

HELD_OUT = (VALIDATION_LOSS, LOSS_OF_PROBE)
"""The held-out loss in its series, whichever there is."""
