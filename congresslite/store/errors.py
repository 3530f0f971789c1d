"""What the store cannot do, told without the passwords that URLs hold."""

from __future__ import annotations

from congresslite.diagnostics import CongressliteError, Diagnostic


class StoreError(CongressliteError):
    """A database that cannot be used, or secrets that cannot be kept or read."""


class AwayError(StoreError):
    """A database that does not answer now, or fails: what was not done may be asked for again."""

    @property
    def told(self) -> tuple[Diagnostic, ...]:
        """The findings for whoever is not to see which database it is, and what it says."""
        message, hint = "the database of the state does not answer now", "come again in a moment; the log tells more"
        return tuple(Diagnostic(each.code, message, None, hint) for each in self.diagnostics)


class TakenError(AwayError):
    """Another process writes to the database."""


class VersionError(Exception):
    """What was to be changed is not of the version that was expected; `current` is its version, 0 for none."""

    def __init__(self, what: str, current: int) -> None:
        super().__init__(f"{what} is of version {current}" if current else f"there is no {what}")
        self.current = current
