"""Notes of a room: questions out, answers back, differences."""
