"""
What `openstack` does: servers by Nova, volumes by Cinder.

Effects are over the tables of the shipped definition `nova`. A row that comes needs every column, so what an action
leaves as it is is read from the row that goes. Where a server will run, if the scheduler chooses, nobody knows
beforehand: its host is null then.
"""

from __future__ import annotations

from collections.abc import Mapping

from congresslite.actions.kinds import ActionKind, Parameter

# The columns of `servers` in the shipped definition; a test holds the two together.
SERVERS = (
    "id", "name", "host_id", "status", "tenant_id", "user_id", "image_id", "flavor_id", "zone", "host_name",
    "created_at", "updated_at", "vm_state", "task_state", "power_state", "locked", "key_name",
)  # fmt: skip
# What belongs to a server and goes with it: the tables, each with the column that says whose a row is.
_BELONGINGS = ("servers.addresses", "tags", "servers.metadata", "servers.security_groups", "servers.volumes",
               "server_groups.members")  # fmt: skip

_SERVER = Parameter("server", help="The id of the server.")
_VOLUME = Parameter("volume", help="The id of the volume.")
_HOST = Parameter(
    "host", required=False, help="The nova-compute that it goes to; the scheduler chooses if none is given."
)

_ACTIVE = {"status": '"ACTIVE"', "vm_state": '"active"', "power_state": "1"}
_STATES = {
    "stop": {"status": '"SHUTOFF"', "vm_state": '"stopped"', "power_state": "4"},
    "start": _ACTIVE,
    "pause": {"status": '"PAUSED"', "vm_state": '"paused"', "power_state": "3"},
    "unpause": _ACTIVE,
    "suspend": {"status": '"SUSPENDED"', "vm_state": '"suspended"', "power_state": "4"},
    "resume": _ACTIVE,
}


def _changes(call: str, to: Mapping[str, str], more: str = "") -> tuple[str, ...]:
    """The rules for a call after which some columns of the row of `server` have other values."""
    before = ", ".join(f"{name}={'server' if name == 'id' else f'c_{name}'}" for name in SERVERS if name not in to)
    after = ", ".join(
        f"{name}={to.get(name, 'server' if name == 'id' else f'c_{name}')}" for name in SERVERS
    )  # fmt: skip
    where = f"{{target}}:{call}{more}"
    return (
        f"{{source}}:servers-(id=server) :- {where}, {{source}}:servers(id=server).",
        f"{{source}}:servers+({after}) :- {where}, {{source}}:servers({before}).",
    )


def _moves(name: str, to: Mapping[str, str]) -> tuple[str, ...]:
    """The rules for an action that takes a server to a host, with and without one that is named."""
    known = ", {source}:hypervisors(host=host, hypervisor_hostname=there)"
    return (
        *_changes(f"{name}(server)", {"host_name": "null", **to}),
        *_changes(f"{name}(server, host)", {"host_name": "there", **to}, known),
    )


def _state(name: str, text: str, inverse: str | None) -> ActionKind:
    """An action that brings a server into a state, and does nothing if it is in that state."""
    effects = _changes(f"{name}(server)", _STATES[name])
    return ActionKind(name, (_SERVER,), text, repeatable=True, inverse=inverse, effects=effects)


def _gone() -> tuple[str, ...]:
    """The rules for a server that is deleted, with all that belongs to it."""
    tables = [("servers", "id"), *((each, "server_id") for each in _BELONGINGS)]
    return tuple(f"{{source}}:{table}-({column}=server) :- {{target}}:delete(server)." for table, column in tables)


_RUNS = {"status": '"ACTIVE"', "vm_state": '"active"'}

KINDS = (
    _state("stop", "Shut the guest down.", "start"),
    _state("start", "Start a server that is shut off.", "stop"),
    _state("pause", "Freeze the guest; it stays in memory.", "unpause"),
    _state("unpause", "Let a paused guest go on.", "pause"),
    _state("suspend", "Freeze the guest and write its memory to disk.", "resume"),
    _state("resume", "Let a suspended guest go on.", "suspend"),
    ActionKind(
        "reboot",
        (_SERVER, Parameter("type", required=False, help="SOFT (as usual), or HARD: power off and on.")),
        "Restart the guest.",
        effects=(*_changes("reboot(server)", _ACTIVE), *_changes("reboot(server, _)", _ACTIVE)),
    ),
    ActionKind(
        "migrate",
        (_SERVER, _HOST),
        "Shut down, move to another host, start again there; confirmed as soon as it runs.",
        effects=_moves("migrate", {}),
    ),
    ActionKind(
        "live_migrate", (_SERVER, _HOST), "Move to another host while it runs.", effects=_moves("live_migrate", {})
    ),
    ActionKind(
        "evacuate",
        (_SERVER, _HOST),
        "Make anew elsewhere what ran on a host that is down.",
        effects=_moves("evacuate", {}),
    ),
    ActionKind(
        "resize",
        (_SERVER, Parameter("flavor", help="The id of the flavor.")),
        "Give it another flavor; confirmed as soon as it runs.",
        repeatable=True,
        effects=_changes("resize(server, flavor)", {"flavor_id": "flavor"}),
    ),
    ActionKind(
        "confirm",
        (_SERVER,),
        "Confirm a resize or a migration that waits for it.",
        effects=_changes("confirm(server)", _RUNS),
    ),
    ActionKind(
        "revert",
        (_SERVER,),
        "Take back a resize or a migration that waits to be confirmed.",
        effects=_changes("revert(server)", _RUNS),
    ),
    ActionKind(
        "rebuild",
        (_SERVER, Parameter("image", help="The id of the image.")),
        "Make it anew from an image, under the same id and addresses; what was on its disk is lost.",
        effects=_changes("rebuild(server, image)", {"image_id": "image", **_RUNS}),
    ),
    ActionKind("delete", (_SERVER,), "Delete it.", repeatable=True, effects=_gone()),
    ActionKind(
        "attach_volume",
        (_SERVER, _VOLUME),
        "Attach a volume to a server.",
        repeatable=True,
        inverse="detach_volume",
        effects=(
            "{source}:servers.volumes+(server_id=server, volume_id=volume) :- "
            "{target}:attach_volume(server, volume), {source}:servers(id=server).",
        ),
    ),
    ActionKind(
        "detach_volume",
        (_SERVER, _VOLUME),
        "Detach a volume from a server.",
        repeatable=True,
        inverse="attach_volume",
        effects=(
            "{source}:servers.volumes-(server_id=server, volume_id=volume) :- {target}:detach_volume(server, volume).",
        ),
    ),
    # No definition that ships has the volumes themselves: their actions have no effects to tell.
    ActionKind(
        "create_volume",
        (
            Parameter("name", help="What it is called."),
            Parameter("size", "int", help="GiB."),
            Parameter("type", required=False, help="The type of volumes; the cloud's default if none is given."),
        ),
        "Make an empty volume in the project of the cloud's user.",
        repeatable=True,
    ),
    ActionKind(
        "copy_volume",
        (_VOLUME, Parameter("name", help="What the copy is called.")),
        "Make a copy of a volume, of the same type (encrypted if that is), attached or not.",
        repeatable=True,
    ),
    ActionKind("delete_volume", (_VOLUME,), "Delete a volume that is not attached.", repeatable=True),
)
