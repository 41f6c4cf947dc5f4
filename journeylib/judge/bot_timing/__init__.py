"""bot_timing."""
