"""`why` and `why-not`: trees, documents, exit codes, and what they say to a wrong question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import Run

POLICY = """\
@id("slow-disk")
error(vm, host) :- inv:vm(id=vm, host=host), inv:host(id=host, disk=d), d != "ssd", not inv:waiver(host=host).

load(h, sum(n)) :- inv:vm(host=h, vcpus=n).
full(h) :- load(h, n), n > 11.
site("s1").
"""


@pytest.fixture
def ask(run: Run, tmp_path: Path) -> Run:
    """Run a command over a small estate; the policy is added to the arguments."""
    tables = {
        "vm": "id,host,vcpus\nvm1,h1,4\nvm2,h1,8\nvm3,h2,2\n",
        "host": "id,disk,rack\nh1,hdd,r1\nh2,ssd,r2\n",
        "waiver": "host\nh9\n",
        "spare": "id\n\x1b[31mred\n",
    }
    (tmp_path / "inventory" / "inv").mkdir()
    for name, text in tables.items():
        (tmp_path / "inventory" / "inv" / f"{name}.csv").write_text(text, encoding="utf-8")
    (tmp_path / "nfv.dl").write_text(POLICY, encoding="utf-8")

    def invoke(command: str, atom: str, *more: str) -> Result:
        return run(command, atom, "nfv.dl", "--data", "inventory", *more)

    return invoke


@pytest.mark.parametrize(
    ("atom", "expected"),
    [
        (
            'nfv:error("vm2", "h1")',
            'nfv:error(vm="vm2", host="h1")  by slow-disk (nfv.dl:1)\n'
            '├─ inv:vm(id="vm2", host="h1")\n'
            '├─ inv:host(id="h1", disk="hdd")\n'
            '├─ "hdd" != "ssd"  (d != "ssd")\n'
            '└─ not inv:waiver(host="h1")\n',
        ),
        (
            "nfv:full(h)",
            'nfv:full(h="h1")  by nfv.dl:5\n'
            '├─ nfv:load(h="h1", c2=12)  by nfv.dl:4, over 2 bindings\n'
            '│  ├─ inv:vm(host="h1", vcpus=4)\n'
            '│  └─ inv:vm(host="h1", vcpus=8)\n'
            "└─ 12 > 11  (n > 11)\n",
        ),
        ("nfv:site", 'nfv:site(c1="s1")  a fact\n'),
        ("inv:spare", 'inv:spare(id="\\x1b[31mred")\n'),
    ],
    ids=["a violation", "an aggregate", "a fact", "a row that no policy reads"],
)
def test_why(ask: Run, atom: str, expected: str) -> None:
    """A proof is a tree, down to the rows of the sources; text that moves a cursor shows as text."""
    result = ask("why", atom)
    assert (result.exit_code, result.stdout) == (0, expected)


def test_why_of_several(ask: Run) -> None:
    """Of several rows that match the first is explained, and the others are counted."""
    result = ask("why", 'nfv:error(host="h1")')
    assert result.exit_code == 0
    assert 'nfv:error(vm="vm1", host="h1")' in result.stdout
    assert "2 rows match" in result.stderr


def test_depth(ask: Run) -> None:
    """A tree is cut off where it is wanted, and says so."""
    assert "… 1 more level" in ask("why", "nfv:full", "--depth", "1").stdout
    assert "more level" not in ask("why", "nfv:full", "--depth", "0").stdout


def test_why_as_json(ask: Run) -> None:
    """The document holds whole rows, columns that no rule reads too, in steps that refer to each other by number."""
    document = json.loads(ask("why", 'nfv:error("vm1", _)', "-o", "json").stdout)
    assert document["matches"] == 1
    first, second, third = document["proof"]["steps"]
    assert first["rule"] == {"policy": "nfv", "id": "slow-disk", "file": "nfv.dl", "line": 1}
    assert first["body"][:2] == [{"step": 1}, {"step": 2}]
    assert second["row"] == {"id": "vm1", "host": "h1", "vcpus": 4}
    assert third["row"] == {"id": "h1", "disk": "hdd", "rack": "r1"}


@pytest.mark.parametrize(
    ("atom", "lines"),
    [
        ('nfv:error("vm3", "h2")', ["holds    inv:host", 'fails    "ssd" != "ssd"']),
        ('nfv:error(vm="vm3", host="h1")', ["fails    inv:vm", 'nearest  inv:vm(id="vm3", host="h2", vcpus=2)']),
        ('nfv:load("h1", 13)', ['instead  nfv:load(h="h1", c2=12)']),
        ('nfv:site("s2")', ["note     its rows come from a policy's facts", "nearest  nothing"]),
        ('inv:spare("x")', ["note     its rows come from a source"]),
    ],
    ids=["a comparison", "a missing row", "an aggregate", "facts", "a table that no policy reads"],
)
def test_why_not(ask: Run, atom: str, lines: list[str]) -> None:
    """For each rule stands what holds, the first literal that fails, and the rows that come nearest."""
    result = ask("why-not", atom)
    assert result.exit_code == 0
    assert [line for line in lines if line not in result.stdout] == []


def test_why_not_as_json(ask: Run) -> None:
    """The document says for each rule how far it got."""
    document = json.loads(ask("why-not", 'nfv:error(host="h2")', "-o", "json").stdout)
    assert document["matches"] == 0
    assert document["why_not"]["row"] == {"host": "h2"}
    (attempt,) = document["why_not"]["attempts"]
    assert attempt["failed"]["reason"] == "untrue"
    assert attempt["failed"]["values"] == {"d": "ssd"}


@pytest.mark.parametrize(
    ("command", "atom", "hint"),
    [("why", 'nfv:full("h2")', "why-not"), ("why-not", 'nfv:full("h1")', "congresslite why`")],
    ids=["why", "why-not"],
)
def test_the_other_command(ask: Run, command: str, atom: str, hint: str) -> None:
    """Whoever asks the wrong way round is told so, and the exit code says it too."""
    table, document = ask(command, atom), ask(command, atom, "-o", "json")
    assert (table.exit_code, document.exit_code) == (1, 1)
    assert (table.stdout, hint in table.stderr) == ("", True)
    assert None in json.loads(document.stdout).values()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nfv:eror",), "did you mean `error`?"),
        (('nfv:error(vms="vm1")',), "did you mean `vm`?"),
        (("nfv:error(1, 2, 3)",), "CL105"),
        (("nfv:error(",), "CL0"),
        (("nfv:full(h), h = 1",), "ask about one row"),
        (("nfv:error(x, x)",), "ask about one row"),
        (("nfv:load(h, 6 + 6)",), "ask about one row"),
        (('len("a", 1)',), "is a builtin"),
        (("nfv:full", "--engine", "reference"), "leave out --engine"),
    ],
    ids=["table", "column", "arity", "syntax", "a body", "repeated", "arithmetic", "a builtin", "engine"],
)
@pytest.mark.parametrize("command", ["why", "why-not"])
def test_wrong_question(ask: Run, command: str, arguments: tuple[str, ...], message: str) -> None:
    """What is wrong with the question is told as for `query`, and the command fails."""
    result = ask(command, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
