"""Another end of a model: the units, the activation and the loss for its targets, in words and as code."""

import dataclasses
from collections.abc import Callable, Sequence

from .code import BY_ADAM, COMPILE_AGAIN, COMPILE_ANEW, FIND_RATE, NUMPY
from .fact import Fact
from .facts import CROSS_ENTROPIES, DISTANCES, PROBABILITIES, RANGES, Facts, Output, Targets
from .wording import counted, digits

FAR = 10.0
"""Root mean square of targets, from which on an output without a limit takes long to reach them, or is thrown there."""
MOST_OF_ONE, OF_EACH = 10, 4
"""Different whole numbers of one unit up to which they are classes, and examples of each on average, from which on more
of them are."""
OF_CLASSES = ("acc", "auc", "precision", "recall", "crossentropy", "positives", "negatives", "f1")
"""Parts of the names of metrics that tell classes apart."""
OF_NUMBERS = ("absolute", "squared", "mae", "mse", "r2")
"""Parts of the names of metrics that compare numbers."""
BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")
"""Metrics of classes that Keras chooses by the shapes of the output and the labels."""
BY_HALF = (("accuracy",), ("acc",))
"""Metrics of a single output that count more than 1/2 as the label 1; `BinaryAccuracy` may have another limit."""
WIDTH = 80
"""Columns of a terminal, in which code is printed."""
NUMBERED = f"{NUMPY}labels, y = np.unique(y, return_inverse=True)"
ZERO_AND_ONE = 'y = (y == y.max()).astype("float32")'
WITHOUT_RELU = f"""\
relu = model.layers[-{{place}}]
if isinstance(relu, keras.layers.ReLU):
    relu.negative_slope = 1.0  # makes it the identity
else:
    relu.activation = keras.activations.linear
{COMPILE_ANEW}"""


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a model ends.

    Args:
        units: Units of its last layer.
        activation: Its activation.
        loss: Name of the loss.
        labels: Lines of Python that write the labels as this loss reads them; "" where they are.
    """

    units: int
    activation: str
    loss: str
    labels: str = ""


# --- what the targets ask for ---------------------------------------------------------------------------------------


def are_two(targets: Targets) -> bool:
    """Whether there are two different targets only, which are not 0 and 1."""
    return targets.values == 2 and (targets.low, targets.high) != (0.0, 1.0)


def are_a_quantity(facts: Facts) -> bool:
    """Whether whole numbers are to be met, and are no classes, by what the program does with them.

    Where the output has a unit for each they are classes. Where it has one unit, and there are few examples of each
    number, they are none; and where the loss or a metric compares numbers, and no metric tells classes apart.
    """
    targets, output = facts.targets, facts.output
    if targets.of != "classes" or (targets.low >= 0 and targets.high < output.units):
        return False
    if output.units == 1 and targets.classes > max(MOST_OF_ONE, targets.examples * targets.places / OF_EACH):
        return True
    metrics = (*output.metrics, *output.weighted_metrics)
    compares = output.loss in DISTANCES or any(part in name for name in metrics for part in OF_NUMBERS)
    return compares and not any(part in name for name in metrics for part in OF_CLASSES)


def ending_for(facts: Facts) -> Ending:
    """Return the end of a model that fits its targets: for classes, for labels of 0 and 1, and else for numbers."""
    targets, output = facts.targets, facts.output
    if targets.width > 1:
        if targets.of == "several labels":
            return Ending(targets.width, "sigmoid", "binary_crossentropy")
        return Ending(targets.width, "softmax", "categorical_crossentropy") if targets.classes else for_numbers(facts)
    is_one = targets.of == "one class" and targets.low >= 0 and targets.high <= 1
    has_units = output.units == 2 or (output.units > 2 and output.loss == "categorical_crossentropy")
    if (targets.of in ("0 and 1", "") or is_one or are_two(targets)) and not (has_units and targets.are_whole):
        return Ending(1, "sigmoid", "binary_crossentropy", ZERO_AND_ONE if are_two(targets) else "")
    return _of_classes(targets, output) if targets.are_whole and not are_a_quantity(facts) else for_numbers(facts)


def _of_classes(targets: Targets, output: Output) -> Ending:
    """Return the end of a model for whole labels, which are numbered anew where they leave gaps."""
    needed = int(targets.high) + 1
    fits = output.units > 1 and targets.classes <= output.units
    has_gaps = needed > output.units if fits else targets.low > 0 or needed >= 2 * targets.classes
    is_numbered = targets.low < 0 or has_gaps
    units = output.units if fits else max(targets.classes if is_numbered else needed, 2)
    return Ending(units, "softmax", "sparse_categorical_crossentropy", NUMBERED if is_numbered else "")


def for_numbers(facts: Facts) -> Ending:
    """Return the end of a model for targets that are numbers to be met."""
    loss = facts.output.loss
    return Ending(max(facts.targets.width, 1), "linear", loss if loss in DISTANCES else "mean_squared_error")


def activation_for(targets: Targets) -> str:
    """Return the activation whose range holds the targets."""
    if targets.low >= 0 and targets.high <= 1:
        return "sigmoid"
    return "tanh" if targets.low >= -1 and targets.high <= 1 else "linear"


def same_end(facts: Facts, activation: str = "", loss: str = "") -> Ending:
    """Return the end as it is, but for another activation or another loss."""
    output = facts.output
    return Ending(output.units, activation or output.activation, loss or output.loss)


# --- what it changes ------------------------------------------------------------------------------------------------


def _is_scaled(facts: Facts, to: Ending) -> bool:
    """Whether an output that is to meet numbers far from 1 is scaled to them: else it diverges, or stays far off."""
    targets, is_scaled = facts.targets, facts.output.ends_with == "Rescaling"
    is_free = RANGES.get(to.activation) == RANGES["linear"] and to.loss not in CROSS_ENTROPIES
    return is_free and not is_scaled and targets.size > FAR and targets.deviation > 0


def _by_adam(facts: Facts, to: Ending) -> bool:
    """Whether steps along the gradient, which grows with the square of the scale of the output, are too long."""
    return _is_scaled(facts, to) and not facts.has & {Fact.ADAPTIVE_RATES, Fact.OWN_STEP_LENGTH}


def _finds_rate(facts: Facts, to: Ending) -> bool:
    """Whether the problem is another one, for which the rate was not chosen, and one number sets it."""
    is_set = facts.has & {Fact.LEARNING_RATE_SCHEDULE, Fact.OWN_STEP_LENGTH, Fact.STATEFUL}
    is_set |= frozenset() if Fact.DATA_SET in facts.has else facts.has & {Fact.NO_ARRAYS}
    is_other = _has_other_loss(facts.output, to) and to.loss != facts.own_loss.same_as
    return (is_other or _is_scaled(facts, to)) and not is_set


def _has_other_loss(output: Output, to: Ending) -> bool:
    gives_none = to.activation not in PROBABILITIES and not output.are_probabilities
    return to.loss != output.loss or (output.from_logits is True and not gives_none)


def class_of(loss: str) -> str:
    """Return the name of the class of a loss."""
    return "".join(word.capitalize() for word in loss.split("_"))


def by(end: Callable[[Facts], Ending]) -> tuple[Callable[[Facts], str], Callable[[Facts], str]]:
    """Return what gives the cure of a check, and its code, by the end that a model should have."""
    return lambda facts: cure_by(facts, end(facts)), lambda facts: code_by(facts, end(facts))


def cure_by(facts: Facts, to: Ending) -> str:
    """Return the sentence that asks for another end."""
    output, is_linear = facts.output, to.activation == "linear"
    has_other_loss, is_scaled = _has_other_loss(output, to), _is_scaled(facts, to)
    compiled = [f"`keras.losses.{class_of(to.loss)}`"] * has_other_loss + ["`optimizers.Adam`"] * _by_adam(facts, to)
    units = counted(to.units, "unit" if is_linear else f"{to.activation} unit")
    steps = [
        {NUMBERED: "number the classes from 0", ZERO_AND_ONE: "recode the labels as 0 and 1"}.get(to.labels, ""),
        f"end with {units}{' without an activation' * is_linear}" if to.units != output.units
        else f"end {'the model without an activation' if is_linear else f'with {to.activation}'}"
        if to.activation != output.activation else "",
        "rescale the output with `keras.layers.Rescaling(y.std(), y.mean())`" if is_scaled else "",
        f"compile with {' and '.join(compiled)}" if compiled else "",
        "find a new learning rate with `keras_ch8.find_learning_rate`" if _finds_rate(facts, to) else "",
    ]  # fmt: skip
    *others, last = filter(None, steps)
    text = f"{', '.join(others)}, and {last}" if others else last
    return f"{text[0].upper()}{text[1:]}."


def code_by(facts: Facts, to: Ending, before: str = "") -> str:
    """Return the code that gives a model another end; "" where its last layers are not known.

    Args:
        facts: What is known of the training.
        to: The end that it should have.
        before: A layer, as Python, that comes before a last one that is new. Defaults to "": none.
    """
    output, lines, layers, left_out = facts.output, [to.labels] * bool(to.labels), [], 0
    if before or to.units != output.units or (to.activation != output.activation and not output.can_be_set):
        units = "len(labels)" if to.labels == NUMBERED and to.units == facts.targets.classes else to.units
        activation = "" if to.activation == "linear" else f', activation="{to.activation}"'
        lines.append(f"last = keras.layers.Dense({units}{activation})")
        layers, left_out = [*filter(None, [before]), "last"], output.replaced
    elif to.activation != output.activation:
        lines.append(f"{output.at}.activation = keras.activations.{to.activation}")
    if _is_scaled(facts, to):
        targets = facts.targets
        lines.append(f"targets = keras.layers.Rescaling({digits(targets.deviation, 3)}, {digits(targets.mean, 6)})")
        layers.append("targets")
    if (layers and output.replaced < 0) or (_has_other_loss(output, to) and not output.compiled_by):
        return ""
    lines += [with_end(facts, layers, left_out)] * bool(layers)
    lines += _compiled(facts, to, "body" if layers else "model")
    return "\n".join([*lines, *([FIND_RATE] if _finds_rate(facts, to) else [])])


def from_logits(facts: Facts) -> str:
    """Return the code that lets a cross-entropy take logits, which needs no other layer; "" of other losses.

    A metric that counts what is above 1/2 then counts what is above 0.
    """
    output = facts.output
    if output.loss not in CROSS_ENTROPIES or not output.compiled_by or not output.is_mean:
        return ""
    smoothing = f", label_smoothing={digits(output.label_smoothing)}" if output.label_smoothing else ""
    loss = f"keras.losses.{class_of(output.loss)}(from_logits=True{smoothing})"
    changes = ["loss=" + output.compiled_by.replace('"{}"', "{}").format(loss)]
    if output.loss == "binary_crossentropy" and output.metrics in BY_HALF and not output.name:
        changes.append(f'metrics=[keras.metrics.BinaryAccuracy("{output.metrics[0]}", threshold=0)]')
    return _compile_as("model", changes)


def with_end(facts: Facts, layers: Sequence[str], left_out: int) -> str:
    """Return the code that puts layers in the place of the last ones of a model.

    A sequential model stays one, so that the code of other cures suits it, too.
    """
    if Fact.SEQUENTIAL in facts.has and not facts.has & {Fact.NO_ARRAYS, Fact.STATEFUL}:
        kept = f"*model.layers[:-{left_out}]" if left_out else "*model.layers"
        lines = f"layers = [keras.Input(x.shape[1:]), {', '.join([kept, *layers])}]"
        made = "keras.Sequential(layers)"
    else:
        made = f"model.layers[-{left_out}].input" if left_out else "model.layers[-1].output"
        for layer in layers:
            made = f"{layer}({made})"
        lines, made = f"output = {made}", "keras.Model(model.inputs, output)"
    return f"{lines}\nbody, model = model, {made}"


def without(facts: Facts, place: int) -> str:
    """Return the code that leaves out one of the last two layers, by its place from the end; "" where it is not one."""
    if not 0 < place <= 2 or facts.has & {Fact.SUBCLASSED, Fact.SEVERAL_OUTPUTS}:
        return ""
    return f"{with_end(facts, ['model.layers[-1]'] * (place - 1), place)}\n{COMPILE_AGAIN}"


def _compiled(facts: Facts, to: Ending, body: str) -> list[str]:
    """Return the lines that compile a model with this loss, and otherwise as it was or as another was.

    Metrics stay, unless one does not fit: then one that does is in the place of all. So does the optimizer, unless the
    loss is one of numbers far from 1.
    """
    output, reasons, changes = facts.output, [], []
    unfit = [name for name in (*output.metrics, *output.weighted_metrics) if not _fits(name, to.loss)]
    if _has_other_loss(output, to):
        changes.append(f"loss={output.compiled_by.format(to.loss)}")
        if unfit and not output.name:
            metric = "accuracy" if to.loss in CROSS_ENTROPIES else "mean_absolute_error"
            do = "does" if len(unfit) == 1 else "do"
            reasons.append(f"# {metric}, because {' and '.join(unfit)} {do} not fit this output")
            changes += [f'metrics=["{metric}"]', *(["weighted_metrics=None"] if output.weighted_metrics else [])]
    if _by_adam(facts, to):
        deviation = digits(facts.targets.deviation)
        reasons.append(f"# Adam: a single rate overshoots targets with a standard deviation of {deviation}")
        changes.append(BY_ADAM)
    if not changes:
        return [COMPILE_AGAIN if body == "body" else COMPILE_ANEW]
    return [*reasons, _compile_as(body, changes)]


def _compile_as(body: str, changes: Sequence[str]) -> str:
    """Return the line that compiles a model as another was, but for some arguments."""
    line = f"keras_ch8.training.compile_as(model, {body}, {', '.join(changes)})"
    lines = ",\n    ".join([f"model, {body}", *changes])
    return line if len(line) <= WIDTH else f"keras_ch8.training.compile_as(\n    {lines},\n)"


def _fits(metric: str, loss: str) -> bool:
    """Whether a metric says something of what is predicted with a loss, by its name."""
    if loss not in CROSS_ENTROPIES:
        return not any(part in metric for part in OF_CLASSES)
    if loss == "sparse_categorical_crossentropy":
        return metric in BY_SHAPE or "sparse" in metric
    return ("sparse" if loss == "categorical_crossentropy" else "categorical") not in metric
