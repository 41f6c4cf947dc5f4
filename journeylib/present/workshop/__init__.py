"""The workshop: map, slides, poster and cards that a room can work on, from one content."""

from journeylib.workshop.content.from_run import read_content
from journeylib.workshop.pack import Pack, prepare_workshop
from journeylib.workshop.wall_map.wall_map import wall_figure

__all__ = ["Pack", "prepare_workshop", "read_content", "wall_figure"]
