"""journeylib."""
