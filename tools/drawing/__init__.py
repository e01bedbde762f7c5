"""What the pictures of the kinds of verdicts are drawn with."""
