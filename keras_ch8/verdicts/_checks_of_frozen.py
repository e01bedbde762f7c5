"""Checks of what is frozen, or left out of the training, by mistake."""

from ._check import CHOSEN, CHOSEN_TO_ACT, Check
from .code import COMPILE_ANEW, UNFREEZE
from .fact import Fact
from .wording import percent

FROZEN = 0.1
"""Part of the weights that are frozen as they were initialized, from which on a model may learn less for it."""
MOSTLY = 0.5
"""And from which on that calls for action."""
OWN_STEP = {Fact.OWN_TRAINING_STEP, Fact.LOOP_OF_ONES_OWN}
"""Trainings whose steps may call the layers in another way than the model does."""


def _frozen_as_initialized(least: float, level: str, source: str) -> Check:
    """Return the check of layers that are frozen and look untrained, and hold at least this part of the weights."""
    return Check(
        f"frozen as initialized, {level}",
        "no_gradient",
        f"Frozen layers hold at least {percent(least)} of the weights and look untrained: all their biases are 0",
        lambda f: f.frozen >= least,
        lambda f: (
            f"{percent(f.frozen)} of the weights are frozen at their initial values: all biases of their layers are 0."
        ),
        "Set `trainable = True` on the frozen layers and compile again, or load trained weights into them.",
        UNFREEZE,
        source,
        expects="The loss should fall further than in this run.",
        then="Load the weights of a trained model into the frozen layers.",
        level=level,
    )


OF_FROZEN = (
    Check(
        "trainable changed after compile",
        "no_gradient",
        "Some weights were frozen or unfrozen after `compile` and the first call to `fit`",
        lambda f: f.has_changed_trainable,
        "You changed `trainable` after `compile`, so `fit` still trains the same weights as before the change.",
        "Call `model.compile` again after you set `trainable`.",
        COMPILE_ANEW,
        expects="Unfrozen weights should now change during training, and frozen weights should not.",
        then="Rebuild the model, set `trainable` on each layer as intended before you compile, and load the weights of "
        "the old model.",
    ),
    Check(
        "nothing is trained",
        "no_gradient",
        "No weight of the model is trainable",
        lambda f: not f.is_trained,
        "None of the model's weights are trainable, so training cannot change them.",
        "Set `trainable = True` on the layers that should learn, and compile again.",
        UNFREEZE,
        then="Add a layer with weights, such as `keras.layers.Dense`.",
    ),
    Check(
        "weights that the model does not know",
        "no_gradient",
        f"Trainable variables that the model reads, at least {percent(FROZEN)} of the weights, are not among its "
        "weights, and all biases among them are 0",
        lambda f: f.start.untracked >= FROZEN,
        lambda f: f"{percent(f.start.untracked)} of the weights are unknown to Keras, so no step trains them: they are "
        "not in `model.weights`.",
        "Create weights with `self.add_weight` instead of `tf.Variable`, and keep layers as attributes of the layer or "
        "model that calls them.",
        expects="`model.summary()` should count these weights, and the loss should fall further.",
        then="Collect the variables in `__init__` or `build`, not in objects that are no layers.",
    ),
    _frozen_as_initialized(MOSTLY, "act", CHOSEN_TO_ACT),
    _frozen_as_initialized(FROZEN, "watch", CHOSEN),
    Check(
        "frozen, and yet it moves",
        "no_gradient",
        "A frozen layer still changes: only its variables were frozen, not the layer itself, or its sublayers were "
        "created after it was frozen",
        lambda f: bool(f.start.still_moving) and not f.has & OWN_STEP,
        lambda f: "{} is frozen, but each step still changes {}.".format(*f.start.still_moving[0]),
        "After the layer is built, set its `trainable` to True and then to False, because Keras propagates the value "
        "only when it changes. Then compile again.",
        lambda f: f"for layer in model.layers:\n    if layer.name in {[name for name, _ in f.start.still_moving]}:\n"
        "        layer.trainable = True  # Keras propagates the value only when it changes\n"
        f"        layer.trainable = False\n{COMPILE_ANEW}",
        expects="The layer should no longer change.",
        then="Rebuild the model, freeze the layer, and only then compile.",
        level="watch",
    ),
    Check(
        "training=False that fit overrides",
        "no_gradient",
        "A layer is called with `training=False`, but each training step still changes the moving statistics of its "
        "batch normalization",
        lambda f: bool(f.start.overridden) and not f.has & OWN_STEP,
        lambda f: f"You call {f.start.overridden[0]} with `training=False`, but `fit` overrides that: each step still "
        "changes the moving statistics of its batch normalization.",
        "Set `trainable = False` on the batch normalization layers inside this layer, and compile again.",
        lambda f: f"for layer in map(model.get_layer, {list(f.start.overridden)}):\n"
        '    for part in getattr(layer, "layers", [layer]):\n        if hasattr(part, "moving_mean"):\n'
        f"            part.trainable = False\n{COMPILE_ANEW}",
        expects="The moving statistics of batch normalization should no longer change.",
        then="Set `trainable = False` on the whole layer that contains the batch normalization, and compile again.",
        level="watch",
    ),
    Check(
        "left out by the optimizer",
        "no_gradient",
        f"After the first epoch, no optimizer updates layers with at least {percent(FROZEN)} of the weights, and all "
        "their biases are still 0",
        lambda f: f.left_out >= FROZEN,
        lambda f: f"No optimizer trains {percent(f.left_out)} of the weights: they keep their initial values.",
        "Apply the gradients of all `model.trainable_variables` in your training step.",
        "",
        CHOSEN,
        expects="The loss should fall further than in this run.",
        then="Set `trainable = False` on layers that should not be trained.",
        level="watch",
    ),
)  # fmt: skip
