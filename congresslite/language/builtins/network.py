"""
Addresses and networks of IP, both versions.

An IPv4 address is before every IPv6 address, and in no IPv6 network. A network
may be written with an address inside it (`10.0.0.5/24` is `10.0.0.0/24`), with a
mask (`/255.255.255.0`), or without either, which is the one address.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from congresslite.language.builtins.builtin import test
from congresslite.language.semantics import Skip


@lru_cache(maxsize=10_000)
def _address(text: str) -> tuple[int, int]:
    """The version and the number of an address, which order as addresses do."""
    try:
        read = ip_address(text.strip())
    except ValueError as error:
        raise Skip from error
    return read.version, int(read)


@lru_cache(maxsize=10_000)
def _network(text: str) -> tuple[int, int, int]:
    """The version, first and last number of a network."""
    try:
        read: IPv4Network | IPv6Network = ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise Skip from error
    return read.version, int(read.network_address), int(read.broadcast_address)


@test("ips_equal(x: str, y: str)")
def _ips_equal(x: str, y: str) -> bool:
    """The same address, however it is written."""
    return _address(x) == _address(y)


@test("ips_lt(x: str, y: str)")
def _ips_lt(x: str, y: str) -> bool:
    """Address x is before y."""
    return _address(x) < _address(y)


@test("ips_lteq(x: str, y: str)")
def _ips_lteq(x: str, y: str) -> bool:
    """Address x is before y, or the same."""
    return _address(x) <= _address(y)


@test("ips_gt(x: str, y: str)")
def _ips_gt(x: str, y: str) -> bool:
    """Address x is after y."""
    return _address(x) > _address(y)


@test("ips_gteq(x: str, y: str)")
def _ips_gteq(x: str, y: str) -> bool:
    """Address x is after y, or the same."""
    return _address(x) >= _address(y)


@test("networks_equal(x: str, y: str)")
def _networks_equal(x: str, y: str) -> bool:
    """The same network, however it is written."""
    return _network(x) == _network(y)


@test("networks_overlap(x: str, y: str)")
def _networks_overlap(x: str, y: str) -> bool:
    """The networks share an address, whichever is the larger (Congress missed that where y holds all of x)."""
    (left, low, high), (right, first, last) = _network(x), _network(y)
    return left == right and low <= last and first <= high


@test("ip_in_network(address: str, network: str)")
def _ip_in_network(address: str, network: str) -> bool:
    """The address lies in the network."""
    (left, number), (right, first, last) = _address(address), _network(network)
    return left == right and first <= number <= last


NETWORK = (
    _ips_equal,
    _ips_lt,
    _ips_lteq,
    _ips_gt,
    _ips_gteq,
    _networks_equal,
    _networks_overlap,
    _ip_in_network,
)
