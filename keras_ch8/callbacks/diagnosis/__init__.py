"""What `Diagnosis` measures, when, and what it makes of it."""
