"""What is written for TensorBoard: the tags, the windows that keep spikes, and the writer that never stops training."""
