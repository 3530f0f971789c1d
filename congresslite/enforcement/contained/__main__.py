"""The supervisor as a process; `runs` starts it."""

from __future__ import annotations

import sys

from congresslite.enforcement.contained.supervisor import main

sys.exit(main(sys.argv[1:]))
