"""The workshop: map, slides, poster and cards that a room can work on, from one content."""

from journeylib.workshop.exchange import export_notes, take_notes
from journeylib.workshop.notes.bets import RoomBets, write_bets
from journeylib.workshop.notes.notes import notes_file
from journeylib.workshop.pack import latest_run, prepare_workshop
from journeylib.workshop.wall_map.wall_map import wall_figure
