"""Portfolio, what-if, experiments."""
