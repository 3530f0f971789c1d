"""`congresslite simulate`, on this machine and by a server: forms of output, exit codes, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import Run
from tests.cli.served import ADMIN, Server

Ask = Callable[..., Result]

FILES = {
    "inventory/inv/_schema.yaml": "host: {columns: {id: str, disk: str, cores: int}, key: [id]}\n"
    "vm: {columns: {id: str, vcpus: int, host: str}, key: [id], references: {host: host.id}}\n",
    "inventory/inv/host.csv": "id,disk,cores\nh1,hdd,8\nh2,ssd,4\n\x1b[2Jx,ssd,1\n",
    "inventory/inv/vm.csv": "id,vcpus,host\nvm1,4,h1\nvm2,4,h1\nvm3,2,h2\n",
    "rules/nfv.dl": """policy nfv(description = "x").
load(h, sum(n)) :- inv:vm(host=h, vcpus=n).
@id("overcommit") @severity("high") @message("{h} has {n} of {c} cores")
error(h, n, c) :- load(h, n), inv:host(id=h, cores=c), n > c.
""",
    "rules/actions.dl": """policy actions(description = "x").
inv:vm-(id=v) :- nova:migrate(v, h), inv:host(id=h).
inv:vm+(v, n, h) :- nova:migrate(v, h), inv:vm(id=v, vcpus=n), inv:host(id=h).
inv:vm-(id=v) :- nova:delete(v).
""",
}
RULES = ("--policies", "rules")


@pytest.fixture
def here(run: Run) -> Run:
    """Run a command line in a folder with tables and policies."""
    for name, text in FILES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    return run


CODES = {
    "done": (('migrate("vm3", "h1")',), 1),
    "no violation": (('delete("vm3")',), 0),
    "a violation comes and goes": (('migrate("vm1", "h2")', 'delete("vm1")'), 0),
    "an object that is not there": (('delete("vm9")',), 1),
    "a key that breaks": (('inv:host+("h1")',), 1),
    "at once": (('delete("vm1") & delete("vm1")',), 1),
    "no effect model": (('nova:rebuild("vm1")',), 3),
    "no effect model, and worse": (('nova:rebuild("vm1")', 'delete("vm9")'), 1),
    "no step": (("delete(vm1)",), 2),
    "nothing": ((), 2),
}


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(("steps", "code"), CODES.values(), ids=CODES.keys())
def test_exit_codes(here: Run, steps: tuple[str, ...], code: int, output: str) -> None:
    """1 for violations that come and for what was not done, 3 for what nobody can tell, 2 for what is no step."""
    told = here("simulate", *steps, *RULES, "-o", output)
    assert told.exit_code == code, told.output
    assert "Traceback" not in told.output
    if output == "json" and code != 2:
        assert len(json.loads(told.stdout)["steps"]) == len(steps)


def test_what_a_person_reads(here: Run) -> None:
    """The rows of each step, the violations that come by it, and the end."""
    told = here("simulate", 'inv:host+("h3", cores=16)', 'migrate("vm1", "h2") & delete("vm1")', *RULES)
    assert (
        told.stdout
        == """\
  1  inv:host+(id="h3", disk=null, cores=16)
     + inv:host(id="h3", disk=null, cores=16)
  2  nova:migrate("vm1", "h2") & nova:delete("vm1")
     nova:migrate("vm1", "h2")
     − inv:vm(id="vm1", vcpus=4, host="h1")
     + inv:vm(id="vm1", vcpus=4, host="h2")
     nova:delete("vm1"), turn 2
     − inv:vm(id="vm1", vcpus=4, host="h2")
     CL319  nova:migrate("vm1", "h2") and nova:delete("vm1") both write inv:vm(id="vm1"): run one after the other

Violations at the end: 0 new, 0 resolved, 0 unchanged
"""
    )
    assert told.stderr == ""


def test_steps_from_a_file(here: Run) -> None:
    """One a line, comments and empty lines left out; what is wrong is told with the file's line."""
    Path("plan.txt").write_text('# tonight\nmigrate("vm1", "h2")\n\ndelete("vm3")  # spare\n', encoding="utf-8")
    from_file = here("simulate", "--from", "plan.txt", *RULES, "-o", "json")
    steps = [each["text"] for each in json.loads(from_file.stdout)["steps"]]
    assert steps == ['nova:migrate("vm1", "h2")', 'nova:delete("vm3")']
    piped = here("simulate", "--from", "-", *RULES, "-o", "json", stdin=Path("plan.txt").read_text(encoding="utf-8"))
    assert piped.stdout == from_file.stdout
    Path("plan.txt").write_text("# tonight\ndelete(vm3)\n", encoding="utf-8")
    assert "plan.txt:2:8: error[CL311]" in here("simulate", "--from", "plan.txt", *RULES).stderr
    lost = here("simulate", "--from", "lost.txt", *RULES)
    assert (lost.exit_code, "CL310" in lost.stderr, "lost.txt" in lost.stderr) == (2, True, True)


def test_the_example(here: Run) -> None:
    """The estate that ships needs no files, and the policies that ship are its own."""
    told = here("simulate", 'nova:servers-(id="none")', "--example", "-o", "json")
    assert (told.exit_code, json.loads(told.stdout)["steps"][0]["parts"][0]["result"]) == (1, "nothing")
    assert here("simulate", "x(1)", "--example", "--data", "inventory").exit_code == 2


def test_hostile_names_are_harmless(here: Run) -> None:
    """No name of the estate moves the cursor."""
    told = here("simulate", "inv:host-()", *RULES)
    assert "\x1b" not in told.stdout and "[2Jx" in told.stdout


# -- by a server ---------------------------------------------------------------------------------


@pytest.fixture
def there(ask: Ask, server: Server) -> Ask:
    """Ask a server that has the actions."""
    text = "policy actions.\ninv:vm-(id=v) :- nova:delete(v).\n"
    server.estate.put_policy(ADMIN, "actions", text, None)
    return ask


def test_a_server_simulates(there: Ask) -> None:
    """The same is told of the running estate, which stays as it is."""
    told = there("simulate", 'delete("b")', 'nova:rebuild("c")', "-o", "json")
    document = json.loads(told.stdout)
    assert told.exit_code == 3, told.output
    assert [each["object"] for each in document["violations"]["resolved"]] == ["b", "b"]
    again = there("simulate", 'delete("b")')
    assert again.exit_code == 0
    assert "2 resolved" in again.stdout


def test_what_a_server_says_is_wrong_is_told_of_the_text_here(there: Ask) -> None:
    """With the line of the file that the steps came from."""
    Path("plan.txt").write_text('delete("b")\ndelete(c)\n', encoding="utf-8")
    told = there("simulate", "--from", "plan.txt")
    assert (told.exit_code, "plan.txt:2:8: error[CL311]" in told.stderr) == (2, True), told.stderr


def test_who_may_ask(there: Ask, server: Server) -> None:
    """Authors may; a server has tables and policies of its own."""
    assert there("simulate", 'delete("b")', role="author").exit_code == 0
    closed = there("simulate", 'delete("b")', role="viewer")
    assert (closed.exit_code, "author" in closed.stderr) == (2, True)
    both = there("simulate", 'delete("b")', "--data", "inventory", "--server", server.url)
    assert (both.exit_code, "--server" in both.stderr) == (2, True)
