"""Events of a definition: which replies they wake, for which objects, and what is told of those that are malformed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from congresslite.diagnostics import SourceError
from congresslite.sources.definitions import load_definition, shipped_definition
from congresslite.sources.events import woken

REST = "tables: {t: {from: things, rows: things, key: [id], columns: {id: str}}}\n"
REPLIES = "replies: {things: {path: /things, items: things}}\n"
SERVER = "0467ee84-9def-4734-a6ac-7998327b8d14"

# Source, type of the event, payload, what is woken.
WOKEN: dict[str, tuple[str, str, Any, dict[str, set[str] | None]]] = {
    "a server, versioned": ("nova", "instance.power_off.end", {"uuid": SERVER}, {"servers": {SERVER}}),
    "a server, as before": ("nova", "compute.instance.power_off.end", {"instance_id": SERVER}, {"servers": {SERVER}}),
    "something begins": ("nova", "instance.power_off.start", {"uuid": SERVER}, {}),
    "something failed": ("nova", "instance.create.error", {"uuid": SERVER}, {"servers": {SERVER}}),
    "a server goes": (
        "nova",
        "instance.delete.end",
        {"uuid": SERVER},
        {"servers": {SERVER}, "server_groups": None},
    ),
    "a server moves": (
        "nova",
        "instance.live_migration_post.end",
        {"uuid": SERVER},
        {"servers": {SERVER}, "migrations": None},
    ),
    "a server moves, as before": (
        "nova",
        "compute.instance.live_migration._post.end",
        {"instance_id": SERVER},
        {"servers": {SERVER}, "migrations": None},
    ),
    "what it used": ("placement", "instance.delete.end", {"uuid": SERVER}, {"provider_details": None}),
    "an event without an id": ("nova", "instance.update", {}, {"servers": None}),
    "a payload that is nothing": ("nova", "instance.update", None, {"servers": None}),
    "a host is switched off": (
        "nova",
        "service.update",
        {"host": "h1"},
        {"services": None, "hypervisors": None, "availability_zones": None},
    ),
    "one port": ("neutronv2", "port.update.end", {"port": {"id": "p1"}}, {"ports": {"p1"}}),
    "many ports": ("neutronv2", "port.create.end", {"ports": [{"id": "p1"}, {"id": "p2"}]}, {"ports": {"p1", "p2"}}),
    "a port that is gone": ("neutronv2", "port.delete.end", {"port_id": "p1"}, {"ports": {"p1"}}),
    "a rule": (
        "neutronv2",
        "security_group_rule.create.end",
        {"security_group_rule": {"id": "r1", "security_group_id": "g1"}},
        {"security_groups": {"g1"}},
    ),
    "a rule that is gone": (
        "neutronv2",
        "security_group_rule.delete.end",
        {"security_group_rule_id": "r1"},
        {"security_groups": None},
    ),
    "an interface": (
        "neutronv2",
        "router.interface.create",
        {"router_interface": {"id": "r1", "port_id": "p1"}},
        {"routers": {"r1"}, "ports": {"p1"}},
    ),
    "a project": ("keystonev3", "identity.project.created", {"resource_info": "x"}, {"projects": {"x"}}),
    "a user goes": (
        "keystonev3",
        "identity.user.deleted",
        {"resource_info": "u"},
        {"users": {"u"}, "role_assignments": None},
    ),
    "a role is given": ("keystonev3", "identity.role_assignment.created", {}, {"role_assignments": None}),
    "somebody logs in": ("keystonev3", "identity.authenticate", {}, {}),
    "an image": ("glancev2", "image.delete", {"id": "i"}, {"images": {"i"}}),
}


@pytest.mark.parametrize("case", WOKEN)
def test_events_wake_replies(case: str) -> None:
    """An event of a service wakes the replies that it is about, for its objects alone where it names them."""
    source, type_, payload, expected = WOKEN[case]
    assert dict(woken(shipped_definition(source).events, type_, payload)) == expected


def test_one_that_names_no_object_wakes_all() -> None:
    """Where two patterns wake one reply, once for an object and once whole, it is the whole reply that is woken."""
    events = shipped_definition("keystonev3").events
    assert woken(events, "identity.role.deleted", {"resource_info": "r"})["roles"] == frozenset({"r"})
    assert woken([*events, *events], "identity.role.deleted", {"resource_info": "r"})["roles"] == frozenset({"r"})
    assert woken(events, "identity.role.deleted", {})["roles"] is None


@pytest.mark.parametrize(
    ("events", "code", "told"),
    [
        ("{bus: {thing.*: {thngs: id}}}", "CL428", "event `thing.*` is about an unknown reply `thngs`"),
        ("{bus: {thing.*: {things: 'a['}}}", "CL427", "the path of `things` of event `thing.*` is malformed"),
        ("{bus: {thing.*: {things: 3}}}", "CL422", "`things` of event `thing.*`"),
        ("{bus: [thing]}", "CL422", "`bus` of `events`"),
        ("[bus]", "CL422", "`events`"),
    ],
    ids=["an unknown reply", "a malformed path", "a number as path", "no mapping of types", "no mapping"],
)
def test_malformed_events_are_told(tmp_path: Path, events: str, code: str, told: str) -> None:
    """What is wrong with `events` is a finding with its place in the file."""
    path = tmp_path / "own.yaml"
    path.write_text(f"source: own\n{REPLIES}events: {events}\n{REST}", encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        load_definition(path)
    (finding,) = caught.value.diagnostics
    assert (finding.code, told in finding.message, finding.span is not None) == (code, True, True), finding
