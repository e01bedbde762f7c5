"""What a step of an optimizer leaves behind for callbacks to read: one row of numbers, in a ring inside the step."""
