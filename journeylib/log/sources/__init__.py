"""Everything that a log can come from, turned into a raw table."""
