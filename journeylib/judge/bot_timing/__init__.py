"""How long a bot should try, and when people give up."""
