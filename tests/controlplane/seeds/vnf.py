"""
VNF instances: a package that is onboarded once, and four instances, two of them instantiated.

The package lies in `vnf_package` as it is; the type definitions of SOL001 that
it imports are taken from Tacker's own installation.
"""

from __future__ import annotations

import io
import os
import sys
import time
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.controlplane.seeds.cloud import ADDRESS, PASSWORD, connect

PACKAGE = Path(__file__).parents[1] / "vnf_package"
TYPES = ("etsi_nfv_sol001_common_types.yaml", "etsi_nfv_sol001_vnfd_types.yaml")
VNFD_ID = "6f1b7c1e-5d0a-4c55-9f63-0c1d2a7e9b01"
SERVICE = {"service_type": "nfv-orchestration", "interface": "public"}
USER_DATA = {
    "lcm-operation-user-data": "./UserData/standard.py",
    "lcm-operation-user-data-class": "StandardUserData",
}
# Name, tenant (None: not instantiated), availability zone.
INSTANCES = (
    ("edge-fw-alpha", "alpha", "pop-lyon"),
    ("edge-fw-beta", "beta", "pop-paris"),
    ("edge-fw-spare-1", None, None),
    ("edge-fw-spare-2", None, None),
)
MEMBERS = {"alpha": "alice", "beta": "bob"}
PATIENCE = 180.0  # seconds for an operation
ATTEMPTS = 4  # at onboarding


class Vnfm:
    """The VNF manager, over SOL003."""

    def __init__(self, cloud: Any) -> None:
        self._session = cloud.session

    def call(self, method: str, path: str, **options: Any) -> Any:
        """A request. Ends the program with what was said if it is refused."""
        headers = options.pop("headers", {})
        if path.startswith("/vnflcm/v2"):
            headers = {"Version": "2.0.0", **headers}  # mandatory
        reply = self._session.request(
            path, method, endpoint_filter=SERVICE, headers=headers, raise_exc=False, **options
        )
        if reply.status_code >= 400:
            sys.exit(f"{method} {path}: {reply.status_code} {reply.text:.600}")
        return reply

    def get(self, path: str) -> Any:
        """What is there."""
        return self.call("GET", path).json()

    def finished(self, operation: str) -> dict[str, Any]:
        """Wait for an operation by its address, and give it back."""
        end = time.monotonic() + PATIENCE
        path = urlsplit(operation).path
        while True:
            found: dict[str, Any] = self.get(path)
            if found["operationState"] not in ("STARTING", "PROCESSING", "ROLLING_BACK"):
                return found
            if time.monotonic() > end:
                sys.exit(f"{path} is still {found['operationState']}")
            time.sleep(1)


def archive() -> bytes:
    """The package as one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(PACKAGE.rglob("*.*")):
            file.write(path, path.relative_to(PACKAGE))
        for name in TYPES:
            found = next(Path(os.environ["VENV"]).rglob(f"openstack/data/etsi_nfv/{name}"))
            file.write(found, f"Definitions/{name}")
    return packed.getvalue()


def onboard(vnfm: Vnfm) -> None:
    """Onboard the package unless it is there. Ends the program if it is refused."""
    base = "/vnfpkgm/v1/vnf_packages"
    packages = vnfm.get(base)
    if any(each.get("vnfdId") == VNFD_ID for each in packages):
        return
    for each in packages:
        if each["onboardingState"] == "CREATED":
            vnfm.call("DELETE", f"{base}/{each['id']}")  # left by an attempt that failed
    for _ in range(ATTEMPTS):
        package = vnfm.call("POST", base, json={"userDefinedData": {"purpose": "test"}}).json()
        content = {"data": archive(), "headers": {"Content-Type": "application/zip"}}
        vnfm.call("PUT", f"{base}/{package['id']}/package_content", **content)
        end = time.monotonic() + PATIENCE / ATTEMPTS
        while package["onboardingState"] != "ONBOARDED" and time.monotonic() < end:
            if package.get("onboardingFailureDetails"):
                sys.exit(f"the package is not onboarded: {package}")
            time.sleep(1)
            package = vnfm.get(f"{base}/{package['id']}")
        if package["onboardingState"] == "ONBOARDED":
            return
        # A conductor that is still starting loses what it is told, and the package waits for ever: begin another one.
    sys.exit(f"the package is not onboarded: {package}")


def connection_points(network: str) -> list[dict[str, Any]]:
    """The external links of an instance: each part's connection point in the tenant's network."""
    addresses = [{"type": "IPV4", "numDynamicAddresses": 1}]
    data = [{"layerProtocol": "IP_OVER_ETHERNET", "ipOverEthernet": {"ipAddresses": addresses}}]
    return [
        {
            "id": f"ext-{part}",
            "vimConnectionId": "vim1",
            "resourceId": network,
            "extCps": [{"cpdId": f"{part}_CP1", "cpConfig": {f"{part}_CP1_0": {"cpProtocolData": data}}}],
        }
        for part in ("VDU1", "VDU2")
    ]


def vim(tenant: str) -> dict[str, Any]:
    """The VIM, as a tenant's member logs in."""
    place = list(MEMBERS).index(tenant) + 1
    return {
        "vimId": f"6f1b7c1e-0000-4000-8000-{place:012d}",
        "vimType": "ETSINFV.OPENSTACK_KEYSTONE.V_3",
        "interfaceInfo": {"endpoint": f"http://{ADDRESS}:{os.environ['KEYSTONE_PORT']}/v3"},
        "accessInfo": {
            "username": MEMBERS[tenant],
            "password": PASSWORD,
            "region": "RegionOne",
            "project": f"tenant-{tenant}",
            "projectDomain": "Default",
            "userDomain": "Default",
        },
    }


def instantiate(cloud: Any, vnfm: Vnfm, instance: str, tenant: str, zone: str) -> None:
    """Instantiate an instance. Ends the program if that fails."""
    network = cloud.network.find_network(f"net-{tenant}-mgmt", ignore_missing=False).id
    where = {f"{part}-0": {"locationConstraints": zone} for part in ("VDU1", "VDU2")}
    wanted = {
        "flavourId": "simple",
        "instantiationLevelId": "instantiation_level_1",
        "extVirtualLinks": connection_points(network),
        "vimConnectionInfo": {"vim1": vim(tenant)},
        "additionalParams": {**USER_DATA, "nfv": {"VDU": where}},
    }
    begun = vnfm.call("POST", f"/vnflcm/v2/vnf_instances/{instance}/instantiate", json=wanted)
    operation = vnfm.finished(begun.headers["Location"])
    if operation["operationState"] != "COMPLETED":
        sys.exit(f"instantiation of {instance} ended in {operation['operationState']}: {operation.get('error')}")


def main() -> None:
    """Make what is missing."""
    cloud = connect()
    vnfm = Vnfm(cloud)
    onboard(vnfm)
    there = {each.get("vnfInstanceName"): each for each in vnfm.get("/vnflcm/v2/vnf_instances")}
    for name, tenant, zone in INSTANCES:
        described = {
            "vnfdId": VNFD_ID,
            "vnfInstanceName": name,
            "vnfInstanceDescription": "for tests",
            "metadata": {"tenant": tenant or "none"},
        }
        instance = there.get(name) or vnfm.call("POST", "/vnflcm/v2/vnf_instances", json=described).json()
        if tenant is not None and zone is not None and instance["instantiationState"] == "NOT_INSTANTIATED":
            instantiate(cloud, vnfm, instance["id"], tenant, zone)


if __name__ == "__main__":
    main()
