"""Pings: the mean round-trip time, by whatever socket the system permits."""

from __future__ import annotations

from icmplib import Host, ICMPSocketError, NameLookupError, SocketPermissionError, async_ping

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.probes.measurement import Measurement, not_run, seconds
from congresslite.sources.probes.settings import IcmpProbe

_INTERVAL = 0.2  # seconds between two pings: more often is for root alone


async def measure(probe: IcmpProbe) -> Measurement:
    """Ping an address. Raises SourceError (CL549) where that is not permitted."""
    try:
        host = await _pinged(probe)
    except NameLookupError:
        return not_run(f"the name `{probe.address}` is not known")
    except ICMPSocketError as error:
        return not_run(f"no ping could be sent: {error}")
    if host.packets_sent == 0:
        return not_run("no ping could be sent")
    if not host.is_alive:
        return Measurement(None, f"no reply to {host.packets_sent} pings")
    return Measurement(seconds(host.avg_rtt / 1000))


async def _pinged(probe: IcmpProbe) -> Host:
    """The replies. Sockets that need no privilege are tried first."""
    wait = max(0.01, (probe.timeout * 0.95 - _INTERVAL * (probe.count - 1)) / probe.count)
    for privileged in (False, True):
        try:
            return await async_ping(probe.address, probe.count, _INTERVAL, wait, privileged=privileged)
        except SocketPermissionError:
            continue
    raise SourceError(
        Diagnostic(
            "CL549",
            "pings are not permitted to this process",
            hint="let its group ping: `sysctl -w net.ipv4.ping_group_range='GROUP GROUP'`; or give it CAP_NET_RAW",
        )
    )
