"""The walk: events as arrays in order of customer, and compiled functions that step over them."""
