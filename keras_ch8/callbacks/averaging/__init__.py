"""Averages of weights, and the model that has them."""
