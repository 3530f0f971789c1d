"""What a server refused, or what kept it from being asked."""

from __future__ import annotations

from collections.abc import Collection

from congresslite.diagnostics import CongressliteError, Diagnostic

TOKEN = "CONGRESSLITE_TOKEN"  # noqa: S105 - the name of a variable


class ServerError(CongressliteError):
    """What a server refused, or what kept it from being asked. `status` is that of its reply, 0 without one."""

    def __init__(self, diagnostics: Collection[Diagnostic] | Diagnostic, status: int = 0) -> None:
        super().__init__(diagnostics)
        self.status = status

    @property
    def about_policies(self) -> bool:
        """Whether everything that is wrong is wrong with policies."""
        return all(each.code < "CL4" for each in self.diagnostics)
