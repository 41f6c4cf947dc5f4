"""Write the sample logs: ``python -m sample_data.generator sample_data``."""

import sys
from pathlib import Path

from sample_data.generator import write

if len(sys.argv) != 2:
    sys.exit("usage: python -m sample_data.generator FOLDER")
write(Path(sys.argv[1]))
