"""What a cure changes in the layers, the optimizer or the loss of a model, as edits where these are written."""

import ast
import re
from collections.abc import Callable, Mapping, Sequence

from ...verdicts import code as codes
from .._source import Edit, Source, bound_by, imported_by, loaded, renamed, stored
from ._place import OF_COMPILE, Place, held_by, kind_of, own, scope_of, statement_of, values_of

Edits = list[Edit]
OPTIMIZERS = ("SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "Nadam", "Ftrl", "Lion", "Adafactor",
              "Lamb", "Muon", "Momentum", "RMSpropNesterov")  # fmt: skip
"""Optimizers whose first argument is the learning rate."""
WEIGHTED = ("Dense", "Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "DepthwiseConv2D", "Conv2DTranspose", "Embedding",
            "LSTM", "GRU", "SimpleRNN", "Bidirectional")  # fmt: skip
"""Layers with weights."""
ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "Softmax")
PLAIN = (*ACTIVATIONS, "Dropout", "Flatten", "Reshape", "MaxPooling1D", "MaxPooling2D", "AveragePooling1D",
         "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
         "GlobalMaxPooling2D", "GaussianNoise", "Rescaling", "ZeroPadding2D", "UpSampling2D", "Masking")  # fmt: skip
"""Layers without."""
OF_ACTIVATION = {"Dense": 1, "Activation": 0}
"""Where layers may be given their activation without its name."""
WIDTH = 118
"""Characters from which on a line is broken before what is added to it."""


class NotSure(Exception):
    """What is written is not surely what holds in the run: a part of a cure stays before `fit`, where it is."""


def moved(place: Place, code: str) -> tuple[Edits, str]:
    """Return the edits that do a part of a cure where the model is defined, and the code that is left."""
    source, edits = Source(code), []
    body, texts = list(source.tree.body), {each: ast.unparse(each) for each in source.tree.body}
    for form, edit in FORMS:
        for i, j in ((begin, end) for begin in range(len(body)) for end in range(len(body), begin, -1)):
            text = "\n".join(texts[each] for each in body[i:j]).replace("x.element_spec[0]", "x")
            if (found := form.fullmatch(text)) and _is_whole(body[:i], body[i:j], body[j:]):
                try:
                    edits += edit(place, **found.groupdict(default=""))
                except NotSure:
                    continue
                del body[i:j]
                break
    is_over = [texts[each] for each in body] == ["model(x[:1])"]  # which only builds it for the rest
    return edits, "" if is_over else kept(source, body)


def _is_whole(before: list[ast.stmt], part: list[ast.stmt], after: list[ast.stmt]) -> bool:
    """Whether a part of some code shares no names with the rest but those of the training."""
    uses, sets = loaded(ast.Module(part, [])), stored(ast.Module(part, []))
    return uses & stored(ast.Module(before, [])) | sets & loaded(ast.Module(after, [])) <= {"model", "x", "y"}


def kept(source: Source, statements: Sequence[ast.stmt]) -> str:
    """Return some statements of code, with the comments above and beside them."""
    ends = [0, *(statement.end_lineno or 0 for statement in source.tree.body)]
    parts = zip(source.tree.body, ends, ends[1:], strict=False)
    return "".join("".join(source.lines[begin:end]) for statement, begin, end in parts if statement in statements)


def quoted(script: Source, text: str) -> str:
    """Return Python of `ast.unparse`, which has single quotes, with those that the script has more of."""
    return text if script.text.count("'") > script.text.count('"') else text.replace("'", '"')


def with_argument(script: Source, call: ast.Call, name: str, value: str, number: int = -1) -> Edits:
    """Return the edit that gives an argument to a call.

    Args:
        script: The script.
        call: The call.
        name: Name of the argument.
        value: The argument.
        number: Where it may stand without its name; -1 for nowhere.

    Raises:
        NotSure: If the call unpacks a dict, which may have it.
    """
    value = quoted(script, value)
    for keyword in call.keywords:
        if keyword.arg == name:
            return [_replaced(script, keyword.value, value)]
    if any(keyword.arg is None for keyword in call.keywords):
        raise NotSure
    if 0 <= number < len(call.args) and not any(isinstance(each, ast.Starred) for each in call.args):
        return [_replaced(script, call.args[number], value)]
    given: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    if given:
        return [_after(script, given[-1], f"{name}={value}", call)]
    return [(script.end(call) - 1, script.end(call) - 1, f"{name}={value}")]


def _after(script: Source, node: ast.expr | ast.keyword, text: str, within: ast.expr) -> Edit:
    """Return the edit that puts one more part after the last one of a call or list, in a line as that has."""
    line, indent = script.lines[(node.end_lineno or 1) - 1].rstrip(), script.before(node)
    if indent.strip() or node.lineno == within.lineno:
        indent = f"{line[: len(line) - len(line.lstrip())]}    " if len(line) + len(text) > WIDTH else ""
    return script.end(node), script.end(node), f",{f'{script.ending}{indent}' if indent else ' '}{text}"


def _replaced(script: Source, node: ast.AST, text: str) -> Edit:
    return script.begin(node), script.end(node), text


def _argument(call: ast.AST | None, name: str, number: int) -> ast.expr | None:
    """Return an argument of a call."""
    if not isinstance(call, ast.Call):
        return None
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    return call.args[number] if 0 <= number < len(call.args) else given.get(name)


# --- the optimizer and the loss --------------------------------------------------------------------------------------


def _given(place: Place, name: str) -> ast.expr | None:
    """Return an argument of `compile` as it is written: of a name that is set once, what it is set to."""
    node = _argument(place.compiles, name, OF_COMPILE.index(name))
    if isinstance(node, ast.Name) and place.compiles:
        values = values_of(node.id, scope_of(place.script, place.compiles))
        node = values[0] if len(values) == 1 else None
    return node


def _optimizer(place: Place) -> ast.expr | None:
    """Return how the optimizer is written: a string, or the call that makes it; None if it is another expression."""
    node = _given(place, "optimizer")
    return node if isinstance(node, ast.Constant) or (node and kind_of(node) in OPTIMIZERS) else None


def _with_settings(place: Place, settings: Mapping[str, str]) -> Edits:
    """Return the edits that give the optimizer some arguments."""
    node, script = _optimizer(place), place.script
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        package, _, word = f"keras>{node.value}".rpartition(">")
        name = next((each for each in OPTIMIZERS if each.lower() == word.lower()), "")
        arguments = ", ".join(f"{key}={quoted(script, value)}" for key, value in settings.items() if value != "None")
        text = f"{package.rpartition('>')[2]}.optimizers.{name}({arguments})"
        return [_replaced(script, node, text)] if name else _not_sure()
    if not isinstance(node, ast.Call):
        raise NotSure
    there = {keyword.arg for keyword in node.keywords}
    needed = {key: value for key, value in settings.items() if value != "None" or key in there}
    numbers = {"learning_rate": 0}
    return [e for key in needed for e in with_argument(script, node, key, needed[key], numbers.get(key, -1))]


def _not_sure() -> Edits:
    raise NotSure


def _rate(place: Place, rate: str) -> Edits:
    """Set the learning rate: where it is a number that only the optimizer reads, there."""
    script, node = place.script, _argument(_optimizer(place), "learning_rate", 0)
    if isinstance(node, ast.Name):
        values = values_of(node.id, script.tree)
        uses = [n for n in ast.walk(script.tree) if node.id in (getattr(n, "id", ""), *bound_by(n))]
        if len(values) == 1 and len(uses) == 2 and isinstance(values[0], ast.Constant):
            return [_replaced(script, values[0], quoted(script, rate))]
    return _with_settings(place, {"learning_rate": rate})


def _settings(place: Place, settings: str) -> Edits:
    """Give the optimizer the arguments of a dict, as it is written."""
    node = ast.parse(settings, mode="eval").body
    if not isinstance(node, ast.Dict):
        raise NotSure
    pairs = zip(node.keys, node.values, strict=True)
    return _with_settings(place, {ast.literal_eval(key): ast.unparse(value) for key, value in pairs if key})


def _compiled(place: Place, changes: str) -> Edits:
    """Give `compile` other arguments.

    An optimizer that has a name gets its new value there, and a loss of the same class the arguments that are new.
    """
    edits: Edits = []
    for keyword in _keywords_of(ast.parse(f"f({changes})", mode="eval").body):
        name, value, optimizer = keyword.arg or "", ast.unparse(keyword.value), _optimizer(place)
        if place.compiles is None or loaded(keyword.value) - {"keras", "keras_ch8"}:
            raise NotSure
        loss = _given(place, "loss")
        if name == "optimizer" and optimizer is not None:
            edits.append(_replaced(place.script, optimizer, quoted(place.script, value)))
        elif name == "loss" and isinstance(loss, ast.Call) and kind_of(loss) == kind_of(keyword.value):
            given = [(each.arg or "", ast.unparse(each.value)) for each in _keywords_of(keyword.value)]
            edits += [edit for each in given for edit in with_argument(place.script, loss, *each)]
        else:
            edits += with_argument(place.script, place.compiles, name, value, OF_COMPILE.index(name))
    return edits


def _keywords_of(call: ast.expr) -> list[ast.keyword]:
    return call.keywords if isinstance(call, ast.Call) else []


# --- the layers ------------------------------------------------------------------------------------------------------


def _layer(place: Place, number: int) -> ast.Call:
    """Return the first layer or the last one, if it surely is that: what adds it stands in no loop or condition."""
    layer = place.layers[number] if place.layers else None
    if not isinstance(layer, ast.Call) or place.made is None:
        raise NotSure
    statements = [statement_of(place.script, node) for node in (layer, place.made)]
    if None in statements or len({place.script.parents[each] for each in statements if each}) > 1:
        raise NotSure
    return layer


def _set(place: Place, layer: ast.expr, name: str, value: str) -> Edits:
    """Give a layer an argument."""
    number = OF_ACTIVATION.get(kind_of(layer), -1) if name == "activation" else -1
    return with_argument(place.script, layer, name, value, number) if isinstance(layer, ast.Call) else _not_sure()


def _before(place: Place, layer: ast.expr, text: str) -> Edits:
    """Put one more layer before one: in a list, by `add`, or around what it is called with."""
    script, around = place.script, place.script.parents[layer]
    if isinstance(around, ast.List):
        has_line = not script.before(layer).strip() and layer.lineno != around.lineno
        gap = f",{script.ending}{script.before(layer)}" if has_line else ", "
        return [(script.begin(layer), script.begin(layer), f"{text}{gap}")]
    if isinstance(around, ast.Call) and around.func is layer:
        begin, end = script.end(layer) + 1, script.end(around) - 1
        return [(begin, begin, f"{text}("), (end, end, ")")]
    statement, line = _adding(place, around, text)
    return [script.before_statement(statement, line)]


def _behind(place: Place, layer: ast.expr, text: str) -> Edits:
    """Put one more layer behind one."""
    script, around = place.script, place.script.parents[layer]
    if isinstance(around, ast.List):
        return [_after(script, layer, text, around)]
    if isinstance(around, ast.Call) and around.func is layer:
        begin, end = script.begin(around), script.end(around)
        return [(begin, begin, f"{text}("), (end, end, ")")]
    statement, line = _adding(place, around, text)
    return [(script.end(statement), script.end(statement), f"{script.break_after(statement)}{line}")]


def _adding(place: Place, call: ast.AST, text: str) -> tuple[ast.stmt, str]:
    """Return the statement that adds a layer, and one that adds another."""
    statement = place.script.parents[call]
    if isinstance(call, ast.Call) and isinstance(statement, ast.Expr):
        return statement, f"{place.script.said(call.func)}({text})"
    raise NotSure


def _ending(place: Place, last: str, targets: str, layers: str, output: str, changes: str) -> Edits:
    """Give the model another last layer, and what comes behind it, and compile it otherwise."""
    script, last_layer = place.script, _layer(place, -1)
    match = re.search(r"\[:-(\d)\]|\[-(\d)\]\.input", layers or output)
    left_out, edits = int(match[1] or match[2]) if match else 0, _compiled(place, changes)
    is_in_list = isinstance(script.parents[last_layer], ast.List) and len(place.layers) > 1
    if left_out == 2 and kind_of(last_layer) in ACTIVATIONS and is_in_list:
        end, last_layer, left_out = script.end(last_layer), _layer(place, -2), 1
        edits.append((script.end(last_layer), end, ""))
    if left_out > 1 or (left_out and not last):
        raise NotSure
    if left_out:
        edits.append(_replaced(script, last_layer, _like_the_old(place, last_layer, last)))
    if "Flatten" in layers + output:
        edits += _before(place, last_layer, "keras.layers.Flatten()")
    behind = [quoted(script, last)] * (last != "" and not left_out) + [targets] * (targets != "")
    return edits + [edit for each in behind for edit in _behind(place, last_layer, each)]


def _like_the_old(place: Place, layer: ast.Call, new: str) -> str:
    """Return a dense layer that has other units and another activation than one, and its other arguments."""
    call = ast.parse(new, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.args[0], ast.Constant):
        raise NotSure  # it has as many units as the lines before `fit` count labels
    if kind_of(layer) != "Dense" or len(layer.args) > 2:
        return quoted(place.script, new)
    others = [place.script.said(each) for each in layer.keywords if each.arg not in ("units", "activation")]
    given = [quoted(place.script, ast.unparse(each)) for each in (*call.args, *call.keywords)]
    return f"{place.script.said(layer.func)}({', '.join(given + others)})"


def _last_activation(place: Place, activation: str, changes: str, name: str = "", inside: str = "") -> Edits:
    """Give the last layer, or one that is an attribute, another activation, and compile the model otherwise."""
    layer = held_by(place, name, inside != "") if name else _layer(place, -1)
    if layer is None or kind_of(layer) not in OF_ACTIVATION:
        raise NotSure
    return _set(place, layer, "activation", f"'{activation}'") + _compiled(place, changes)


def _activation(layer: ast.expr) -> str:
    """Return the activation of a layer; "" for none."""
    if kind_of(layer) == "ReLU":
        return "ReLU"
    node = _argument(layer, "activation", OF_ACTIVATION.get(kind_of(layer), -1))
    if node is not None and not isinstance(node, ast.Constant):
        raise NotSure
    return "" if node is None else str(node.value)


def _hidden(place: Place) -> list[ast.expr]:
    """Return the layers before the last one with weights, if all are of known classes."""
    weighted = [i for i, each in enumerate(place.layers) if kind_of(each) in WEIGHTED]
    if not weighted or any(kind_of(each) not in (*WEIGHTED, *PLAIN) for each in place.layers):
        raise NotSure
    return list(place.layers[: weighted[-1]])


def _some(edits: Sequence[Edits]) -> Edits:
    """Return the edits of all layers: without any, the layers are not those that the cure is for."""
    return [one for its in edits for one in its] or _not_sure()


def _leaky(place: Place) -> Edits:
    layers = list(place.layers) if _hidden(place) else []
    relus = [layer for layer in layers if _activation(layer) in ("relu", "relu6")]
    own_layers = [layer for layer in layers if kind_of(layer) == "ReLU"]
    edits = [_set(place, layer, "activation", "'leaky_relu'") for layer in relus]
    return _some(edits + [_set(place, layer, "negative_slope", "0.2") for layer in own_layers])


def _active(place: Place, *unfit: str) -> Edits:
    hidden = [layer for layer in _hidden(place) if kind_of(layer).startswith(("Dense", "Conv", "Activation"))]
    return _some([_set(place, layer, "activation", "'relu'") for layer in hidden if _activation(layer) in unfit])


def _normalized(place: Place) -> Edits:
    weighted = [layer for layer in _hidden(place) if kind_of(layer) in WEIGHTED]
    return _some([_behind(place, layer, "keras_ch8.layers.BatchNormalization()") for layer in weighted])


def _masked(place: Place) -> Edits:
    return _some([_set(place, layer, "mask_zero", "True") for layer in place.layers if kind_of(layer) == "Embedding"])


def _with_scales(place: Place, scale: str, targets: str, layers: str) -> Edits:
    """Put a layer first, and another one last: if they need the data, with lines that make them."""
    script, first_layer, last_layer = place.script, _layer(place, 0), _layer(place, -1)
    statement = statement_of(script, place.made) if place.made else None
    has_shape = any(keyword.arg in ("input_shape", "input_dim") for keyword in first_layer.keywords)
    if has_shape or statement is None or kind_of(place.made or statement) != "Sequential":
        raise NotSure
    code = f"{scale}{targets}".strip()
    names = {name: ast.unparse(place.arguments[name]) for name in ("x", "y") if name in place.arguments}
    needed = loaded(ast.parse(code)) & {"x", "y"}
    if needed & place.frames.keys() or not all(_is_known(place, names.get(name, ""), statement) for name in needed):
        raise NotSure
    names |= {name: script.fresh(name) for name in ("scale", "targets")}
    first, last = (names.get(each, each) for each in re.split(r",? ?\*layers,? ?", layers))
    edits = [script.before_statement(statement, renamed(code, names))] if code else []
    edits += _before(place, first_layer, first) if first else []
    return edits + (_behind(place, last_layer, last) if last else [])


def _is_known(place: Place, text: str, statement: ast.stmt) -> bool:
    """Whether a name, or a part of what it is, has its meaning at a statement of the scope of `fit`, and none later."""
    part = ast.parse(text)
    lines = dict.fromkeys(loaded(part), 0)
    for node in own(place.scope):  # in order
        lines |= {name: getattr(node, "lineno", 0) for name in (*bound_by(node), *imported_by(node)) if name in lines}
    is_made = any(isinstance(each, ast.Call | ast.Attribute | ast.NamedExpr) for each in ast.walk(part))
    is_before = bool(lines) and 0 < min(lines.values()) <= max(lines.values()) < statement.lineno
    return scope_of(place.script, statement) is place.scope and is_before and not is_made


# --- the forms of code -----------------------------------------------------------------------------------------------


def _form(code: str, before: str = "", layers: str = "") -> re.Pattern[str]:
    """Return what finds code as `ast.unparse` writes it, behind what else there may be; LAYERS stands for some."""
    return re.compile(before + re.escape(ast.unparse(ast.parse(code))).replace("LAYERS", layers))


_SAME = r"keras_ch8\.training\.compile_as\(model, model"
_BODY = r"\(?body, model\)? = \(model, keras\."
_SCALES = r"(?P<scale>scale = .*\nscale\.adapt\(x.*\)\n)?(?P<targets>targets = .*\n)?"
FORMS: tuple[tuple[re.Pattern[str], Callable[..., Edits]], ...] = (
    (re.compile(r"model\.optimizer\.learning_rate = (?P<rate>keras_ch8\.schedules\.\w+\(.*\)|[\d.e+-]+)"), _rate),
    (re.compile(r"settings = model\.optimizer\.get_config\(\) \| (?P<settings>\{.*\})\noptimizer = type\(model\."
                rf"optimizer\)\.from_config\(settings\)\n{_SAME}, optimizer=optimizer\)"), _settings),
    (re.compile(r"(?:last = (?P<last>.*)\n)?(?:targets = (?P<targets>keras.layers.Rescaling\([\d., e+-]+\))\n)?(?:"
                rf"layers = (?P<layers>\[keras.*\])\n{_BODY}Sequential\(layers\)\)|"
                rf"output = (?P<output>.*)\n{_BODY}Model\(model\.inputs, output\)\))\n"
                r"keras_ch8\.training\.compile_as\(model, body(?:, (?P<changes>.*))?\)"), _ending),
    (re.compile(r"model\.(?:layers\[-1\]|(?P<name>\w+)(?P<inside>\.layers\[-1\])?)\.activation = "
                r"keras\.activations\.(?P<activation>\w+)"
                rf"(?:\n{_SAME}(?:, (?P<changes>.*))?\))?"), _last_activation),
    (re.compile(rf"(?P<changes>optimizer = keras_ch8\.optimizers\..*)\n{_SAME}, optimizer=optimizer\)"), _compiled),
    (re.compile(rf"{_SAME}, (?P<changes>.*)\)"), _compiled),
    (_form(codes.LEAKY), _leaky),
    (_form(codes.ACTIVE), lambda place: _active(place, "", "linear", "softmax")),
    (_form(codes.RELUS), lambda place: _active(place, "sigmoid")),
    (_form(codes.NORMALIZE_LAYERS), _normalized),
    (_form(codes.MASK_ZEROS), _masked),
    (_form(codes.with_layers("LAYERS"), _SCALES, r"(?P<layers>.*\*layers.*)"), _with_scales),
)  # fmt: skip
"""Forms of the code of cures, as `ast.unparse` writes it, and what makes edits of each; the first that fits counts."""
