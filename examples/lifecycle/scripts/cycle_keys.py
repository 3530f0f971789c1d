"""
Give each node of a VPC new SSH keys, while it runs: on a copy of its volume, which takes the place of the old one.

    cycle_keys.py --vpc VPC --at TIME [--cloud CLOUD]

First a copy of each node's volume gets a new key. Then, node by node: write the public keys of all nodes into the copy,
attach it, and only then detach the old volume. What fails on one node leaves the others, and its old volume, as they
were: it keeps its keys, which the others go on to accept. The copies are named after TIME, so that another attempt does
only what is missing. Every volume is encrypted with a key of its own.

With `--cloud`, or `$OS_CLOUD`, nodes are servers and volumes those of that cloud in clouds.yaml, of an encrypted volume
type: `openstack_volumes.py`, which lies beside this file, says what it needs. Without, they are files (`$VOLUMES`, see
FileStore), and beside each method stands the call of Nova or Cinder that it is in the place of.

Exit codes: 0 all nodes have new keys; 75 some have not, try again; 1 what was asked for cannot be.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

if TYPE_CHECKING:
    from openstack_volumes import OpenStackStore

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
PRIVATE, PUBLIC, ACCEPTED = "ssh/id_ed25519", "ssh/id_ed25519.pub", "ssh/authorized_keys"


class FileStore:
    """
    Nodes and volumes as files of one folder.

    `VPC/nodes/NODE/attached/VOLUME` is an empty file for each volume that is attached to a node; `VPC/volumes/VOLUME`
    is a volume, encrypted; `VPC/keys/VOLUME` is the key that it is encrypted with, which a key manager would keep.
    """

    def __init__(self, folder: Path) -> None:
        self._nodes, self._volumes, self._keys = (folder / name for name in ("nodes", "volumes", "keys"))

    def nodes(self) -> list[str]:
        """The nodes of the VPC."""
        return sorted(path.name for path in self._nodes.iterdir() if NAME.fullmatch(path.name))

    def attached(self, node: str) -> list[str]:
        """The volumes of a node. (Nova: GET /servers/NODE/os-volume_attachments)"""
        return sorted(path.name for path in (self._nodes / node / "attached").iterdir())

    def exists(self, volume: str) -> bool:
        """Whether there is such a volume. (Cinder: GET /volumes?name=VOLUME)"""
        return (self._volumes / volume).exists()

    def volumes(self) -> list[str]:
        """All volumes. (Cinder: GET /volumes)"""
        return sorted(path.name for path in self._volumes.iterdir() if NAME.fullmatch(path.name))

    def read(self, volume: str) -> dict[str, str]:
        """The files of a volume."""
        text = Fernet((self._keys / volume).read_bytes()).decrypt((self._volumes / volume).read_bytes())
        files: dict[str, str] = json.loads(text)
        return files

    def copy(self, volume: str, name: str) -> None:
        """A copy under a name of its own, encrypted anew. (Cinder: POST /volumes with source_volid)"""
        self.write(name, self.read(volume))

    def write(self, volume: str, files: dict[str, str]) -> None:
        """Let these be the files of a volume, all of them or none. (On a machine that the volume is attached to.)"""
        self._keys.mkdir(mode=0o700, exist_ok=True)
        key_file = self._keys / volume
        if not key_file.exists():
            _write(key_file, Fernet.generate_key())
        _write(self._volumes / volume, Fernet(key_file.read_bytes()).encrypt(json.dumps(files).encode()))

    def attach(self, node: str, volume: str) -> None:
        """Attach a volume. (Nova: POST /servers/NODE/os-volume_attachments)"""
        (self._nodes / node / "attached" / volume).touch()

    def detach(self, node: str, volume: str) -> None:
        """Detach a volume. (Nova: DELETE /servers/NODE/os-volume_attachments/VOLUME)"""
        (self._nodes / node / "attached" / volume).unlink(missing_ok=True)

    def delete(self, volume: str) -> None:
        """Delete a volume, and the key that it is encrypted with. (Cinder: DELETE /volumes/VOLUME)"""
        (self._keys / volume).unlink(missing_ok=True)
        (self._volumes / volume).unlink(missing_ok=True)


if TYPE_CHECKING:
    Store = FileStore | OpenStackStore  # what has the methods above


def _write(path: Path, content: bytes) -> None:
    writing = path.with_name(f".{path.name}.writing")
    with os.fdopen(os.open(writing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    writing.replace(path)


def new_key(node: str) -> tuple[str, str]:
    """A private key and its public one, as OpenSSH writes them."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return private, f"{public} {node}\n"


def current(store: Store, node: str) -> str:
    """The volume of a node that its keys are on: the latest, should two be attached."""
    found = of_node(node, store.attached(node))
    if not found:
        raise LookupError(f"no volume `{node}-keys-…` is attached")
    return found[-1]


def of_node(node: str, volumes: Iterable[str]) -> list[str]:
    """Those volumes that are, or were, for the keys of a node; the oldest first."""
    name = re.compile(re.escape(node) + r"-keys-\d{12,}")
    return sorted(filter(name.fullmatch, volumes))


def drop(store: Store, node: str, volumes: Iterable[str]) -> None:
    """Delete volumes that nobody needs any more. One that stays, such as for a snapshot of it, is no failure."""
    for volume in volumes:
        try:
            store.delete(volume)
        except Exception as error:
            print(f"{node}: {volume} is not deleted: {type(error).__name__}: {error}", file=sys.stderr)


def public_of(store: Store, node: str) -> str:
    """The public key that a node has now; empty if it has none."""
    return store.read(current(store, node)).get(PUBLIC, "")


def prepare(store: Store, node: str, name: str) -> str:
    """See to it that there is a copy of the node's volume with a new key on it; the public part of that."""
    if name in store.attached(node):
        return store.read(name)[PUBLIC]  # another attempt came so far
    present = current(store, node)
    # Copies of earlier times that never took over: a node that fails each time does not fill up the store.
    drop(store, node, (volume for volume in of_node(node, store.volumes()) if volume > present and volume != name))
    if not store.exists(name):
        store.copy(present, name)
    files = store.read(name)
    if files.get(PUBLIC) == store.read(present).get(PUBLIC):
        files[PRIVATE], files[PUBLIC] = new_key(node)
        store.write(name, files)
    return files[PUBLIC]


def take_over(store: Store, node: str, name: str, accepted: str) -> None:
    """Let the copy take the place of the old volume. Raises, with the node as it was, if it cannot be attached."""
    old = [volume for volume in of_node(node, store.attached(node)) if volume != name]
    if name not in store.attached(node):
        store.write(name, store.read(name) | {ACCEPTED: accepted})
        try:
            store.attach(node, name)
        except Exception:
            store.detach(node, name)
            raise
    for volume in old:
        store.detach(node, volume)
    kept = {name, *old, *store.attached(node)}  # the one before stays, should somebody want to go back
    drop(store, node, (volume for volume in of_node(node, store.volumes()) if volume not in kept))


def cycle(store: Store, stamp: str) -> list[str]:
    """Renew the keys of all nodes, node by node; those of which it failed."""
    names = {node: f"{node}-keys-{stamp}" for node in store.nodes()}
    failed: list[str] = []
    keys: set[str] = set()

    def one(node: str, step: Callable[[], str | None]) -> str | None:
        try:
            return step()
        except Exception as error:  # whatever it is, the other nodes have nothing to do with it
            print(f"{node}: not cycled: {type(error).__name__}: {error}", file=sys.stderr)
            failed.append(node)
            return None

    for node, name in names.items():
        # What the node has now is accepted as well: it may have to keep it.
        present = one(node, partial(public_of, store, node))
        fresh = None if present is None else one(node, partial(prepare, store, node, name))
        keys |= {present or "", fresh or ""}
    accepted = "".join(sorted(keys))
    for node, name in names.items():
        if node not in failed:
            one(node, partial(take_over, store, node, name, accepted))
    return failed


def opened(vpc: str, cloud: str | None) -> Store:
    """The store that a VPC is in. Raises LookupError if there is no such VPC."""
    store: Store | None = None
    if NAME.fullmatch(vpc) and cloud:
        # The engine runs this file by a descriptor, and without the path of its folder.
        sys.path.append(str(Path(__file__).resolve().parent))
        sys.dont_write_bytecode = True  # nor does it leave anything there
        from openstack_volumes import OpenStackStore  # noqa: PLC0415 - who has no cloud needs no SDK

        store = OpenStackStore(cloud, vpc)
    elif NAME.fullmatch(vpc):
        folder = Path(os.environ["VOLUMES"]) / vpc
        store = FileStore(folder) if (folder / "nodes").is_dir() else None
    if store is None or not store.nodes():
        raise LookupError(f"there is no VPC {vpc!r}")
    return store


def main() -> int:
    """Cycle the keys of a VPC."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--vpc", required=True)
    parser.add_argument("--at", required=True, type=float)
    parser.add_argument("--cloud", default=os.environ.get("OS_CLOUD"))
    given = parser.parse_args()
    try:
        store = opened(given.vpc, given.cloud)
    except LookupError as error:
        print(error, file=sys.stderr)
        return 1
    except Exception as error:  # such as a cloud that does not answer
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return os.EX_TEMPFAIL
    failed = cycle(store, f"{int(given.at):012d}")
    print(json.dumps({"vpc": given.vpc, "nodes": len(store.nodes()), "failed": failed}))
    return os.EX_TEMPFAIL if failed else 0


if __name__ == "__main__":
    sys.exit(main())
