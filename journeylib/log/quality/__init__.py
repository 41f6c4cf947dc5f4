"""What a log is worth, counted before anything is computed from it."""
