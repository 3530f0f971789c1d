"""
The prober: runs one probe of any type, within its time.

Whatever happens, it answers with a measurement: what goes wrong at the object
is a fault of the object, what goes wrong here makes the measurement unknown.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.probes import http, icmp, script, tcp
from congresslite.sources.probes.measurement import Measurement, not_run, one_line
from congresslite.sources.probes.settings import HttpProbe, IcmpProbe, Probe, ScriptProbe, SnmpProbe, TcpProbe

if TYPE_CHECKING:
    from congresslite.sources.probes.snmp import Agents

_log = logging.getLogger(__name__)

# Not the object's doing: no more files, memory or rights here, or no way to any network.
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EPERM, errno.EACCES, errno.ENETUNREACH}


class Prober:
    """Runs probes. Scripts are those of one folder; None if there are none."""

    def __init__(self, scripts: Path | None, *, snmp: bool) -> None:
        """Raises SourceError (CL547) if there is to be SNMP, but the package for it is not installed."""
        self._scripts = scripts
        self._agents = _agents() if snmp else None

    async def measure(self, probe: Probe) -> Measurement:
        """Run a probe; raises nothing but what cancels it."""
        try:
            async with asyncio.timeout(probe.timeout):
                return await self._run(probe)
        except TimeoutError:
            return Measurement(None, f"no answer within {probe.timeout:g} s")
        except SourceError as error:
            return not_run(_told(error.diagnostics[0]))
        except OSError as error:
            return _failed(error)
        except Exception as error:
            _log.exception("probe %s of %s failed", probe.metric, probe.object)
            return not_run(f"the probe failed: {type(error).__name__}")

    def close(self) -> None:
        """Give back what probes keep from one measurement to the next."""
        if self._agents is not None:
            self._agents.close()

    async def _run(self, probe: Probe) -> Measurement:
        match probe:
            case IcmpProbe():
                return await icmp.measure(probe)
            case TcpProbe():
                return await tcp.measure(probe)
            case HttpProbe():
                return await http.measure(probe)
            case SnmpProbe():
                assert self._agents is not None
                return await self._agents.measure(probe)
            case ScriptProbe():
                assert self._scripts is not None
                return await script.measure(probe, self._scripts)


def _agents() -> Agents:
    try:
        from congresslite.sources.probes.snmp import Agents  # noqa: PLC0415 - an extra
    except ImportError as error:
        hint = "install it: `pip install congresslite[snmp]`"
        raise SourceError(Diagnostic("CL547", "probes by SNMP need the package `pysnmp`", hint=hint)) from error
    return Agents()


def _told(finding: Diagnostic) -> str:
    """A finding as the text of a cell."""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.code}: {finding.message}{hint}"


def _failed(error: OSError) -> Measurement:
    """What an error of the network tells of the object, if anything."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Measurement(None, one_line(f"the certificate is not trusted: {error.verify_message}"))
    if isinstance(error, ssl.SSLError):
        return Measurement(None, one_line(f"no TLS connection: {error.reason or error}"))
    if isinstance(error, socket.gaierror):
        return not_run(one_line(f"the name is not known: {error.strerror}"))
    why = one_line(os.strerror(error.errno) if error.errno else str(error) or "the connection was broken off").lower()
    return not_run(why) if error.errno in _OURS else Measurement(None, why)
