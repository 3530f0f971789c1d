"""
How a target over HTTP is reached, and who we are to it: as for the driver `rest`, so that both look alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from congresslite.config.units import Seconds, Size
from congresslite.sources.drivers import rest
from congresslite.sources.httpclient import Options


class Connection(BaseModel):
    """What every executor over HTTP wants to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str | None = Field(default=None, description="The address of the service.")
    auth: Annotated[
        rest.NoAuth | rest.BasicAuth | rest.BearerAuth | rest.OAuth2Auth | rest.KeystoneAuth,
        Field(discriminator="type"),
    ] = Field(default=rest.NoAuth(), description="Who we are to the service, as for the driver `rest`.")
    tls: rest.Tls = Field(default=rest.Tls(), description="Whom we trust, and who we are.")
    headers: Mapping[str, SecretStr] = Field(default={}, description="Headers of every request.")
    proxy: SecretStr | None = Field(default=None, description="The address of a proxy between us and the service.")
    timeout: Seconds = Field(
        default=30.0, gt=0, description="The longest wait for a connection, and for more of a reply."
    )
    max_bytes: Size = Field(default=1 << 20, gt=0, description="The most that is read of a reply.")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        # The driver of a source knows what is no address, and where one is needed.
        try:
            rest.Settings(url=self.url, auth=self.auth)
        except ValidationError as error:
            (first, *_) = error.errors(include_input=False, include_url=False)
            raise ValueError(first["msg"].removeprefix("Value error, ")) from None
        return self

    def options(self, retries: int = 3) -> Options:
        """The same for a client; `retries` are those of questions."""
        tls = self.tls
        return Options(
            url=self.url,
            headers={name: value.get_secret_value() for name, value in self.headers.items()},
            verify=str(tls.ca) if tls.verify and tls.ca else tls.verify,
            certificate=None if tls.certificate is None else (str(tls.certificate), str(tls.key or tls.certificate)),
            timeout=self.timeout,
            max_bytes=self.max_bytes,
            retries=retries,
            proxy=None if self.proxy is None else self.proxy.get_secret_value(),
        )

    def secrets(self) -> Iterator[str]:
        """What stands here and must not be told."""
        known = [value for _, value in self.auth if isinstance(value, SecretStr)]
        for each in (*known, *self.headers.values(), *(() if self.proxy is None else (self.proxy,))):
            yield each.get_secret_value()
