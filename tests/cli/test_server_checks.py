"""`precommit`, `apply` and `conflicts` against a server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import Run
from tests.cli.served import Server

Ask = Callable[..., Result]

STOP = 'policy stopping(description = "x").\n@id("stop") execute[nova:stop(v)] :- inv:vm(id=v).\n'
KEEP = 'policy keeping(description = "x").\n@id("keep") deny[nova:stop(v)] :- inv:vm(id=v, n=n), n > 2.\n'
SMALL = 'policy small(description = "x").\n@id("few") @message("{v} has {n}") error(v) :- inv:vm(id=v, n=n), n < 2.\n'


@pytest.fixture(autouse=True)
def small(run: Run) -> None:
    """A proposed policy in the current folder."""
    Path("small.dl").write_text(SMALL, encoding="utf-8")


def test_what_a_server_checked_it_commits(ask: Ask, server: Server) -> None:
    """The report is that of a check on this machine, and its id is all that `apply` needs."""
    checked = ask("precommit", "small.dl", "-o", "json")
    document = json.loads(checked.stdout)
    assert (checked.exit_code, document["verdict"]) == (0, "warn")
    assert [each["object"] for each in document["violations"]["new"]] == ["a"]
    assert f"congresslite apply {document['id']}" in checked.stderr
    applied = ask("apply", document["id"])
    assert (applied.exit_code, applied.stderr) == (0, "1 policy as checked\n")
    assert "small" in {each.name for each in server.estate.policies()}
    # Once it has been applied, the same would find something else.
    again = ask("apply", document["id"])
    assert (again.exit_code, "CL333" in again.stderr) == (1, True)


@pytest.mark.parametrize("form", ["table", "ndjson", "sarif", "junit", "github"])
def test_every_form_of_output(ask: Ask, form: str) -> None:
    """What the server found is told in each form, of the files of this machine."""
    told = ask("precommit", "small.dl", "-o", form)
    assert (told.exit_code, "a has 1" in told.stdout) == (0, True), told.output


def test_findings_point_at_the_files_here(ask: Ask) -> None:
    """A policy that is wrong is rejected with file, line and column, and there is nothing to apply."""
    Path("small.dl").write_text("policy small.\nerror(v) :- inv:vms(id=v).\n", encoding="utf-8")
    told = ask("precommit", "small.dl")
    assert told.exit_code == 1
    assert "small.dl:2:13: error[CL101]" in told.stderr
    assert "congresslite apply" not in told.stderr


def test_what_takes_no_sense_with_a_server_is_refused(ask: Ask, server: Server) -> None:
    """Tables and live policies are the server's; a check that nobody made, and a role that may not, are told."""
    told = ask("precommit", "small.dl", "--policies", ".", "--server", server.url)
    assert (told.exit_code, "--server" in told.stderr) == (2, True)
    unknown = ask("apply", "chk_0000000000000000")
    assert (unknown.exit_code, "there is no check" in unknown.stderr) == (2, True)
    closed = ask("precommit", "small.dl", role="viewer")
    assert (closed.exit_code, "author" in closed.stderr) == (2, True)


def test_conflicts_are_listed_and_shown(ask: Ask) -> None:
    """Both sides, who wins and by what; with both proofs if asked for."""
    for name, text in (("stop.dl", STOP), ("keep.dl", KEEP)):
        Path(name).write_text(text, encoding="utf-8")
        assert ask("policy", "put", name).exit_code == 0
    listed = ask("conflicts", "list")
    assert listed.exit_code == 0
    assert re.search(r"modality +open +b +keeping/keep +specificity", listed.stdout), listed.stdout
    assert [each["object"] for each in json.loads(ask("conflicts", "list", "-o", "json").stdout)["items"]] == ["c", "b"]
    (line,) = ask("conflicts", "list", "--object", "b", "-o", "ndjson").stdout.splitlines()
    shown = ask("conflicts", "show", json.loads(line)["id"], "--explain").stdout
    assert 'stopping/stop (tier global): execute nova:stop("b")' in shown
    assert re.search(r"wins +keeping/keep, by specificity", shown)
    assert shown.count('inv:vm(id="b"') >= 2
    assert "no conflicts" in ask("conflicts", "list", "--object", "nobody").stdout
    assert ask("conflicts", "show", "0" * 32).exit_code == 2
