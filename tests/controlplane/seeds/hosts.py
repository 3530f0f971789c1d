"""
The hosts: wait until all are ready, and give them back their guests.

The fake driver keeps its guests in the memory of nova-compute. After a restart
they are gone although Nova's database knows them, and a hard reboot makes them
anew.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from openstack import exceptions

from tests.controlplane.seeds.cloud import connect

PATIENCE = 120.0  # seconds until all hosts must have reported
LIVELY = ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")


def missing(cloud: Any, hosts: set[str]) -> set[str]:
    """The hosts that Nova or Neutron does not see as running."""
    services = cloud.compute.services(binary="nova-compute")
    computes = {each.host for each in services if each.state == "up" or each.is_forced_down}
    agents = {each.host for each in cloud.network.agents() if each.is_alive}
    return hosts - (computes & agents)


def ready(hosts: set[str]) -> None:
    """Wait until all hosts have reported. Ends the program if they do not."""
    cloud = connect()
    end = time.monotonic() + PATIENCE
    absent = hosts
    while absent and time.monotonic() < end:
        try:
            absent = missing(cloud, hosts)
        except exceptions.SDKException:
            absent = hosts  # a service may not have settled yet
        if absent:
            time.sleep(1)
    if absent:
        sys.exit(f"these hosts did not report: {', '.join(sorted(absent))}")


def revive(hosts: set[str]) -> None:
    """Make the guests of these hosts anew, each in the state that it was in."""
    cloud = connect()
    compute = cloud.compute
    guests = [
        (server, server.status)
        for server in compute.servers(all_projects=True)
        if server.compute_host in hosts and server.status in LIVELY
    ]
    for server, _ in guests:
        compute.reboot_server(server, "HARD")
    back = {"SHUTOFF": compute.stop_server, "PAUSED": compute.pause_server, "SUSPENDED": compute.suspend_server}
    for server, status in guests:
        try:
            compute.wait_for_server(server, status="ACTIVE", wait=60, interval=1)
            if status in back:
                back[status](server)
        except exceptions.SDKException as error:
            sys.stdout.write(f"not revived: {server.name}: {error}\n")


if __name__ == "__main__":
    {"ready": ready, "revive": revive}[sys.argv[1]](set(sys.argv[2:]))
