"""Where to start: which first automations are worth their money, and how sure that is."""
