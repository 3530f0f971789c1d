"""`config`: the configuration in force, its schema, and tokens."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_show(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key is shown with its value and its origin, by both forms of the option and of the output."""
    (tmp_path / "c.yaml").write_text("server: {threads: 3}\ndatabase: {url: 'postgresql://u:geheim@h/x'}\n", "utf-8")
    monkeypatch.setenv("CONGRESSLITE_LOG__LEVEL", "debug")
    before, after = run("--config", "c.yaml", "config", "show"), run("config", "show", "--config", "c.yaml")
    assert before.output == after.output
    assert before.exit_code == 0
    lines = [line.split() for line in before.output.splitlines()]
    assert ["server.threads", "3", "c.yaml:1"] in lines
    assert ["log.level", "debug", "env", "CONGRESSLITE_LOG__LEVEL"] in lines
    assert ["server.listen", "127.0.0.1:8181", "default"] in lines
    items = json.loads(run("config", "show", "--config", "c.yaml", "-o", "json").output)["items"]
    assert {"key": "server.threads", "value": 3, "origin": "c.yaml:1"} in items
    assert "geheim" not in before.output + json.dumps(items)


def test_show_of_a_wrong_configuration(run: Run, tmp_path: Path) -> None:
    """What is wrong is told, and nothing is shown."""
    (tmp_path / "congresslite.yaml").write_text("server: {thread: 3}\n", encoding="utf-8")
    done = run("config", "show")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "CL490" in done.stderr


def test_schema(run: Run) -> None:
    """The schema is printed as JSON."""
    assert json.loads(run("config", "schema").output)["$defs"]["ServerSettings"]


def test_token(run: Run) -> None:
    """Each token is another one, and the digest is its SHA-256."""
    made = [json.loads(run("config", "token", "-o", "json").output) for _ in range(2)]
    assert made[0]["token"] != made[1]["token"]
    for each in made:
        assert hashlib.sha256(each["token"].encode()).hexdigest() == each["sha256"]
        assert len(each["token"]) >= 40
    assert run("config", "token").stdout.startswith("token:  ")
