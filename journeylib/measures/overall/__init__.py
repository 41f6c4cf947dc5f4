"""Numbers of the whole log, of groups, and of periods."""
