"""Lines of Python that cures share, to put between `compile` and `fit`, and where they are no right edit."""

import ast
import re
from collections.abc import Mapping, Set

from .fact import Fact

_OF_ONE_ARRAY = re.compile(r"\bx\[|\bx\.|len\(x\)|\bx ==|adapt\(x\)")
"""Where code takes the inputs for one array."""
_OF_ONE_TARGET = re.compile(r"\by\[|\by\.|\by =|len\(y\)|\(y[,)]")
"""Where it takes the targets for one."""
NO_EDIT: Mapping[str, tuple[Fact, ...]] = {
    "x": (Fact.NO_ARRAYS,),
    "y": (Fact.NO_ARRAYS,),
    "batch_size": (Fact.NO_ARRAYS,),
    "model.layers": (Fact.SUBCLASSED,),
    "keras.Sequential": (Fact.SEVERAL_OUTPUTS, Fact.OWN_TRAINING_STEP),
    "keras.Input": (Fact.STATEFUL,),
    "keras.models.clone_model": (Fact.SUBCLASSED,),
    "model.trainable_variables": (Fact.SUBCLASSED,),
    "model.optimizer.get_config": (Fact.SCALED_LOSS,),
    "model.optimizer.learning_rate": (Fact.RATE_SET_ELSEWHERE,),
    "keras_ch8.optimizers": (Fact.SCHEDULE_TO_SCALE, Fact.RATE_SET_ELSEWHERE),
    "keras_ch8.schedules": (Fact.RATE_SET_ELSEWHERE, Fact.LOWERED_ON_PLATEAUS),
    "keras_ch8.find_learning_rate": (Fact.OWN_TRAINING_STEP,),
    "keras_ch8.training.compile_as": (Fact.OWN_TRAINING_STEP,),
    "keras_ch8.training.scale_to_data": (Fact.SUBCLASSED, Fact.OWN_TRAINING_STEP),
}
"""What code names, and the facts of a training in which what it does with that is no right edit: a text says it there.

A name stands for all that begins with it: what names `model.optimizer` names `model`, too.
"""
OF_A_DATA_SET = (
    ("scale.adapt(x)", "scale.adapt(x.map(lambda x, *_: x))"),
    ("x.shape[1:]", "x.element_spec[0].shape[1:]"),
    ("x.dtype", "x.element_spec[0].dtype"),
    ("find_learning_rate(model, x, y)", "find_learning_rate(model, x)"),
    ("scale_to_data(model, x[:256], y=y[:256])", "scale_to_data(model, *next(iter(x))[:2])"),
)
"""What code says of arrays x and y, and what in its place where x is a `tf.data.Dataset` of both."""
_OF_TARGETS = re.compile(r"^y = y([^xy\n]*)$", re.MULTILINE)
"""What is done to targets alone, and in its place to those of a `tf.data.Dataset`."""
_IN_A_DATA_SET = r"x = x.map(lambda given, target, *rest: (given, target\1, *rest))"
OF_LAYERS = frozenset({"model.layers", "model.trainable_variables"})
"""What there is only once the model is built."""


def fitting(code: str, has: Set[Fact]) -> str:
    """Return the code of a cure for a training that has this; "" where it is no right edit there.

    So it is decided for all cures here, by what their code names.
    """
    if not code or Fact.LOOP_OF_ONES_OWN in has:
        return ""
    if Fact.SEVERAL_OUTPUTS in has and _OF_ONE_TARGET.search(code):
        return ""
    if Fact.DATA_SET in has and Fact.FLAT_INPUTS not in has and (translated := _of_a_data_set(code)):
        code, has = translated, has - {Fact.NO_ARRAYS}
    named = _named(code)
    if any(has & set(NO_EDIT.get(name, ())) for name in named):
        return ""
    if named & OF_LAYERS and Fact.BUILT_BY_THE_FIRST_BATCH in has:
        if has & {Fact.NO_ARRAYS, Fact.DATA_SET, Fact.SEVERAL_INPUTS}:
            return ""
        code = f"model(x[:1])  # builds the model\n{code}"
    if _OF_ONE_ARRAY.search(code):
        if Fact.SEVERAL_INPUTS in has:
            return ""
        code = f"x = x[:, None]  # a single column\n{code}" if Fact.FLAT_INPUTS in has else code
    is_written_anew = re.search(r"^[xy] =", code, re.MULTILINE) and Fact.VALIDATED_APART in has
    return f"{code}\n# apply the same to x and y of the validation data" if is_written_anew else code


def _of_a_data_set(code: str) -> str:
    """Return code for arrays as it is for a `tf.data.Dataset`; "" where it asks for more than OF_A_DATA_SET has."""
    rest, code = _OF_TARGETS.sub("_", code), _OF_TARGETS.sub(_IN_A_DATA_SET, code)
    for of_arrays, of_set in OF_A_DATA_SET:
        rest, code = rest.replace(of_arrays, "_"), code.replace(of_arrays, of_set)
    return "" if _named(rest) & {"x", "y", "batch_size"} else code


def _named(code: str) -> set[str]:
    """Return all names in code, and with `a.b.c` also `a.b` and `a`."""
    return {ast.unparse(node) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name | ast.Attribute)}


COMPILE_AGAIN = "keras_ch8.training.compile_as(model, body)  # compile as before"
CAUSAL = f"""def causal(layer, *args, **kwargs):
    if isinstance(layer, keras.layers.MultiHeadAttention):
        kwargs["use_causal_mask"] = True
    return layer(*args, **kwargs)

body, model = model, keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=causal)
{COMPILE_AGAIN}"""
WEIGH_OUTPUTS = """\
weights = {weights_of_losses}
weights = weights if isinstance(model.loss, dict) else [*weights.values()]
keras_ch8.training.compile_as(model, model, loss_weights=weights)"""
COMPILE_ANEW = "keras_ch8.training.compile_as(model, model)  # compile again, as before"
UNFREEZE = f"""\
model.trainable = False  # Keras passes nothing but a change on to the layers
model.trainable = True
{COMPILE_ANEW}"""


def with_layers(layers: str) -> str:
    """Return the code that makes the model anew of these layers, among which are its own, `*layers`.

    A sequential model stays one, so that the code of other cures suits it, too.
    """
    return f"""\
layers = model.layers if isinstance(model, keras.Sequential) else [model]
layers = [keras.Input(x.shape[1:]), {layers}]
body, model = model, keras.Sequential(layers)
{COMPILE_AGAIN}"""


_SCALE = "scale = keras.layers.Normalization()\nscale.adapt(x)"
_TARGETS = "targets = keras.layers.Rescaling(float(y.std()), float(y.mean()))"
NORMALIZE_INPUTS = f"{_SCALE}\n{with_layers('scale, *layers')}"
RESCALE_TARGETS = f"{_TARGETS}\n{with_layers('*layers, targets')}"
NORMALIZE_BOTH = f"{_SCALE}\n{_TARGETS}\n{with_layers('scale, *layers, targets')}"
FIND_RATE = """\
found = keras_ch8.find_learning_rate(model, x, y)
model.optimizer.learning_rate = found.suggestion"""
SCALE_TO_DATA = "keras_ch8.training.scale_to_data(model, x[:256], y=y[:256])"
SET_RATE = "model.optimizer.learning_rate = {{{rate}}}"
SCALE_SCHEDULE = """\
settings = model.optimizer.get_config()["learning_rate"]
schedule = keras.optimizers.schedules.deserialize(settings)
schedule = keras_ch8.schedules.ScaledSchedule(schedule, {{{rate}}} / {{rate}})
model.optimizer.learning_rate = schedule"""
SLOWER_FALL = 'model.optimizer.learning_rate = keras_ch8.schedules.LinearDecay({rate}, "100%")'
WITHOUT_PLATEAUS = """\
plateaus = keras.callbacks.ReduceLROnPlateau
callbacks = [each for each in callbacks if not isinstance(each, plateaus)]"""
LARGER_BATCH = "epochs = epochs * {larger_batch} // batch_size\nbatch_size = {larger_batch}"
BY_ADAM = "optimizer=keras_ch8.optimizers.Adam(0.001)"
ADAM = f"keras_ch8.training.compile_as(\n    model, model, {BY_ADAM}\n)"
WITH_CURVATURE = """\
optimizer = keras_ch8.optimizers.LBFGS(history_size=30)
keras_ch8.training.compile_as(model, model, optimizer=optimizer)
batch_size, epochs = len(x), max(epochs, 100)  # one step per epoch"""
NORMALIZE_LAYERS = f"""\
end = max(i for i, layer in enumerate(model.layers) if layer.weights)
layers = [keras.Input(x.shape[1:])]
for layer in model.layers[:end]:
    layers += [layer]
    if layer.weights:
        layers += [keras_ch8.layers.BatchNormalization()]
body, model = model, keras.Sequential([*layers, *model.layers[end:]])
{COMPILE_AGAIN}"""
LEAKY = """\
relus = keras.activations.relu, keras.activations.relu6
for layer in model.layers:
    if getattr(layer, "activation", None) in relus:
        layer.activation = keras.activations.leaky_relu
    elif isinstance(layer, keras.layers.ReLU):
        layer.negative_slope = 0.2"""
ACTIVE = """\
end = max(i for i, layer in enumerate(model.layers) if layer.weights)
unfit = keras.activations.linear, keras.activations.softmax
for layer in model.layers[:end]:
    if getattr(layer, "activation", None) in unfit:
        layer.activation = keras.activations.relu"""
RELUS = ACTIVE.replace("keras.activations.linear, keras.activations.softmax", "[keras.activations.sigmoid]")
SLOWER = f"""\
for layer in model.layers[:-1]:
    if getattr(layer, "activation", None) is keras.activations.exponential:
        layer.activation = keras.activations.relu
{SCALE_TO_DATA}"""
BIASES_OF_0 = """\
for layer in model.layers:
    if getattr(layer, "bias", None) is not None:
        layer.bias.assign(keras.ops.zeros_like(layer.bias))"""
DROP_LESS = """\
layers = list(model.layers)
for layer in layers:
    layers += getattr(layer, "layers", [])  # those of a model inside
    if isinstance(layer, keras.layers.Dropout) and layer.rate >= 0.8:
        layer.rate = 1 - layer.rate"""
LARGER = f"""\
last = [layer for layer in model.layers if layer.weights][-1]
layers = []
for layer in model.layers:
    settings = layer.get_config()
    for name in settings:
        if name in ("units", "filters", "output_dim") and layer is not last:
            settings[name] *= 4
        elif name.endswith("_regularizer"):
            settings[name] = None
    layers += [keras.layers.Dense(64, "relu")] if layer is last else []
    is_whole = isinstance(layer, keras.Model) or not layer.trainable_weights
    if not isinstance(layer, keras.layers.Dropout):
        layers += [layer if is_whole else type(layer).from_config(settings)]
layers = [keras.Input(x.shape[1:], dtype=x.dtype), *layers]
body, model = model, keras.Sequential(layers)
{COMPILE_AGAIN}"""
NUMPY = "import numpy as np\n\n"
"""Where code of a cure begins that needs it."""
SHUFFLE = f"{NUMPY}order = np.random.default_rng(0).permutation(len(x))\nx, y = x[order], y[order]"
NEW_START = """\
start = keras.initializers.GlorotUniform(seed=0)
for weight in model.trainable_variables:
    if len(weight.shape) > 1:
        weight.assign(start(weight.shape))"""
MOMENTUM = """\
layers = list(model.layers)
for layer in layers:
    layers += getattr(layer, "layers", [])  # those of a model inside
    if hasattr(layer, "moving_mean"):
        layer.momentum = {momentum}"""
LONG_MEMORY = f"""\
layers = list(model.layers)
for i, layer in enumerate(layers):
    if isinstance(layer, keras.layers.SimpleRNN):
        forget = keras_ch8.initializers.forget_gate(layer.units, {{memory}})
        layers[i] = keras.layers.LSTM(
            layer.units,
            return_sequences=layer.return_sequences,
            bias_initializer=forget,
            unit_forget_bias=False,
        )
layers = [keras.Input(x.shape[1:], dtype=x.dtype), *layers]
body, model = model, keras.Sequential(layers)
{COMPILE_AGAIN}"""
MASK_ZEROS = f"""\
for layer in model.layers:
    if isinstance(layer, keras.layers.Embedding):
        layer.mask_zero = layer.supports_masking = True
{COMPILE_ANEW}"""
OPEN_GATES = """\
for layer in model.layers:
    if isinstance(layer, keras.layers.LSTM):
        forget = keras_ch8.initializers.forget_gate(layer.units, {memory})
        layer.cell.bias.assign(forget(layer.cell.bias.shape))"""
ORTHOGONAL = """\
for layer in model.layers:
    if isinstance(layer, keras.layers.RNN):
        kernel = layer.cell.recurrent_kernel
        kernel.assign(keras.initializers.Orthogonal(seed=0)(kernel.shape))"""


def setting(name: str, value: str) -> str:
    """Return the code that compiles with the same optimizer, but for one of its arguments."""
    return (
        f'settings = model.optimizer.get_config() | {{{{"{name}": {value}}}}}\n'
        "optimizer = type(model.optimizer).from_config(settings)\n"
        "keras_ch8.training.compile_as(model, model, optimizer=optimizer)"
    )


CLIP = setting("global_clipnorm", "{clip_at}")
CLIP_LESS = setting("clipnorm", 'None,\n    "clipvalue": None, "global_clipnorm": {clip_at}')
DECAY_LESS = setting("weight_decay", "0.004")
ADD_UP_LESS = setting("gradient_accumulation_steps", "{added_up}")
