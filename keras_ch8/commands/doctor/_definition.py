"""What a cure changes in the layers, the optimizer or the loss of a model, as edits where these are written."""

import ast
import re
from collections.abc import Callable, Mapping, Sequence

from ...verdicts import code as codes
from .._source import Edit, Source, bound_by, imported_by, loaded, renamed, stored
from ._place import OF_COMPILE, Place, kind_of, own, scope_of, statement_of, values_of

Edits = list[Edit]
OPTIMIZERS = ("SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "Nadam", "Ftrl", "Lion", "Adafactor",
              "Lamb", "Muon", "Momentum", "Nesterov", "RMSpropNesterov")  # fmt: skip
"""Optimizers whose first argument is the learning rate."""
WEIGHTED = ("Dense", "Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "DepthwiseConv2D", "Conv2DTranspose", "Embedding",
            "LSTM", "GRU", "SimpleRNN", "Bidirectional")  # fmt: skip
PLAIN = ("Activation", "ReLU", "LeakyReLU", "Softmax", "Dropout", "Flatten", "Reshape", "MaxPooling1D", "MaxPooling2D",
         "AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
         "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GaussianNoise", "Rescaling", "SpatialDropout1D",
         "SpatialDropout2D", "ZeroPadding2D", "UpSampling2D", "Masking")  # fmt: skip
"""Layers with weights, and without: where another one stands among them, the code of a cure decides in the run."""
WIDTH = 118
"""Characters of a line from which on an argument has one of its own."""
ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "Softmax")


def moved(place: Place, code: str) -> tuple[Edits, str]:
    """Return the edits that do a part of a cure where the model is defined, and the code that is left."""
    source, edits = Source(code), []
    body, texts = list(source.tree.body), {each: ast.unparse(each) for each in source.tree.body}
    for form, edit in FORMS:
        for i, j in ((begin, end) for begin in range(len(body)) for end in range(len(body), begin, -1)):
            text = "\n".join(texts[each] for each in body[i:j]).replace("x.element_spec[0]", "x")
            found = form.fullmatch(text)
            if (
                found
                and _is_whole(body[:i], body[i:j], body[j:])
                and (its := edit(place, found.groupdict())) is not None
            ):
                edits += its
                del body[i:j]
                break
    return edits, kept(source, body)


def _is_whole(before: list[ast.stmt], part: list[ast.stmt], after: list[ast.stmt]) -> bool:
    """Whether a part of some code shares no names with the rest but those of the training."""
    uses, sets = loaded(ast.Module(part, [])), stored(ast.Module(part, []))
    shared = uses & stored(ast.Module(before, [])) | sets & loaded(ast.Module(after, []))
    return shared <= {"model", "x", "y"}


def kept(source: Source, statements: Sequence[ast.stmt]) -> str:
    """Return some statements of code, with the comments above and beside them."""
    ends = [0, *(statement.end_lineno or 0 for statement in source.tree.body)]
    parts = zip(source.tree.body, ends, ends[1:], strict=False)
    return "".join("".join(source.lines[begin:end]) for statement, begin, end in parts if statement in statements)


def with_argument(script: Source, call: ast.Call, name: str, value: str, number: int = -1) -> Edits | None:
    """Return the edit that gives an argument to a call; None where that is not sure, as after `**options`.

    `number` is where it may stand without its name; -1 for nowhere.
    """
    for keyword in call.keywords:
        if keyword.arg == name:
            return [_replaced(script, keyword.value, value)]
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    if 0 <= number < len(call.args) and not any(isinstance(each, ast.Starred) for each in call.args):
        return [_replaced(script, call.args[number], value)]
    given = [*call.args, *(keyword for keyword in call.keywords)]
    if not given:
        return [(script.end(call) - 1, script.end(call) - 1, f"{name}={value}")]
    return [_after(script, given[-1], f"{name}={value}", call)]


def _after(script: Source, node: ast.expr | ast.keyword, text: str, within: ast.AST) -> Edit:
    """Return the edit that puts one more part after the last one of a call or list, in a line as that has."""
    line, indent = script.lines[(node.end_lineno or 1) - 1].rstrip(), script.before(node)
    if indent.strip() or node.lineno == within.lineno:  # type: ignore[attr-defined]
        indent = f"{line[: len(line) - len(line.lstrip())]}    " if len(line) + len(text) > WIDTH else ""
    gap = f"{script.ending}{indent}" if indent else " "
    return script.end(node), script.end(node), f",{gap}{text}"


def _replaced(script: Source, node: ast.AST, text: str) -> Edit:
    return script.begin(node), script.end(node), text


# --- the optimizer and the loss --------------------------------------------------------------------------------------


def _optimizer(place: Place) -> ast.expr | None:
    """Return how the optimizer is written: a string, or the call that makes it."""
    if (compiles := place.compiles) is None:
        return None
    given = {keyword.arg: keyword.value for keyword in compiles.keywords}
    node = compiles.args[0] if compiles.args else given.get("optimizer")
    if isinstance(node, ast.Name):
        values = values_of(node.id, scope_of(place.script, compiles))
        node = values[0] if len(values) == 1 else None
    is_known = isinstance(node, ast.Constant) or kind_of(node or ast.Pass()) in OPTIMIZERS
    return node if is_known else None


def _with_settings(place: Place, settings: Mapping[str, str]) -> Edits | None:
    """Return the edits that give the optimizer some arguments."""
    node, script = _optimizer(place), place.script
    if isinstance(node, ast.Constant):
        name = next((each for each in OPTIMIZERS if each.lower() == str(node.value).split(">")[-1].lower()), None)
        package = "keras_ch8" if str(node.value).startswith("keras_ch8>") else "keras"
        arguments = ", ".join(f"{key}={quoted(place, value)}" for key, value in settings.items() if value != "None")
        return [_replaced(script, node, f"{package}.optimizers.{name}({arguments})")] if name else None
    if not isinstance(node, ast.Call):
        return None
    edits: Edits = []
    for key, value in zip(settings, (quoted(place, value) for value in settings.values()), strict=True):
        if value == "None" and not any(keyword.arg == key for keyword in node.keywords):
            continue
        if (edit := with_argument(script, node, key, value, 0 if key == "learning_rate" else -1)) is None:
            return None
        edits += edit
    return edits


def _rate(place: Place, found: Mapping[str, str | None]) -> Edits | None:
    """Set the learning rate: where it is a number that only the optimizer reads, there."""
    node = _optimizer(place)
    given = {keyword.arg: keyword.value for keyword in getattr(node, "keywords", [])}
    rate = given.get("learning_rate", next(iter(getattr(node, "args", [])), None))
    if isinstance(rate, ast.Name):
        values = values_of(rate.id, place.script.tree)
        uses = [n for n in ast.walk(place.script.tree) if isinstance(n, ast.Name) and n.id == rate.id]
        if len(values) == 1 and len(uses) == 2 and isinstance(values[0], ast.Constant):
            return [_replaced(place.script, values[0], found["rate"] or "")]
    return _with_settings(place, {"learning_rate": found["rate"] or ""})


def _settings(place: Place, found: Mapping[str, str | None]) -> Edits | None:
    settings = ast.parse(found["settings"] or "", mode="eval").body
    if not isinstance(settings, ast.Dict):
        return None
    names = [ast.literal_eval(key) for key in settings.keys if key is not None]
    return _with_settings(place, dict(zip(names, map(ast.unparse, settings.values), strict=True)))


def _compiled(place: Place, found: Mapping[str, str | None]) -> Edits | None:
    """Give `compile` other arguments; an optimizer that has a name gets its new value there."""
    if place.compiles is None:
        return None
    edits: Edits = []
    for keyword in _keywords(found["changes"]):
        name, value, node = str(keyword.arg), quoted(place, ast.unparse(keyword.value)), _optimizer(place)
        if loaded(keyword.value) - {"keras", "keras_ch8"}:
            return None
        if name == "optimizer" and node is not None:
            edits.append(_replaced(place.script, node, value))
        elif (edit := with_argument(place.script, place.compiles, name, value, OF_COMPILE.index(name))) is not None:
            edits += edit
        else:
            return None
    return edits


def _keywords(text: str | None) -> list[ast.keyword]:
    call = ast.parse(f"f({text or ''})", mode="eval").body
    return call.keywords if isinstance(call, ast.Call) else []


def quoted(place: Place, text: str) -> str:
    """Return Python of `ast.unparse`, which has single quotes, with those that the script has more of."""
    return text if place.script.text.count("'") > place.script.text.count('"') else text.replace("'", '"')


# --- the layers ------------------------------------------------------------------------------------------------------


OF_ACTIVATION = {"Dense": 1, "Activation": 0}
"""Where layers may be given their activation without its name."""


def _set(place: Place, layer: ast.expr, name: str, value: str) -> Edits | None:
    number = OF_ACTIVATION.get(kind_of(layer), -1) if name == "activation" else -1
    call = layer if isinstance(layer, ast.Call) else None
    return call and with_argument(place.script, call, name, quoted(place, value), number)


def _beside(place: Place, layer: ast.expr, text: str, *, is_before: bool = False) -> Edits | None:
    """Return the edit that puts one more layer beside one: in a list, by `add`, or around what it is called with."""
    script, around = place.script, place.script.parents[layer]
    begin, end = script.begin(layer), script.end(layer)
    if isinstance(around, ast.List):
        own_line = not script.before(layer).strip() and layer.lineno != around.lineno
        gap = f",{script.ending}{script.before(layer)}" if own_line else ", "
        return [(begin, begin, f"{text}{gap}")] if is_before else [_after(script, layer, text, around)]
    if isinstance(around, ast.Call) and around.func is layer:
        call, open_ = around, end
        if is_before:
            return [(open_ + 1, open_ + 1, f"{text}("), (script.end(call) - 1, script.end(call) - 1, ")")]
        return [(script.begin(call), script.begin(call), f"{text}("), (script.end(call), script.end(call), ")")]
    statement = script.parents[around]
    if isinstance(around, ast.Call) and isinstance(statement, ast.Expr) and not script.before(statement).strip():
        line = f"{script.said(around.func)}({text})"
        if is_before:
            return [(script.begin(statement),) * 2 + (f"{line}{script.ending}{script.before(statement)}",)]
        return [(script.end(statement),) * 2 + (f"{script.ending}{script.before(statement)}{line}",)]
    return None


def _ending(place: Place, found: Mapping[str, str | None]) -> Edits | None:
    """Give the model another last layer, and what comes behind it, and compile it otherwise."""
    made, layers = found["layers"] or found["output"] or "", list(place.layers)
    match = re.search(r"\[:-(\d)\]|\[-(\d)\]\.input", made)
    left_out = int(match[1] or match[2]) if match else 0
    parts = [_compiled(place, {"changes": found["changes"] or ""})]
    if left_out == 2 and len(layers) > 1 and kind_of(layers[-1]) in ACTIVATIONS:
        parts.append(_without_last(place))
        layers, left_out = layers[:-1], 1
    if not layers or left_out > 1 or (left_out and not found["last"]):
        return None
    last, new = layers[-1], quoted(place, found["last"] or "")
    if left_out:
        parts.append(_other_dense(place, last, new))
    if "Flatten" in made:
        parts.append(_beside(place, last, f"{_prefix(last)}Flatten()", is_before=True))
    behind = [new if new and not left_out else "", found["targets"] or ""]
    return _all(parts + [_beside(place, last, each) for each in behind if each])


def _without_last(place: Place) -> Edits | None:
    """Return the edit that takes the last layer out of a list."""
    around = place.script.parents[place.layers[-1]]
    before = place.script.end(place.layers[-2])
    return [(before, place.script.end(place.layers[-1]), "")] if isinstance(around, ast.List) else None


def _prefix(layer: ast.expr) -> str:
    """Return what stands before the name of the class of a layer, as "layers."; that of Keras where it is nothing."""
    path = ast.unparse(layer.func) if isinstance(layer, ast.Call) else ""
    return f"{path.rpartition('.')[0]}." if "." in path else "keras.layers."


def _other_dense(place: Place, layer: ast.expr, new: str) -> Edits | None:
    """Return the edit that gives a dense layer other units and another activation, and keeps the rest."""
    call = ast.parse(new, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.args[0], ast.Constant):
        return None  # it has as many units as the block before `fit` counts labels
    if kind_of(layer) != "Dense" or not isinstance(layer, ast.Call) or len(layer.args) > 2:
        return [_replaced(place.script, layer, quoted(place, new))]
    kept = [place.script.said(k) for k in layer.keywords if k.arg not in ("units", "activation")]
    given = [ast.unparse(each) for each in (*call.args, *call.keywords)]
    text = f"{ast.unparse(layer.func)}({', '.join([quoted(place, each) for each in given] + kept)})"
    return [_replaced(place.script, layer, text)]


def _last_activation(place: Place, found: Mapping[str, str | None]) -> Edits | None:
    if not place.layers or kind_of(place.layers[-1]) not in OF_ACTIVATION:
        return None
    compiled = _compiled(place, {"changes": found["changes"]}) if found["changes"] else []
    return _all([_set(place, place.layers[-1], "activation", repr(found["activation"])), compiled])


def _activation(layer: ast.expr) -> str | None:
    """Return the activation of a layer; "" for none, None where it is not written as a word."""
    if not isinstance(layer, ast.Call):
        return None
    if kind_of(layer) == "ReLU":
        return "ReLU"
    given = {keyword.arg: keyword.value for keyword in layer.keywords}
    number = OF_ACTIVATION.get(kind_of(layer), len(layer.args))
    node = layer.args[number] if number < len(layer.args) else given.get("activation")
    return "" if node is None else str(node.value) if isinstance(node, ast.Constant) else None


def _hidden(place: Place) -> list[ast.expr]:
    """Return the layers before the last one with weights; none where a layer is not of a known class."""
    if any(kind_of(each) not in (*WEIGHTED, *PLAIN) for each in place.layers):
        return []
    weighted = [i for i, each in enumerate(place.layers) if kind_of(each) in WEIGHTED]
    return list(place.layers[: weighted[-1]]) if weighted else []


def _all(edits: list[Edits | None]) -> Edits | None:
    """Return all edits; None where there are none, or one is not sure."""
    found = [one for its in edits if its for one in its]
    return found if found and None not in edits else None


def _leaky(place: Place, found: Mapping[str, str | None]) -> Edits | None:
    layers = list(place.layers) if _hidden(place) else []
    if any(_activation(each) is None for each in layers):
        return None
    relus = [each for each in layers if _activation(each) in ("relu", "relu6", "ReLU")]
    return _all([_set(place, each, "negative_slope", "0.2") if kind_of(each) == "ReLU"
                 else _set(place, each, "activation", "'leaky_relu'") for each in relus])  # fmt: skip


def _active(place: Place, found: Mapping[str, str | None]) -> Edits | None:
    hidden = [each for each in _hidden(place) if kind_of(each).startswith(("Dense", "Conv", "Activation"))]
    if any(_activation(each) is None for each in hidden):
        return None
    unfit = [each for each in hidden if _activation(each) in ("", "linear", "softmax")]
    return _all([_set(place, each, "activation", "'relu'") for each in unfit])


def _normalized(place: Place, found: Mapping[str, str | None]) -> Edits | None:
    weighted = [each for each in _hidden(place) if kind_of(each) in WEIGHTED]
    return _all([_beside(place, each, "keras_ch8.layers.BatchNormalization()") for each in weighted])


def _masked(place: Place, found: Mapping[str, str | None]) -> Edits | None:
    words = [each for each in place.layers if kind_of(each) == "Embedding"]
    return _all([_set(place, each, "mask_zero", "True") for each in words])


def _first(place: Place, found: Mapping[str, str | None]) -> Edits | None:
    """Put a layer first, and another one last: here or, where they need the data, once these are there."""
    script, layers, made = place.script, place.layers, place.made
    has_shape = any(k.arg in ("input_shape", "input_dim") for k in getattr(next(iter(layers), None), "keywords", []))
    statement = statement_of(script, made) if made else None
    if not layers or has_shape or kind_of(made or ast.Pass()) != "Sequential" or statement is None:
        return None
    names = {name: ast.unparse(place.arguments[name]) for name in ("x", "y") if name in place.arguments}
    code = "".join(found[name] or "" for name in ("scale", "targets")).strip()
    if any(
        name not in names or not _is_known(place, names[name], statement)
        for name in loaded(ast.parse(code)) & {"x", "y"}
    ):
        return None
    names |= {name: script.fresh(name) for name in ("scale", "targets")}
    first, *behind = (
        names.get(each, each) for each in re.split(r", \*layers,? ?", str(found["layers"])) if each != "*layers"
    )
    edits = [
        _beside(place, layers[0], first, is_before=True),
        *(_beside(place, layers[-1], each) for each in behind if each),
    ]
    return _all([[script.before_statement(statement, renamed(code, names))] if code else [], *edits])


def _is_known(place: Place, name: str, statement: ast.stmt) -> bool:
    """Whether a name has its meaning at a statement of the scope of `fit`, and none later."""
    binds = [n for n in own(place.scope) if name in (*bound_by(n), *imported_by(n))]
    is_here = scope_of(place.script, statement) is place.scope
    return is_here and bool(binds) and all(n.lineno < statement.lineno for n in binds)  # type: ignore[attr-defined]


def _like(code: str) -> re.Pattern[str]:
    return re.compile(re.escape(ast.unparse(ast.parse(code))))


_SAME = r"keras_ch8\.training\.compile_as\(model, model"
_BODY = r"\(?body, model\)? = \(model, keras\."
_AS = r"keras_ch8\.training\.compile_as\(model, body(?:, (?P<changes>.*))?\)"
FORMS: tuple[tuple[re.Pattern[str], Callable[[Place, Mapping[str, str | None]], Edits | None]], ...] = (
    (re.compile(r"model\.optimizer\.learning_rate = (?P<rate>keras_ch8\.schedules\.\w+\(.*\)|[\d.e+-]+)"), _rate),
    (re.compile(r"settings = model\.optimizer\.get_config\(\) \| (?P<settings>\{.*\})\noptimizer = type\(model\."
                rf"optimizer\)\.from_config\(settings\)\n{_SAME}, optimizer=optimizer\)"), _settings),
    (re.compile(r"(?:last = (?P<last>.*)\n)?(?:targets = (?P<targets>keras.layers.Rescaling\([\d., e+-]+\))\n)?(?:"
                rf"layers = (?P<layers>\[keras.*\])\n{_BODY}Sequential\(layers\)\)|"
                rf"output = (?P<output>.*)\n{_BODY}Model\(model\.inputs, output\)\))\n{_AS}"), _ending),
    (re.compile(r"model\.layers\[-1\]\.activation = keras\.activations\.(?P<activation>\w+)"
                rf"(?:\n{_SAME}(?:, (?P<changes>.*))?\))?"), _last_activation),
    (re.compile(rf"optimizer = (?P<optimizer>keras_ch8\.optimizers\..*)\n{_SAME}, optimizer=optimizer\)"),
     lambda place, found: _compiled(place, {"changes": f"optimizer={found['optimizer']}"})),
    (re.compile(rf"{_SAME}, (?P<changes>.*)\)"), _compiled),
    (_like(codes.LEAKY), _leaky),
    (_like(codes.ACTIVE), _active),
    (_like(codes.NORMALIZE_LAYERS), _normalized),
    (_like(codes.MASK_ZEROS), _masked),
    (re.compile(r"(?P<scale>scale = .*\nscale\.adapt\(x\)\n)?(?P<targets>targets = .*\n)?"
                + _like(codes.with_layers("LAYERS")).pattern.replace("LAYERS", r"(?P<layers>[^*].*)")), _first),
)  # fmt: skip
"""Forms of the code of cures, as `ast.unparse` writes it, and what makes edits of each; the first that fits counts."""
