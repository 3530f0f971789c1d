"""
The nodes of a VPC and their volumes in an OpenStack, as `cycle_keys.py` wants them.

A node is a server with the metadata `vpc=VPC`, named by its id. Only volumes with the same metadata are seen; copies
get it. Each change waits until Nova or Cinder says that it has come about, for a minute at most.

Cinder gives nobody the content of a volume. `$VOLUME_TOOL`, the whole path of a program of yours, does:

    VOLUME_TOOL read VOLUME-ID     prints the files of the volume as JSON, {"ssh/id_ed25519": "…", …}
    VOLUME_TOOL write VOLUME-ID    reads such JSON, and lets these be the files of the volume, all of them or none

It reads volumes that a node uses as well, such as by asking the node, but writes only those that nobody uses, such as
on a machine of its own. It gets two minutes; any exit code but 0 is a failure. What it prints as an error is recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

import openstack

WAIT, TOOL_WAIT, REQUEST_WAIT, INTERVAL = 60.0, 120.0, 30.0, 0.5  # seconds


class StoreError(Exception):
    """What Nova or Cinder did not do, or a volume that cannot be used."""


class OpenStackStore:
    """Servers and volumes of one project. Its methods raise StoreError, or what the SDK raises."""

    def __init__(self, cloud: str, vpc: str) -> None:
        self._vpc, self._tool = vpc, os.environ.get("VOLUME_TOOL", "")
        if not self._tool.startswith("/"):
            raise LookupError("VOLUME_TOOL should be the whole path of a program that reads and writes volumes")
        connection: Any = openstack.connect(cloud=cloud, api_timeout=REQUEST_WAIT)
        self._nova, self._cinder = connection.compute, connection.block_storage

    def nodes(self) -> list[str]:
        """The nodes of the VPC."""
        return sorted(each.id for each in self._nova.servers() if (each.metadata or {}).get("vpc") == self._vpc)

    def attached(self, node: str) -> list[str]:
        """The volumes of a node, which has them: neither those that it waits for, nor those of others."""
        ids = self._ids(node)
        return sorted(each.name for each in self._all() if each.id in ids and each.status in ("in-use", "detaching"))

    def exists(self, volume: str) -> bool:
        """Whether there is such a volume, or soon will be; one that Cinder failed to make is none."""
        return any(not _failed(each) for each in self._all(volume))

    def volumes(self) -> list[str]:
        """All volumes of the VPC."""
        return sorted(each.name for each in self._all())

    def read(self, volume: str) -> dict[str, str]:
        """The files of a volume."""
        files = json.loads(self._run("read", self._settled(volume).id))
        if isinstance(files, dict) and all(isinstance(each, str) for each in files.values()):
            return files
        raise StoreError(f"VOLUME_TOOL did not tell the files of {volume}")

    def write(self, volume: str, files: dict[str, str]) -> None:
        """Let these be the files of a volume, which nobody may be using."""
        found = self._settled(volume)
        if found.status != "available":
            raise StoreError(f"{volume} is in use")
        self._run("write", found.id, json.dumps(files))

    def copy(self, volume: str, name: str) -> None:
        """A copy under a name of its own, of the same type, and so encrypted if the volume is."""
        source = self._settled(volume)
        if not self.exists(name):
            self.delete(name)  # what Cinder failed to make before
        made = self._cinder.create_volume(
            name=name, size=source.size, source_volume_id=source.id, metadata={"vpc": self._vpc}
        )
        made = self._until(f"the copy {name}", lambda: self._still(made.id))
        same = (made.volume_type, made.is_encrypted) == (source.volume_type, source.is_encrypted)
        if _failed(made) or not same:
            self.delete(name)
            raise StoreError(f"{volume} was not copied: " + (made.status if same else "the copy is of another type"))

    def attach(self, node: str, volume: str) -> None:
        """Attach a volume, unless the node has it."""
        found = self._settled(volume)
        if found.status == "available":
            self._nova.create_volume_attachment(node, volume_id=found.id)
            found = self._settled(volume)
        if found.status != "in-use" or found.id not in self._ids(node):
            raise StoreError(f"{volume} was not attached: it is {found.status}")

    def detach(self, node: str, volume: str) -> None:
        """Detach a volume, if the node has it."""
        id_ = self._settled(volume).id
        if id_ not in self._ids(node):
            return
        self._nova.delete_volume_attachment(node, id_, ignore_missing=True)
        if self._settled(volume).status != "available":
            raise StoreError(f"{volume} was not detached")
        self._until(f"{node} without {volume}", lambda: id_ not in self._ids(node))

    def delete(self, volume: str) -> None:
        """Delete a volume; Cinder refuses that if it is in use, and deletes the key of it as well."""
        for found in self._all(volume):
            self._cinder.delete_volume(found.id, ignore_missing=True)
        self._until(f"the end of {volume}", lambda: not self._all(volume))

    def _all(self, name: str | None = None) -> list[Any]:
        found = self._cinder.volumes(**({} if name is None else {"name": name}))
        return [each for each in found if (each.metadata or {}).get("vpc") == self._vpc]

    def _ids(self, node: str) -> set[str]:
        return {each.volume_id for each in self._nova.volume_attachments(node)}

    def _still(self, id_: str) -> Any:
        found = self._cinder.get_volume(id_)
        return found if found.status in ("available", "in-use") or _failed(found) else None

    def _settled(self, name: str) -> Any:
        """The one volume of a name, once nothing is underway with it."""
        found = self._all(name)
        if len(found) != 1:
            raise StoreError(f"there are {len(found)} volumes {name} of the VPC")
        settled = self._until(f"{name} at rest", lambda: self._still(found[0].id))
        if _failed(settled):
            raise StoreError(f"{name} is in the state {settled.status}")
        return settled

    def _until(self, what: str, look: Callable[[], Any]) -> Any:
        end = time.monotonic() + WAIT
        while not (seen := look()):
            if time.monotonic() > end:
                raise StoreError(f"not within {WAIT:g} s: {what}")
            time.sleep(INTERVAL)
        return seen

    def _run(self, what: str, id_: str, given: str = "") -> str:
        command, pipe = [self._tool, what, id_], subprocess.PIPE
        return subprocess.run(command, input=given, stdout=pipe, text=True, timeout=TOOL_WAIT, check=True).stdout  # noqa: S603


def _failed(volume: Any) -> bool:
    return str(volume.status).startswith("error")
