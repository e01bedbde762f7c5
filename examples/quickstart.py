"""A demo of a minute on real handwritten digits: a broken network, what is wrong with it, and the same network fixed.

    .venv/bin/python examples/quickstart.py    # the same as: python -m keras_ch8 tour
    .venv/bin/tensorboard --logdir runs/tour

What to look for on the page that it names: the verdict with its fix, epoch/val_loss of both trainings, and
diagnosis/backward_factor, which falls from layer to layer in the broken one. The demo itself is keras_ch8/tour.py.
"""

import argparse

from keras_ch8 import tour

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few epochs only, for the tests")
    tour.main("runs/tour", epochs=3 if parser.parse_args().quick else tour.EPOCHS)
