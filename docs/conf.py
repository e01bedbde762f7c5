"""How Sphinx makes the site from what `tools/make_site.py` has collected."""

import hashlib
import inspect
import os
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx_gallery.sorting import FileNameSortKey

import keras_ch8

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import make_site

project, author, version = "keras_ch8", "the authors of keras_ch8", keras_ch8.__version__
copyright = author
root_doc, html_theme, html_title = "README", "furo", f"keras_ch8 {version}"
html_static_path, html_css_files = ["static"], ["site.css"]
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["templates"]
exclude_patterns = ["scripts/*"]
default_role = "code"
html_math_renderer = "mathml"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "imported-members": True, "member-order": "bysource"}
autodoc_inherit_docstrings = False  # methods that Keras says
highlight_language = "text"  # of what docstrings align; examples and pages say theirs
napoleon_use_admonition_for_examples = False
napoleon_use_rtype = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["config.cache"]  # sphinx-gallery's settings hold functions


class QuickstartFirst(FileNameSortKey):
    """The order of the examples."""

    def __call__(self, filename):
        """Return what a file is sorted by."""
        return "" if filename == "quickstart.py" else filename


sphinx_gallery_conf = {
    "examples_dirs": ["scripts"],
    "gallery_dirs": ["examples"],
    "filename_pattern": os.environ.get("SITE_RUNS_EXAMPLES") or r"\.py",
    "plot_gallery": bool(os.environ.get("SITE_RUNS_EXAMPLES")),
    "reset_argv": lambda gallery, script: ["--quick"],
    "within_subsection_order": QuickstartFirst,
    "abort_on_example_error": True,
    "show_memory": False,
    "remove_config_comments": True,
    "write_computation_times": False,
    "download_all_examples": False,
}


def with_markup(app, what, name, thing, options, lines):
    """Give Sphinx a docstring in its own markup."""
    lines[:] = make_site.as_rst(lines)


def with_arguments(app, what, name, thing, options, signature, returns):
    """Give Sphinx the arguments of a layer, which Keras hides."""
    if signature == "(*args, **kwargs)":
        found = inspect.signature(thing)
        plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in found.parameters.values()]
        signature = str(found.replace(parameters=plain, return_annotation=inspect.Signature.empty))
    return signature, returns


def setup(app):
    """Draw equations by MathML, which needs no script and no network; keep what docstrings align."""

    def inline(self, node):
        self.body.append(tex2mathml(node.astext()))
        raise nodes.SkipNode

    def block(self, node):
        tex = node.astext()
        tex = f"\\begin{{aligned}}\n{tex}\n\\end{{aligned}}" if "&" in tex else tex
        self.body.append(f'<div class="math">{tex2mathml(tex, as_block=True)}</div>')
        raise nodes.SkipNode

    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    app.connect("autodoc-process-docstring", with_markup, priority=400)
    app.connect("autodoc-process-signature", with_arguments)
    made_by = Path(make_site.__file__).read_bytes()
    app.add_config_value("made_by", hashlib.sha256(made_by).hexdigest(), "env")  # else pages stay as they were
