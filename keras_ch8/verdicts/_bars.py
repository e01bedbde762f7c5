"""What a verdict on labels or inputs shows of them: bars with the shares of all examples, and no example."""

import math
from collections.abc import Iterable

from .facts import CROSS_ENTROPIES, Bar, Facts, Targets
from .wording import digits, percent

BEST = 1.0
"""Size that most inputs should have; a bar is marked that begins beyond it, at 10 or more."""
LARGEST = 1e308
"""What is not finite lies beyond it."""
Bars = tuple[tuple[str, float, bool], ...]


def bars_of(kind: str, facts: Facts, is_of_other: bool) -> tuple[str, Bars]:
    """Return what bars show a verdict of a kind, and the bars; "" where none do."""
    targets, inputs = (facts.other_targets, facts.other_inputs) if is_of_other else (facts.targets, facts.inputs)
    of = f"in {facts.other}" if is_of_other else f"in the first {targets.examples} training examples"
    match kind:
        case "leak" if not facts.copied:
            return "Validation examples", _two("also in the training data", facts.equal_rows, "new")
        case "label_order" if is_of_other:
            return "Validation examples", _two("of classes without training examples", facts.unseen, "of other classes")
        case "label_order" if facts.commonest_read:
            usual = (facts.other_targets if targets.of == "one class" else targets).commonest
            bars = tuple((f"part {i}", x, x > (1 + usual) / 2) for i, x in enumerate(facts.commonest_read, 1))
            return f"Share of the commonest label in each part of {of[3:]} (about {percent(usual)} if shuffled)", bars
        case "imbalance":
            return f"Labels {of}", _marked(targets.bars, most=0.5)
        case "wrong_labels" if targets.empty > 0:
            return f"Rows of targets {of}", _two("without a 1", targets.empty, "with a 1")
        case "wrong_labels" if targets.bars:
            low, high = _expected(facts, targets)
            expected = f" (expected: {digits(low)} to {digits(high)})" if high < LARGEST else ""
            return f"Targets {of}{expected}", _marked(targets.bars, low, high)
        case "bad_inputs" if len(inputs) == 1 and inputs[0].bars:
            return "Sizes of the input values (about 1 works best)", _marked(inputs[0].bars, high=BEST)
    return "", ()


def _two(one: str, share: float, other: str) -> Bars:
    return (one, share, True), (other, 1 - share, False)


def _marked(bars: Iterable[Bar], low: float = -LARGEST, high: float = LARGEST, most: float = 2.0) -> Bars:
    """Return bars, marked where they lie beyond what is expected, are not finite, or have the most."""
    return tuple((_name(bar), bar.share, bar.high < low or bar.low > high or bar.share >= most) for bar in bars)


def _name(bar: Bar) -> str:
    if math.isinf(bar.high):
        return "NaN or infinite" if math.isinf(bar.low) else f"{digits(bar.low)} or more"
    return digits(bar.low, 4) if bar.low == bar.high else f"{digits(bar.low)} to {digits(bar.high)}"


def _expected(facts: Facts, targets: Targets) -> tuple[float, float]:
    """Return the smallest and the largest target that the loss expects; of all, the largest numbers."""
    loss, units = facts.output.loss, facts.output.units
    if loss not in CROSS_ENTROPIES or not units or targets.of in ("one-hot", "one class"):
        return -LARGEST, LARGEST
    return 0.0, units - 1.0 if loss == "sparse_categorical_crossentropy" else 1.0
