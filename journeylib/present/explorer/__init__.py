"""The interactive journey map of a notebook, its filters and its plain twin."""
