"""The swap is one word: what a Keras part takes, ours takes or refuses with the fix; strings name ours too."""

import inspect
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_ch8 as ch8
import keras_ch8.commands.swap
from keras_ch8 import commands
from keras_ch8._describe import source
from keras_ch8.integration import keras_private
from tests import forked
from tests.addons_scripts import SCRIPTS
from tests.marks import mostly

KERAS = {
    "optimizers": keras.optimizers,
    "callbacks": keras.callbacks,
    "layers": keras.layers,
    "initializers": keras.initializers,
    "metrics": keras.metrics,
    "schedules": keras.optimizers.schedules,
}
BOTH = [
    (package, name)
    for package, theirs in KERAS.items()
    for name in getattr(ch8, package).__all__
    if isinstance(getattr(theirs, name, None), type)
    if source(getattr(getattr(ch8, package), name))  # bases are not swapped
]
VALUES = {
    "learning_rate": 0.02, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01, "clipnorm": 1.0, "clipvalue": 1.0,
    "global_clipnorm": 1.0, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 7,
    "loss_scale_factor": 2.0, "gradient_accumulation_steps": 2, "name": "own", "beta_1": 0.8, "beta_2": 0.99,
    "epsilon": 1e-5, "amsgrad": True, "rho": 0.8, "centered": True, "initial_accumulator_value": 0.1,
    "log_dir": "elsewhere", "histogram_freq": 1, "write_graph": True, "write_images": True,
    "write_steps_per_second": True, "update_freq": "batch", "profile_batch": 2, "embeddings_freq": 1,
    "embeddings_metadata": "labels.tsv", "monitor": "loss", "min_delta": 0.1, "patience": 3, "verbose": 1,
    "mode": "max", "baseline": 0.5, "restore_best_weights": True, "start_from_epoch": 2, "axis": 1, "center": False,
    "scale": False, "beta_initializer": "ones", "gamma_initializer": "zeros", "moving_mean_initializer": "ones",
    "moving_variance_initializer": "zeros", "beta_regularizer": "l2", "gamma_regularizer": "l2",
    "beta_constraint": "non_neg", "gamma_constraint": "non_neg", "renorm": True, "renorm_clipping": {"rmax": 3.0},
    "renorm_momentum": 0.9, "initial_learning_rate": 0.2, "decay_steps": 7, "decay_rate": 0.5, "alpha": 0.1,
    "staircase": True, "warmup_target": 0.3, "warmup_steps": 5, "synchronized": True, "gain": 2.0, "seed": 3,
    "input_axes": [0], "output_axes": [1], "first_decay_steps": 7, "t_mul": 3.0, "m_mul": 0.5,
    "end_learning_rate": 0.01, "power": 2.0, "cycle": True,
}  # fmt: skip
"""Another value than the default for every argument of a class that both have."""
REQUIRED = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 10},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 10},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9},
}
SINCE_KERAS_3_14 = ("renorm", "renorm_clipping", "renorm_momentum")
"""Arguments in the midst of others, which an older Keras has not."""
ARGUMENTS = [
    (package, name, argument)
    for package, name in BOTH
    for argument, of in inspect.signature(getattr(KERAS[package], name).__init__).parameters.items()
    if argument != "self" and of.kind is not of.VAR_KEYWORD
]


def test_there_are_classes_of_both_names():
    assert {("schedules", "CosineDecay"), ("initializers", "Orthogonal")} < set(BOTH)
    assert {("optimizers", "Adam"), ("callbacks", "TensorBoard"), ("layers", "BatchNormalization")} <= set(BOTH)


def test_the_command_knows_the_classes_that_both_have():
    for package in commands.swap.PACKAGES:
        assert commands.swap.both(package) == {name for of, name in BOTH if of == package}
    for (name, argument), (place, _) in commands.swap.OFF.items():
        assert [*inspect.signature(getattr(keras.optimizers, name)).parameters][place] == argument


@pytest.mark.parametrize(("package", "name", "argument"), ARGUMENTS)
def test_every_argument_of_the_keras_part_is_taken_or_refused_with_the_fix_and_the_command_knows(
    package, name, argument
):
    value, refusal, ours = VALUES[argument], "", getattr(getattr(ch8, package), name)
    off = commands.swap.OFF.get((name, argument))
    try:
        made = ours(**REQUIRED.get(name, {}) | {argument: value})
    except (TypeError, ValueError) as error:
        refusal = str(error)
    if package in commands.swap.PACKAGES:
        assert bool(refusal) == (off is not None)
    if refusal:
        _, received = refusal.split("Received: ", 1)
        assert received.startswith(f"{argument}={value!r}")
        assert received.count(". ") >= 1, "no fix after what was received"
        if off:
            ours(**{argument: off[1]})
        return
    config = made.get_config() if hasattr(made, "get_config") else {}
    kept = config.get(argument, getattr(made, argument, value))
    if isinstance(kept, str | bool | int | float):
        assert kept == pytest.approx(value)
    assert kept is not None


@pytest.mark.parametrize(("package", "name"), BOTH)
def test_arguments_that_both_take_by_place_stand_in_the_same_order(package, name):
    def by_place(cls):
        of = inspect.signature(cls.__init__).parameters.values()
        return [p.name for p in of if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]

    theirs, ours = by_place(getattr(KERAS[package], name)), by_place(getattr(getattr(ch8, package), name))
    ours = [argument for argument in ours if argument in theirs or argument not in SINCE_KERAS_3_14]
    assert ours[: len(theirs)] == theirs[: len(ours)]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ch8.optimizers.LBFGS(1e-3), r"has no learning rate.*Received: LBFGS\(0.001\). Write `LBFGS\(\)`"),
        (lambda: ch8.optimizers.BFGS(learning_rate=0.1), r"has no learning rate.*BFGS\(learning_rate=0.1\)"),
        (
            lambda: ch8.optimizers.Newton(0.1),
            r"Write `Newton\(\)`. Pass its arguments by name: damping, max_parameters",
        ),
        (lambda: ch8.optimizers.Adam(lr=0.1), r"no argument `lr`. Received: lr=0.1. Write `learning_rate=`"),
        (lambda: ch8.optimizers.Momentum(decay=1e-6), r"Received: decay=1e-06. Pass a schedule"),
        (lambda: ch8.optimizers.Adagrad(speed=2), r"Received: speed=2. Besides its own arguments it takes: use_ema"),
    ],
)
def test_an_argument_that_neither_has_is_refused_with_what_stands_for_it(make, said):
    with pytest.raises((TypeError, ValueError), match=said):
        make()


@pytest.mark.slow
def test_how_often_tensorboard_measures_is_a_length_of_time(tmp_path):
    x = np.ones((24, 2))
    measured = {}
    for every in ("1ba", "1ep", 4, "3st", "50%"):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        board = ch8.callbacks.TensorBoard(tmp_path / str(every), measure_every=every)
        model.fit(x, x[:, :1], batch_size=2, epochs=2, verbose=0, callbacks=[board])
        measured[every] = board.observes_updates
    assert measured == {"1ba": 1, "1ep": 12, 4: 4, "3st": 3, "50%": 12}
    with pytest.raises(ValueError, match="Received: measure_every='epoch'"):
        ch8.callbacks.TensorBoard(measure_every="epoch")


# --- strings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(ch8.optimizers.__all__) - {"BlockCoordinateDescent", "Group"}))
def test_a_string_with_the_package_is_ours(name):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(f"keras_ch8>{name}", "mse")
    assert type(model.optimizer) is getattr(ch8.optimizers, name)


# --- python -m keras_ch8 swap --------------------------------------------------------------------------------------

SCRIPT = """
    import numpy as np
    import tensorflow as tf
    from tensorflow import keras
    from keras.callbacks import EarlyStopping, History
    from keras.optimizers import Adagrad as Ada, Nadam

    keras.utils.set_random_seed(0)
    rate = 0.05
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    y = x.sum(axis=1)
    for optimizer in (
        keras.optimizers.SGD(learning_rate=rate, momentum=0.9),
        tf.keras.optimizers.RMSprop(rate, rho=0.8),
        Ada(0.1, epsilon=1e-6),
        keras.optimizers.Adam(rate, amsgrad=True),
        Nadam(),
        "sgd",
    ):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile(optimizer, loss="mse")
        calls = [EarlyStopping("loss", patience=3), keras.callbacks.TensorBoard("logs", write_graph=True), History()]
        model.fit(x, y, epochs=2, verbose=0, callbacks=calls[::2])
        print(type(model.optimizer).__module__, model.evaluate(x, y, verbose=0))
    model.compile(optimizer="sgd", loss="mse")
    print(type(model.optimizer).__module__)
"""


def run(*arguments, **options):
    env = os.environ | {"PYTHONPATH": str(Path(keras_ch8.__file__).parents[1])}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=env, **options)


def printed_by(script):
    screen = script.with_suffix(".txt")
    forked.call(forked.run_script, script, script.parent, screen)
    return [line for line in screen.read_text().splitlines() if line.startswith("keras")]  # TensorFlow prints too


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(textwrap.dedent(SCRIPT))
    return path


@pytest.mark.slow
def test_the_swap_is_printed_as_a_diff_that_can_be_applied_and_what_stays_is_named(script):
    before = script.read_text()
    done = run("-m", "keras_ch8", "swap", script)
    assert done.returncode == 0
    assert script.read_text() == before
    assert "+from keras_ch8.callbacks import EarlyStopping" in done.stdout
    assert "+from keras_ch8.optimizers import Adagrad as Ada" in done.stdout
    said = [line for line in done.stderr.splitlines() if line.startswith("Line ")]
    (adam,) = [line for line in said if line.startswith("Line 16: `keras.optimizers.Adam` stays.")]
    assert "amsgrad=True" in adam
    assert 'keras_ch8.callbacks.TensorBoard("logs", write_graph=True)' in done.stdout
    assert ["`Adagrad` of keras_ch8 makes other steps" in line for line in said].count(True) == 1
    assert ["`RMSprop` of keras_ch8 makes other steps" in line for line in said].count(True) == 1
    assert len(said) == 3
    subprocess.run(["patch", script], input=done.stdout, text=True, check=True, capture_output=True)
    *trained, last = printed_by(script)
    modules, losses = zip(*(line.split() for line in trained), strict=True)
    assert [module.split(".")[0] for module in modules] == ["keras_ch8"] * 3 + ["keras"] * 3
    assert last == "keras_ch8.optimizers.sgd"
    assert commands.swap.swap(script.read_text())[0] == script.read_text()
    script.write_text(before)
    theirs = [float(line.split()[1]) for line in printed_by(script)[:-1]]
    same = [i for i in range(6) if i != 2]  # Keras's Adagrad starts its sum at 0.1
    np.testing.assert_allclose(np.array(losses, float)[same], np.array(theirs)[same], rtol=1e-3)


def test_what_ours_takes_by_name_only_stays_where_it_is_given_by_place():
    source = 'import keras\nboard = keras.callbacks.TensorBoard("logs", 1)\n'
    swapped, ((line, reason),) = commands.swap.swap(source)
    assert (swapped, line) == (source, 2)
    assert reason.startswith("`keras.callbacks.TensorBoard` stays.")
    assert "go by name" in reason
    assert commands.swap.swap(source.replace("1", "histogram_freq=1"))[1] == []


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (None, 2, "FILE must be a Python script. Received: .*train.py, which fails with .*No such file"),
        ("def (", 2, "which fails with invalid syntax"),
        ("import keras\nprint(keras.layers.Dense(1))\n", 0, "Nothing in .*train.py needs to be swapped"),
    ],
)
def test_what_cannot_be_swapped_is_said(tmp_path, text, status, said):
    path = tmp_path / "train.py"
    if text is not None:
        path.write_text(text)
    done = run("-m", "keras_ch8", "swap", path)
    assert done.returncode == status
    assert done.stdout == ""
    assert re.search(said, done.stderr)


MADE = "keras_ch8.optimizers.Adam()"
TRICKY = {
    "a form feed": ("import keras\nx = 'a\\x0cb'\n\x0cy = keras.optimizers.Adam()\n", MADE),
    "a separator of Unicode": ("import keras\ns = 'a\u2028b'\nx = keras.optimizers.Adam()\n", MADE),
    "ends of Windows": ("import keras\r\nx = keras.optimizers.Adam()\r\n", f"import keras_ch8\r\nx = {MADE}\r\n"),
    "a byte order mark": ("\ufeffimport keras\nx = keras.optimizers.Adam()\n", MADE),
    "no end of the last line": ("import keras\nx = keras.optimizers.Adam()", MADE),
    "tabs": ("def f():\n\timport keras\n\treturn keras.optimizers.Adam()\n", "import keras_ch8\ndef f():\n"),
    "one line": ("import keras; x = keras.optimizers.Adam()\n", f"import keras; import keras_ch8; x = {MADE}\n"),
    "one line with try": ("try: import keras\nexcept ImportError: pass\nm.compile('adam')\n", "import keras_ch8\ntry"),
    "after the future": ("from __future__ import annotations\nm.compile('adam')\n", "annotations\nimport keras_ch8\n"),
    "the quotes that there are": ("import keras\nm.compile('adam', \"mse\")\n", "compile('keras_ch8>Adam', \"mse\")"),
    "a function": ("def f():\n  import keras\n  keras.optimizers.Adam()\n", "import keras_ch8\ndef f"),
    "comments in an import": ("from keras.optimizers import (\n  Adam,  # why\n)\nAdam()\n", "# why"),
    "a use before the import": ("def f():\n  return Adam()\nfrom keras.optimizers import Adam\n", "from keras_ch8.opt"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TRICKY)
def test_what_is_swapped_is_python_and_swapped_once(kind):
    source, expected = TRICKY[kind]
    swapped, left = commands.swap.swap(source)
    assert expected in swapped
    assert left == []
    compile(swapped.removeprefix("\ufeff"), "train.py", "exec")
    assert commands.swap.swap(swapped) == (swapped, [])


ELSEWHERE = {
    "a function": "import keras\ndef f():\n  import keras_ch8\ndef g():\n  return keras.optimizers.Adam()\n",
    "a condition": "import keras\nif 0:\n  import keras_ch8\no = keras.optimizers.Adam()\n",
    "a part alone": "import keras\nfrom keras_ch8 import optimizers\no = keras.optimizers.Adam()\n",
    "the end": "import keras\no = keras.optimizers.Adam()\nimport keras_ch8\n",
}


@pytest.mark.parametrize("place", ELSEWHERE)
def test_an_import_elsewhere_does_not_stand_for_one_that_holds(place):
    swapped, _ = commands.swap.swap(ELSEWHERE[place])
    assert swapped.startswith("import keras\nimport keras_ch8\n")
    made = {}
    exec(swapped, made)
    assert isinstance(made["g"]() if "g" in made else made["o"], ch8.optimizers.Adam)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (
            "import keras\na = keras.optimizers.RMSprop(1e-3)\nb = keras.optimizers.Adagrad()\n",
            {2: "2 to 12", 3: "3 to 16"},
        ),
        ("from keras.optimizers import Adagrad\nAdagrad()\n", {2: "3 to 16 %"}),
        ("import keras\nm.compile('rmsprop')\n", {2: "`epsilon=1e-7` keeps"}),
        ("import keras\nkeras.optimizers.RMSprop(epsilon=1e-7)\nkeras.optimizers.Adam()\n", {}),
    ],
)
def test_a_swap_that_changes_the_numbers_says_so(source, lines):
    swapped, notes = commands.swap.swap(source)
    assert swapped != source
    assert [line for line, _ in notes] == [*lines]
    assert all(said in note for (_, note), said in zip(notes, lines.values(), strict=True))


STAYS = {
    "a base class": ("import keras\nclass Own(keras.optimizers.SGD): pass\n", [2]),
    "a test of the class": ("import keras\nisinstance(o, keras.optimizers.SGD)\n", [2]),
    "a star": ("from keras.optimizers import *\nAdam()\n", [1]),
    "a refused argument": ("import keras\nkeras.optimizers.Adam(amsgrad=True)\n", [2]),
    "another module": ("import re\nre.compile('adam')\n", []),
    "a parameter": ("import keras\ndef f(keras):\n    return keras.optimizers.Adam()\n", []),
    "two imports": (
        "from keras.optimizers import Adam\ndef f():\n    from torch.optim import Adam\n    return Adam()\n",
        [],
    ),
    "an f-string": ("import keras\nprint(f\"{m.compile('adam')}\")\n", []),
}


@pytest.mark.parametrize("kind", STAYS)
def test_what_would_change_its_meaning_stays_and_is_named_and_what_is_something_else_is_left_alone(kind):
    source, lines = STAYS[kind]
    swapped, left = commands.swap.swap(source)
    assert swapped == source
    assert [line for line, _ in left] == lines


# --- from TensorFlow Addons and keras-contrib -----------------------------------------------------------------------

QUICK = ("a vision transformer", "the guide of cycles")


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_with_addons_is_swapped_once_and_loses_them(kind):
    source, expected = SCRIPTS[kind]
    swapped, _ = commands.swap.swap(source)
    assert expected in swapped
    assert "tensorflow_addons" not in swapped
    assert commands.swap.swap(swapped)[0] == swapped


@pytest.mark.parametrize("kind", mostly(pytest.mark.full, SCRIPTS, *QUICK))
def test_a_script_with_addons_runs_after_the_swap(kind):
    made = {}
    exec(commands.swap.swap(SCRIPTS[kind][0])[0], made)
    assert np.isfinite(made["history"].history["loss"]).all()
    ours = (made["model"].optimizer, keras_private.rate_of(made["model"].optimizer), kind.startswith("a limit") and ch8)
    assert any(getattr(one, "__module__", getattr(one, "__name__", "")).startswith("keras_ch8") for one in ours)


TFA_STAYS = {
    "a rate that may be a schedule": (
        "import tensorflow_addons as tfa\no = tfa.optimizers.AdamW(learning_rate=make(), weight_decay=1e-4)\n",
        "the rate times `weight_decay`.*Received: one of the two that need not be a number",
    ),
    "a name that stands for two numbers": (
        "import tensorflow_addons as tfa\nr = 0.1\nr = 0.2\no = tfa.optimizers.SGDW(1e-4, r)\n",
        "Write `keras_ch8.optimizers.SGD` with the quotient by hand",
    ),
    "amsgrad": (
        "from tensorflow_addons.optimizers import LazyAdam\no = LazyAdam(amsgrad=True)\n",
        "keras_ch8.optimizers.Adam has `amsgrad=False` only",
    ),
    "a scale of one's own": (
        "import tensorflow_addons as tfa\ns = tfa.optimizers.CyclicalLearningRate(0, 1, 2, lambda x: 0.9**x)\n",
        "`scale_fn` is none of Smith's",
    ),
    "arguments that stand elsewhere": (
        "import tensorflow_addons as tfa\no = tfa.optimizers.AdamW(**config)\n",
        "does not take all the arguments",
    ),
    "a class": ("import tensorflow_addons as tfa\nk = tfa.optimizers.AdamW\n", "named here without being called"),
    "an algorithm that neither has": (
        "import tensorflow_addons as tfa\no = tfa.optimizers.Lookahead(tfa.optimizers.RectifiedAdam())\n",
        "`tensorflow_addons.optimizers.Lookahead` stays. None: it moves",
    ),
    "a layer": (
        "from tensorflow_addons.layers import Maxout\nl = Maxout(3)\n",
        "optimizers, schedules and callbacks alone are swapped",
    ),
    "a callback of keras-contrib": (
        "from keras_contrib.callbacks import CyclicLR\nc = CyclicLR(0.001, 0.006)\n",
        "It is a schedule: give `keras_ch8.schedules.CyclicalLearningRate`",
    ),
}


@pytest.mark.parametrize("kind", TFA_STAYS)
def test_an_addon_that_ours_does_not_replace_stays_and_is_named_with_what_does(kind):
    source, said = TFA_STAYS[kind]
    swapped, left = commands.swap.swap(source)
    assert swapped == source
    assert any(re.search(said, reason) for _, reason in left), left


def test_addons_of_which_some_stay_are_still_imported():
    source = "import tensorflow_addons as tfa\no = tfa.optimizers.LAMB()\np = tfa.optimizers.LazyAdam()\n"
    swapped, _ = commands.swap.swap(source)
    assert swapped.startswith("import keras_ch8\nimport tensorflow_addons as tfa\no = tfa.optimizers.LAMB()\n")
    assert swapped.endswith("p = keras_ch8.optimizers.Adam()\n")
