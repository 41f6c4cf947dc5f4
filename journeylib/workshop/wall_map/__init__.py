"""wall_map."""
