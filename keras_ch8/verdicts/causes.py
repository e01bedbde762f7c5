"""What explains what: while the cause of a difficulty stands at "act", its symptoms are not complained about.

Whoever cures a symptom first cures nothing, and may do the opposite of what the cause asks for: too long a step makes a
loss that does not fall look like a ravine, inputs of a large scale saturate units. Kinds whose cures agree may stand
together: a plateau, and the idle units that make it.
"""

import functools
from collections.abc import Collection, Mapping

_SLOW = ("ill_conditioned", "step_too_short", "noise_dominated", "batch_wasteful", "too_short", "underfitting")
"""What a training looks like that does not get on, whatever the reason."""
_HELD_UP = ("vanishing", "saddle", "plateau", *_SLOW)
"""And one whose gradient is next to nothing."""
_NOT_NEW = ("overfitting", "too_long")
"""And one that gains nothing on new examples. The cures of the two agree: to stop in time."""

EXPLAINS: Mapping[str, tuple[str, ...]] = {
    # what is wrong before the first step: the data, and what is asked of the model
    "wrong_labels": ("step_too_long", "imbalance", "label_order", "short_horizon", *_NOT_NEW, *_HELD_UP),
    "wrong_output": ("no_gradient", "saturated_units", "dead_units", "step_too_long", *_NOT_NEW, *_HELD_UP),
    "wrong_loss": ("no_gradient", "step_too_long", *_NOT_NEW, *_HELD_UP),
    "bad_inputs": (
        "bad_scale",
        "no_gradient",
        "exploding",
        "saturated_units",
        "short_horizon",
        "cliff",
        *_NOT_NEW,
        *_HELD_UP,
    ),
    "equal_units": ("no_gradient", "bad_scale", *_HELD_UP),
    "label_order": ("dead_units", "noise_dominated", "oscillation", "batch_norm_gap", "cliff", *_NOT_NEW),
    "leak": (),
    "imbalance": ("plateau", "underfitting"),
    "no_gradient": ("dead_units", *_HELD_UP),
    # how the model begins
    "exploding": ("bad_scale", "step_too_long", "short_horizon"),
    "bad_scale": ("short_horizon", "cliff", "ill_conditioned"),
    # what the steps do
    "step_too_long": ("nonfinite", "oscillation", "saturated_units", "cliff", "too_long", *_HELD_UP),
    "nonfinite": ("dead_units", "saturated_units", "cliff", "too_long"),
    "oscillation": ("cliff", "noise_dominated", "batch_wasteful", "step_too_short", "too_long"),
    "dead_units": ("cliff", *_SLOW),
    "saturated_units": ("cliff", *_SLOW),
    # what the gradient meets
    "vanishing": _SLOW,
    "saddle": ("plateau", *_SLOW),
    "plateau": ("cliff", *_SLOW),
    "cliff": ("noise_dominated",),
    "step_too_short": ("ill_conditioned", "noise_dominated", "batch_wasteful", "too_short", "underfitting"),
    "ill_conditioned": ("noise_dominated", "batch_wasteful", "too_short", "underfitting"),
    "noise_dominated": ("too_short", "underfitting"),
    "short_horizon": ("underfitting",),
    # what the model has learned
    "batch_norm_gap": ("learns_nothing", *_NOT_NEW),
    "too_short": ("underfitting",),
    "underfitting": ("learns_nothing",),
    "learns_nothing": _NOT_NEW,
    "overfitting": ("batch_wasteful",),
    "too_long": (),
    "batch_wasteful": (),
}
"""Each kind, the causes first, and what follows from it; what follows from that follows from it too."""

OUTCOMES = ("learns_nothing",)
"""Kinds that say what has come of a training, and not why. While one calls for action and nothing that does explains
it, the first explanation that is worth watching calls for action, too."""

ASK_FOR_CALM = ("step_too_long", "noise_dominated", "oscillation", "exploding", "cliff")
"""Kinds that ask for shorter steps, or less noise in them."""
STIR_UP = ("step_too_short", "batch_wasteful")
"""Kinds whose cure makes steps longer or noisier. Beside one that asks for calm it is said, and has no code: pasted all
the same, it left losses of `benchmarks/cures.py` at 1.7 and 6.6 times those without it."""

OF_FALL = ("step_too_long", "oscillation", "learns_nothing", *_NOT_NEW, *_HELD_UP)
"""Kinds that say that the loss should fall more, or not rise: worth watching at most where a loss may rise in a healthy
training (`Fact.LOSS_MAY_RISE`)."""

OF_DATA = ("wrong_labels", "bad_inputs")
"""Kinds that, where they are of the probe alone, say that it is unlike what is trained on."""
_PLACES = {kind: place for place, kind in enumerate(EXPLAINS)}


def place(kind: str) -> int:
    """Return where a kind stands among all, causes first; one that the table does not know stands last."""
    return _PLACES.get(kind, len(_PLACES))


@functools.cache
def follows_from(cause: str) -> frozenset[str]:
    """Return all that a kind explains, by itself or through what it explains.

    Example:
        >>> from keras_ch8.verdicts.causes import follows_from
        >>> sorted(follows_from("exploding") & {"cliff", "bad_scale", "ill_conditioned"})
        ['bad_scale', 'cliff', 'ill_conditioned']
    """
    direct = EXPLAINS.get(cause, ())
    return frozenset(direct).union(*map(follows_from, direct))


def explained_by(kind: str, acting: Collection[str]) -> str:
    """Return the first cause of a kind among those that call for action; "" without one.

    Example:
        >>> from keras_ch8.verdicts.causes import explained_by
        >>> explained_by("ill_conditioned", ["plateau", "step_too_long"]), explained_by("cliff", ["cliff"])
        ('step_too_long', '')
    """
    causes = (cause for cause in acting if kind in follows_from(cause))
    return min(causes, key=place, default="")


def of_training(acting: Mapping[str, bool]) -> list[str]:
    """Return which of the kinds that call for action can explain what is seen of the training itself.

    A probe unlike what is trained on explains only what is measured on it, and so does that.

    Args:
        acting: Each kind, and whether it is of the probe.

    Example:
        >>> from keras_ch8.verdicts.causes import of_training
        >>> of_training({"step_too_long": True, "nonfinite": False})
        ['step_too_long', 'nonfinite']
        >>> of_training({"bad_inputs": True, "step_too_long": True, "nonfinite": False})
        ['nonfinite']
    """
    is_unlike = any(acting.get(kind, False) for kind in OF_DATA)
    return [kind for kind, is_of_probe in acting.items() if not (is_unlike and is_of_probe)]
