"""What customers say: sentiment, and how often detectors are right."""
