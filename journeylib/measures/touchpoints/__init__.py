"""Numbers of each touchpoint."""
