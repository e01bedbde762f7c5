"""Which variables make up a block, in words and numbers that a file can hold."""

import numbers
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import keras

from .._describe import short

Blocks = tuple[tuple[str | int, ...], ...]
"""For each block, patterns that are searched in the paths of variables, and places among the trainable variables."""

Part: TypeAlias = int | str | keras.Variable | keras.layers.Layer | Sequence[Any]
"""What a user may say of a block: a place, a pattern, a variable, a layer, or a list of these."""

_MEND = 'Try blocks=["encoder", "decoder"], or blocks=[model.layers[:2], model.layers[2:]].'


def blocks_of(given: Sequence[Part]) -> Blocks:
    """Return blocks that are given by patterns, places, variables and layers, or lists of them."""
    if isinstance(given, str | bytes) or not isinstance(given, Sequence) or not len(given):
        raise ValueError(
            "`blocks` says which variables move together, so it must be a list with an entry for each block: a regular "
            "expression for paths of variables, a variable, its place among the trainable ones, a layer, or a list of "
            f"these. Received: {short(given)}. {_MEND}"
        )
    lists = [entry if isinstance(entry, list | tuple) else [entry] for entry in given]
    blocks = tuple(tuple(word for part in parts for word in _words(part)) for parts in lists)
    for number, block in enumerate(blocks):
        if not block:
            raise ValueError(f"Each block must have variables. Received: block {number} is an empty list. {_MEND}")
    return blocks


def _words(part: Part) -> Iterator[str | int]:
    if isinstance(part, numbers.Integral) and not isinstance(part, bool):
        yield int(part)
    elif isinstance(part, str):
        try:
            re.compile(part)
        except re.error as error:
            raise ValueError(
                "A text in `blocks` is a regular expression that is searched in the paths of variables. Received: "
                f"{short(part)}, which is none: {error}. Give the variable itself, or `re.escape` the text."
            ) from None
        yield part
    elif isinstance(part, keras.Layer):
        if not part.trainable_variables:
            raise ValueError(
                f"A layer in `blocks` stands for its trainable variables. Received: layer {part.name!r}, which has "
                f"none yet. Build the model first, or give a pattern such as {part.name + '/'!r}."
            )
        for variable in part.trainable_variables:
            yield from _words(variable)
    elif isinstance(part, keras.Variable):
        yield f"^{re.escape(part.path)}$"
    else:
        raise ValueError(
            "What is in a block must be a regular expression, a variable, its place, or a layer. Received: "
            f"{short(part)} of type {type(part).__name__}. {_MEND}"
        )


def split(blocks: Blocks, paths: Sequence[str]) -> list[int]:
    """Return the block of each variable: the first that fits its path or place. No block is without a variable."""
    found = [
        next((number for number, block in enumerate(blocks) if _fits(block, path, place)), None)
        for place, path in enumerate(paths)
    ]
    for path, number in zip(paths, found, strict=True):
        if number is None:
            raise ValueError(
                f"Every trainable variable must be in one of `blocks`, or it would never move. Received: {path!r}, for "
                f'which none of {_shown(blocks)} fits. Add one for it; a last block ".*" takes all that are left.'
            )
    for number, block in enumerate(blocks):
        if number not in found:
            raise ValueError(
                f"Each block must have variables. Received: block {number}, {list(block)}, which is the first to fit "
                f"none of {list(paths)}. Leave it out, correct its pattern, or put it before the others."
            )
    return [number for number in found if number is not None]


def _fits(block: tuple[str | int, ...], path: str, place: int) -> bool:
    return any(re.search(word, path) if isinstance(word, str) else word == place for word in block)


def _shown(blocks: Blocks) -> str:
    return str([block[0] if len(block) == 1 else list(block) for block in blocks])
