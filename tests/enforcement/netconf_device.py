"""Devices for tests: a real one, of Debian's netconfd behind OpenSSH, and one of our own that misbehaves."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko

from congresslite.enforcement.executors.netconf import NetconfExecutor, Settings, open_executor
from tests.waiting import missing, until

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
_PROGRAMS = ("netconfd", "netconf-subsystem", "sshd", "ssh-keygen")
_PATH = f"/usr/sbin:/usr/bin:{os.environ.get('PATH', '')}"


@dataclass
class Device:
    """Where a device listens, and how one logs in."""

    port: int
    known_hosts: Path
    username: str
    key: Path | None = None
    password: str | None = None

    def executor(self, directory: Path, **settings: Any) -> NetconfExecutor:
        """An executor for it."""
        given = {
            "host": "127.0.0.1",
            "port": self.port,
            "username": self.username,
            "key": self.key,
            "password": self.password,
            "known_hosts": self.known_hosts,
            "directory": directory,
            **settings,
        }
        return open_executor("net", Settings.model_validate(given), directory / "state")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def _key(path: Path, kind: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)  # noqa: S607
    return path


@contextmanager
def real_device(folder: Path, kind: str = "ed25519", *options: str) -> Iterator[Device]:
    """A NETCONF server that others wrote: yuma123's netconfd, behind OpenSSH. Skips the test where it is not there."""
    programs = {name: shutil.which(name, path=_PATH) for name in _PROGRAMS}
    if not all(programs.values()):
        missing("needs Debian's packages netconfd and openssh-server")
    host, user = _key(folder / "host", kind), _key(folder / "user", "ed25519")
    port, line = free_port(), folder / "ncx"
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {user}.pub\nPidFile none\n"
        "UsePAM no\nPasswordAuthentication no\nStrictModes no\nPermitRootLogin yes\n"
        f'Subsystem netconf "{programs["netconf-subsystem"]} --ncxserver-sockname={port}@{line}"\n'
    )
    public = host.with_suffix(".pub").read_text().split()
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
    name = getpass.getuser()
    server = [
        programs["netconfd"], f"--ncxserver-sockname={line}", f"--port={port}", f"--superuser={name}",
        "--access-control=off", "--no-startup", f"--home={folder}", f"--log={folder}/netconfd.log", *options,
    ]  # fmt: skip
    environment = {"PATH": _PATH, "HOME": str(folder)}
    with (folder / "out").open("wb") as out:
        running = [
            subprocess.Popen([str(word) for word in words], stdout=out, stderr=out, cwd=folder, env=environment)
            for words in (server, [programs["sshd"], "-D", "-e", "-f", folder / "sshd_config"])
        ]
    try:
        until(line.exists)
        until(lambda: _listens(port))
        yield Device(port, known, name, key=user)
    finally:
        for each in running:
            each.kill()
            each.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


# What a device of ours says to an operation: a reply's inside, or whatever the function does.
Reply = str | Callable[["OwnDevice"], str]
OK = "<ok/>"


def error(tag: str, message: str, severity: str = "error") -> str:
    """An error as a device tells it."""
    return (
        f"<rpc-error><error-type>application</error-type><error-tag>{tag}</error-tag>"
        f"<error-severity>{severity}</error-severity><error-message>{message}</error-message></rpc-error>"
    )


@dataclass
class OwnDevice:
    """A NETCONF server of our own, over real SSH with the framing of version 1.0, that does what a test wants."""

    capabilities: tuple[str, ...] = ()
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lazy: bool = False  # leaves the first operation lying until more comes
    transport: paramiko.Transport | None = None

    def cut(self) -> str:
        """End the connection instead of a reply."""
        assert self.transport is not None
        self.transport.close()
        return OK

    def hang(self) -> str:
        """Never reply."""
        self.closing.wait(60)
        return OK

    def serve(self, channel: paramiko.Channel) -> None:
        """Speak with one client to the end."""
        told = "".join(
            f"<capability>urn:ietf:params:netconf:{each}</capability>" for each in ("base:1.0", *self.capabilities)
        )
        hello = f'<hello xmlns="{BASE}"><capabilities>{told}</capabilities><session-id>1</session-id></hello>'
        channel.sendall(f"{hello}]]>]]>".encode())
        waiting, lying = b"", list[str]()
        while more := channel.recv(65536):
            waiting += more
            while b"]]>]]>" in waiting:
                message, _, waiting = waiting.partition(b"]]>]]>")
                if b"<rpc" in message or b":rpc" in message:
                    lying.append(message.decode())
            while lying and not (self.lazy and not self.asked and len(lying) == 1):
                channel.sendall(self._reply(lying.pop(0)).encode() + b"]]>]]>")

    def _data(self) -> str:
        """What the last edit said, as the configuration of the device."""
        edits = [re.search(r"<(\w+:)?config\b[^>]*>(.*)</(\w+:)?config>", body, re.DOTALL) for body in self.bodies]
        found = [each[2] for each in edits if each is not None]
        return f"<data>{found[-1] if found else ''}</data>"

    def _reply(self, message: str) -> str:
        number = re.search(r'message-id="([^"]+)"', message)
        names = re.findall(r"<(?:\w+:)?([\w-]+)[\s/>]", message)
        name = next(each for each in names if each not in ("xml", "rpc"))
        assert number is not None
        self.asked.append(name)
        self.bodies.append(message)
        reply = self.replies.get(name, self._data() if name == "get-config" else OK)
        inside = reply if isinstance(reply, str) else reply(self)
        return f'<rpc-reply xmlns="{BASE}" message-id="{number[1]}">{inside}</rpc-reply>'


class _Server(paramiko.ServerInterface):  # type: ignore[misc]
    def __init__(self, password: str) -> None:
        self._password = password

    def check_auth_password(self, username: str, password: str) -> int:
        right = password == self._password
        return int(paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        return name == "netconf"


@contextmanager
def own_device(folder: Path, device: OwnDevice) -> Iterator[Device]:
    """A device of our own, listening."""
    host = paramiko.RSAKey.generate(2048)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    port = listener.getsockname()[1]
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {host.get_name()} {host.get_base64()}\n")
    transports: list[paramiko.Transport] = []

    def serve(line: socket.socket) -> None:
        device.transport = transport = paramiko.Transport(line)
        transports.append(transport)
        transport.add_server_key(host)
        with suppress(paramiko.SSHException, OSError, EOFError):
            transport.start_server(server=_Server("open sesame"))
            channel = transport.accept(20)
            if channel is not None:
                time.sleep(0.05)  # the request for the subsystem is answered by another thread
                device.serve(channel)

    def listen() -> None:
        while not device.closing.is_set():
            with suppress(TimeoutError):
                threads.append(threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True))
                threads[-1].start()

    threads = [threading.Thread(target=listen, daemon=True)]
    threads[0].start()
    try:
        yield Device(port, known, "operator", password="open sesame")  # noqa: S106
    finally:
        device.closing.set()
        for each in transports:
            each.close()
        threads[0].join()
        for thread in threads:
            thread.join(5)
        listener.close()
