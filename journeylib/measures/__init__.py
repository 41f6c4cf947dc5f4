"""Counts, times, loops, hand-offs, effort, sentiment: small tables with intervals."""
