"""The workshop: map, slides, poster and cards that a room can work on, from one content."""
