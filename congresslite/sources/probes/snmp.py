"""
SNMP: one GET of one number, by version 2c or 3.

To make an engine takes a tenth of a second, so each is kept: one for all agents
of version 2c, and one for each agent and user of version 3, which has to keep
the agent's clock. An agent of version 3 that fails loses its engine, for after a
restart its clock is another, and an engine that knows the old one gets no answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from pyasn1.type.univ import Integer, OctetString
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject

from congresslite.sources.probes.measurement import Measurement, not_run, number, one_line
from congresslite.sources.probes.settings import SnmpProbe, SnmpUser

_AUTH = {
    "md5": hlapi.USM_AUTH_HMAC96_MD5,
    "sha": hlapi.USM_AUTH_HMAC96_SHA,
    "sha224": hlapi.USM_AUTH_HMAC128_SHA224,
    "sha256": hlapi.USM_AUTH_HMAC192_SHA256,
    "sha384": hlapi.USM_AUTH_HMAC256_SHA384,
    "sha512": hlapi.USM_AUTH_HMAC384_SHA512,
}
_PRIVACY = {
    "des": hlapi.USM_PRIV_CBC56_DES,
    "3des": hlapi.USM_PRIV_CBC168_3DES,
    "aes": hlapi.USM_PRIV_CFB128_AES,
    "aes192": hlapi.USM_PRIV_CFB192_AES,
    "aes256": hlapi.USM_PRIV_CFB256_AES,
}
_Agent = tuple[str, int, SnmpUser] | None


@dataclass(slots=True)
class _Kept:
    """An engine, and how many measurements use it: one that is to go is closed by the last of them."""

    engine: Any
    users: int = 0


class Agents:
    """The SNMP agents that are asked. It belongs to the event loop that it is first used in."""

    def __init__(self) -> None:
        self._engines: dict[_Agent, _Kept] = {}

    async def measure(self, probe: SnmpProbe) -> Measurement:
        """Ask an agent for a number."""
        agent = None if probe.user is None else (probe.address, probe.port, probe.user)
        kept = await self._engine(agent)
        kept.users += 1
        answered = False
        try:
            fault, value = await _get(probe, kept.engine)
            answered = fault is None
        except PySnmpError as error:
            return not_run(one_line(f"the agent cannot be asked: {error}"))
        finally:
            kept.users -= 1
            self._leave(agent, kept, well=answered or agent is None)
        return Measurement(None, fault) if fault is not None else _read(probe, value)

    def close(self) -> None:
        """Give back the sockets, once nothing is measured any more."""
        for kept in self._engines.values():
            kept.engine.close_dispatcher()
        self._engines.clear()

    async def _engine(self, agent: _Agent) -> _Kept:
        if agent not in self._engines:
            # In a thread, so that it does not stand in the way of other probes, whose times are measured.
            made = _Kept(await asyncio.to_thread(hlapi.SnmpEngine))
            return self._engines.setdefault(agent, made)
        return self._engines[agent]

    def _leave(self, agent: _Agent, kept: _Kept, *, well: bool) -> None:
        """Let go of an engine, and of all that it knows unless it is well."""
        if not well and self._engines.get(agent) is kept:
            del self._engines[agent]
        if kept.users == 0 and self._engines.get(agent) is not kept:
            kept.engine.close_dispatcher()


async def _get(probe: SnmpProbe, engine: Any) -> tuple[str | None, Any]:
    """What is wrong with an agent's answer, or None, and the value in it."""
    family = hlapi.Udp6TransportTarget if ":" in probe.address else hlapi.UdpTransportTarget
    target = await family.create((probe.address, probe.port), timeout=probe.timeout / 2, retries=1)
    wanted = hlapi.ObjectType(hlapi.ObjectIdentity(probe.oid.removeprefix(".")))
    # No MIB is looked up: identifiers are numbers, and nothing is read or compiled for them.
    failed, status, _, bindings = await hlapi.get_cmd(
        engine, _credentials(probe), target, hlapi.ContextData(), wanted, lookupMib=False
    )
    if failed:
        return one_line(f"the agent did not answer: {failed}"), None
    if status:
        return one_line(f"the agent refused: {status.prettyPrint()}"), None
    return None, bindings[0][1]


def _credentials(probe: SnmpProbe) -> Any:
    if probe.community is not None:
        return hlapi.CommunityData(probe.community.get_secret_value(), mpModel=1)  # noqa: S508 - many devices have no other
    user = probe.user
    assert user is not None
    protocols: dict[str, Any] = {}
    if user.auth_key is not None:
        protocols |= {"authKey": user.auth_key.get_secret_value(), "authProtocol": _AUTH[user.auth]}
    if user.privacy_key is not None:
        protocols |= {"privKey": user.privacy_key.get_secret_value(), "privProtocol": _PRIVACY[user.privacy]}
    return hlapi.UsmUserData(user.name, **protocols)  # noqa: S509 - the user says how


def _read(probe: SnmpProbe, value: Any) -> Measurement:
    """An agent's value as a number: integers of all kinds, and texts that are one."""
    if isinstance(value, (NoSuchObject, NoSuchInstance, EndOfMibView)):
        return Measurement(None, f"the agent has no `{probe.oid}`")
    if isinstance(value, Integer):
        return Measurement(float(int(value)))
    read = number(bytes(value).decode(errors="replace")) if isinstance(value, OctetString) else None
    return Measurement(read, None if read is not None else f"`{probe.oid}` is no number")
