"""Checks of what is frozen, or left out of the training, by mistake."""

from ._check import CHOSEN, Check
from .code import COMPILE_ANEW
from .fact import Fact
from .wording import percent

FROZEN = 0.1
"""Part of the weights that are frozen as they were initialized, from which on a model may learn less for it."""
OWN_STEP = {Fact.OWN_TRAINING_STEP, Fact.LOOP_OF_ONES_OWN}
"""Trainings whose steps may call the layers in another way than the model does."""

OF_FROZEN = (
    Check(
        "trainable changed after compile",
        "no_gradient",
        "Some weights were frozen or unfrozen after `compile` and a first `fit`",
        lambda f: f.has_changed_trainable,
        "You changed `trainable` after `compile`, so `fit` still trains the weights that it trained before.",
        "Call `model.compile` again after you set `trainable`.",
        COMPILE_ANEW,
        expects="The weights that you unfroze should move, and those that you froze should not.",
        then="Rebuild the model with the layers frozen as you want them, and load its weights.",
    ),
    Check(
        "nothing is trained",
        "no_gradient",
        "No weight of the model is trainable",
        lambda f: not f.is_trained,
        "No weight of the model is trainable, so no step changes anything.",
        "Set `trainable = True` on the layers that should learn, and compile again.",
        f"model.trainable = True\n{COMPILE_ANEW}",
        then="Add a layer with weights, such as `keras.layers.Dense`.",
    ),
    Check(
        "frozen as initialized",
        "no_gradient",
        f"Layers with {percent(FROZEN)} of the weights or more are frozen, and all their biases are 0",
        lambda f: f.frozen >= FROZEN,
        lambda f: f"{percent(f.frozen)} of the weights are frozen at their initial values: all biases of their layers "
        "are 0.",
        "Set `trainable = True` on these layers and compile again, or load trained weights.",
        f"model.trainable = True\n{COMPILE_ANEW}",
        CHOSEN,
        expects="The loss should fall further.",
        then="Load the weights of a trained model.",
        level="watch",
    ),
    Check(
        "frozen, and yet it moves",
        "no_gradient",
        "A frozen layer still changes: only its variables are frozen, or the layers inside it were made after it was "
        "frozen",
        lambda f: bool(f.start.still_moving) and not f.has & OWN_STEP,
        lambda f: "{} is frozen, but each step still changes {}.".format(*f.start.still_moving[0]),
        "Set `trainable` of the built layer to True and then to False, since Keras passes on only what changes. Then "
        "compile again.",
        lambda f: f"for layer in model.layers:\n    if layer.name in {[name for name, _ in f.start.still_moving]}:\n"
        "        layer.trainable = True  # Keras passes on only what changes\n"
        f"        layer.trainable = False\n{COMPILE_ANEW}",
        expects="The layer should no longer change.",
        then="Rebuild the model, freeze the layer, and only then compile.",
        level="watch",
    ),
    Check(
        "training=False that fit overrides",
        "no_gradient",
        "A layer is called with `training=False`, but each step changes its batch normalization",
        lambda f: bool(f.start.overridden) and not f.has & OWN_STEP,
        lambda f: f"You call {f.start.overridden[0]} with `training=False`, but `fit` overrides that: each step still "
        "changes its batch normalization.",
        "Set `trainable = False` on its layers of batch normalization, and compile again.",
        lambda f: f"for layer in map(model.get_layer, {list(f.start.overridden)}):\n"
        '    for part in getattr(layer, "layers", [layer]):\n        if hasattr(part, "moving_mean"):\n'
        f"            part.trainable = False\n{COMPILE_ANEW}",
        expects="Its moving statistics should stay as they are.",
        then="Set `trainable = False` on the whole layer.",
        level="watch",
    ),
    Check(
        "left out by the optimizer",
        "no_gradient",
        f"After the first epoch, layers with {percent(FROZEN)} of the weights or more are in no optimizer, and all "
        "their biases are still 0",
        lambda f: f.left_out >= FROZEN,
        lambda f: f"No optimizer trains {percent(f.left_out)} of the weights: they keep their initial values.",
        "Apply the gradients of all `model.trainable_variables` in your training step.",
        "",
        CHOSEN,
        expects="The loss should fall further.",
        then="Set `trainable = False` on layers that should rest.",
        level="watch",
    ),
)  # fmt: skip
