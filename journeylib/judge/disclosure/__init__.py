"""Whether and how customers were told that they talk to a machine."""
