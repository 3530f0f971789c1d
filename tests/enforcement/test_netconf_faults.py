"""Whatever a device does instead of a reply, what is said of an order is honest; what is no template is refused."""

from __future__ import annotations

import logging
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from congresslite.enforcement.executors.netconf import Settings, open_executor
from congresslite.sources.driver import Deadline
from tests.enforcement.netconf_device import OwnDevice, error, own_device
from tests.enforcement.test_netconf import TEMPLATES, order, soon

ALL = (
    "capability:candidate:1.0", "capability:confirmed-commit:1.1", "capability:validate:1.1",
    "capability:rollback-on-error:1.0", "capability:startup:1.0",
)  # fmt: skip
CANDIDATE = ("capability:candidate:1.0",)
RUNNING = ("capability:writable-running:1.0",)
NO = error("operation-failed", "not today")


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A folder of templates."""
    folder = tmp_path / "templates"
    folder.mkdir(mode=0o755)
    for name, text in TEMPLATES.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o644)
    return folder


@pytest.mark.parametrize(
    ("capabilities", "steps"),
    [
        (ALL, "lock lock edit-config commit get-config commit copy-config unlock unlock close-session"),
        (CANDIDATE, "lock lock edit-config commit get-config unlock unlock close-session"),
        (RUNNING, "lock edit-config get-config unlock close-session"),
    ],
    ids=["all", "candidate", "running alone"],
)
def test_steps(tmp_path: Path, templates: Path, capabilities: tuple[str, ...], steps: str) -> None:
    """The steps of an edit follow from what the device can do."""
    device = OwnDevice(capabilities)
    with own_device(tmp_path, device) as running:
        outcome = running.executor(templates, confirm=45).perform(order("contact.xml", "a<b"), soon())
    assert outcome.state == "succeeded", outcome
    assert " ".join(device.asked) == steps
    edit = next(body for name, body in zip(device.asked, device.bodies, strict=True) if name == "edit-config")
    assert "<contact>a&lt;b</contact>" in edit
    assert ("rollback-on-error" in edit) == (capabilities == ALL)
    assert ("<candidate/>" in edit.replace(" ", "").replace("nc:", "")) == (capabilities != RUNNING)
    commits = [body for name, body in zip(device.asked, device.bodies, strict=True) if name == "commit"]
    assert ["confirmed" in each and "45" in each for each in commits] == [[True, False], [False], []][
        [ALL, CANDIDATE, RUNNING].index(capabilities)
    ]


FAULTS = [
    ("lock", ALL, "failed", True),
    ("edit-config", ALL, "failed", True),
    ("get-config", ALL, "unknown", True),
    ("get-config", RUNNING, "unknown", True),
    ("commit", ALL, "unknown", True),
    ("commit", CANDIDATE, "unknown", True),
    ("copy-config", ALL, "succeeded", True),
    ("unlock", ALL, "succeeded", True),
    ("edit-config", RUNNING, "unknown", True),
    ("close-session", RUNNING, "succeeded", True),
]


@pytest.mark.parametrize(
    ("how", "step", "capabilities", "state", "retry"),
    # Whoever hangs costs the test the whole time; where it stops, it makes no difference which of the two it is.
    [
        *(("cut", *each) for each in FAULTS),
        *(("hang", *each) for each in FAULTS if each[0] in ("edit-config", "commit")),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_no_reply(  # noqa: PLR0917
    tmp_path: Path, templates: Path, how: str, step: str, capabilities: tuple[str, ...], state: str, retry: bool
) -> None:
    """Before the commit nothing was done, from then on nobody knows, and after it all is well whatever is lost."""
    device = OwnDevice(capabilities, {step: getattr(OwnDevice, how)})
    with own_device(tmp_path, device) as running:
        executor = running.executor(templates)
        outcome = executor.perform(order("contact.xml", "x"), Deadline.after(30 if how == "cut" else 3))
        device.closing.set()
    assert (outcome.state, outcome.retry) == (state, retry), outcome
    assert step in device.asked


def test_an_operation_left_lying(tmp_path: Path, templates: Path) -> None:
    """A device that reads the first operation only when more comes gets more: a question for nothing."""
    device = OwnDevice(RUNNING, lazy=True)
    with own_device(tmp_path, device) as running:
        outcome = running.executor(templates).perform(order("contact.xml", "x"), soon())
    assert outcome.state == "succeeded", outcome
    assert " ".join(device.asked) == "lock get edit-config get-config unlock close-session"


@pytest.mark.parametrize(
    ("step", "reply", "capabilities", "state", "retry"),
    [
        ("lock", error("lock-denied", "session 4 has it"), ALL, "failed", True),
        ("edit-config", NO, ALL, "failed", False),
        ("edit-config", error("in-use", "later"), ALL, "failed", True),
        ("get-config", NO, ALL, "succeeded", True),
        ("get-config", "<data/>", ALL, "failed", False),
        ("get-config", "<data/>", RUNNING, "failed", False),
        ("commit", NO, ALL, "failed", False),
        ("copy-config", NO, ALL, "succeeded", True),
        ("edit-config", NO, RUNNING, "failed", False),
        ("edit-config", NO + error("other", "and more"), RUNNING, "failed", False),
        ("edit-config", "<ok/>" + error("warned", "mind the gap", "warning"), RUNNING, "succeeded", True),
        ("edit-config", error("warned", "mind the gap", "warning"), RUNNING, "succeeded", True),
    ],
    ids=[
        "lock",
        "edit",
        "edit, in use",
        "unreadable",
        "not done",
        "not done at once",
        "commit",
        "copy",
        "running",
        "two errors",
        "ok",
        "a warning",
    ],
)
def test_refusals(  # noqa: PLR0917
    tmp_path: Path, templates: Path, step: str, reply: str, capabilities: tuple[str, ...], state: str, retry: bool
) -> None:
    """What the device refuses has failed, with its words; a warning refuses nothing."""
    device = OwnDevice(capabilities, {step: reply})
    with own_device(tmp_path, device) as running:
        outcome = running.executor(templates).perform(order("contact.xml", "x"), soon())
    assert (outcome.state, outcome.retry) == (state, retry), outcome
    if reply == "<data/>":
        assert "not that its configuration is as the template says" in outcome.why
        assert device.asked.count("commit") == (capabilities == ALL)
        return
    if state == "failed" and capabilities == ALL and step != "lock":
        assert "discard-changes" in device.asked
    if "not today" in reply and step != "get-config":
        assert "not today" in outcome.why
    if capabilities == RUNNING and state == "failed":
        assert "may be in effect" in outcome.why


@pytest.mark.parametrize("how", ["cut", "hang"])
def test_an_operation_without_a_reply(tmp_path: Path, templates: Path, how: str) -> None:
    """Of an operation that no reply came to, nobody knows."""
    device = OwnDevice(RUNNING, {"no-such-operation": getattr(OwnDevice, how)})
    with own_device(tmp_path, device) as running:
        executor = running.executor(templates)
        outcome = executor.perform(order("none.xml", action="rpc"), Deadline.after(20 if how == "cut" else 1))
        device.closing.set()
    assert outcome.state == "unknown"


@pytest.mark.parametrize(
    "replies", [{"get-config": OwnDevice.cut}, {"get-config": NO}, {"lock": NO}, {"get-config": "<ok/>"}]
)
def test_looking_in_vain(tmp_path: Path, templates: Path, replies: dict[str, Any]) -> None:
    """A device that cannot be asked does not say that something was not done."""
    device = OwnDevice(RUNNING, replies)
    with own_device(tmp_path, device) as running:
        outcome = running.executor(templates).inspect(order("delete-server.xml", "x"), soon())
    assert outcome.state == "unknown"


@pytest.mark.parametrize(
    "says", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["nothing", "SSH", "HTTP"]
)
def test_who_is_no_device(tmp_path: Path, templates: Path, says: bytes) -> None:
    """Somebody who says nothing, or something else, holds nobody up beyond the deadline."""
    device = OwnDevice()
    with own_device(tmp_path, device) as running, socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def accept() -> None:
            line, _ = listener.accept()
            line.sendall(says)
            held.append(line)

        thread = threading.Thread(target=accept)
        thread.start()
        executor = running.executor(templates, port=listener.getsockname()[1])
        outcome = executor.perform(order("contact.xml", "x"), Deadline.after(1))
        thread.join()
        held[0].close()
    assert (outcome.state, outcome.retry) == ("failed", True), outcome


def test_nothing_of_it_is_logged(tmp_path: Path, templates: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is sent to a device may hold passwords, and is in no log."""
    with caplog.at_level(logging.DEBUG), own_device(tmp_path, OwnDevice(ALL)) as running:
        assert running.executor(templates).perform(order("contact.xml", "hush-hush"), soon()).state == "succeeded"
    assert "hush-hush" not in caplog.text


@pytest.mark.parametrize(
    ("text", "terms", "says"),
    [
        ("<a>", (), "is no XML"),
        ("", (), "is no XML"),
        ("<a>{1</a>", ("x",), "a bracket without its partner"),
        ("<a b='}'/>", ("x",), "a bracket without its partner"),
        ("<a>{1}</a>", (), "the term 1 is missing"),
        ("<a>{1}</a>", (None,), "the term 1 is null"),
        ("<a>{1}</a>", ("\x07",), "characters that XML cannot have"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "/etc/passwd">]><a>&x;</a>', (), "has a document type"),
        ('<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>', (), "has a document type"),
        ("<a>" + "x" * (1 << 20) + "</a>", (), "is bigger than"),
    ],
    ids=[
        "open",
        "empty",
        "bracket",
        "bracket in an attribute",
        "missing",
        "null",
        "control",
        "entity",
        "entities",
        "big",
    ],
)
def test_templates_that_are_refused(templates: Path, text: str, terms: tuple[Any, ...], says: str) -> None:
    """A template that is none, and a term that does not fit, are refused before anybody is called."""
    (templates / "bad.xml").write_text(text, encoding="utf-8")
    (templates / "bad.xml").chmod(0o644)
    settings = {
        "host": "127.0.0.1",
        "port": 1,
        "username": "a",
        "password": "b",
        "verify": False,
        "directory": templates,
    }
    executor = open_executor("net", Settings.model_validate(settings), templates)
    outcome = executor.perform(order("bad.xml", *terms), soon())
    assert (outcome.state, outcome.retry) == ("failed", False)
    assert says in outcome.why
    assert "does not lie in" in executor.perform(order("../bad.xml"), soon()).why


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"host": "h", "devices": {"a": {"host": "h"}}}, "either `host` or `devices`"),
        ({}, "either `host` or `devices`"),
        ({"host": "h", "known_hosts": None}, "`known_hosts` is missing"),
        ({"host": "h", "password": None}, "give `password` or `key`"),
        ({"host": "h", "shell": True}, "Extra"),
    ],
    ids=["both", "neither", "no keys", "no password", "unknown"],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], says: str) -> None:
    """What is missing or too much is said when the settings are read."""
    given = {"username": "a", "password": "hush-hush", "known_hosts": "/k", "directory": "/t", **settings}
    with pytest.raises(ValidationError, match=says) as caught:
        Settings.model_validate(given)
    assert "hush" not in str(caught.value)
