"""What the estimates of this room share: design matrices, effects and their standard errors."""
