"""What `executable` does is what `script` does."""

from __future__ import annotations

from congresslite.actions.script import KINDS

__all__ = ["KINDS"]
