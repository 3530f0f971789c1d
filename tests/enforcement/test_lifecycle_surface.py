"""Lifecycle policies where people meet them: over REST, and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from congresslite.cli.app import cli
from tests.live.serving import Served, served
from tests.waiting import until

POLICY = """\
policy: greet
description: Say that all is up.
mode: enforce
conditions: ["LCS::POST_DEPLOY_ALIVE"]
when: inv:vnf(id=object, state="up")
actions:
  - {name: greet, type: SCRIPT, properties: {script_filename: greet.sh, --to: "{object}"}}
"""
RECOVERY = """\
policy: heal
description: Heal what is down.
recovery:
  when: inv:vnf(id=object, state="down")
  action: redeploy
  redeploy: {type: VNFM, properties: {operation: heal}}
"""
INVENTORY = "source: inv\ntables:\n  vnf: {key: [id], columns: {id: str, state: str}}\n"


def configuration(folder: Path) -> dict[str, Any]:
    """A server with one script that writes down whom it greets."""
    scripts = folder / "scripts"
    scripts.mkdir()
    (scripts / "greet.sh").write_text(f'echo "$2" >> {folder}/greeted\n', encoding="utf-8")
    (folder / "inv.yaml").write_text(INVENTORY, encoding="utf-8")
    return {
        "state": str(folder / "state"),
        "sources": {"inv": {"driver": "push", "definition": "inv.yaml"}},
        # Of two VNFs, any two are more than the tenth that may be acted upon at once.
        "max_affected": {"percent": None},
        "enforcement": {
            "targets": {"scripts": {"executor": "script", "directory": str(scripts)}},
            "defaults": {"cooldown": 0},
        },
    }


def greeted(folder: Path, count: int) -> list[str]:
    """Wait until so many have been greeted."""
    path = folder / "greeted"
    found = until(lambda: path.exists() and len(lines := path.read_text(encoding="utf-8").split()) >= count and lines)
    assert len(found) == count
    return found


def test_over_rest(tmp_path: Path) -> None:
    """A policy in YAML is put over REST, and acts upon what is reported there, once each, after a crash too."""

    def happen(server: Served, name: str) -> None:
        row = {"object": name, "event": "LCS::POST_DEPLOY_ALIVE"}
        told = server.ask("POST", "/v1/sources/lifecycle/tables/event/rows", {"upsert": [row]})
        assert told["inserted"] == 1

    config = configuration(tmp_path)
    with served(tmp_path, config) as server:
        rows = [{"id": name, "state": "up"} for name in ("a", "b")]
        server.ask("PUT", "/v1/sources/inv/tables/vnf/rows", rows)
        server.ask("PUT", "/v1/policies/greet", {"text": POLICY})
        happen(server, "a")
        assert greeted(tmp_path, 1) == ["a"]
        happen(server, "b")
        assert greeted(tmp_path, 2) == ["a", "b"]
        report = {"upsert": [{"object": "a", "stage": "monitoring"}]}
        server.ask("POST", "/v1/sources/lifecycle/tables/stage/rows", report)
        (row,) = server.rows("lifecycle:stage")
        assert (row["object"], row["stage"], row["level"]) == ("a", "monitoring", "vnf")
        server.kill()
        server.process.wait()
    with served(tmp_path, config) as server:
        assert [each["object"] for each in server.rows("lifecycle:stage")] == ["a"]
        happen(server, "a")
        assert greeted(tmp_path, 3) == ["a", "b", "a"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy, and an inventory in which an event has just happened."""
    (tmp_path / "greet.yaml").write_text(POLICY, encoding="utf-8")
    for name, text in {
        "inv/vnf": "id,state\na,up\nb,down\n",
        "lifecycle/event": "object,event,at,level\n"
        + "".join(f"{name},LCS::POST_DEPLOY_ALIVE,10.5,vnf\n" for name in "ab"),
        "lifecycle/recovery": "object,policy,step,tries,state,at\n",
        "lifecycle/stage": "object,stage,since,level\na,post_deploy,10.5,vnf\n",
    }.items():
        path = tmp_path / "data" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, arguments, prog_name="congresslite")
    return result.exit_code, result.stdout


def test_on_the_command_line(folder: Path) -> None:
    """`check`, `query`, `why` and `precommit` treat a policy in YAML as any other, and point into its text."""
    policy, data = str(folder / "greet.yaml"), str(folder / "data")
    code, output = run("check", policy, "--data", data, "-o", "json", "--counts")
    assert code == 0, output
    assert json.loads(output)["counts"]["greet:execute[scripts:run]"] == 1
    recovering = folder / "heal.yaml"
    recovering.write_text(RECOVERY, encoding="utf-8")
    code, output = run("query", "heal:lifecycle_recover", str(recovering), "--data", data)
    assert "b" in output.split(), output
    code, output = run("why", 'heal:lifecycle_recover("b")', str(recovering), "--data", data)
    assert code == 0, output
    assert "heal.yaml:4" in output
    assert "inv:vnf" in output
    live = folder / "live"
    live.mkdir()
    (live / "other.dl").write_text(
        'policy other(description = "d").\nerror(x) :- inv:vnf(id=x, state="none").\n', "utf-8"
    )
    code, output = run("precommit", policy, "--policies", str(live), "--data", data, "-o", "json")
    assert json.loads(output)["verdict"] in ("ok", "warn", "needs_decision"), output
    (folder / "greet.yaml").write_text(POLICY.replace("state=", "stat="), encoding="utf-8")
    code, output = run("lint", policy, "--data", data)
    assert code == 1
    assert "greet.yaml:5:26" in output, output
