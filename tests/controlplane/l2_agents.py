"""
A stand-in for the L2 agents of the fake hosts: it speaks Neutron's own agent RPC, so that ports are bound and come up.

Each host gets an Open vSwitch agent with a heartbeat; a port that is bound to
one of the hosts is reported as wired within two seconds. Runs with Debian's
Python, which has Neutron's modules.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import oslo_messaging  # type: ignore[import-not-found]
from keystoneauth1 import loading, session
from neutron.agent import rpc as agent_rpc  # type: ignore[import-not-found]
from neutron.conf import common as common_config  # type: ignore[import-not-found]
from neutron.conf.agent import common as agent_config  # type: ignore[import-not-found]
from neutron_lib import context, rpc  # type: ignore[import-not-found]
from neutron_lib.agent import topics  # type: ignore[import-not-found]
from oslo_config import cfg  # type: ignore[import-not-found]

HEARTBEAT = 30.0  # seconds between two reports of an agent
PAUSE = 2.0  # between two looks at the ports
WIRED_HERE = "/v2.0/ports?fields=id&fields=status&fields=binding:host_id&fields=binding:vif_type"
NETWORK = {"service_type": "network", "interface": "public"}


def state(host: str, number: int, devices: int, *, first: bool) -> dict[str, Any]:
    """What the agent of a host reports of itself."""
    report = {
        "binary": "neutron-openvswitch-agent",
        "host": host,
        "topic": "N/A",
        "agent_type": "Open vSwitch agent",
        "configurations": {
            "bridge_mappings": {"public": "br-ex", "physnet1": "br-phys"},
            "tunnel_types": ["vxlan"],
            "tunneling_ip": f"127.0.1.{number}",
            "devices": devices,
            "ovs_hybrid_plug": False,
            "datapath_type": "system",
            "integration_bridge": "br-int",
        },
    }
    return {**report, "start_flag": True} if first else report


class Agents:
    """The agents of all hosts."""

    def __init__(self, hosts: list[str]) -> None:
        self.devices = dict.fromkeys(hosts, 0)
        self.started: set[str] = set()
        self.context = context.get_admin_context_without_session()
        self.reports = agent_rpc.PluginReportStateAPI(topics.REPORTS)
        self.plugin = agent_rpc.PluginApi(topics.PLUGIN)
        # Neutron's own service user may read all ports.
        loading.register_auth_conf_options(cfg.CONF, "keystone_authtoken")
        auth = loading.load_auth_from_conf_options(cfg.CONF, "keystone_authtoken")
        self.session = session.Session(auth=auth, timeout=10)

    def report(self) -> None:
        """Send the heartbeat of each agent."""
        for number, (host, devices) in enumerate(self.devices.items(), 1):
            report = state(host, number, devices, first=host not in self.started)
            self.reports.report_state(self.context, report, use_call=True)
            self.started.add(host)

    def wire(self) -> None:
        """Report the ports as up that were bound to one of the hosts."""
        ports = self.session.get(WIRED_HERE, endpoint_filter=NETWORK).json()["ports"]
        here = [port for port in ports if port["binding:host_id"] in self.devices]
        self.devices = {host: sum(port["binding:host_id"] == host for port in here) for host in self.devices}
        for port in here:
            if port["status"] in ("DOWN", "BUILD") and port["binding:vif_type"] == "ovs":
                host = port["binding:host_id"]
                self.plugin.get_device_details(self.context, port["id"], f"ovs-agent-{host}", host)
                self.plugin.update_device_up(self.context, port["id"], f"ovs-agent-{host}", host)


def main() -> None:
    """Stand in for the agents until the process is ended."""
    options, hosts = sys.argv[1:3], sys.argv[3:]
    common_config.register_core_common_config_opts()
    agent_config.register_agent_state_opts_helper(cfg.CONF)
    cfg.CONF(options, project="neutron")
    oslo_messaging.set_transport_defaults(control_exchange="neutron")
    rpc.init(cfg.CONF)
    agents = Agents(hosts)
    reported = 0.0
    while True:
        try:
            if time.monotonic() - reported > HEARTBEAT:
                agents.report()
                reported = time.monotonic()
            agents.wire()
        except Exception as error:  # Neutron may be down: whatever it is, the next round may go well
            sys.stdout.write(f"{error!r:.300}\n")
            sys.stdout.flush()
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
