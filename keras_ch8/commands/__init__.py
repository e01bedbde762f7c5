"""The commands of `python -m keras_ch8`, one a module: `add_arguments(parser)` and `run(arguments)`."""
