"""Checks of losses by what they are for some predictions: of one's own, and of relative errors."""

from ._check import CHOSEN, CHOSEN_TO_ACT, Check, can_give, interval, name_of
from .ending import by, class_of, code_by, cure_by, for_numbers, same_end, without
from .facts import CROSS_ENTROPIES, DISTANCES, OF_PROBABILITIES, End, Facts
from .wording import digits, percent

SMALL = 0.05
"""Size of small targets over the median size, below which relative errors are those of the small ones."""
RARE = 0.02
"""Fraction of the targets of one sign, up to which they are exceptions."""

OF_SIDES = ("hinge", "squared_hinge", "categorical_hinge")
"""Losses of classes that are written as sides, or as one-hot rows."""
LIMITED = ("relu", "tanh", "softsign", "hard_tanh", "relu6")
"""Activations that keep logits from being what they should."""
FEW, ALIKE = 16, 0.1
"""Columns up to which the length of a row counts, as of forces: more are those of embeddings, compared by direction.
And the standard deviation of the lengths over their mean up to which they are alike."""
SMOOTHED = 0.5
"""Smoothing of labels from which on most of them is gone; 0.1 is usual."""
OTHER_SIGN = """\
(loss,) = keras.tree.flatten(model.loss)
keras_ch8.training.compile_as(model, model, loss=lambda y_true, y_pred: -loss(y_true, y_pred))"""
CLIPPED = """\
(loss,), epsilon = keras.tree.flatten(model.loss), keras.config.epsilon()
keras_ch8.training.compile_as(
    model, model, loss=lambda y_true, y_pred: loss(y_true, keras.ops.clip(y_pred, epsilon, 1 - epsilon))
)"""
LEFT = 0.6
"""Part of the loss of the best constant prediction that correct and certain predictions may have at most."""


def _rewards_errors(facts: Facts) -> bool:
    """Whether the loss of one's own is larger for the truth than for wrong predictions, or has no end below it.

    Where nothing but its size tells that the output is a probability, it may be a distance, which is to be small for
    the label 1: a loss that is never below 0 may want that.
    """
    own, output = facts.own_loss, facts.output
    is_larger = own.of_truth > max(own.of_opposite, own.of_constant)
    is_read = bool(output.activation) or output.units > 1 or own.of_opposite < 0
    return (is_larger and is_read and own.of_truth - own.of_opposite > 0.01 * abs(own.of_truth)) \
        or own.falls_without_end  # fmt: skip


def _leaves_much(facts: Facts) -> bool:
    own = facts.own_loss
    return own.of_certainty > 0 and LEFT * own.of_constant < own.of_certainty < own.of_constant


OF_OWN_LOSS = (
    Check(
        "each prediction with all targets",
        "wrong_labels",
        "Your loss compares each prediction with the targets of all examples",
        lambda f: f.own_loss.compares_all,
        "Your loss compares each prediction with the targets of all examples, because their shapes differ: one is (n,) "
        "and the other (n, 1).",
        "Give the targets the shape of the predictions in your loss: `y = keras.ops.reshape(y, "
        "keras.ops.shape(y_pred))`.",
        lambda f: "y = y[:, None]" if f.output.axes in (0, 2) else "",  # 0: seen in a step, which compares (n, 1)
        expects="The loss should fall below that of the best constant prediction.",
        then="Print both shapes in your loss.",
    ),
    Check(
        "directions of single numbers",
        "wrong_loss",
        "Cosine similarity is used to compare single numbers",
        lambda f: f.output.loss == "cosine_similarity" and f.output.units == 1 and f.targets.width == 1,
        "With single numbers, cosine_similarity compares only the signs and ignores the size of your predictions.",
        *by(for_numbers),
    ),
    Check(
        "directions of vectors of any length",
        "wrong_loss",
        f"Cosine similarity is used with an unnormalized output and target vectors of up to {FEW} numbers whose norms "
        "differ",
        lambda f: f.output.loss == "cosine_similarity" and f.targets.of == "numbers" and 1 < f.targets.width <= FEW
        and f.targets.lengths > ALIKE and f.output.end is not End.LENGTH_1,
        lambda f: "cosine_similarity compares only directions, but the norms of the targets differ, too, by "
        f"{percent(f.targets.lengths)} of their mean.",
        *by(for_numbers),
        CHOSEN,
        then="If only the direction of the target vectors matters, end the model with "
        "`keras.layers.UnitNormalization`.",
        level="watch",
    ),
    Check(
        "divergence of numbers",
        "wrong_loss",
        "A KL divergence receives single numbers or negative values as targets",
        lambda f: f.output.loss == "kl_divergence" and f.targets.of == "numbers"
        and (f.targets.width == 1 or f.targets.low < 0),
        lambda f: f"kl_divergence compares distributions, but the targets are numbers from "
        f"{interval(f.targets.low, f.targets.high)}.",
        *by(for_numbers),
    ),
    Check(
        "sides of numbers",
        "wrong_loss",
        "A hinge loss, which is for classes, receives numeric targets",
        lambda f: f.output.loss in OF_SIDES and f.targets.of == "numbers" and f.targets.values > 3,
        lambda f: f"{f.output.loss} is for classes, but the targets are numbers from "
        f"{interval(f.targets.low, f.targets.high)}.",
        *by(for_numbers),
    ),
    Check(
        "logits with a limit",
        "wrong_output",
        "The loss expects logits, but the last activation limits their range",
        lambda f: f.output.loss in OF_PROBABILITIES and f.output.from_logits is True
        and f.output.activation in LIMITED,
        lambda f: "The loss expects logits because of from_logits=True, but "
        f"{name_of(f.output)} ends with {f.output.activation}, which outputs only {can_give(f.output)}.",
        "End the model without an activation.",
        lambda f: f"{f.output.at}.activation = keras.activations.linear" if f.output.can_be_set else "",
    ),
    Check(
        "a loss of certain predictions",
        "wrong_loss",
        f"Your loss for correct, fully confident predictions exceeds {LEFT:g} times that of the best constant "
        "prediction",
        _leaves_much,
        lambda f: f"Your loss is still {digits(f.own_loss.of_certainty)} when all predictions are correct and fully "
        "confident: it may expect logits, or apply softmax or sigmoid itself.",
        "End the model without an activation, or remove the softmax or sigmoid from your loss.",
        lambda f: f"{f.output.at}.activation = keras.activations.linear" if f.output.can_be_set else "",
        CHOSEN_TO_ACT,
    ),
    Check(
        "normalized at the end",
        "wrong_output",
        "The output of a regression is normalized for each example separately",
        lambda f: f.output.loss in DISTANCES and f.targets.of != "probabilities" and f.output.end is End.ONE_SIZE,
        lambda f: f"The model ends with {f.output.ends_with}, which "
        + ("outputs the same for all examples." if f.output.units == 1
           else "gives every prediction the same mean and size."),
        lambda f: f"Move {f.output.ends_with} before the last layer with weights, or remove it.",
        lambda f: without(f, 1),
    ),
    Check(
        "labels that are smoothed away",
        "wrong_loss",
        f"The loss uses label smoothing of {SMOOTHED:g} or more",
        lambda f: f.output.loss in CROSS_ENTROPIES and f.output.label_smoothing >= SMOOTHED,
        lambda f: f"label_smoothing={digits(f.output.label_smoothing)} spreads so much of each label over all classes "
        "that little is left to learn.",
        "Set `label_smoothing` to 0.1 or 0.",
        lambda f: "" if f.output.name else
        f"loss = keras.losses.{class_of(f.output.loss)}(from_logits={bool(f.output.from_logits)}, "
        "label_smoothing=0.1)\nkeras_ch8.training.compile_as(model, model, loss=loss)",
        CHOSEN_TO_ACT,
    ),
    Check(
        "labels that are not read",
        "wrong_labels",
        "Your loss ignores the predictions for all examples with a certain label, but would use them if the labels "
        "were encoded differently",
        lambda f: bool(f.own_loss.written),
        lambda f: f"Your loss ignores what you predict for label {digits(f.own_loss.unread, 4)}: it seems to expect "
        f"labels encoded as {f.own_loss.written}.",
        lambda f: "Encode the labels as -1 and 1." if f.own_loss.written == "-1 and 1"
        else "Encode the labels as one-hot rows.",
        lambda f: "y = 2 * y - 1" if f.own_loss.written == "-1 and 1" else f"import keras\n\n"
        f"y = keras.utils.to_categorical(y, {f.output.units})",
    ),
    Check(
        "errors over small targets",
        "wrong_loss",
        "A loss divides by targets that contain zeros, have both signs, or include at least 1 % of values below "
        f"{SMALL:g} times the median magnitude",
        lambda f: f.output.loss == "mean_absolute_percentage_error" and (f.targets.zeros > 0
            or (f.targets.of == "numbers" and (RARE < f.targets.negative < 1 - RARE or f.targets.smallest < SMALL))),
        lambda f: f"{f.output.loss} divides by the targets, and the smallest ones dominate it: "
        + (f"{percent(f.targets.zeros)} of the targets are 0." if f.targets.zeros > 0
           else f"1 in 100 is below {percent(f.targets.smallest)} of the median magnitude."),
        *by(for_numbers),
        CHOSEN_TO_ACT,
        then="Use `keras.losses.MeanAbsoluteError`: a percentage error is meaningless for targets near 0.",
    ),
    Check(
        "a loss that is linear",
        "wrong_loss",
        "Your loss is linear in the probabilities that a softmax gives for three or more classes",
        lambda f: f.own_loss.is_linear and f.own_loss.of_truth < f.own_loss.of_opposite,
        lambda f: f"Your loss is linear in the {f.output.units} probabilities of the softmax, so it has almost no "
        "gradient where they are wrong.",
        "Take the logarithm of the predictions, not of the targets: Keras's losses expect `y_true` first, then "
        "`y_pred`.",
        source="Zhang and Sabuncu (2018), section 3",
        then="Use `keras.losses.CategoricalCrossentropy`.",
    ),
    Check(
        "a loss that rewards errors",
        "wrong_loss",
        "Your loss is higher for correct predictions than for wrong or constant ones, or falls without limit as the "
        "error grows",
        _rewards_errors,
        lambda f: "Your loss rewards errors: "
        + (f"it falls without limit as the error grows, to {digits(f.own_loss.of_far)} far from the targets."
           if f.own_loss.falls_without_end else
           f"it is {digits(f.own_loss.of_truth)} for correct predictions and {digits(f.own_loss.of_opposite)} for "
           "wrong ones."),
        lambda f: "Let the loss grow with the error in both directions: use the squared or absolute error."
        if f.own_loss.falls_without_end else "Flip the sign of your loss: training minimizes it.",
        lambda f: code_by(f, same_end(f, loss="mean_squared_error")) if f.own_loss.falls_without_end
        else "" if f.output.name else OTHER_SIGN,
    ),
    Check(
        "a loss that breaks at certain predictions",
        "wrong_loss",
        "Your loss or its gradient is NaN or infinite when a prediction is exactly 0 or 1, and clipping the "
        "predictions fixes it",
        lambda f: bool(f.own_loss.breaks),
        lambda f: f"The {f.own_loss.breaks} is NaN or infinite when a prediction is exactly {f.own_loss.breaks_at}, "
        f"which {f.output.activation or f.output.ends_with} outputs once it is certain.",
        lambda f: cure_by(f, same_end(f, loss=f.own_loss.same_as)) if f.own_loss.same_as
        else "Clip the predictions in the loss: `keras.ops.clip(y_pred, epsilon, 1 - epsilon)` with "
        "`epsilon = keras.config.epsilon()`. A smaller `epsilon` may be lost to rounding.",
        lambda f: code_by(f, same_end(f, loss=f.own_loss.same_as)) if f.own_loss.same_as
        else "" if f.output.name else CLIPPED,
        then="End the model without an activation, and rewrite your loss to take logits.",
        expects="The loss should stay finite.",
    ),
)  # fmt: skip
