"""The users and the domain that Heat wants, and its place in the catalog."""

from __future__ import annotations

import os

from tests.controlplane.seeds.cloud import ADDRESS, PASSWORD, connect, project, role, service, user


def main() -> None:
    """Enter what is missing."""
    cloud = connect()
    for name in ("heat_stack_user", "heat_stack_owner"):
        role(cloud, name)
    admin = role(cloud, "admin")
    cloud.identity.assign_project_role_to_user(project(cloud, "service"), user(cloud, "heat"), admin)
    # Users of stacks live in a domain of their own, which has an administrator of its own.
    domain = cloud.identity.find_domain("heat") or cloud.identity.create_domain(name="heat")
    found = list(cloud.identity.users(name="heat_domain_admin", domain_id=domain.id))
    keeper = (
        found[0]
        if found
        else cloud.identity.create_user(name="heat_domain_admin", password=PASSWORD, domain_id=domain.id)
    )
    cloud.identity.assign_domain_role_to_user(domain, keeper, admin)
    service(cloud, "heat", "orchestration", f"http://{ADDRESS}:{os.environ['HEAT_PORT']}/v1/%(project_id)s")


if __name__ == "__main__":
    main()
