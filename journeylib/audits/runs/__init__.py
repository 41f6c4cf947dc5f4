"""Run directories: writing one, the history of them, making one again."""
