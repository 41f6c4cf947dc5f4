"""The command line as a module: ``python -m journeylib.cli``."""

import sys

from journeylib.cli.main import main

sys.exit(main())
