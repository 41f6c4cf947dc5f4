"""What customers and experts said: surveys, memory, ratings."""
