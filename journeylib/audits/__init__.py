"""Configuration, run, bundle, gates."""
