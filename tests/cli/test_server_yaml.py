"""Policies in YAML, against a server: as those in rules, and kept as they are written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import Run
from tests.cli.served import Server

Ask = Callable[..., Result]

GREET = """\
# Finish what is up.
policy: greet
description: Say that all is up.
conditions: ["LCS::POST_DEPLOY_ALIVE"]
when: inv:vm(id=object)
actions:
  - {name: greet, type: SCRIPT, properties: {script_filename: greet.sh}}
"""
LIBRARY = """\
name: small
description: What is small.
rules:
  - {id: few, rule: "warning(v) :- inv:vm(id=v, n=n), n < 2"}
"""


@pytest.fixture(autouse=True)
def greet(run: Run) -> None:
    """Policies of both forms of YAML in the current folder, in files that are not called as the policies."""
    Path("alive.yaml").write_text(GREET, encoding="utf-8")
    Path("library.yml").write_text(LIBRARY, encoding="utf-8")


def test_put_change_and_remove(ask: Ask) -> None:
    """A policy in YAML is added, replaced and removed as any other; what is shown of it is the text that was put."""
    added = ask("policy", "put", "alive.yaml", "library.yml")
    assert (added.exit_code, added.stdout) == (0, "greet  added  version 1\nsmall  added  version 1\n"), added.output
    assert ask("policy", "show", "greet").stdout == GREET
    changed = GREET.replace("greet.sh", "hello.sh")
    Path("alive.yaml").write_text(changed, encoding="utf-8")
    assert ask("policy", "put", "alive.yaml").stdout == "greet  replaced  version 2\n"
    assert ask("policy", "show", "greet").stdout == changed
    assert ask("policy", "put", "alive.yaml").stdout == "greet  unchanged  version 2\n"
    assert ask("policy", "remove", "greet").exit_code == 0


def test_check(ask: Ask) -> None:
    """What would follow from a policy in YAML is told as of one in rules."""
    told = ask("check", "library.yml")
    assert (told.exit_code, "small" in told.stdout) == (0, True), told.output


def test_what_was_checked_is_committed(ask: Ask, server: Server) -> None:
    """`apply` puts a policy in YAML as it was checked."""
    checked = ask("precommit", "alive.yaml", "-o", "json")
    assert checked.exit_code == 0, checked.output
    applied = ask("apply", json.loads(checked.stdout)["id"])
    assert (applied.exit_code, applied.stderr) == (0, "1 policy as checked\n")
    assert {each.name: each.text for each in server.estate.policies()}["greet"] == GREET
    assert ask("policy", "show", "greet").stdout == GREET


@pytest.mark.parametrize("command", ["check", "precommit", "policy put"])
def test_findings_point_into_the_yaml(ask: Ask, command: str) -> None:
    """What a server finds wrong is told with line and column of the file here."""
    Path("alive.yaml").write_text(GREET.replace("id=object", "idd=object"), encoding="utf-8")
    told = ask(*command.split(), "alive.yaml")
    assert (told.exit_code, "alive.yaml:5:14: error[CL103]" in told.stderr) == (1, True), told.output
