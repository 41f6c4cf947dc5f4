"""What if a share of a matter moves between the bot and people: waits, minutes, money."""
