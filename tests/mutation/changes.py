"""Small changes of a module, one at a time, for `python -m tests.mutation`."""

import ast
from pathlib import Path

COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}  # fmt: skip
PAIRS = "min max, minimum maximum, fmin fmax, nanmin nanmax, any all, watch act, median mean, floor ceil"
OPPOSITE = {a: b for pair in PAIRS.split(", ") for a, b in (pair.split(), pair.split()[::-1])}
FOR_PEOPLE = ("meaning", "fix", "of", "instead", "owner", "source", "package")
"""Arguments with words for an error or a table."""


def of(path):
    """Yield (function, its first line, line, words, tree) for each change; the tree is changed until the next one."""
    tree = ast.parse(Path(path).read_text())
    for parent, field, index, owner in _places(tree, None, ""):
        node = getattr(parent, field) if index is None else getattr(parent, field)[index]
        for other in _others(node):
            ast.fix_missing_locations(ast.copy_location(other, node))
            _set(parent, field, index, other)
            name, line = owner
            yield name, line, node.lineno, f"{ast.unparse(node)}  ->  {ast.unparse(other)}", tree
            _set(parent, field, index, node)


def _set(parent, field, index, node):
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _places(node, owner, prefix):
    """Yield where something could be changed, with the outermost function around it."""
    for field, value in ast.iter_fields(node):
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _is_for_people(node, field, child, index):
                continue
            name, inside = prefix, owner
            if isinstance(child, ast.ClassDef | ast.FunctionDef) and owner is None:
                name = f"{prefix}.{child.name}" if prefix else child.name
                if isinstance(child, ast.FunctionDef):
                    inside = name, min([child.lineno, *(d.lineno for d in child.decorator_list)])
            if isinstance(child, ast.expr | ast.stmt):
                yield node, field, index, inside or (name, None)
            yield from _places(child, inside, name)


def _is_for_people(parent, field, child, index):
    """Whether this is text, a type, an error, or what says of a name where it belongs."""
    if field in ("annotation", "returns", "decorator_list") or isinstance(
        child, ast.JoinedStr | ast.Raise | ast.Assert
    ):
        return True
    if isinstance(child, ast.Import | ast.ImportFrom):
        return True
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
        return True
    if isinstance(child, ast.Assign) and ast.unparse(child.targets[0]) in ("__all__", "section", "_T", "Key"):
        return True
    if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
        return True
    if isinstance(child, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in child.bases):
        return True
    of_check = isinstance(parent, ast.Call) and "_checks." in ast.unparse(parent.func)
    if of_check and isinstance(child, ast.Constant) and isinstance(child.value, str):
        return True
    return isinstance(child, ast.keyword) and child.arg in FOR_PEOPLE


def _others(node):
    """Yield what a node could be instead."""
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            yield ast.Compare(node.left, [*node.ops[:i], COMPARED[type(op)](), *node.ops[i + 1 :]], node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in COMPUTED:
        yield ast.BinOp(node.left, COMPUTED[type(node.op)](), node.right)
    elif isinstance(node, ast.AugAssign) and type(node.op) in COMPUTED:
        yield ast.AugAssign(node.target, COMPUTED[type(node.op)](), node.value)
    elif isinstance(node, ast.BoolOp):
        for i in range(len(node.values)):
            rest = [*node.values[:i], *node.values[i + 1 :]]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield ast.Pass()
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("abs", "np.abs", "ops.abs"):
        yield node.args[0]
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "ops.where":
        yield ast.Call(node.func, [node.args[0], node.args[2], node.args[1]], node.keywords)
    elif isinstance(node, ast.Name) and node.id in OPPOSITE and isinstance(node.ctx, ast.Load):
        yield ast.Name(OPPOSITE[node.id], node.ctx)
    elif isinstance(node, ast.Attribute) and node.attr in OPPOSITE:
        yield ast.Attribute(node.value, OPPOSITE[node.attr], node.ctx)
    elif isinstance(node, ast.Constant):
        yield from map(ast.Constant, _other_values(node.value))


def _other_values(value):
    """Yield what a constant could be instead."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, float):
        yield 2 * value if value else 1.0
    elif isinstance(value, str) and value.isidentifier():
        yield "XX" + value
