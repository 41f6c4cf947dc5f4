"""From a raw table to canonical events and outcomes."""
