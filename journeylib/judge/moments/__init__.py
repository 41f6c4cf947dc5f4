"""Moments of truth: which touchpoints decide what customers do next."""
