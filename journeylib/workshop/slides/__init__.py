"""The workshop as a PowerPoint file."""
