"""The presentation for the projector."""
