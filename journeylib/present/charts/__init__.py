"""Charts: bars, lines, dots."""
