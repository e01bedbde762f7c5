"""The commands of `python -m keras_ch8`, one a module: `add_arguments(parser)` and `run(arguments)`.

`run` returns the exit status. What is not installed, or cannot be read or written, it raises: that is printed, for 2.
"""
