"""The only place of the suite that touches Keras's internals or TensorFlow."""
