"""What tools/house.py counts is what the house rules of CONTRIBUTING.md and docs/design/style.md allow."""

import re

import pytest

from tests.outside import ROOT, loaded

house = loaded("tools/house.py")
PACKAGE = house.modules(ROOT / "keras_ch8")


def package_of(root, files):
    for name, text in files.items():
        (root / "there" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "there" / name).write_text(text)
    return house.modules(root / "there")


def test_no_modules_import_each_other():
    assert sum(len(list(module.imports)) for module in PACKAGE) > 1000, "the test read no imports"
    assert not house.circles(PACKAGE)


def test_what_packages_share_has_a_public_name():
    assert not house.private_imports(PACKAGE)


def test_no_function_asks_for_more_than_five_arguments():
    assert not house.demanding(PACKAGE)


def test_files_that_are_long_are_told_why_and_no_others():
    section = (ROOT / "docs" / "design" / "style.md").read_text().partition("\n# Long files\n")[2]
    told = {path for row in re.findall(r"(?m)^\| (.+?) \|", section) for path in re.findall(r"`([\w/]+\.py)`", row)}
    long = {str(module.path.relative_to(ROOT / "keras_ch8")) for module in PACKAGE if module.lines > house.LONG}
    assert told == long


def test_an_argument_has_a_type_that_says_something():
    types = house.annotations(PACKAGE)
    assert len(types) > 4000
    assert types.count("Any") < 0.1 * len(types)


def test_the_table_names_all_that_is_counted():
    shown, of_today = ((re.findall(r"(?m)^\| (.+?) \|", text)) for text in (house.PAGE.read_text(), house.page()))
    assert shown == of_today, "`python tools/house.py` writes it anew"
    assert set(house.BEFORE) < set(shown)
    assert len([name for name in shown if name.startswith("files to touch for ")]) == 13


@pytest.mark.parametrize(
    "files, circles",
    [
        ({"a.py": "from . import b", "b.py": "from .c import x", "c.py": "def f():\n    from .a import y"}, 1),
        ({"a.py": "from .in_here.b import f", "in_here/b.py": "from .. import a"}, 1),
        ({"a.py": "from . import b", "b.py": "import a"}, 0),
        ({"__init__.py": "from .a import f", "a.py": "from . import f"}, 0),
    ],
)
def test_circles_are_found_through_others_and_inside_functions(files, circles, tmp_path):
    assert len(house.circles(package_of(tmp_path, files))) == circles


@pytest.mark.parametrize(
    "file, line, is_private",
    [
        ("one/a.py", "from ..two._b import f", True),
        ("one/a.py", "from ..two import _b", True),
        ("one/a.py", "from ..two.b import _f", True),
        ("a.py", "from .two import _b", True),
        ("one/a.py", "from ._b import f", False),
        ("one/a.py", "from .. import _b", False),
        ("one/a.py", "from .._b import f", False),
        ("one/inner/a.py", "from .._b import f", False),
        ("two/__init__.py", "from ._b import f", False),
    ],
)
def test_what_is_private_belongs_to_its_package(file, line, is_private, tmp_path):
    assert len(house.private_imports(package_of(tmp_path, {file: line}))) == is_private


@pytest.mark.parametrize(
    "function, is_too_much",
    [
        ("def f(self, a, b, c, d, e): ...", False),
        ("def f(a, b, c, *, d, e, f): ...", True),
        ("def f(a, b, c, d, e, f=0, *rest, g=1, **more): ...", False),
        ("def __init__(self, a, b, c, d, e, f): ...", False),
    ],
)
def test_parameters_without_defaults_are_counted(function, is_too_much, tmp_path):
    assert len(house.demanding(package_of(tmp_path, {"a.py": function}))) == is_too_much


def test_lines_of_code_are_neither_blank_nor_comments_nor_documentation(tmp_path):
    text = (
        '"""One\n\nthree."""\n\n# four\nX = 1\n"""What it is."""\n\n\ndef f():\n    """Returns."""\n    return "text"\n'
    )
    [module] = package_of(tmp_path, {"a.py": text})
    assert (module.lines, module.code, len(module.documented)) == (12, 3, 5)
