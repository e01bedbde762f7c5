"""Inputs and labels of a script that part from each other are given one order again."""

import difflib

import pytest

from keras_ch8.commands.doctor._pairing import paired

LOADER = """\
import numpy as np

class Loader(keras.utils.PyDataset):
    def on_epoch_end(self):
        order = np.random.permutation(len(self.x))
        self.x = self.x[order]

    def __getitem__(self, i):
        return self.x[i:i + 32], self.y[i:i + 32]
"""
ORDERED = """\
class Loader(keras.utils.PyDataset):
    def __getitem__(self, i):
        begin, end = i * 32, i * 32 + 32
        part = self.order[begin:end]
        return self.x[part], self.y[begin:end]
"""
ZIPPED = """\
clean = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x), seed=3)
noisy = clean.map(add_noise)
pairs = tf.data.Dataset.zip((noisy, clean)).batch(32)
"""
MASKS = """\
def drawn(data, size=32, seed=None):
    yield data

images, masks = drawn(x), drawn(y, size=32)
pictures = datagen.flow_from_directory("pictures")
segments = datagen.flow_from_directory("segments", class_mode=None)
both = zip(pictures, segments)
a = drawn(x)
b = drawn(y, size=32)
model.fit(zip(a, b))
"""
FEATURES = """\
loader = flow.flow_from_directory("pictures")
features = base.predict(loader)
top.fit(features, loader.classes)
"""


def changed(source):
    """Return the lines that go, and those that come."""
    lines = [*difflib.ndiff(source.splitlines(), paired(source).splitlines())]
    return [[line[2:].strip() for line in lines if line.startswith(sign)] for sign in ("- ", "+ ")]


@pytest.mark.parametrize(
    ("source", "gone", "come"),
    [
        (LOADER, [], ["self.y = self.y[order]"]),
        (LOADER.replace("permutation(len(self.x))", "arange(9)\n        np.random.shuffle(order)"), [],
         ["self.y = self.y[order]"]),
        ("order = rng.permutation(9)\nx = x[order]\nmodel.fit(x, y)\n", [], ["y = y[order]"]),
        ("order = rng.permutation(9)\nx = x[order]\nmodel.fit(y=y, x=x)\n", [], ["y = y[order]"]),
        ("import numpy as np\nnp.random.shuffle(x)\nmodel.fit(x, y)\n", ["np.random.shuffle(x)"],
         ["order = np.random.permutation(len(x))", "x, y = x[order], y[order]"]),
        ("random.shuffle(x)\nrandom.shuffle(y)\nm.fit(x, y)\n", ["random.shuffle(x)", "random.shuffle(y)"],
         ["import numpy as np", "order = np.random.permutation(len(x))", "x, y = x[order], y[order]", "pass"]),
        (ORDERED, ["return self.x[part], self.y[begin:end]"], ["return self.x[part], self.y[part]"]),
        (ZIPPED, ["clean = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x), seed=3)",
                  "pairs = tf.data.Dataset.zip((noisy, clean)).batch(32)"],
         ["clean = tf.data.Dataset.from_tensor_slices(x)",
          "pairs = tf.data.Dataset.zip((noisy, clean)).shuffle(len(x), seed=3).batch(32)"]),
        (MASKS, ['pictures = datagen.flow_from_directory("pictures")',
                 'segments = datagen.flow_from_directory("segments", class_mode=None)', "a = drawn(x)",
                 "b = drawn(y, size=32)"],
         ['pictures = datagen.flow_from_directory("pictures", seed=1)',
          'segments = datagen.flow_from_directory("segments", class_mode=None, seed=1)', "a = drawn(x, seed=1)",
          "b = drawn(y, size=32, seed=1)"]),
        (FEATURES, ['loader = flow.flow_from_directory("pictures")'],
         ['loader = flow.flow_from_directory("pictures", shuffle=False)']),
        (FEATURES.replace('s")', 's", shuffle=True)'), ['loader = flow.flow_from_directory("pictures", shuffle=True)'],
         ['loader = flow.flow_from_directory("pictures", shuffle=False)']),
    ],
)  # fmt: skip
def test_what_parts_inputs_from_labels_is_mended_where_it_stands(source, gone, come):
    assert changed(source) == [gone, come]


@pytest.mark.parametrize(
    "source",
    [
        LOADER.replace("self.x[order]\n", "self.x[order]\n        self.y = self.y[order]\n"),
        "order = rng.permutation(9)\nx, y = x[order], y[order]\nmodel.fit(x, y)\n",
        "first = np.argmax(y)\nx = x[first]\nmodel.fit(x, y)\n",  # no random order
        "np.random.shuffle(rows)\nmodel.fit(x[rows], y[rows])\n",
        ORDERED.replace("self.y[begin:end]", "self.y[part]"),
        ORDERED.replace("self.y[begin:end]", "self.y[begin + 1:end + 1]"),  # the next of each
        ZIPPED.replace(".shuffle(len(x), seed=3)", ""),
        "pairs = zip(names, numbers)\nmodel.fit(dict(pairs))\n",
        FEATURES.replace("loader.classes", "labels"),
        FEATURES.replace('s")', 's", shuffle=False)'),
    ],
)
def test_what_is_paired_stays_as_it_is(source):
    assert paired(source) == source


def test_a_call_may_end_in_a_comma_and_one_that_unpacks_a_dict_is_left_as_it_is():
    for given, edited in (('"pictures",\n', '"pictures", shuffle=False,\n'), ("**options", "**options")):
        script = "loader = flow.flow_from_directory({})\nmodel.predict(loader)\nloader.classes\n"
        assert paired(script.format(given)) == script.format(edited)
