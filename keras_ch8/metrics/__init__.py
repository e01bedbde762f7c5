"""What is really wanted of a classifier (section 8.1.2): to be watched, as it has no gradient to train on."""

from ._zero_one_loss import ZeroOneLoss

__all__ = ["ZeroOneLoss"]
