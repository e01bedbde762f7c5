"""What is measured: speed, and in `diagnosis` how often verdicts are right."""
