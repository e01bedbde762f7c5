"""The site sets the equations of docstrings in TeX, and none of them is left as code or read in another way."""

import inspect
import operator
import re

import pytest

import keras_ch8
from keras_ch8 import chapter
from tests.outside import loaded

BINDING = ("optimizers", "clipping", "schedules", "initializers", "losses", "layers", "continuation", "stopping")


equations = loaded("tools/equations.py")
make_site = loaded("tools/make_site.py")

READ = {
    "lr / (delta + sqrt(r)) * g": r"\frac{\text{lr}}{\delta + \sqrt{r}} \, g",
    "g . (g - h) / h . h": r"\frac{g \cdot \left( g - h \right)}{h \cdot h}",
    "r + (1 - rho_2) * g * g": r"r + \left( 1 - \rho_{2} \right) \, g \odot g",
    "s / (1 - rho_1^t)": r"\frac{s}{1 - \rho_{1}^{t}}",
    "s_hat": r"\hat{s}",
    "(H + alpha I)^-1 g": r"\left( H + \alpha \, I \right)^{-1} \, g",
    "rho s y^T": r"\rho \, s \, y^{\top}",
    "|g_i| / |w|": r"\frac{\left| g_{i} \right|}{\left| w \right|}",
    "p(y | eta)": r"p \left( y \mid \eta \right)",
    "max(|w_i|, epsilon)": r"\operatorname{max} \left( \left| w_{i} \right| ,\; \epsilon \right)",
    "u if u < 1, otherwise exactly 2 %": r"u \;\text{if } u < 1 ,\; \;\text{otherwise } \text{exactly} ~ 2\%",
    "decay_rate^(k / decay_steps)": r"\text{decay_rate}^{\frac{k}{\text{decay_steps}}}",
    "(a + b) / (c + d) * (e)": r"\frac{a + b}{c + d} \, \left( e \right)",
    "drawn anew for each unit": r"\text{drawn anew} \;\text{for } \text{each unit}",
    ") no formula (": r"\text{) no formula (}",
}


@pytest.mark.parametrize("text", READ)
def test_a_formula_is_read_as_a_reader_does(text):
    assert equations.piece(text) == READ[text]


def test_signs_stand_below_each_other_and_remarks_behind():
    assert equations.as_tex(["r <- r + g", "if r > 1:  r <- 1      once"]).splitlines()[1:-1] == [
        r"r &\leftarrow r + g \\",
        r"& \;\text{if } r > 1 :\; \qquad r \leftarrow 1 \qquad \text{once}",
    ]


@pytest.mark.parametrize("lines", [["a   b", "c   d"], [">>> x = 1"], ["Some words."]])
def test_what_is_no_equation_is_none(lines):
    assert equations.as_tex(lines) == ""


def described():
    for _, name in chapter.parts():
        if name.partition(".")[0] in BINDING:
            yield pytest.param(inspect.getdoc(operator.attrgetter(name)(keras_ch8)), id=name)


@pytest.mark.parametrize("said", list(described()))
def test_every_equation_of_a_docstring_is_set(said):
    set_in_tex = re.findall(r"^\.\. math::\n\n((?:    .*\n)+)", "\n".join(make_site.as_rst(said.splitlines())), re.M)
    above = said.split("\nArgs:")[0].split("\nExample:")[0]
    blocks = re.findall(r"(?:^    .+\n?)+", above, re.M)
    assert len(set_in_tex) >= len([block for block in blocks if re.search(r"^    .* <- ", block)])
    for tex in set_in_tex:
        left = [text for text in re.findall(r"\\text\{([^}]*)\}", tex) if re.search(r"<-|[*/^=]", text)]
        assert [text for text in left if not text.startswith("(")] == [], "was not read as a formula"
        latex2mathml = pytest.importorskip("docutils.utils.math.latex2mathml", reason="needs the extra `docs`")
        assert latex2mathml.tex2mathml(tex, as_block=True)
