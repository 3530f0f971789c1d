"""
Memory of the command's process: what one array gave back is kept for the next.

By default glibc returns the memory of each large array to the kernel, and the
next array of the same size gets it page by page again, each page cleared: a
third of the processor time of an evaluation. The process is the command's own
and ends with it, so it may keep what it was given; a library may not.
"""

from __future__ import annotations

import ctypes
import sys

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEEP = 1 << 30
_LARGEST_KEPT = 32 << 20  # glibc takes no more than this: half of its largest heap


def keep_memory() -> None:
    """Ask the allocator to keep what is freed, where it is glibc's; elsewhere nothing happens."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEEP)
        mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
