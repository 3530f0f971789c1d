"""What is wrong with a configuration."""

from __future__ import annotations

from congresslite.diagnostics import CongressliteError


class ConfigError(CongressliteError):
    """A configuration that cannot be used."""
