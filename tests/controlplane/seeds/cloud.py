"""What the seeds share: a connection to the control plane, and objects that are made only if they are missing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import openstack

ADDRESS = os.environ.get("ADDRESS", "127.0.0.1")
PASSWORD = os.environ.get("PASSWORD", "secret")
INTERFACES = ("public", "internal", "admin")


def connect(cloud: str = "lab-admin") -> Any:
    """A connection to a cloud of clouds.yaml, which OS_CLIENT_CONFIG_FILE names."""
    return openstack.connect(cloud=cloud)


def named(items: Iterable[Any], name: str) -> Any | None:
    """The item of this name, or None."""
    return next((item for item in items if item.name == name), None)


def role(cloud: Any, name: str) -> Any:
    """A role, made if it is missing."""
    return named(cloud.identity.roles(), name) or cloud.identity.create_role(name=name)


def user(cloud: Any, name: str, **attributes: Any) -> Any:
    """A user of the default domain, made if it is missing."""
    found = cloud.identity.find_user(name)
    return found or cloud.identity.create_user(name=name, password=PASSWORD, domain_id="default", **attributes)


def project(cloud: Any, name: str, **attributes: Any) -> Any:
    """A project of the default domain, made if it is missing."""
    found = cloud.identity.find_project(name)
    return found or cloud.identity.create_project(name=name, domain_id="default", **attributes)


def service(cloud: Any, name: str, kind: str, url: str) -> None:
    """Enter a service into the catalog, with its address for each interface."""
    entry = cloud.identity.find_service(name) or cloud.identity.create_service(name=name, type=kind)
    there = {endpoint.interface for endpoint in cloud.identity.endpoints(service_id=entry.id)}
    for interface in INTERFACES:
        if interface not in there:
            cloud.identity.create_endpoint(service_id=entry.id, interface=interface, url=url, region_id="RegionOne")
