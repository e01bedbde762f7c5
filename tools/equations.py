"""Equations of docstrings, which are plain text there so that `help()` is read with ease, in TeX for the site.

    r     <- rho * r + (1 - rho) * g * g
    theta <- theta - lr / sqrt(delta + r) * g        for each weight

becomes two aligned rows. What stands between wide gaps is set by itself; what is no formula is set as words.
"""

import re
from collections.abc import Sequence

GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "lambda", "mu", "nu", "pi", "rho", "sigma", "tau",
    "phi", "Phi",
}  # fmt: skip
FUNCTIONS = {"exp", "log", "min", "max", "sign", "cos", "softmax", "softplus", "sigmoid", "argmin", "diag", "qr"}
SIGNS = {"<-": r"\leftarrow", "<=": r"\le", ">=": r"\ge", "!=": r"\ne", "~": r"\sim", "=": "=", "<": "<", ">": ">"}
CLAUSES = {"if", "while", "where", "otherwise", "for", "is", "or", "and", "then"}
"""Words before and after which a formula ends."""
END = {")", "]", ",", ":", ";", "+", "-", *SIGNS}
"""What ends a product."""
NUMBER, NAME = r"\d+(?:\.\d+)?(?:e-?\d+)?(?: ?%)?", r"[^\W\d_]\w*(?:-[A-Za-z]{2,})*'?"
TOKEN = re.compile(rf"(?P<gap> *)(?P<token>\"[^\"]*\"|`[^`]*`|{NUMBER}|{NAME}|<-|<=|>=|!=|\.\.\.?|\S)")


def as_tex(lines: Sequence[str]) -> str:
    """Return a block of a docstring in TeX; "" if it is none of equations, such as a table or code."""
    signs = r" (<-|=) |^\s*stop if "
    if not any(re.search(signs, line) for line in lines) or any(">>>" in line for line in lines):
        return ""
    rows = columns(lines) or [row(line) for line in lines]
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def columns(lines: Sequence[str]) -> list[str]:
    """Return the rows of a table of formulae; [] if it is none."""
    cells = [re.split(r" {2,}", line.strip()) for line in lines]
    is_table = len(cells) > 1 and len({len(each) for each in cells}) == 1 and len(cells[0]) > 2
    return ["& " + " &\\quad& ".join(piece(cell) for cell in each) for each in cells] if is_table else []


def row(line: str) -> str:
    """Return a line: its first sign of assignment or equality stands below that of the line before."""
    left, sign, right = re.fullmatch(r"\s*(?:(.*?)\s+(<-|=)\s+)?(.*?)\s*", line).groups()  # type: ignore[union-attr]
    if sign and not re.search(r"\S {2,}\S", left) and not CLAUSES & set(left.split()) and Formula.holds(left):
        return f"{piece(left)} &{SIGNS[sign]} {pieces(right)}"
    return f"& {pieces(line.strip())}"


def pieces(text: str) -> str:
    """Return what stands between wide gaps, one after the other."""
    return r" \qquad ".join(piece(part) for part in re.split(r" {2,}", text) if part)


def piece(text: str) -> str:
    """Return a formula, or words where it cannot be read as one."""
    try:
        return Formula(text).all()
    except ValueError:
        return words(text)


def words(text: str) -> str:
    """Return text that is set as it stands."""
    plain = text.replace("`", "").replace("\\", "").replace("{", "(").replace("}", ")")
    return rf"\text{{{plain}}}"


class Formula:
    """A formula in one line, read from left to right: sums of products, with `/` for a fraction and `^` for a power."""

    def __init__(self, text: str) -> None:
        self.tokens = [(found["token"], bool(found["gap"])) for found in TOKEN.finditer(text)]
        self.at, self.in_bars = 0, False

    @classmethod
    def holds(cls, text: str) -> bool:
        """Whether a text can be read as a formula."""
        try:
            cls(text).all()
        except ValueError:
            return False
        return True

    @property
    def now(self) -> str:
        """Return the token that comes next; "" at the end."""
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        """Return the token that comes next, and go on behind it."""
        token = self.now
        if not token or (wanted and token != wanted):
            raise ValueError(f"{wanted or 'more'} was expected")
        self.at += 1
        return token

    def all(self, end: str = "") -> str:
        """Read to the end, or to a bracket: formulae, with commas and words such as `if` between them."""
        out = []
        while self.now != end:
            if self.now in CLAUSES or self.now in (",", ":", ";"):
                token = self.take()
                out.append(token + r"\;" if token in ",:;" else rf"\;\text{{{token} }}")
            elif self.now == "|" and not self.opens_bars():
                out.append(self.take() and r"\mid")
            else:
                out.append(self.relation())
        return " ".join(out)

    def relation(self) -> str:
        """Read sums with signs such as `<-`, `=` and `>` between them."""
        out = [self.sum()]
        while self.now in SIGNS:
            out.append(SIGNS[self.take()])
            out.append(self.sum())
        return " ".join(out)

    def sum(self) -> str:
        """Read products with + and - between them."""
        out = [self.take()] if self.now in ("+", "-") else []
        out.append(self.product())
        while self.now in ("+", "-"):
            out += [self.take(), self.product()]
        return " ".join(out)

    def product(self) -> str:
        """Read factors, side by side or with `*` between them; `/` puts all that came before over the next."""
        out = self.dotted()
        while self.now and self.now not in END and self.now not in CLAUSES and (self.now != "|" or self.opens_bars()):
            token = self.now
            if token == "/":
                self.take()
                out = rf"\frac{{{bare(out)}}}{{{bare(self.dotted())}}}"
            elif token == "*":
                self.take()
                out = times(out, self.dotted())
            else:
                out = beside(out, self.dotted())
        return out

    def dotted(self) -> str:
        """Read an inner product, which binds most."""
        out = self.power()
        while self.now == ".":
            self.take()
            out += rf" \cdot {self.power()}"
        return out

    def power(self) -> str:
        """Read a factor with its exponent."""
        out = self.atom()
        while self.now in ("^", "'", "!"):
            token = self.take()
            if token != "^":
                out += token
                continue
            minus = self.take() if self.now == "-" else ""
            exponent = self.atom()
            exponent = r"\top" if exponent == "T" else exponent
            is_index = re.fullmatch(r"\\left\( [a-z] \\right\)", exponent) and self.now == "("
            out += rf"^{{{minus}{exponent if is_index else bare(exponent)}}}"
        return out

    def atom(self) -> str:
        """Read a number, a name, a call, or what stands in brackets or bars."""
        token = self.take()
        if token in ("(", "["):
            inside = self.inside({"(": ")", "[": "]"}[token])
            return rf"\left{token} {inside} \right{self.tokens[self.at - 1][0]}"
        if token == "|":
            self.in_bars = True
            inside = self.sum()
            self.in_bars = False
            return rf"\left| {inside} \right{self.take('|')}"
        if token in ("..", "..."):
            return r"\ldots"
        if token[0] in '"`':
            return words(token)
        if token[0].isdigit():
            return token.replace("%", r"\%").replace(" ", "")
        if not token[0].isalpha():
            raise ValueError(f"{token} begins no factor")
        if self.now[:1].islower() and len(self.now) > 2 and token == "a":
            return words(token)
        out = self.call(token) if self.adjoins("(") else name(token)
        if self.adjoins("_"):
            self.take()
            out += f"_{{{name(self.take())}}}"
        while self.adjoins("[") or self.adjoins("("):
            end = {"(": ")", "[": "]"}[self.take()]
            out += rf"{'(' if end == ')' else '['} {self.inside(end)} {end}"
        return out

    def opens_bars(self) -> bool:
        """Whether a bar is the first of two, and neither the second nor one that stands for "given"."""
        return not self.in_bars and self.at + 1 < len(self.tokens) and not self.tokens[self.at + 1][1]

    def adjoins(self, token: str) -> bool:
        """Whether this token comes next, without a gap."""
        return self.now == token and not self.tokens[self.at][1]

    def inside(self, end: str) -> str:
        """Read what stands in brackets."""
        out = self.all(end)
        self.take(end)
        return out

    def call(self, function: str) -> str:
        """Read the arguments of a function."""
        self.take("(")
        inside = self.inside(")")
        if function == "sqrt":
            return rf"\sqrt{{{inside}}}"
        if function == "floor":
            return rf"\lfloor {inside} \rfloor"
        return rf"{name(function)} \left( {inside} \right)"


def name(token: str) -> str:
    """Return a symbol: a letter, a Greek one, with its index; or the word that it is."""
    token, prime = token.rstrip("'"), "'" * token.count("'")
    base, _, index = token.partition("_")
    if base in ("sum", "max", "min") and len(index) == 1:
        return rf"\{base}_{{{index}}}"
    if token in FUNCTIONS:
        return rf"\operatorname{{{token}}}"
    is_letter = base in GREEK or len(base) == 1
    if "_" in index or not (is_letter or len(index) == 1):
        return rf"\text{{{token}}}{prime}"
    letter = f"\\{base}" if base in GREEK else base if is_letter else words(base)
    if index == "hat":
        return rf"\hat{{{letter}}}{prime}"
    below = f"\\{index}" if index in GREEK else index if len(index) < 3 else words(index)
    return letter + (f"_{{{below}}}" if index else "") + prime


def beside(left: str, right: str) -> str:
    """Return two factors side by side: words as words."""
    if left.endswith("}") and right.startswith(r"\text{") and WORDS_AT_END.search(left):
        return left[:-1] + " " + right.removeprefix(r"\text{")
    return rf"{left} ~ {right}" if r"\text{" in (right[:6], last(left)[:6]) else rf"{left} \, {right}"


def times(left: str, right: str) -> str:
    """Return a product: a square of each entry as in the book; a sign only where a word or a number is multiplied."""
    if last(left) == right:
        return rf"{left} \odot {right}"
    is_long = any(tex.startswith(r"\text") or tex[:1].isdigit() for tex in (last(left), right))
    return rf"{left} \cdot {right}" if is_long else rf"{left} \, {right}"


def last(tex: str) -> str:
    """Return the last factor of a product."""
    return WORDS_AT_END.search(tex)[0] if WORDS_AT_END.search(tex) else tex.split(" ")[-1]  # type: ignore[index]


WORDS_AT_END = re.compile(r"\\text\{[^{}]*\}$")


def bare(tex: str) -> str:
    """Return a formula without the brackets around all of it: a fraction and a power need none."""
    depth = 0
    for found in re.finditer(r"\\(left|right)[()]", tex):
        depth += 1 if found[1] == "left" else -1
        if depth == 0 and found.end() < len(tex):
            return tex
    return tex[6:-7].strip() if tex.startswith(r"\left(") and tex.endswith(r"\right)") else tex
