"""
The driver `openstack`: one service of an OpenStack cloud, as its definition says, with notifications if there are any.

A cloud is read as several sources, one for each service. What they have in
common, who we are and where the services are, is in clouds.yaml.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from congresslite.config.units import Seconds, Size
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.brokers import SCHEMES
from congresslite.sources.calls import DefinedService
from congresslite.sources.definitions import Definition
from congresslite.sources.driver import Wake
from congresslite.sources.fetching import Bounds
from congresslite.sources.http import MAX_BYTES
from congresslite.sources.openstack.cloud import CloudService, Limits, Place
from congresslite.sources.openstack.listener import Bus, Listener


class Notifications(BaseModel):
    """Where the services send their notifications."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr | tuple[SecretStr, ...] = Field(
        description="The broker, such as `amqps://congresslite:PASSWORD@mq.lab:5671/`, or those of a cluster."
    )
    topics: tuple[str, ...] = Field(
        default=("versioned_notifications", "notifications"), description="The topics that the services send to."
    )
    exchanges: dict[str, str] = Field(
        default_factory=dict, description="What exchanges are called here, where they are not called as usual."
    )
    ca: Path | None = Field(default=None, description="The certificates of those who sign the broker's.")

    @field_validator("url")
    @classmethod
    def _check(cls, value: SecretStr | tuple[SecretStr, ...]) -> SecretStr | tuple[SecretStr, ...]:
        for each in (value,) if isinstance(value, SecretStr) else value:
            parts = urlsplit(each.get_secret_value())
            if parts.scheme not in SCHEMES or not parts.hostname:
                raise ValueError(f"should be an address with {', '.join(sorted(SCHEMES))}, such as `amqp://HOST:5672/`")
        return value

    def bus(self) -> Bus:
        """The same for whoever listens."""
        urls = (self.url,) if isinstance(self.url, SecretStr) else self.url
        plain = tuple(each.get_secret_value() for each in urls)
        return Bus(plain, self.topics, self.exchanges, None if self.ca is None else str(self.ca))


class Settings(BaseModel):
    """What the driver wants to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    cloud: str = Field(description="The name of the cloud in clouds.yaml.")
    clouds: Path | None = Field(
        default=None, description="The path of clouds.yaml; without it, it is looked for where OpenStack's tools do."
    )
    region: str | None = Field(default=None, description="The region, if clouds.yaml does not say, or says another.")
    interface: Literal["public", "internal", "admin"] | None = Field(
        default=None, description="Which address of the service is used, if clouds.yaml does not say, or says another."
    )
    roles: tuple[str, ...] = Field(
        default=("admin",),
        description="The user must have one of these roles; with them, the objects of all projects are seen.",
    )
    notifications: Notifications | None = Field(
        default=None, description="Listen for changes, beside asking now and then."
    )
    timeout: Seconds = Field(default=30.0, description="The longest wait for a connection, and for more of a reply.")
    max_bytes: Size = Field(default=MAX_BYTES, description="The biggest reply.")
    max_total_bytes: Size = Field(default=Bounds().bytes, description="The biggest reply, its pages taken together.")
    max_pages: int = Field(default=Bounds().pages, ge=1, description="The most pages of a reply.")
    retries: int = Field(default=3, ge=0, description="How often a request is tried again.")
    rate: float | None = Field(default=None, gt=0, description="The most requests a second.")
    proxy: SecretStr | None = Field(default=None, description="The address of a proxy.")


def open_driver(source: str, settings: Settings, definition: Definition | None) -> OpenStackDriver:
    """A driver that has asked for nothing yet. Raises SourceError for a definition of another system."""
    if definition is None or definition.service is None:
        message = "the driver `openstack` needs a definition with the type of a service of OpenStack"
        hint = "name one that ships: `definition: nova`"
        raise SourceError(Diagnostic("CL532", message, place=f"source `{source}`", hint=hint))
    return OpenStackDriver(definition.named(source), definition.service, settings)


class OpenStackDriver(DefinedService):
    """Reads one service of a cloud: a Driver."""

    def __init__(self, definition: Definition, service: str, settings: Settings) -> None:
        place = Place(
            settings.cloud, service, settings.clouds, settings.region, settings.interface, tuple(settings.roles)
        )
        proxy = None if settings.proxy is None else settings.proxy.get_secret_value()
        self._cloud = CloudService(
            place, Limits(settings.timeout, settings.max_bytes, settings.retries, settings.rate, proxy)
        )
        super().__init__(definition, self._cloud, Bounds(settings.max_pages, settings.max_total_bytes))
        self._bus = None if settings.notifications is None else settings.notifications.bus()

    def watch(self, wake: Wake) -> Listener | None:
        """Listen for notifications; None if nothing is known of a bus, or the service tells nothing on it."""
        definition = self.definition
        if self._bus is None or not definition.events:
            return None
        feeds = {each.name for each in self.feeds}
        # Only of these is anything told: what no event is about needs no pull after each connect.
        told = tuple(dict.fromkeys(feed for event in definition.events for feed in event.wakes if feed in feeds))
        return Listener(definition.source, self._bus, definition.events, told, wake)

    def close(self) -> None:
        """Give back the connections."""
        self._cloud.close()
