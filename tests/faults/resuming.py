"""States as they come back from files, and whether two are the same."""

import collections
import io
import json

import numpy as np

CLOCKS = ("seconds", "spent", "setup", "clock", "diagnosis_cost")
"""Parts of states that say how long something took."""


def kept(state):
    """Return a state as it comes back from JSON with arrays beside it, without pickle."""
    arrays = {}

    def plain(value):
        if isinstance(value, np.ndarray):
            arrays[f"array_{len(arrays)}"] = value
            return {"array of the file": f"array_{len(arrays) - 1}"}
        if isinstance(value, dict):
            assert all(type(key) is str for key in value), value.keys()
            return {key: plain(each) for key, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        assert value is None or type(value) in (bool, int, float, str), f"{value!r} of type {type(value).__name__}"
        return value

    text = json.dumps(plain(state))
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as found:
        arrays = dict(found)

    def back(value):
        if isinstance(value, dict):
            return (
                arrays[value["array of the file"]]
                if "array of the file" in value
                else {k: back(v) for k, v in value.items()}
            )
        return [back(each) for each in value] if isinstance(value, list) else value

    return back(json.loads(text))


def assert_same(one, other, where=""):
    """Bit for bit, arrays entry by entry, wherever they are."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), f"{where}: {sorted(one)} and {sorted(other)}"
        for name in one:
            assert_same(one[name], other[name], f"{where}.{name}")
    elif isinstance(one, list | tuple | collections.deque):
        assert len(one) == len(other), f"{where}: lengths {len(one)} and {len(other)}"
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{i}]")
    else:
        np.testing.assert_array_equal(one, other, err_msg=where)


def without_time(state):
    """Return a state without what a clock says."""
    if isinstance(state, dict):
        return {name: without_time(value) for name, value in state.items() if name not in CLOCKS}
    return [without_time(each) for each in state] if isinstance(state, list) else state
