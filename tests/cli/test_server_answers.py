"""Commands that a server can answer: the same formats, exit codes and words as on this machine."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from congresslite.cli.formats import FORMATS
from tests.cli.conftest import Run
from tests.cli.served import Server, serving, write_estate

Ask = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("estate")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serving(write_estate(folder)) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_server_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("CONGRESSLITE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def ask(run: Run, server: Server) -> Ask:
    """Run a command against the server."""
    return lambda *arguments, **more: run(*arguments, "--server", server.url, **more)


@pytest.fixture
def local(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command on the tables and the policy that the server has."""
    policy, data = str(folder / "nfv.dl"), str(folder / "inventory")
    return lambda *arguments: run(*arguments, policy, "--data", data)


def violations(result: Result) -> list[dict[str, Any]]:
    """The violations of a JSON document without their places within the line, which a server does not tell."""
    listed = json.loads(result.stdout)["violations"]
    places = ("column", "end_line", "end_column")
    plain = [{key: value for key, value in each.items() if key not in places} for each in listed]
    return sorted(plain, key=lambda each: json.dumps([each["policy"], each["rule"], each["row"]]))


def test_check_finds_the_same(ask: Ask, local: Ask) -> None:
    """The server's violations, counts and totals are those that a check here finds."""
    there, here = ask("check", "-o", "json"), local("check", "-o", "json")
    assert (there.exit_code, here.exit_code) == (1, 1)
    assert violations(there) == violations(here)
    first, second = json.loads(there.stdout), json.loads(here.stdout)
    assert first["counts"] == second["counts"]
    for key in ("errors", "warnings", "severities", "policies", "base_tables", "exit_code"):
        assert first["summary"][key] == second["summary"][key], key


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("options", "code"),
    [((), 1), (("--exit-zero",), 0), (("--fail-on", "critical"), 0), (("--fail-on", "high"), 1)],
    ids=["errors", "exit zero", "not grave", "grave"],
)
def test_check_exit_code(ask: Ask, output: str, options: tuple[str, ...], code: int) -> None:
    """No format changes the exit code, with a server as without."""
    assert ask("check", "-o", output, *options).exit_code == code


def test_check_as_sarif(ask: Ask, local: Ask) -> None:
    """Code hosts know a violation again, wherever it was found."""

    def marks(result: Result) -> list[tuple[str, str, str]]:
        results = json.loads(result.stdout)["runs"][0]["results"]
        return sorted(
            (each["ruleId"], each["level"], each["partialFingerprints"]["congresslite/v1"]) for each in results
        )

    assert marks(ask("check", "-o", "sarif")) == marks(local("check", "-o", "sarif"))


def test_check_counts(ask: Ask, local: Ask) -> None:
    """Counts are those of every derived table."""
    there, here = (json.loads(each("check", "--counts", "-o", "json").stdout) for each in (ask, local))
    assert there["counts"] == here["counts"]
    assert "violations" not in there


def test_check_for_people(ask: Ask, folder: Path, server: Server, golden: Callable[[str, str], None]) -> None:
    """A person sees the violations by policy and rule, which server says so, and of when it is."""
    golden("server-check.table", masked(ask("check").stdout, folder, server))


def test_check_shows_as_many_rows_as_asked(ask: Ask) -> None:
    """Of a rule with many rows the first are asked for, and all are counted."""
    result = ask("check", "--limit", "1")
    assert "4 warnings" not in result.stdout
    assert re.search(r"error high  slow-disk .* 3 rows", result.stdout)
    assert "… 2 more" in result.stdout


def masked(text: str, folder: Path, server: Server) -> str:
    """What differs from run to run, left out."""
    text = text.replace(str(folder), "FOLDER").replace(server.url, "http://SERVER")
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "TIME", text)


# -- what would follow -----------------------------------------------------------------------------

STRICT = 'policy strict(description = "x").\n@id("any") @message("{v} is there")\nerror(v) :- inv:vm(id=v).\n'
WRONG = 'policy wrong(description = "x").\nerror(v) :- inv:vm(idd=v).\n'


def test_try_a_policy(ask: Ask, server: Server, folder: Path, golden: Callable[[str, str], None]) -> None:
    """A policy that is named is tried on the server, and changes nothing there."""
    Path("strict.dl").write_text(STRICT, encoding="utf-8")
    result = ask("check", "strict.dl")
    assert result.exit_code == 0
    golden("server-try.table", masked(result.stdout, folder, server))
    assert "not looked into: potential conflicts" in result.stderr
    assert "strict" not in ask("policy", "list").stdout
    document = json.loads(ask("check", "strict.dl", "-o", "json").stdout)
    assert (document["verdict"], document["violations"]["totals"]["new"]) == ("warn", 4)


def test_try_a_wrong_policy(ask: Ask, run: Run) -> None:
    """What the server says of a text is told of the file, with line and caret, as a check here tells it."""
    Path("wrong.dl").write_text(WRONG, encoding="utf-8")
    Path("inventory/inv").mkdir()
    Path("inventory/inv/vm.csv").write_text("id,host,vcpus\nv,h,1\n", encoding="utf-8")
    there, here = ask("check", "wrong.dl"), run("check", "wrong.dl")
    assert (there.exit_code, there.stderr) == (1, here.stderr)
    assert "wrong.dl:2:20: error[CL103]" in there.stderr
    for output in ("json", "ndjson", "sarif", "junit", "github"):
        result = ask("check", "wrong.dl", "-o", output)
        assert (result.exit_code, "CL103" in result.stdout, "wrong.dl" in result.stdout) == (1, True, True)


# -- questions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["table", "json", "ndjson"])
@pytest.mark.parametrize(
    "text",
    ["inv:vm", "nfv:load", 'inv:vm(id=v, host=h), inv:host(id=h, disk="hdd")', 'inv:vm(id="vm1")', 'inv:vm(id="x")'],
    ids=["a source's table", "a policy's table", "a body", "yes", "no"],
)
def test_query(ask: Ask, local: Ask, text: str, output: str) -> None:
    """A query has the same answer in the same form."""
    there, here = ask("query", text, "-o", output), local("query", text, "-o", output)
    assert (there.exit_code, there.stdout) == (here.exit_code, here.stdout)


def test_query_with_a_limit(ask: Ask) -> None:
    """What is left out is counted."""
    assert "(4 rows, 3 not shown)" in ask("query", "inv:vm", "--limit", "1").stdout
    assert "(4 rows, 3 not shown)" in ask("query", "inv:vm(id=v)", "--limit", "1").stdout


@pytest.mark.parametrize("text", ["inv:vms(id=x)", "inv:vm(idd=x)", "inv:vm(id=x", "inv:vm(id=x), x < 3"])
def test_wrong_query(ask: Ask, local: Ask, text: str) -> None:
    """A query that is wrong is told as here."""
    there, here = ask("query", text), local("query", text)
    assert (there.exit_code, there.stdout, there.stderr) == (2, "", here.stderr)


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(
    "atom",
    [
        'nfv:error("vm3", "h2")',
        'nfv:error(vm="vm3", host="h1")',
        'nfv:load("h1", 14)',
        'nfv:spared("h1")',
        'inv:vm("x", _, _)',
    ],
    ids=["a comparison", "a missing row", "an aggregate", "branches", "a row of a source"],
)
def test_why_not(ask: Ask, local: Ask, atom: str, output: str) -> None:
    """Why a row is not there is told in the same words."""
    there, here = ask("why-not", atom, "-o", output), local("why-not", atom, "-o", output)
    assert (there.exit_code, there.stdout) == (0, here.stdout)


def test_why(ask: Ask, local: Ask, folder: Path, server: Server, golden: Callable[[str, str], None]) -> None:
    """A proof is the same tree, with the age of the rows it comes from."""
    there = [ask("why", atom) for atom in ('nfv:error("vm2", _)', "nfv:full", 'nfv:spared("h3")')]
    assert [each.exit_code for each in there] == [0, 0, 0]
    golden("server-why.table", masked("\n".join(each.stdout for each in there), folder, server))
    assert "3 rows match; this is the first" in ask("why", 'nfv:error(host="h1")').stderr
    assert "… 1 more level" in ask("why", "nfv:full", "--depth", "1").stdout


def test_why_as_json(ask: Ask, local: Ask) -> None:
    """The document of a proof is the same, with the age of each row of a source."""
    there, here = (json.loads(each("why", "nfv:full", "-o", "json").stdout) for each in (ask, local))
    ages = [step.pop("as_of", None) for step in there["proof"]["steps"]]
    assert there == here
    assert [age is not None for age in ages] == [step["from"] == "source" for step in here["proof"]["steps"]]


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(
    ("command", "atom"), [("why", 'nfv:error("vm3", _)'), ("why-not", 'nfv:error("vm1", _)')], ids=["why", "why not"]
)
def test_the_wrong_way_round(ask: Ask, local: Ask, command: str, atom: str, output: str) -> None:
    """Whoever asks the wrong way round is told so, with exit code 1."""
    there, here = ask(command, atom, "-o", output), local(command, atom, "-o", output)
    assert (there.exit_code, there.output) == (1, here.output)


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize("name", [None, "inv", "inv:vm"])
def test_schema(ask: Ask, run: Run, folder: Path, name: str | None, output: str) -> None:
    """The tables of the server's sources are shown as those of a folder."""
    asked = ("schema", *([] if name is None else [name]), "-o", output)
    there, here = ask(*asked), run(*asked, "--data", str(folder / "inventory"))
    assert (there.exit_code, there.stdout) == (0, here.stdout)


def test_schema_of_a_policy(ask: Ask) -> None:
    """A policy's tables are shown too, and a name that nobody knows is told with the nearest."""
    assert "nfv:load" in ask("schema", "nfv").stdout
    assert "nfv:full" in ask("schema", "nfv:full").stdout
    result = ask("schema", "inv:vms")
    assert (result.exit_code, "did you mean `inv:vm`?" in result.stderr) == (2, True)


# -- which server ----------------------------------------------------------------------------------


def test_the_server_of_the_environment(run: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names a server, and gives way to tables of this machine and to the command line."""
    monkeypatch.setenv("CONGRESSLITE_SERVER", server.url)
    assert "nfv:load" in run("schema", "nfv").stdout
    assert "nova:servers" in run("schema", "nova:servers", "--example").stdout
    assert "CL591" in run("--server", "http://127.0.0.1:1", "schema").stderr
    assert "CL591" in run("schema", "--server", "http://127.0.0.1:1").stderr
    assert run("explain", "CL101").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "--example"), "leave out --server, or `--example`"),
        (("query", "inv:vm", "nfv.dl"), "leave out --server, or [POLICY]..."),
        (("why", "inv:vm", "--engine", "duckdb"), "leave out --server, or `--engine`"),
        (("schema", "--data", "inventory"), "leave out --server, or `--data`"),
    ],
    ids=["check", "query", "why", "schema"],
)
def test_a_server_and_tables_of_this_machine(ask: Ask, arguments: tuple[str, ...], told: str) -> None:
    """Whoever names a server and tables of this machine is asked which of them is meant."""
    Path("nfv.dl").write_text("", encoding="utf-8")
    result = ask(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_commands_of_this_machine(run: Run, server: Server) -> None:
    """A command that no server answers says so, instead of leaving the server out."""
    result = run("--server", server.url, "lint")
    assert (result.exit_code, "leave out --server" in result.stderr) == (2, True)
