"""What a workshop shows, read from a run."""
