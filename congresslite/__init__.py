"""congresslite: a declarative policy checker for network-function estates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from congresslite.analysis.precommit import precommit
    from congresslite.analysis.simulation import simulate
    from congresslite.api import Delta, Engine, Policy

__version__ = "0.1.0"
__all__ = ["Delta", "Engine", "Policy", "__version__", "precommit", "simulate"]


def __getattr__(name: str) -> object:
    """Import the engine when it is first asked for, so that `--version` and `--help` stay quick."""
    if name in ("Delta", "Engine", "Policy"):
        from congresslite import api  # noqa: PLC0415

        return getattr(api, name)
    if name == "precommit":
        from congresslite.analysis import precommit as module  # noqa: PLC0415

        return module.precommit
    if name == "simulate":
        from congresslite.analysis import simulation  # noqa: PLC0415

        return simulation.simulate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
