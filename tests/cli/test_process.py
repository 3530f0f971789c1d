"""The command as a process: broken pipes, terminals, the house's own files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from congresslite.cli.app import COMMANDS, cli

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "congresslite"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def test_broken_pipe() -> None:
    """When nobody reads the output any more, the command ends quietly."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        done = subprocess.run(
            [*COMMAND, "explain"], stdout=closed, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False, cwd=ROOT
        )
    assert (done.returncode, done.stderr) == (130, b"")


def test_output_that_cannot_be_encoded() -> None:
    """A terminal that lacks a character gets an escape, not an error."""
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    policy = 'policy p(description = "ä€").\n'
    done = subprocess.run(
        [*COMMAND, "fmt", "-"], input=policy.encode(), capture_output=True, env=environment, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert rb"\xe4\u20ac" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_list_of_commands(name: str) -> None:
    """The list of commands, which is written apart so that it is quick, says what the command's own help says."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").startswith(COMMANDS[name].removesuffix("."))


def test_hooks_run_commands_that_exist() -> None:
    """Each git hook runs a command of ours; only formatting may look at single files."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    commands = ("fmt", "lint", "check", "precommit")
    assert {hook["id"] for hook in hooks} == {f"congresslite-{command}" for command in commands}
    for hook in hooks:
        program, command = hook["entry"].split()
        assert (program, command in COMMANDS) == ("congresslite", True)
        assert hook.get("pass_filenames", True) == (command == "fmt")


def test_continuous_integration_runs_what_people_run() -> None:
    """`.ci/run` can be executed, stops at the first failure and runs commands of make."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    assert [line for line in text.splitlines() if line.startswith("make ")] == [
        "make check",
        "make controlplane",
        "make test",
        "make test-long",
    ]
