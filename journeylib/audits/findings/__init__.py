"""Findings in sentences, and the gates a company sets."""
