"""What changed since the run before, and between two periods."""
