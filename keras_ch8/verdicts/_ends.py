"""Another end of a model, as code: its last activation or layer, its loss, and metrics that fit them."""

from .code import BY_ADAM, COMPILE_AGAIN, COMPILE_ANEW
from .fact import Fact
from .facts import CROSS_ENTROPIES, Facts, Targets
from .wording import digits

BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")
"""Metrics of classes that Keras chooses by the shapes of the output and the labels."""
OF_CLASSES = ("acc", "auc", "precision", "recall", "crossentropy", "positives", "negatives", "f1")
"""Parts of the names of metrics that tell classes apart."""


def _fits(metric: str, loss: str) -> bool:
    """Whether a metric says something of what is predicted with a loss, by its name."""
    if loss not in CROSS_ENTROPIES:
        return not any(part in metric for part in OF_CLASSES)
    if loss == "sparse_categorical_crossentropy":
        return metric in BY_SHAPE or "sparse" in metric
    return ("sparse" if loss == "categorical_crossentropy" else "categorical") not in metric


def overshoots(facts: Facts) -> bool:
    """Whether steps of the usual rates times the gradient of a squared error would be far too long."""
    return facts.targets.are_large and not facts.has & {Fact.ADAPTIVE_RATES, Fact.OWN_STEP_LENGTH}


def with_loss(facts: Facts, loss: str, body: str = "model") -> str:
    """Return the code that compiles a model with this loss, and otherwise as it was or as another was.

    Metrics stay, unless one does not fit: then one that does is in the place of all. So does the optimizer, unless the
    loss becomes a squared error of large targets, which steps in proportion to the gradient would overshoot.
    """
    output, reasons, changes = facts.output, [], [f'loss="{loss}"']
    unfit = [name for name in (*output.metrics, *output.weighted_metrics) if not _fits(name, loss)]
    if unfit:
        fitting = "accuracy" if loss in CROSS_ENTROPIES else "mean_absolute_error"
        reasons.append(
            f"# {fitting}, since {' and '.join(unfit)} {'is' if len(unfit) == 1 else 'are'} for other outputs"
        )
        changes += [f'metrics=["{fitting}"]', *(["weighted_metrics=None"] if output.weighted_metrics else [])]
    if loss == "mean_squared_error" and overshoots(facts):
        deviation = digits(facts.targets.deviation)
        reasons.append(f"# Adam, since one rate for all weights overshoots targets with a deviation of {deviation}")
        changes.append(BY_ADAM)
    return "\n".join([*reasons, f"keras_ch8.training.compile_as(model, {body}, {', '.join(changes)})"])


def for_numbers(facts: Facts) -> str:
    """Return the cure of a cross-entropy that compares numbers, as the beginning of a sentence; see `with_loss`."""
    optimizer = " and `optimizers.Adam`" if overshoots(facts) else ""
    return f"Compile with `keras.losses.MeanSquaredError`{optimizer}, with no activation at the end"


def with_activation(facts: Facts, activation: str, loss: str = "") -> str:
    """Return the code that sets the last activation, and another loss if it is given."""
    if not facts.output.can_be_set:
        return ""
    again = with_loss(facts, loss) if loss else COMPILE_ANEW
    return f"model.layers[-1].activation = keras.activations.{activation}\n{again}"


def with_dense(facts: Facts) -> str:
    """Return the code that puts a layer without activation behind those of a Sequential model."""
    if Fact.SEQUENTIAL not in facts.has:
        return ""
    return (
        f"last = keras.layers.Dense({facts.output.units})\n"
        "body, model = model, keras.Sequential([keras.Input(x.shape[1:]), *model.layers, last])\n"
        f"{COMPILE_AGAIN}"
    )


def with_flat(facts: Facts) -> str:
    """Return the code that ends a Sequential model with one prediction for each example, of all its places."""
    return with_last(facts, facts.output.units, facts.output.activation or "linear", before="keras.layers.Flatten(), ")


def with_last(facts: Facts, units: int, activation: str, loss: str = "", before: str = "") -> str:
    """Return the code that puts another last layer in the place of that of a Sequential model."""
    layers = facts.start.layers
    if Fact.SEQUENTIAL not in facts.has or not facts.output.can_be_set or not layers or not layers[-1].has_matrix:
        return ""
    return (
        f'last = keras.layers.Dense({units}, activation="{activation}")\n'
        f"body, model = model, keras.Sequential([keras.Input(x.shape[1:]), *model.layers[:-1], {before}last])\n"
        f"{with_loss(facts, loss, 'body') if loss else COMPILE_AGAIN}"
    )


def activation_for(targets: Targets) -> str:
    """Return the activation whose range holds the targets."""
    if targets.low >= 0 and targets.high <= 1:
        return "sigmoid"
    return "tanh" if targets.low >= -1 and targets.high <= 1 else "linear"


def classes(facts: Facts) -> int:
    """Return the units that an output needs for these labels."""
    return max(facts.targets.classes, int(facts.targets.high) + 1)


def with_right_end(facts: Facts) -> tuple[str, str]:
    """Return the cure of an output of one unit that its loss compares with nothing, and its code, by the targets."""
    targets, loss = facts.targets, facts.output.loss
    is_of_classes = loss in ("categorical_crossentropy", "sparse_categorical_crossentropy")
    if targets.of in ("0 and 1", ""):
        cure = "Take sigmoid as the last activation, with `keras.losses.BinaryCrossentropy`."
        return cure, with_activation(facts, "sigmoid", "binary_crossentropy" if is_of_classes else "")
    if is_of_classes and targets.of in ("classes", "one-hot"):
        units = targets.width if targets.of == "one-hot" else classes(facts)
        return f"Give the last layer {units} units, one for each class, and softmax.", with_last(
            facts, units, "softmax", loss
        )
    if loss in CROSS_ENTROPIES:
        return f"{for_numbers(facts)}.", with_activation(facts, "linear", "mean_squared_error")
    return "Take no activation at the end: the targets are numbers.", with_activation(facts, "linear")


def with_classes(facts: Facts) -> str:
    """Return the code that ends with softmax over classes, and takes the cross-entropy of these."""
    loss, output = "sparse_categorical_crossentropy", facts.output
    if output.units < classes(facts):
        return with_last(facts, classes(facts), "softmax", loss)
    return with_loss(facts, loss) if output.activation == "softmax" else with_activation(facts, "softmax", loss)
