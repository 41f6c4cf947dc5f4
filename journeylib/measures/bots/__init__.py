"""Bot sessions, containment, and the hand-off audit."""
