"""What happens to events before they become journeys."""
