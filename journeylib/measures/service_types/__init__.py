"""Which contacts are transactional, which emotional: openings, a model, shares."""
