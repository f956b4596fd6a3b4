"""Work until done or killed: python -m kills fill FILE."""

import sys

from kills import work

getattr(work, sys.argv[1])(sys.argv[2])
