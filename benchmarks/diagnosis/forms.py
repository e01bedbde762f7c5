"""Puts a planted training into another form, and pastes there every code that its diagnosis gives.

A form is one that a cure may not suit: a schedule of the rate, a data set, a `ReduceLROnPlateau`, a subclassed model.
A code does no harm if the training runs, and its loss on held-out data is not above that without the code by more than
three seeds differ.
"""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_ch8
from keras_ch8.integration import keras_private

from . import confusion

SEEDS = (0, 1, 2)
OF_EACH_CLASS = ("imbalance",)
"""Kinds whose code is judged by the mean over the classes: what it costs the common one is its price."""
WARM_UP = 0.05
"""Part of the steps of a schedule in which the rate rises."""


class Around(keras.Model):
    """A subclassed model that does as another."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs, training=None):
        """Return what the other returns."""
        return self.inner(inputs, training=training)


@dataclasses.dataclass
class Script:
    """The names of a script that trains, as code between `compile` and `fit` finds them."""

    model: keras.Model
    x: Any
    y: Any
    batch_size: int | None
    epochs: int
    callbacks: list[keras.callbacks.Callback]
    held_out: tuple[Any, Any]
    validation_data: tuple[Any, Any] | None
    options: dict[str, Any]

    def paste(self, code):
        """Run code in it; what it does with the data, it does with those that are held out."""
        given = {"keras": keras, "keras_ch8": keras_ch8, "class_weight": self.options.get("class_weight")}
        own = ("model", "x", "y", "batch_size", "epochs", "callbacks")
        names = given | {name: getattr(self, name) for name in own}
        exec(compile(code, "<code of a cure>", "exec"), names)
        if names["x"] is not self.x or names["y"] is not self.y:
            others = given | {name: names[name] for name in own}
            others["model"], (others["x"], others["y"]) = self.model, self.held_out
            exec(compile(code, "<code of a cure>", "exec"), others)
            self.held_out = others["x"], others["y"]
            self.validation_data = self.validation_data and self.held_out
        for name in own:
            setattr(self, name, names[name])
        if names["class_weight"] is not None:
            self.options = {**self.options, "class_weight": names["class_weight"]}

    def fit(self, *watching):
        """Train."""
        self.model.fit(
            self.x, self.y, batch_size=None if self.y is None else self.batch_size, epochs=self.epochs,
            callbacks=[*self.callbacks, *watching], validation_data=self.validation_data, verbose=0, **self.options,
        )  # fmt: skip

    def loss(self, kind, of=None):
        """Return the loss on the held-out data, or that of what another script predicts for its own; infinite if none.

        It is that without the penalties: what layers add differs where a cure takes them away. Of a kind that is about
        rare classes it is the mean over the classes.
        """
        of = of or self
        given = of.model.predict(of.held_out[0], batch_size=256, verbose=0)
        rows = np.asarray(self.held_out[1]).reshape(len(self.held_out[1]), -1)
        labels = rows.argmax(axis=-1) if rows.shape[1] > 1 else rows[:, 0]
        parts = [np.flatnonzero(labels == label) for label in np.unique(labels)] if kind in OF_EACH_CLASS else [...]
        loss = float(np.mean([self._loss_of(given, part) for part in parts]))
        return loss if math.isfinite(loss) else math.inf

    def _loss_of(self, given, part):
        y, given = (
            keras.tree.map_structure(lambda a: keras.ops.convert_to_tensor(a[part]), each)
            for each in (self.held_out[1], given)
        )
        return float(keras_private.compiled_loss(self.model, y, given, None))


# --- the forms --------------------------------------------------------------------------------------------------------


def has_rate(run):
    """Whether the rate of the optimizer is a number that can be set."""
    optimizer = run.model.optimizer
    return "learning_rate" in optimizer.get_config() and not isinstance(optimizer.get_config()["learning_rate"], dict)


def scheduled(run, script):
    """Let the rate rise and fall to 0, with the given one as its peak."""
    if not has_rate(run):
        return None
    steps = run.epochs * -(-len(keras.tree.flatten(run.x)[0]) // run.batch_size)
    rising = max(1, int(WARM_UP * steps))
    rate = float(run.model.optimizer.learning_rate)
    run.model.optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - rising), warmup_target=rate, warmup_steps=rising
    )
    return script


def from_data_set(run, script):
    """Let a data set make the batches."""
    options = dict(run.options)
    weights, shuffle = options.pop("sample_weight", None), options.pop("shuffle", True)
    if options.pop("validation_split", None):
        return None
    parts = (run.x, run.y) if weights is None else (run.x, run.y, weights)
    data = tf.data.Dataset.from_tensor_slices(parts)
    if shuffle:
        data = data.shuffle(len(data), seed=0)
    return dataclasses.replace(script, x=data.batch(run.batch_size), y=None, options=options | {"shuffle": False})


def with_plateaus(run, script):
    """Let a callback lower the rate."""
    if not has_rate(run):
        return None
    return dataclasses.replace(script, callbacks=[keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=3)])


def subclassed(run, script):
    """Let a subclass call the model."""
    model = Around(run.model)
    keras_ch8.training.compile_as(model, run.model)
    return dataclasses.replace(script, model=model)


FORMS = {
    "as it is": lambda run, script: script,
    "schedule": scheduled,
    "data set": from_data_set,
    "plateaus": with_plateaus,
    "subclass": subclassed,
}


def script_of(planted, form, seed):
    """Return the script of a planted training in a form; None where it has none."""
    run = planted.make(seed)
    script = Script(
        run.model, run.x, run.y, run.batch_size, run.epochs, [], run.probe, run.validation_data, run.options
    )
    script = FORMS[form](run, script)
    keras.utils.set_random_seed(seed)
    return script


# --- what its codes do ------------------------------------------------------------------------------------------------


def judge(name, form, trained=True):
    """Return what the diagnosis gives as code in a form, and what each does when it is pasted."""
    planted = next(run for run in confusion.chosen() if run.name == name)
    bare = script_of(planted, form, SEEDS[0])
    if bare is None:
        return {"name": name, "form": form, "codes": None}
    diagnosis = keras_ch8.callbacks.Diagnosis(bare.held_out, verbose=False)
    bare.fit(diagnosis)
    said = [{"kind": v.kind, "level": v.level, "cure": v.cure, "code": v.code}
            for v in diagnosis.verdicts if v.level != "ok"]  # fmt: skip
    codes = [row for row in said if row["code"]]
    if codes and trained:
        others = [script_of(planted, form, seed) for seed in SEEDS[1:]]
        for other in others:
            other.fit()
        for row in codes:
            row |= pasted(planted, form, row["kind"], row["code"], [bare, *others])
    return {"name": name, "form": form, "codes": codes, "texts": [row for row in said if not row["code"]]}


def pasted(planted, form, kind, code, bare):
    """Return whether code runs, the losses without and with it, and whether these are worse by more than the spread."""
    without: list[float] = []
    cured: list[float] = []
    try:
        for seed in SEEDS:
            new = script_of(planted, form, seed)
            new.paste(code)
            new.fit()
            cured.append(new.loss(kind))
            without = [new.loss(kind, of=each) for each in bare]
            if not is_worse(without[: len(cured)], cured, without):
                break
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    return {"without": without, "with": cured, "worse": is_worse(without[: len(cured)], cured, without)}


def is_worse(without, cured, of_all):
    """Whether a mean loss is above another by more than the spread of all seeds; where there was none, nothing is."""
    if not np.isfinite(without).all():
        return False
    return bool(np.mean(cured) > np.mean(without) + max(of_all) - min(of_all))


def table(found):
    """Return the counts for each form, and a line for each code that does not run or is worse."""
    lines = [f"{'form':10}{'trainings':>10}{'verdicts':>10}{'codes':>7}{'ran':>6}{'not worse':>11}"]
    for form in FORMS:
        there = [one for one in found if one["form"] == form and one["codes"] is not None]
        codes = [row for one in there for row in one["codes"]]
        ran = [row for row in codes if "worse" in row]
        verdicts = len(codes) + sum(len(one["texts"]) for one in there)
        fine = sum(not row["worse"] for row in ran)
        lines.append(f"{form:10}{len(there):>10}{verdicts:>10}{len(codes):>7}{len(ran):>6}{fine:>11}")
    for one in found:
        for row in one["codes"] or ():
            if row.get("worse") or "error" in row:
                how = row.get("error") or "worse: " + ", ".join(
                    f"{name} {' '.join(f'{loss:.4g}' for loss in row[name])}" for name in ("without", "with")
                )
                lines.append(f"{one['name']}, {one['form']}, {row['level']} {row['kind']} ({row['cure'][:70]}): {how}")
    return "\n".join(lines)
