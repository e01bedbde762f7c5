"""The algorithms of the book in float64 NumPy, written from the book and not from the package."""
