"""What TensorBoard gets: curves and texts, each with a description, in a run of its own."""
