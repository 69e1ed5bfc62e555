"""Runs the installed program with `python -m undersigned`."""

import sys

from undersigned import main

sys.exit(main())
