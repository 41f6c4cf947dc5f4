"""The workshop: map, slides, poster and cards that a room can work on, from one content."""

from journeylib.present.workshop.pack import Pack, prepare_workshop
from journeylib.present.workshop.reading import read_content
from journeylib.present.workshop.wall import wall_figure

__all__ = ["Pack", "prepare_workshop", "read_content", "wall_figure"]
