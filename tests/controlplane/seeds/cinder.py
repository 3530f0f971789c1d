"""The user of Cinder, its place in the catalog, and two types of volumes: a plain one and an encrypted one."""

from __future__ import annotations

import os
import sys

from tests.controlplane.seeds.cloud import ADDRESS, connect, named, project, role, service, user

ENCRYPTION = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256, "control_location": "front-end"}


def account() -> None:
    """Enter the user and the service, if they are missing."""
    cloud = connect()
    home, own = project(cloud, "service"), user(cloud, "cinder")
    for name in ("admin", "service"):
        cloud.identity.assign_project_role_to_user(home, own, role(cloud, name))
    url = f"http://{ADDRESS}:{os.environ['CINDER_PORT']}/v3/%(project_id)s"
    service(cloud, "cinderv3", "volumev3", url)


def types() -> None:
    """Make the types of volumes that are missing."""
    volumes = connect().block_storage
    for name, encryption in (("plain", None), ("encrypted", ENCRYPTION)):
        if named(volumes.types(), name):
            continue
        made = volumes.create_type(name=name)
        if encryption is not None:
            volumes.create_type_encryption(made, **encryption)


if __name__ == "__main__":
    {"account": account, "types": types}[sys.argv[1]]()
