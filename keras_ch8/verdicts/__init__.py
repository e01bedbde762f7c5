"""What is wrong with a training and what cures it: verdicts in words, by rules that are data."""
