"""overall."""
