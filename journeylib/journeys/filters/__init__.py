"""The verbs that narrow journeys down, and what remains after each."""
