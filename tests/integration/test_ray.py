"""Two workers that Ray Train starts train as one process does; with the extra `ray`."""

import importlib.util

import numpy as np
import pytest

from tests import forked
from tests.integration import ray_case


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra `ray`")
def test_two_workers_of_ray_train_as_one_process(tmp_path):
    first, second = forked.call(ray_case.by_ray, str(tmp_path))
    for one, other, single in zip(first, second, forked.call(ray_case.alone), strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, single, atol=1e-6)
