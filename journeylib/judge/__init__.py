"""Automation fit and empathy need, moments of truth, tipping points, paradoxes."""
