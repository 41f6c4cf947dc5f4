"""Read logs, map columns to roles, check their quality, protect their people."""
