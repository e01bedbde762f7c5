"""Every example runs with --quick, writes the TensorBoard run that it names, and has its panel on the page."""

import ast
import fnmatch
import pkgutil
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_ch8.cockpit import event_files
from tests import forked
from tests.marks import mostly

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
PANELS = {
    "distributed": "Loss",
    "guard": "Gradient norm",
    "quickstart": "Loss",
    "resume": "Loss",
    "s8_1_1_surrogate": "Surrogate and true loss",
    "s8_1_2_likelihood": "Loss",
    "s8_1_3_minibatches": "Noise scale: batch size where noise equals gradient",
    "s8_1_early_stopping": "Early stopping: the metric and its best value",
    "s8_2_1_ill_conditioning": "Step length / best (1 ideal, > 2 diverges)",
    "s8_2_2_local_minima": "Loss",
    "s8_2_3_saddle_points": "Eigenvalues of the Hessian, smallest and largest",
    "s8_2_4_cliffs": "Gradient norm",
    "s8_2_5_long_term_dependencies": "Gradient from time step to time step",
    "s8_2_6_inexact_gradients": "Loss of minibatches",
    "s8_2_7_local_and_global": "Loss",
    "s8_3_1_learning_rate": "Loss",
    "s8_3_2_momentum": "Loss of minibatches",
    "s8_5_1_adaptive_rates": "Loss",
    "s8_5_4_compare": "Loss",
    "s8_4_initialization": "Loss",
    "s8_6_1_autoencoder": "Trust ratio",
    "s8_6_1_newton": "Damping",
    "s8_6_2_conjugate_gradients": "Step length of the line search",
    "s8_6_3_bfgs": "Step length of the line search",
    "s8_6_bounds": "Step length of the line search",
    "s8_6_curve_fit": "Damping",
    "s8_6_pinn": "Step length of the line search",
    "s8_7_1_batch_norm": "Batch normalization: error of the moving statistics",
    "s8_7_2_coordinate_descent": "The block that moves",
    "s8_7_3_polyak": "Loss",
    "s8_7_4_pretraining": "Loss of minibatches",
    "s8_7_5_easy_models": "Loss of minibatches",
    "s8_7_6_continuation": "Continuation: annealed numbers of the model",
    "s8_7_6_curriculum": "Curriculum: examples available and drawn",
}
"""What the page shows of the subject of each example."""


ONE_OF_EACH_SECTION = (
    "s8_1_early_stopping", "s8_2_2_local_minima", "s8_3_1_learning_rate", "s8_4_initialization", "s8_6_3_bfgs",
    "s8_7_6_curriculum",
)  # fmt: skip
"""Examples that run in every run of `.ci/run`, as the quickstart does: that is `keras_ch8.tour`. All others name
nothing that is not there, and run in `.ci/full`."""


def names_in(tree):
    """Yield the module and the name of each import from the package, and of each attribute of what was imported."""
    known = {"keras_ch8": "keras_ch8"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "keras_ch8":
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield node.module, alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            yield known[node.value.id], node.attr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_what_an_example_takes_from_the_package_is_there(example):
    taken = set(names_in(ast.parse(example.read_text())))
    assert len(taken) > 1
    for module, name in taken:
        assert pkgutil.resolve_name(f"{module}.{name}") is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "example",
    mostly(pytest.mark.full, EXAMPLES, *(path for path in EXAMPLES if path.stem in ONE_OF_EACH_SECTION)),
    ids=lambda path: path.stem,
)
def test_example_runs(example, tmp_path):
    screen = tmp_path / "screen.txt"
    forked.call(forked.run_script, example, tmp_path, screen, "--quick")
    said = screen.read_text()
    runs = {path.parent for path in tmp_path.rglob("events.out.tfevents.*")}
    assert runs, "no TensorBoard run"
    assert any(EventAccumulator(str(run)).Reload().Tags()["tensors"] for run in runs)
    assert "tensorboard --logdir" in said
    made = event_files.read(tmp_path)
    series = {name for run in made["runs"] for name in run["series"]}
    shown = [panel for panel in made["panels"] if any(fnmatch.filter(series, like) for like in panel["series"])]
    assert PANELS[example.stem] in {panel["title"] for panel in shown}
