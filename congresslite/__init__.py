"""congresslite: a declarative policy checker for network-function estates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from congresslite.api import Delta, Engine, Policy

__version__ = "0.1.0"
__all__ = ["Delta", "Engine", "Policy", "__version__"]


def __getattr__(name: str) -> object:
    """Import the engine when it is first asked for, so that `--version` and `--help` stay quick."""
    if name in ("Delta", "Engine", "Policy"):
        from congresslite import api  # noqa: PLC0415

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
