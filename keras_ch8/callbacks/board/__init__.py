"""What `TensorBoard` writes beside the curves."""
