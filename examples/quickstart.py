"""A tour of a minute on real handwritten digits: a sick training, what is wrong with it in words, and the cured one.

    .venv/bin/python examples/quickstart.py    # the same as: python -m keras_ch8 tour
    .venv/bin/tensorboard --logdir runs/tour

What to look for on the page that it names: the verdict with its cure, epoch/val_loss of both trainings, and
diagnosis/backward_factor, which falls from layer to layer in the sick one. The tour itself is keras_ch8/tour.py.
"""

import argparse

from keras_ch8 import tour

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    tour.main("runs/tour", epochs=3 if parser.parse_args().quick else tour.EPOCHS)
