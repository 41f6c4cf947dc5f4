"""Automation fit, empathy need, vetoes and the verdict."""
