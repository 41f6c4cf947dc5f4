"""The sections of the dashboard, each one call in a notebook."""
