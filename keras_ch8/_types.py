"""The types that signatures name, each said once.

Keras's own are named as Keras names them: `keras.Model`, `keras.Variable`, `keras.layers.Layer`,
`keras.optimizers.Optimizer`. Neither Keras nor TensorFlow publishes types, so a type checker takes these for `Any`; a
reader, and `help`, see what is meant.
"""

from typing import Any, TypeAlias

Tensor: TypeAlias = Any
"""A tensor of the backend in use, or what Keras makes one of: an array, a number."""

Tree: TypeAlias = Any
"""Tensors or variables in nested lists, tuples and dictionaries, as `keras.tree` walks them."""

Data: TypeAlias = Any
"""What `fit` takes as x or y: arrays, a nested structure of arrays, a `tf.data.Dataset`, a generator, a source."""

Config: TypeAlias = dict[str, Any]
"""What `get_config` returns: the arguments of the constructor, as plain data."""

Logs: TypeAlias = dict[str, Any]
"""What Keras hands to callbacks: numbers by name."""
