"""`congresslite action`, asked of a server whose policies command: lists, records, decisions, pauses."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from congresslite.cli.client.actions import age
from congresslite.config.models import Config
from tests.cli.conftest import Run
from tests.cli.served import ADMIN, VMS, Server, serving, write_pushed
from tests.cli.test_server_verbs import masked
from tests.server.acting import ACTING, policy
from tests.waiting import until

Ask = Callable[..., Result]
TENANT = "tenant-token"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose actions go to a target that writes lines."""
    settings = write_pushed(tmp_path_factory.mktemp("estate")).model_dump(exclude_unset=True)
    sha256 = hashlib.sha256(TENANT.encode()).hexdigest()
    token = {"name": "t1", "role": "viewer", "tenant": "t1", "sha256": sha256}
    auth = {**settings["auth"], "tokens": [*settings["auth"]["tokens"], token]}
    with serving(Config.model_validate({**settings, **ACTING, "auth": auth})) as server:
        server.estate.put_rows(ADMIN, "inv", "vm", VMS)
        yield server


def wanted(server: Server, ask: Ask, state: str, **settings: object) -> list[str]:
    """Put a policy that commands for `b` and `c`; the ids of its actions in a state, by their objects."""
    server.estate.put_policy(ADMIN, "act", policy(**settings), None)
    return come(ask, state)


def come(ask: Ask, state: str, count: int = 2) -> list[str]:
    """The ids of the actions in a state, by their objects, once there are so many."""

    def look() -> list[str] | None:
        listed = ask("action", "list", "--state", state, "-o", "json")
        assert listed.exit_code == 0, listed.output
        found = sorted(json.loads(listed.stdout)["items"], key=lambda each: str(each["object"]))
        return [each["id"] for each in found] if len(found) == count else None

    return until(look)


def aged(text: str) -> str:
    """What differs from run to run, left out."""
    text = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b", "ID", masked(text))
    return re.sub(r"\b\d+ (s|min)$", "AGE", text, flags=re.MULTILINE)


def test_list_and_show(ask: Ask, server: Server, golden: Callable[[str, str], None]) -> None:
    """What waits is listed with why, and shown with its record and what may be done."""
    first, _ = wanted(server, ask, "approval", mode="enforce", approval=True)
    listed = ask("action", "list", "--waiting", "--object", "b")
    shown = ask("action", "show", first[:12])
    assert (listed.exit_code, shown.exit_code) == (0, 0)
    golden("server-actions.table", aged(f"{listed.stdout}\n{shown.stdout}"))
    lines = ask("action", "list", "-o", "ndjson").stdout.splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["log:note", "log:note"]
    assert json.loads(ask("action", "show", first, "-o", "json").stdout)["action"]["id"] == first
    assert "no actions" in ask("action", "list", "--policy", "nfv").stdout
    assert ask("action", "list", "--since", "2999-01-01T00:00:00Z", "-o", "ndjson").stdout == ""
    assert "there are more" in ask("action", "list", "--limit", "1").stderr


def test_approve_and_cancel(ask: Ask, server: Server) -> None:
    """Of two that wait, the one that is approved runs, the other is cancelled for a reason that its record keeps."""
    first, second = wanted(server, ask, "approval", mode="enforce", approval=True)
    approved = ask("action", "approve", first[:12], role="operator")
    assert (approved.exit_code, "`log:note` on `b` is planned: approved by operator" in approved.stderr) == (0, True)
    cancelled = ask("action", "cancel", second, "--reason", "by \x1b[31mhand")
    assert (cancelled.exit_code, "\x1b" in cancelled.output) == (0, False)
    assert come(ask, "succeeded", 1) == [first]
    shown = ask("action", "show", second).stdout
    assert "cancelled by admin: by" in shown
    assert "\x1b" not in shown
    again = ask("action", "approve", first)
    assert (again.exit_code, "error[CL673]" in again.stderr, "is succeeded" in again.stderr) == (2, True, True)


def test_a_plan(ask: Ask, server: Server) -> None:
    """A plan is approved as a whole, and refused once one of its actions is not as it was shown."""
    first, _ = wanted(server, ask, "approval", mode="enforce", approval=True)
    plan = json.loads(ask("action", "show", first, "-o", "json").stdout)["action"]["plan"]
    assert ask("action", "cancel", first).exit_code == 0
    refused = ask("action", "approve", "--plan", plan)
    assert (refused.exit_code, "is not what it was" in refused.stderr) == (2, True)
    assert len(come(ask, "approval", 1)) == 1
    server.estate.put_rows(ADMIN, "inv", "vm", [])
    come(ask, "cancelled")
    server.estate.put_rows(ADMIN, "inv", "vm", [{"id": "d", "n": 5}, {"id": "e", "n": 6}])
    (new, _) = come(ask, "approval")
    plan = json.loads(ask("action", "show", new, "-o", "json").stdout)["action"]["plan"]
    approved = ask("action", "approve", "--plan", plan, "--reason", "as agreed", role="operator")
    assert (approved.exit_code, approved.stderr) == (0, f"2 actions of plan `{plan}` approved\n")
    assert new in come(ask, "succeeded")


def test_pause_and_resume(ask: Ask, server: Server) -> None:
    """While it is paused, nothing runs, and lists say so; then it goes on by itself."""
    server.estate.put_policy(ADMIN, "act", policy(mode="dryrun"), None)
    for options in ((), ("--target", "log"), ("--policy", "act")):
        paused = ask("action", "pause", *options, "--reason", "storm", role="operator")
        assert paused.exit_code == 0, paused.output
    assert re.findall(r"^(everything|log|policy act) .* operator +storm$", paused.stdout, re.MULTILINE) == [
        "everything", "log", "policy act",
    ]  # fmt: skip
    etag = next(each.etag for each in server.estate.policies() if each.name == "act")
    server.estate.put_policy(ADMIN, "act", policy(mode="enforce"), etag)

    def waits() -> bool:
        listed = ask("action", "list", "--state", "planned")
        assert "everything is paused by operator: storm" in listed.stderr
        return listed.stdout.count("switch: everything is paused by operator: storm") == 2

    until(waits)
    assert ask("action", "list", "-o", "json").stderr == ""
    for options in ((), ("--target", "log")):
        assert ask("action", "resume", *options).exit_code == 0
    assert ask("action", "resume", "--policy", "act").stdout == "nothing is paused\n"
    come(ask, "succeeded")
    assert json.loads(ask("action", "pause", "--target", "log", "-o", "json").stdout)["items"][0]["scope"] == "log"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("approve",), "either IDs or --plan"),
        (("approve", "0123456789ab", "--plan", "x"), "either IDs or --plan"),
        (("approve", "--plan", "000000000000"), "there is no plan"),
        (("approve", "0123456789ab"), "there is no action"),
        (("approve", "0123"), "write at least 8 digits"),
        (("cancel",), "Missing argument"),
        (("show", "../policies"), "there is nothing at this address"),
        (("pause", "--target", "a", "--policy", "b"), "either --target or --policy"),
        (("pause", "--target", "nova"), "there is no target and no policy `nova`"),
        (("resume",), "there is no pause of `everything`"),
        (("list", "--waiting", "--state", "held"), "either --waiting or --state"),
        (("list", "--cursor", "x"), "CL489"),
        (("list", "-o", "sarif"), "is not one of"),
    ],
)
def test_what_makes_no_sense(ask: Ask, arguments: tuple[str, ...], told: str) -> None:
    """What is not there, or cannot be meant, is told, and changes nothing."""
    result = ask("action", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_roles(ask: Ask, server: Server) -> None:
    """Readers read, and decide nothing."""
    first, _ = wanted(server, ask, "approval", mode="enforce", approval=True)
    assert ask("action", "show", first, role="viewer").exit_code == 0
    for arguments in (("approve", first), ("cancel", first), ("pause",), ("resume",)):
        refused = ask("action", *arguments, role="author")
        assert (refused.exit_code, "it needs the role `operator`" in refused.stderr) == (2, True)
    assert len(come(ask, "approval")) == 2


def test_whoever_is_bound_to_a_tenant(run: Run, ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is theirs, although they may not know what is paused."""
    wanted(server, ask, "approval", mode="enforce", approval=True)
    monkeypatch.setenv("CONGRESSLITE_TOKEN", TENANT)
    listed = run("action", "list")
    assert (listed.exit_code, listed.stdout, listed.stderr) == (0, "no actions\n", "")


@pytest.mark.parametrize(
    ("at", "told"),
    [("2026-05-01T12:00:00.000000Z", "0 s"), ("2026-05-01T11:59:00Z", "60 s"), ("2026-05-01T11:00:00Z", "60 min"),
     ("2026-04-30T12:00:00Z", "24 h"), ("2026-04-01T12:00:00Z", "30 d"), ("2026-05-01T13:00:00Z", "0 s"), ("x", ""),
     ("2026-05-01T12:00:00", "")],
)  # fmt: skip
def test_age(at: str, told: str) -> None:
    """Ages are told in one unit; a time that is none has no age."""
    assert age(at, datetime(2026, 5, 1, 12, tzinfo=UTC)) == told


def test_help_needs_no_server(run: Run) -> None:
    """Each command teaches by example without any server."""
    assert not [name for name in os.environ if name == "CONGRESSLITE_SERVER"]
    for name in ("list", "show", "approve", "cancel", "pause", "resume"):
        shown = run("action", name, "--help")
        assert (shown.exit_code, f"congresslite action {name}" in shown.stdout) == (0, True)
    assert Path("inventory").exists()
