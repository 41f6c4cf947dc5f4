"""What the lab is for: the objective, the bets, and whether our own habits are any good."""
