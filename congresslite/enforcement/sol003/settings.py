"""
How a VNF manager is reached, who we are to it, and what it wants to know beside what rules say.

A connection is described as for the driver `rest`, so that a source and a target of one VNF manager look alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from congresslite.actions import kinds_of
from congresslite.config.units import Size
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.enforcement.connection import Connection
from congresslite.enforcement.sol003.client import OrderClient
from congresslite.enforcement.sol003.requests import secrets_in
from congresslite.sources.drivers import rest

_SERVICE = "nfv-orchestration"  # what Keystone's catalogue calls a VNF manager
_API_VERSIONS = {"v1": "1.3.0", "v2": "2.0.0"}


class Settings(Connection):
    """What the executor wants to know. `url` is the address of the VNF manager, without `/vnflcm`."""

    version: Literal["v1", "v2"] = Field(default="v2", description="Which version of the interface it speaks.")
    api_version: str | None = Field(
        default=None, description="What the header `Version` says; 1.3.0 for v1, 2.0.0 for v2 by default."
    )
    max_bytes: Size = Field(default=16 * 1024 * 1024, gt=0, description="The biggest reply, decompressed.")
    retries: int = Field(default=2, ge=0, le=10, description="How often a question is asked again; an order never is.")
    profiles: Path | None = Field(
        default=None, description="The folder with what instantiations need beside their flavour."
    )
    parameters: Mapping[str, Mapping[str, Any]] = Field(
        default={}, repr=False, description="For actions by name: what stands in `additionalParams`."
    )
    mark: bool = Field(
        default=True, description="Put our key into `additionalParams`; off for a VNF manager that refuses it."
    )
    without: tuple[str, ...] = Field(default=(), description="Actions that the VNF manager does not offer.")

    @field_validator("parameters", "without")
    @classmethod
    def _known(cls, value: Any) -> Any:
        for name in value:
            if name not in kinds_of("vnfm"):
                raise ValueError(
                    f"there is no action `{name}`: {near_or_listed(name, kinds_of('vnfm'), 'actions are')}"
                )
        return value

    @property
    def told_version(self) -> str:
        """What the header `Version` says."""
        return self.api_version or _API_VERSIONS[self.version]

    def open(self) -> OrderClient:
        """A client of its own, for one thread."""
        return OrderClient(self.options(self.retries), rest.auth_of(self.auth, _SERVICE))

    def secrets(self) -> Iterator[str]:
        """What stands here and must not be told."""
        yield from super().secrets()
        yield from secrets_in(self.parameters)
