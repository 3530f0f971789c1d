"""
Connections to an AMQP broker, such as RabbitMQ.

The rules to keep: a broker that hangs holds nobody, and no password stands in what is told.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from amqp import AccessRefused
from amqp.exceptions import AMQPError
from kombu.connection import Connection

CONNECT = 5.0  # seconds for a connection to be there
HEARTBEAT = 15.0  # seconds; a broker that is silent for two of them is taken for lost
LONGEST = 30.0  # between two attempts to connect

# OpenStack's own names for the protocol are taken too, so that a `transport_url` can be given as it is.
SCHEMES = {"amqp": "amqp", "amqps": "amqps", "rabbit": "amqp", "rabbits": "amqps"}
_PORTS = {"amqp": 5672, "amqps": 5671}


@contextmanager
def connected(url: str, ca: str | None) -> Iterator[Connection]:
    """A connection to a broker. Raises OSError and AMQPError."""
    parts = urlsplit(url)
    scheme = SCHEMES[parts.scheme]
    tls: dict[str, Any] = {"server_hostname": parts.hostname, "cert_reqs": ssl.CERT_REQUIRED, "ca_certs": ca}
    connection = Connection(
        urlunsplit(parts._replace(scheme=scheme)),
        connect_timeout=CONNECT,
        heartbeat=HEARTBEAT,
        ssl=tls if scheme == "amqps" else False,
        # A broker that hangs must not hold us.
        transport_options={"read_timeout": int(CONNECT), "write_timeout": int(CONNECT)},
    )
    try:
        connection.connect()
        yield connection
    finally:
        with suppress(OSError, AMQPError):
            connection.release()


def told(error: Exception, url: str) -> str:
    """Why there is no connection, without the password that may stand in a message."""
    parts = urlsplit(url)
    broker = f"`{parts.hostname}:{parts.port or _PORTS[SCHEMES[parts.scheme]]}`"
    if isinstance(error, AccessRefused):
        return f"the broker at {broker} refuses user and password, or the virtual host, of `url`"
    why = " ".join(str(error).split()) or type(error).__name__
    for password in sorted({parts.password or "", unquote(parts.password or "")} - {""}, key=len, reverse=True):
        why = why.replace(password, "…")
    return f"the connection to the broker at {broker} broke: {why[:200]}"


def pause(failures: int) -> float:
    """Seconds until the next attempt; random, so that many who lost one broker do not all come at once."""
    return min(LONGEST, 0.25 * (1 << min(failures, 10))) * random.uniform(0.5, 1)  # noqa: S311
