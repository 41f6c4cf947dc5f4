"""paradoxes."""
