"""Templates reach a real NETCONF server wholly or not at all, and what it says of itself afterwards is what counts."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ncclient import manager

from congresslite.enforcement.executor import Order
from congresslite.enforcement.executors.netconf import NetconfExecutor
from congresslite.sources.driver import Deadline
from tests.enforcement.netconf_device import BASE, SYSTEM, Device, free_port, real_device

pytestmark = pytest.mark.xdist_group("netconf")

TEMPLATES = {
    "contact.xml": f'<system xmlns="{SYSTEM}"><contact>{{1}}</contact><!-- who to call --></system>',
    "server.xml": (
        f'<config xmlns="{BASE}"><system xmlns="{SYSTEM}"><ntp><server><name>{{1}}</name>'
        "<udp><address>{2}</address></udp></server></ntp></system></config>"
    ),
    "no-server.xml": (
        f'<system xmlns="{SYSTEM}" xmlns:nc="{BASE}"><ntp><server nc:operation="remove"><name>{{1}}</name></server>'
        "</ntp></system>"
    ),
    "delete-server.xml": (
        f'<system xmlns="{SYSTEM}" xmlns:nc="{BASE}"><ntp><server nc:operation="delete"><name>{{1}}</name></server>'
        "</ntp></system>"
    ),
    "half.xml": f'<system xmlns="{SYSTEM}"><contact>half</contact><no-such-leaf>1</no-such-leaf></system>',
    "get.xml": (
        f'<get-config xmlns="{BASE}"><source><running/></source><filter type="subtree"><system xmlns="{SYSTEM}"/>'
        "</filter></get-config>"
    ),
    "none.xml": f'<no-such-operation xmlns="{SYSTEM}"/>',
}


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    """A device."""
    with real_device(tmp_path_factory.mktemp("device"), "ed25519", "--with-startup=true") as running:
        yield running


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A folder of templates."""
    folder = tmp_path / "templates"
    folder.mkdir(mode=0o755)
    for name, text in TEMPLATES.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o644)
    return folder


def order(template: str, *terms: Any, action: str = "edit_config", thing: str = "r1") -> Order:
    """An order with a template."""
    numbered = {str(number): each for number, each in enumerate(terms, start=1)}
    return Order(secrets.token_hex(16), action, {"object": thing, "template": template, **numbered})


def soon() -> Deadline:
    """A deadline that nothing here should reach."""
    return Deadline.after(30)


def told(device: Device, store: str = "running") -> str:
    """The configuration that the device itself tells, to a client of its own."""
    with manager.connect(
        host="127.0.0.1", port=device.port, username=device.username, key_filename=str(device.key),
        hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=10,
    ) as client:  # fmt: skip
        return str(client.get_config(store, filter=("subtree", f'<system xmlns="{SYSTEM}"/>')).xml)


def done(executor: NetconfExecutor, template: str, *terms: Any) -> None:
    """Edit the device, well."""
    outcome = executor.perform(order(template, *terms), soon())
    assert outcome.state == "succeeded", outcome


def test_an_edit(device: Device, templates: Path) -> None:
    """An edit is in effect, confirmed and saved, and found there when it is looked for."""
    executor = device.executor(templates)
    assert executor.reachable(soon()) is None
    word = secrets.token_hex(4)
    before = executor.inspect(order("contact.xml", word), soon())
    outcome = executor.perform(order("contact.xml", word), soon())
    assert before.state == "absent"
    assert outcome.output == {"datastore": "candidate", "confirmed": True, "saved": True}
    assert outcome.state == "succeeded"
    assert f"<contact>{word}</contact>" in told(device)
    assert f"<contact>{word}</contact>" in told(device, "startup")
    assert executor.inspect(order("contact.xml", word), soon()).state == "succeeded"
    assert executor.inspect(order("contact.xml", word + "x"), soon()).state == "absent"


def test_terms_are_text(device: Device, templates: Path) -> None:
    """Whatever a term holds, it is the text of its element and nothing else."""
    executor = device.executor(templates)
    for term in ("</contact><hostname>owned</hostname><contact>", "]]>]]>\n#4\n", "&amp; &lt; \"' {1} é ü"):
        # The device is asked whether it has just this before it is believed.
        done(executor, "contact.xml", term)
    assert executor.inspect(order("contact.xml", term + "x"), soon()).state == "absent"
    assert "owned</hostname>" not in told(device)


def test_entries_of_lists(device: Device, templates: Path) -> None:
    """An entry is found by all that the template says of it, and one that was taken away by its absence."""
    executor = device.executor(templates)
    done(executor, "server.xml", "a", "192.0.2.1")
    done(executor, "server.xml", "b", "192.0.2.2")
    assert executor.inspect(order("server.xml", "a", "192.0.2.1"), soon()).state == "succeeded"
    assert executor.inspect(order("server.xml", "a", "192.0.2.2"), soon()).state == "absent"
    assert executor.inspect(order("no-server.xml", "a"), soon()).state == "absent"
    done(executor, "no-server.xml", "a")
    done(executor, "no-server.xml", "a")
    assert executor.inspect(order("no-server.xml", "a"), soon()).state == "succeeded"
    assert "192.0.2.1" not in told(device)
    # What must be there to be deleted is refused when it is not; not there now, it may have been done and undone.
    assert executor.inspect(order("delete-server.xml", "b"), soon()).state == "unknown"
    done(executor, "delete-server.xml", "b")
    again = executor.perform(order("delete-server.xml", "b"), soon())
    assert (again.state, again.retry) == ("failed", False)
    assert executor.inspect(order("delete-server.xml", "b"), soon()).state == "succeeded"
    assert executor.inspect(order("no-server.xml", "none"), soon()).state == "succeeded"


def test_wholly_or_not_at_all(device: Device, templates: Path) -> None:
    """Of an edit that the device refuses nothing is in effect, and nothing is left for whoever comes next."""
    executor = device.executor(templates)
    outcome = executor.perform(order("half.xml"), soon())
    assert (outcome.state, outcome.retry) == ("failed", False)
    assert "the device refuses it: " in outcome.why
    assert "<contact>half</contact>" not in told(device)
    assert "<contact>half</contact>" not in told(device, "candidate")
    done(executor, "contact.xml", "whole")


def test_somebody_else_edits(device: Device, templates: Path) -> None:
    """While another session holds a lock nothing is changed and nothing is said of what is there."""
    executor = device.executor(templates)
    with manager.connect(
        host="127.0.0.1", port=device.port, username=device.username, key_filename=str(device.key),
        hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=10,
    ) as other:  # fmt: skip
        with other.locked("running"):
            outcome = executor.perform(order("contact.xml", "mine"), soon())
            assert (outcome.state, outcome.retry) == ("failed", True)
            assert "somebody else edits the device" in outcome.why
        with other.locked("candidate"):
            assert executor.perform(order("contact.xml", "mine"), soon()).state == "failed"
            assert executor.inspect(order("contact.xml", "mine"), soon()).state == "unknown"
    assert "<contact>mine</contact>" not in told(device)
    done(executor, "contact.xml", "mine")


def test_many_orders_at_once(device: Device, templates: Path) -> None:
    """Orders for one device wait for each other, and none of them is refused for that."""
    executor = device.executor(templates)
    outcomes = []
    threads = [
        threading.Thread(
            target=lambda name=f"n{number}": outcomes.append(
                executor.perform(order("server.xml", name, "192.0.2.9", thing=name), soon())
            )
        )
        for number in range(3)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.state for each in outcomes] == ["succeeded"] * 3
    assert all(f"<name>n{number}</name>" in told(device) for number in range(3))


def test_operations(device: Device, templates: Path) -> None:
    """Any operation can be called, and what it answers is kept; what it did nobody can tell afterwards."""
    executor = device.executor(templates)
    done(executor, "contact.xml", "asked")
    outcome = executor.perform(order("get.xml", action="rpc"), soon())
    assert outcome.state == "succeeded"
    assert "<contact>asked</contact>" in outcome.output["reply"]
    refused = executor.perform(order("none.xml", action="rpc"), soon())
    assert (refused.state, refused.retry) == ("failed", False)
    assert executor.inspect(order("get.xml", action="rpc"), soon()).state == "unknown"


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_keys(tmp_path: Path, templates: Path, kind: str) -> None:
    """A device is known by any kind of key."""
    with real_device(tmp_path, kind) as other:
        done(other.executor(templates), "contact.xml", kind)


def test_an_unknown_key(device: Device, templates: Path, tmp_path: Path) -> None:
    """Whoever has another key than the device is not spoken to, and the reason names the key."""
    known = tmp_path / "known"
    lines = device.known_hosts.read_text().split()
    for text in ("", f"other.example {lines[1]} {lines[2]}\n"):
        known.write_text(text)
        executor = device.executor(templates, known_hosts=known)
        outcome = executor.perform(order("contact.xml", "stranger"), soon())
        assert (outcome.state, outcome.retry) == ("failed", False)
        assert "ssh-ed25519 SHA256:" in outcome.why
        assert "CL626" in outcome.why
        assert "CL626" in (executor.reachable(soon()) or "")
    assert "stranger" not in told(device)
    done(device.executor(templates, verify=False, known_hosts=None), "contact.xml", "believed")
    missing = device.executor(templates, known_hosts=tmp_path / "none")
    assert "CL626" in missing.perform(order("contact.xml", "x"), soon()).why


def test_not_reached(device: Device, templates: Path, tmp_path: Path) -> None:
    """Without a session an order has failed, for a reason that may pass or not; to look is then of no use."""
    closed = device.executor(templates, port=free_port())
    outcome = closed.perform(order("contact.xml", "x"), soon())
    assert (outcome.state, outcome.retry) == ("failed", True)
    assert "connection refused (CL625)" in outcome.why
    assert closed.inspect(order("contact.xml", "x"), soon()).state == "unknown"
    stranger = device.executor(templates, username="nobody", password="wrong-password")  # noqa: S106
    refused = stranger.perform(order("contact.xml", "x"), soon())
    assert (refused.state, refused.retry) == ("failed", False)
    assert "refuses the user `nobody`" in refused.why
    assert "wrong-password" not in repr(refused) + repr(stranger._settings)
    assert device.executor(templates).perform(order("contact.xml", "x"), Deadline.after(-1)).state == "failed"


def test_devices_by_name(device: Device, templates: Path) -> None:
    """With `devices`, an object is the name of one, and any other object is refused."""
    named = {"r1": {"host": "127.0.0.1", "port": device.port}}
    executor = device.executor(templates, host=None, port=830, devices=named)
    done(executor, "contact.xml", "by name")
    outcome = executor.perform(order("contact.xml", "x", thing="127.0.0.1"), soon())
    assert (outcome.state, outcome.retry) == ("failed", False)
    assert "none of the target's devices" in outcome.why
