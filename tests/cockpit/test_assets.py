"""What the page loads: vendored as it came, small, and one script where a file must need nothing beside it."""

import hashlib
import re

from keras_ch8.board import panels
from keras_ch8.cockpit import page

VENDOR = page.STATIC / "vendor"


def test_what_is_vendored_is_what_came():
    lines = (VENDOR / "SHA256").read_text().splitlines()
    hashes = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert hashes.keys() == {path.name for path in VENDOR.iterdir()} - {"SHA256"}
    for name, digest in hashes.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name
    assert "v1.6.32" in (VENDOR / "uPlot.js").read_text()[:100]
    assert (VENDOR / "LICENSE").read_text().startswith("The MIT License")


def test_all_that_is_loaded_is_at_most_100_kilobytes():
    sizes = {name: len(page.asset(name).encode()) for name in page.FILES}
    assert sum(sizes.values()) <= 100_000, sizes
    known = {*page.SCRIPTS, page.STYLE, page.TAB, "vendor/LICENSE", "vendor/SHA256"}
    assert known == {path.relative_to(page.STATIC).as_posix() for path in page.STATIC.rglob("*") if path.is_file()}


def test_a_file_can_hold_all_of_it():
    script, style = page.script(), page.style()
    assert "</" not in script, "an inline script ends at `</script>`"
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    assert "function render(" in script
    assert "@import" not in style
    assert "http" not in style
    assert page.asset("cockpit.js") == f"{script}\nexport {{ render }};\n", "the tab loads the same"


def test_only_what_no_browser_needs_is_left_out():
    code = (
        "// a comment\nconst said = (x) => `${x}, \\` (y) => ; }`;  // another\n"
        "function of(a, b) {\n  return a - -b < 3 ? [a, 'b; }'] : (/[/ ,] =/).test(a);\n}\n"
    )
    assert page._squeezed("a.js", code) == (
        "const said=x=>`${x}, \\` (y) => ; }`;\nfunction of(a,b){return a - -b<3?[a,'b; }']:(/[/ ,] =/).test(a)}"
    )
    style = "  .a, .b > c { margin: 0 auto; }\n  .a :is(b) { color: red; }\n"
    assert page._squeezed("a.css", style) == ".a,.b>c{margin:0 auto}.a :is(b){color:red}"


def test_each_name_is_defined_once():
    """So that the modules can be one."""
    modules = [(page.STATIC / name).read_text() for name in page.SCRIPTS[1:]]
    names = re.findall(r"^(?:export )?(?:const|let|(?:async )?function) (\w+)", "\n".join(modules), re.MULTILINE)
    assert len(names) > 50
    assert sorted(names) == sorted(set(names))


def test_the_name_of_the_common_axis_is_that_of_the_panels():
    assert f'STEPS = "{panels.STEPS}"' in (page.STATIC / "curves.js").read_text()
