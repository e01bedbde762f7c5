"""Checks of losses by what they are for some predictions: of one's own, and of relative errors."""

from ._check import CHOSEN, Check, can_give, interval, name_of
from .ending import by, class_of, code_by, cure_by, for_numbers, same_end, without
from .facts import CROSS_ENTROPIES, DISTANCES, End, Facts
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
"""Part of the loss of the best constant prediction that right and certain predictions may have at most."""


def _rewards_errors(facts: Facts) -> bool:
    """Whether the loss of one's own is larger for the truth than for wrong predictions, or has no end below it."""
    own = facts.own_loss
    is_larger = own.of_truth > max(own.of_opposite, own.of_constant)
    return (is_larger and own.of_truth - own.of_opposite > 0.01 * abs(own.of_truth)) or own.falls_without_end


def _leaves_much(facts: Facts) -> bool:
    own = facts.own_loss
    return own.of_certainty > 0 and LEFT * own.of_constant < own.of_certainty < own.of_constant


OF_OWN_LOSS = (
    Check(
        "directions of single numbers",
        "wrong_loss",
        "the cosine of one number is taken",
        lambda f: f.output.loss == "cosine_similarity" and f.output.units == 1 and f.targets.width == 1,
        "cosine_similarity compares directions, and of one number that is its sign alone: the size of what "
        "is predicted does not count.",
        *by(for_numbers),
    ),
    Check(
        "directions of vectors of any length",
        "wrong_loss",
        f"the cosine is taken of rows of up to {FEW} numbers whose lengths differ, of an output that is not normalized",
        lambda f: f.output.loss == "cosine_similarity" and f.targets.of == "numbers" and 1 < f.targets.width <= FEW
        and f.targets.lengths > ALIKE and f.output.end is not End.LENGTH_1,
        lambda f: "cosine_similarity compares directions, and the targets differ in length too, by "
        f"{percent(f.targets.lengths)} of the mean: the size of what is predicted does not count.",
        *by(for_numbers),
        CHOSEN,
        then="If directions are all that counts, end with `keras.layers.UnitNormalization`.",
    ),
    Check(
        "divergence of numbers",
        "wrong_loss",
        "the targets of a divergence of distributions are single numbers, or below 0",
        lambda f: f.output.loss == "kl_divergence" and f.targets.of == "numbers"
        and (f.targets.width == 1 or f.targets.low < 0),
        lambda f: f"kl_divergence compares distributions, and the targets are numbers of "
        f"{interval(f.targets.low, f.targets.high)}.",
        *by(for_numbers),
    ),
    Check(
        "sides of numbers",
        "wrong_loss",
        "the targets of a loss of two sides are numbers",
        lambda f: f.output.loss in OF_SIDES and f.targets.of == "numbers" and f.targets.values > 3,
        lambda f: f"{f.output.loss} asks for sides, -1 and 1, and the targets are numbers of "
        f"{interval(f.targets.low, f.targets.high)}.",
        *by(for_numbers),
    ),
    Check(
        "logits with a limit",
        "wrong_output",
        "the loss takes logits of an activation that cannot say no, or cannot be certain",
        lambda f: f.output.loss in CROSS_ENTROPIES and f.output.from_logits is True
        and f.output.activation in LIMITED,
        lambda f: "The loss takes logits (from_logits=True), which go from far below 0 to far above it, but "
        f"{name_of(f.output)} ends with {f.output.activation}, which gives {can_give(f.output)}.",
        "End with no activation.",
        lambda f: f"{f.output.at}.activation = keras.activations.linear" if f.output.can_be_set else "",
    ),
    Check(
        "a loss of certain predictions",
        "wrong_loss",
        f"a loss of one's own has for predictions that are right and certain more than {LEFT:g} of what it has for the "
        "best constant",
        _leaves_much,
        lambda f: f"The loss is {digits(f.own_loss.of_certainty)} for probabilities that are right and certain, and "
        f"{digits(f.own_loss.of_constant)} for those that are the same for all: it may take them for logits, or have a "
        "softmax or a sigmoid of its own.",
        "End with no activation, if the loss has one; or take it out of the loss.",
        lambda f: f"{f.output.at}.activation = keras.activations.linear" if f.output.can_be_set else "",
        CHOSEN,
    ),
    Check(
        "normalized at the end",
        "wrong_output",
        "a loss of numbers is taken of an output that is normalized for each example by itself",
        lambda f: f.output.loss in DISTANCES and f.targets.of != "probabilities" and f.output.end is End.ONE_SIZE,
        lambda f: f"The model ends with {f.output.ends_with}, which gives "
        + ("the same for all examples." if f.output.units == 1 else "numbers of one mean and one size for each."),
        lambda f: f"Put {f.output.ends_with} before the last layer with weights, or take it away.",
        lambda f: without(f, 1),
    ),
    Check(
        "labels that are smoothed away",
        "wrong_loss",
        f"the loss smooths the labels by {SMOOTHED:g} or more",
        lambda f: f.output.loss in CROSS_ENTROPIES and f.output.label_smoothing >= SMOOTHED,
        lambda f: f"label_smoothing={digits(f.output.label_smoothing)} takes that part of each label away, and gives "
        "it to all classes alike: little is left to learn.",
        "Compile with a label_smoothing of 0.1, or of 0.",
        lambda f: "" if f.output.name else
        f"loss = keras.losses.{class_of(f.output.loss)}(from_logits={bool(f.output.from_logits)}, "
        "label_smoothing=0.1)\nkeras_ch8.training.compile_as(model, model, loss=loss)",
        CHOSEN,
    ),
    Check(
        "labels that are not read",
        "wrong_labels",
        "a loss of one's own does not change with what is predicted for the examples of one label, and would with the "
        "labels written otherwise",
        lambda f: bool(f.own_loss.written),
        lambda f: f"The loss does not change with what is predicted for the examples of label "
        f"{digits(f.own_loss.unread, 4)}: with labels written as {f.own_loss.written} it would.",
        lambda f: "Write the labels as -1 and 1." if f.own_loss.written == "-1 and 1"
        else "Write the labels as one-hot rows.",
        lambda f: "y = 2 * y - 1" if f.own_loss.written == "-1 and 1" else f"import keras\n\n"
        f"y = keras.utils.to_categorical(y, {f.output.units})",
    ),
    Check(
        "errors over small targets",
        "wrong_loss",
        f"a loss divides by targets of 0, of both signs, or of which one in 100 is below {SMALL:g} of the median size",
        lambda f: f.output.loss == "mean_absolute_percentage_error" and (f.targets.zeros > 0
            or (f.targets.of == "numbers" and (RARE < f.targets.negative < 1 - RARE or f.targets.smallest < SMALL))),
        lambda f: f"{f.output.loss} divides by the targets, which are {interval(f.targets.low, f.targets.high)}; "
        + (f"{percent(f.targets.zeros)} of them are 0, and count for nearly all of the loss." if f.targets.zeros > 0
           else f"one in 100 is below {percent(f.targets.smallest)} of the median size, and counts that much more."),
        *by(for_numbers),
        CHOSEN,
        then="Or take `keras.losses.MeanAbsoluteError`: a percentage of a target near 0 means nothing.",
    ),
    Check(
        "a loss that rewards errors",
        "wrong_loss",
        "a loss of one's own is larger for predictions that are right than for wrong ones and for the mean target, or "
        "falls without end as predictions go away from the targets",
        _rewards_errors,
        lambda f: f"The loss is {digits(f.own_loss.of_truth)} for predictions that are right and "
        + (f"falls without end as they go away from the targets: to {digits(f.own_loss.of_far)} far away."
           if f.own_loss.falls_without_end else
           f"{digits(f.own_loss.of_opposite)} for wrong ones: training makes it small, and the predictions wrong."),
        lambda f: "Let the loss grow with the error, whatever its sign: take its square or its size."
        if f.own_loss.falls_without_end else "Change the sign of the loss: training makes it small, not large.",
        lambda f: code_by(f, same_end(f, loss="mean_squared_error")) if f.own_loss.falls_without_end
        else "" if f.output.name else OTHER_SIGN,
    ),
    Check(
        "a loss that breaks at certain predictions",
        "wrong_loss",
        "a loss of one's own, or its gradient, is NaN or infinite where one prediction is exactly 0 or 1, which the "
        "output can give, and clipping mends it",
        lambda f: bool(f.own_loss.breaks),
        lambda f: f"The {f.own_loss.breaks} is NaN or infinite where a prediction is exactly {f.own_loss.breaks_at}, "
        f"which {f.output.activation or f.output.ends_with} gives once it is certain.",
        lambda f: cure_by(f, same_end(f, loss=f.own_loss.same_as)) if f.own_loss.same_as
        else "Clip the predictions in the loss: `keras.ops.clip(y_pred, epsilon, 1 - epsilon)` with "
        "`epsilon = keras.config.epsilon()`, since 1 minus a smaller number may be 1.",
        lambda f: code_by(f, same_end(f, loss=f.own_loss.same_as)) if f.own_loss.same_as
        else "" if f.output.name else CLIPPED,
        then="End with no activation, and write the loss of logits.",
        expects="The loss should stay finite.",
    ),
)  # fmt: skip
