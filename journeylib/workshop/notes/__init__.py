"""Notes of a room: tables and slides that come back, and the file they are kept in."""
