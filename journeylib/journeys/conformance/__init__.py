"""Planned against actual journeys, and process models."""
