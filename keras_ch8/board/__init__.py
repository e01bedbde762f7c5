"""What TensorBoard gets: curves, pictures and texts, each with a description, in a run of its own."""
