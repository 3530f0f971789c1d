"""The service users, and the catalog of the control plane."""

from __future__ import annotations

import os

from tests.controlplane.seeds.cloud import ADDRESS, connect, project, role, service, user


def port(name: str) -> str:
    """The port of a service."""
    return os.environ[f"{name.upper()}_PORT"]


def main() -> None:
    """Enter what is missing."""
    cloud = connect()
    home = project(cloud, "service")
    roles = [role(cloud, "admin"), role(cloud, "service")]
    for name, kind, path in (
        ("placement", "placement", ""),
        ("glance", "image", ""),
        ("nova", "compute", "/v2.1"),
        ("neutron", "network", ""),
        ("tacker", "nfv-orchestration", ""),
    ):
        account = user(cloud, name)
        for each in roles:
            cloud.identity.assign_project_role_to_user(home, account, each)
        service(cloud, name, kind, f"http://{ADDRESS}:{port(name)}{path}")


if __name__ == "__main__":
    main()
