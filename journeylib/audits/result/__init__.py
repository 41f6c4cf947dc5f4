"""The frozen result of a run, its document and its tables."""
