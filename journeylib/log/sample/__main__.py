"""Write the sample logs: ``python -m journeylib.log.sample sample_data``."""

import sys
from pathlib import Path

from journeylib.log.sample import write

if len(sys.argv) != 2:
    sys.exit("usage: python -m journeylib.log.sample FOLDER")
write(Path(sys.argv[1]))
