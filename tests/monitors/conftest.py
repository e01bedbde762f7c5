"""What is measured here is measured op by op.

That a graph gives the same numbers is seen once for each kind of measurement, and in every training with a diagnosis.
"""

import pytest


@pytest.fixture(autouse=True)
def measured_op_by_op(op_by_op):
    pass
