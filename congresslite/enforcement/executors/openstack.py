"""
The executor `openstack`: servers and volumes of one cloud, as clouds.yaml describes it.

What an action is asks for once, and is followed by Nova's own records (`enforcement.openstack`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from congresslite.actions import ActionKind, kinds_of
from congresslite.config.units import Seconds
from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.openstack.servers import Servers
from congresslite.enforcement.openstack.service import Cloud, NotSentError, SilentError
from congresslite.enforcement.openstack.volumes import ACTIONS, Volumes
from congresslite.sources.driver import Deadline
from congresslite.sources.openstack.cloud import Limits, Place

_COMPUTE, _VOLUMES = "compute", "block-storage"


class Settings(BaseModel):
    """What the executor wants to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    cloud: str = Field(description="The name of the cloud in clouds.yaml.")
    clouds: Path | None = Field(
        default=None, description="The path of clouds.yaml; without it, it is looked for where OpenStack's tools do."
    )
    region: str | None = Field(default=None, description="The region, if clouds.yaml does not say, or says another.")
    interface: Literal["public", "internal", "admin"] | None = Field(
        default=None, description="Which address of a service is used, if clouds.yaml does not say, or says another."
    )
    roles: tuple[str, ...] = Field(
        default=("admin",), description="The user must have one of these roles; with none, nobody looks."
    )
    confirm: bool = Field(default=True, description="Confirm a resize or a migration as soon as Nova waits for it.")
    timeout: Seconds = Field(default=30.0, description="The longest wait for a connection, and for more of a reply.")
    proxy: SecretStr | None = Field(default=None, description="The address of a proxy.")


def open_executor(target: str, settings: Settings, state: Path) -> OpenStackExecutor:
    """An executor that has asked for nothing yet."""
    return OpenStackExecutor(settings)


class OpenStackExecutor:
    """Calls Nova and Cinder of one cloud: an Executor."""

    place = ""

    def __init__(self, settings: Settings) -> None:
        self.kinds: Mapping[str, ActionKind] = kinds_of("openstack")
        self._confirm = settings.confirm
        places = {
            name: Place(settings.cloud, name, settings.clouds, settings.region, settings.interface, settings.roles)
            for name in (_COMPUTE, _VOLUMES)
        }
        proxy = None if settings.proxy is None else settings.proxy.get_secret_value()
        self._cloud = Cloud(places, Limits(timeout=settings.timeout, proxy=proxy))

    def perform(self, order: Order, deadline: Deadline) -> Outcome:
        """Ask for it once, unless the object is as it should be."""
        with self._doer(order) as doer:
            return doer.perform(order, deadline)

    def follow(self, order: Order, deadline: Deadline) -> Outcome:
        """How it stands; a resize or a migration is confirmed once Nova waits for that."""
        with self._doer(order) as doer:
            return doer.follow(order, deadline)

    def inspect(self, order: Order, deadline: Deadline) -> Outcome:
        """What became of it, by Nova's records and Cinder's metadata."""
        with self._doer(order) as doer:
            return doer.inspect(order, deadline)

    def reachable(self, deadline: Deadline) -> str | None:
        """Why Nova cannot be asked; None if it can."""
        with self._cloud.service(_COMPUTE) as service:
            try:
                reply = service.get("/servers?limit=1", deadline)
            except (NotSentError, SilentError) as error:
                return str(error)
        return None if reply.fine else f"CL601 Nova answered with status {reply.status}: {reply.said}"

    def close(self) -> None:
        """Give back the connections; what was asked for goes on."""
        self._cloud.close()

    @contextmanager
    def _doer(self, order: Order) -> Iterator[Servers | Volumes]:
        """Who does what an order asks for."""
        on_volumes = order.action in ACTIONS
        with self._cloud.service(_VOLUMES if on_volumes else _COMPUTE) as service:
            yield Volumes(service) if on_volumes else Servers(service, confirm=self._confirm)
