"""
The control plane as tests see it: where it is, a connection to it, its broker, and its services one by one.

Tests that need it call `controlplane()`, which skips where there is none, and
fails in continuous integration, where there has to be one. It is shared by all
tests that run at the same time: a test changes only what it made itself, under
a name of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openstack.config.loader import OpenStackConfig
from openstack.connection import Connection

from tests.waiting import missing

ENVIRONMENT = "TEST_CLOUDS"
SERVICES = Path(__file__).with_name("services.py")


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane, by its clouds.yaml."""

    clouds: Path

    def connect(self, cloud: str = "lab-admin") -> Any:
        """A connection of OpenStack's own SDK; its types allow for every version that a service ever had."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)  # about a feature that nobody asked for
            config = OpenStackConfig(config_files=[str(self.clouds)], load_envvars=False)
            return Connection(config=config.get_one(cloud))

    @property
    def broker(self) -> str:
        """The address of its message bus, as an operator finds it."""
        nova = RawConfigParser(strict=False)
        nova.read(self.clouds.with_name("nova.conf"))
        return nova["DEFAULT"]["transport_url"]

    def kill(self, service: str) -> None:
        """End a service, such as `nova-api`, as a crash would."""
        self._services("kill", service)

    def start(self, service: str) -> None:
        """Start a service again that was killed."""
        self._services("start", service)

    def _services(self, action: str, service: str) -> None:
        state = self.clouds.parents[1]
        subprocess.run([sys.executable, str(SERVICES), str(state), action, service], check=True, capture_output=True)


def controlplane() -> ControlPlane:
    """The control plane. Skips the test if there is none; in continuous integration, fails it."""
    given = os.environ.get(ENVIRONMENT)
    if not given:
        missing(f"no control plane: `make controlplane`, and name its clouds.yaml in {ENVIRONMENT}")
    found = Path(str(given))
    if not found.is_file():
        pytest.fail(f"{ENVIRONMENT} names `{found}`, which is not there")
    return ControlPlane(found)
