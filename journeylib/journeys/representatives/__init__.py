"""Representative journeys and how they were lived."""
