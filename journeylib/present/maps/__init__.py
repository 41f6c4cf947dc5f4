"""The journey map, the difference map, and other drawings."""
