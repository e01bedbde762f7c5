"""What is measured here is measured op by op: tracing a graph of each model takes most of the time otherwise.

That a graph gives the same numbers is seen where a test asks for `in_graphs`, once for each kind of measurement, and
in every training with a diagnosis.
"""

import pytest


@pytest.fixture(autouse=True)
def op_by_op(request):
    import tensorflow as tf

    tf.config.run_functions_eagerly("in_graphs" not in request.fixturenames)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def in_graphs():
    """The test traces graphs, as a diagnosis does."""
