"""What is wrong before the first step: checks as data, each with its condition, its sentence and its cure.

A `Check` is judged on the `facts.Facts` of a training. Facts that are not known are NaN or "": they fulfil no
condition.
"""

import math
from collections.abc import Callable

from ._bars import bars_of
from ._check import Check, said
from ._checks_of_data import OF_ALL, OF_LABELS
from ._checks_of_frozen import OF_FROZEN
from ._checks_of_inputs import OF_INPUTS
from ._checks_of_model import OF_LOSS
from ._checks_of_own_loss import OF_OWN_LOSS
from ._checks_of_settings import OF_SETTINGS
from ._checks_of_start import OF_START
from .causes import explained_by
from .code import fitting
from .facts import PROBE, Facts
from .remedies import REMEDIES, Remedy, applicable
from .verdict import Claim

CHECKS: tuple[Check, ...] = (
    *OF_INPUTS, *OF_LABELS, *OF_LOSS, *OF_OWN_LOSS, *OF_FROZEN, *OF_SETTINGS, *OF_START, *OF_ALL
)  # fmt: skip
"""All checks, in the order in which they are made: of each kind the first that speaks is said."""


AFTERWARDS: dict[str, tuple[str, str]] = {
    "wrong_labels": ("The targets should be encoded as the loss expects.", "Print some targets: `print(y[:10])`."),
    "wrong_loss": (
        "The loss should fall below that of the best constant prediction.",
        "Encode the targets as your current loss expects.",
    ),
    "wrong_output": (
        "The loss of what `predict` returns should fall below that of the best constant prediction.",
        "Use a loss that fits the last layer as it is.",
    ),
    "bad_inputs": (
        "The inputs of the first layer should have an RMS of about 1.",
        "Take the logarithm of positive inputs that span many orders of magnitude.",
    ),
    "equal_units": (
        "The units of each layer should differ from one another.",
        "Initialize the layer after this one randomly, too.",
    ),
    "no_gradient": (
        "Every trainable weight matrix should get a nonzero gradient at the start of training.",
        "Add `layers.BatchNormalization` before the activation.",
    ),
    "leak": ("The validation loss should be somewhat higher, but now you can trust it.", ""),
    "label_order": ("Each batch should contain several classes, or numeric targets from the whole range.", ""),
    "imbalance": ("The model should recognize examples of rare classes more often.", ""),
}
"""Of each kind of the start what should change with the cure, and what to do if that does not help; `bad_inputs` is for
inputs of another scale. Checks of other things say their own."""

_OF_TARGETS = ("wrong_labels", "wrong_loss", "wrong_output", "label_order", "imbalance")


def judged_by(facts: Facts) -> list[str]:
    """Return the kinds of trouble that the checks can find by what is known.

    Example:
        >>> from keras_ch8.verdicts.checks import judged_by
        >>> from keras_ch8.verdicts.facts import Facts, Inputs
        >>> judged_by(Facts(inputs=(Inputs(),)))
        ['bad_inputs']
    """
    known = {
        ("bad_inputs",): bool(facts.inputs),
        _OF_TARGETS: any(one.targets.of for one in (facts, *facts.outputs)),
        ("equal_units", "no_gradient"): bool(facts.start.layers),
        ("leak",): not math.isnan(facts.equal_rows),
    }
    return [kind for kinds, is_known in known.items() if is_known for kind in kinds]


def claims_of(facts: Facts, leave_out: Callable[[str, Exception], None]) -> list[Claim]:
    """Return what the checks claim of some facts, of each kind what the first says; causes silence symptoms.

    What is asked of the output, its loss and its labels is asked of each of several outputs.

    A check that fails is left out, after `leave_out` was called with its name and the error.
    """
    found: dict[str, Claim] = {}
    of_other: set[str] = set()
    for check in CHECKS:
        try:
            acting = [kind for kind, claim in found.items() if claim.level == "act"]
            if not check.is_of_other:
                acting = [kind for kind in acting if kind not in of_other]
            if check.kind in found or explained_by(check.kind, acting):
                continue
            if flagged := next((one for one in (facts, *facts.outputs) if check.when(one)), None):
                found[check.kind] = _claim(check, flagged)
                of_other |= {check.kind} if check.is_of_other else set()
        except Exception as error:
            leave_out(check.name, error)
    return list(found.values())


def _claim(check: Check, facts: Facts) -> Claim:
    """Return what a check claims; a check of a kind that rules judge too has the remedies of the kind after its own."""
    remedies = list(applicable(REMEDIES.get(check.kind, ()), {}, facts.has))
    cure, code = said(check.cure, facts), fitting(said(check.code, facts), facts.has)
    expects, then = AFTERWARDS.get(check.kind, ("", ""))
    expects, then = check.expects or expects, said(check.then, facts) or then
    if not cure and remedies:
        cure, code, expects = remedies[0].cure, remedies[0].code, remedies[0].expects
        remedies = remedies[1:]
    why = (f"{check.holds} ({check.source}).",)
    following = next(iter(remedies), Remedy(""))
    then_code = fitting(said(check.then_code, facts), facts.has) if then else following.code
    then = then or following.cure
    is_of_probe = check.is_of_other and facts.other == PROBE
    named = f"Output {facts.output.name!r}: " if facts.output.name else ""
    shows, bars = bars_of(check.kind, facts, check.is_of_other) if check.has_bars else ("", ())
    return Claim(
        check.kind,
        check.level,
        named + said(check.says, facts),
        cure,
        proven=True,
        why=why,
        code=code,
        then=then,
        expects=expects,
        is_of_probe=is_of_probe,
        then_code=then_code,
        shows=shows,
        bars=bars,
    )
