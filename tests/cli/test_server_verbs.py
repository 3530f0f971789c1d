"""The verbs that need a server: violations, policies, sources, waivers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import Run
from tests.cli.served import ADMIN, TOKENS, Server, wait

Ask = Callable[..., Result]
ID = re.compile(r"\b[0-9a-f]{32}\b")

STRICT = 'policy strict(description = "x").\n\n@id("any") @message("{v} is there")\nerror(v) :- nfv:machine(v).\n'
BASE = 'policy nfvs(description = "x").\nmachine(v) :- inv:vm(id=v).\n'


def masked(text: str) -> str:
    """What differs from run to run, left out."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "TIME", text)
    text = ID.sub("ID", text)
    text = re.sub(r"[^\s(\"]+/(nfv\.dl|files)\b", r"FOLDER/\1", text)
    return re.sub(r"(?<=\S)  +", "  ", text)  # how wide a column is depends on the folder


# -- violations ------------------------------------------------------------------------------------


def test_violations_list(ask: Ask, golden: Callable[[str, str], None]) -> None:
    """Violations are listed as REST filters and sorts them."""
    golden("server-violations.table", masked(ask("violations", "list", "--sort", "-severity").stdout))
    low = ask("violations", "list", "--severity", "low", "--policy", "nfv", "--object", "b", "-o", "ndjson")
    assert [json.loads(line)["rule"] for line in low.stdout.splitlines()] == ["lost"]
    assert "no violations" in ask("violations", "list", "--text", "nothing like it").stdout
    assert ask("violations", "list", "--since", "2099-01-01T00:00:00Z", "-o", "ndjson").stdout == ""


def test_violations_of_all_pages(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--all` follows the pages to their end; without it, the next page can be asked for."""
    monkeypatch.setattr("congresslite.cli.client.listing.MOST", 1)
    every = ask("violations", "list", "--all", "-o", "json", "--sort", "object")
    assert [each["object"] for each in json.loads(every.stdout)["items"]] == ["b", "b", "c"]
    lines = ask("violations", "list", "--all", "-o", "ndjson").stdout.splitlines()
    assert len(lines) == 3
    first = json.loads(ask("violations", "list", "--limit", "2", "-o", "json", "--sort", "object").stdout)
    assert [each["object"] for each in first["items"]] == ["b", "b"]
    rest = ask("violations", "list", "--cursor", first["next"], "-o", "json", "--sort", "object")
    assert [each["object"] for each in json.loads(rest.stdout)["items"]] == ["c"]
    assert "there are more" in ask("violations", "list", "--limit", "2").stderr


def test_violations_show(ask: Ask, golden: Callable[[str, str], None]) -> None:
    """A violation is shown with its history and its proof."""
    listed = json.loads(ask("violations", "list", "--object", "c", "-o", "json").stdout)
    id_ = listed["items"][0]["id"]
    golden("server-violation.table", masked(ask("violations", "show", id_, "--explain").stdout))
    document = json.loads(ask("violations", "show", id_, "-o", "json").stdout)
    assert (document["violation"]["id"], document["explanation"]) == (id_, None)
    unknown = ask("violations", "show", "0" * 32)
    assert (unknown.exit_code, "there is no violation" in unknown.stderr) == (2, True)


def test_violations_watch(ask: Ask, server: Server) -> None:
    """Changes are shown as they come, those that were missed first."""
    server.estate.push_rows(ADMIN, "inv", "vm", [{"id": "d", "host": "h1", "n": 9}], [{"id": "c"}])
    shown = ask("violations", "watch", "--after", "0", "--events", "2").stdout
    assert re.search(r"^\S+ \S+Z  \+  high  nfv  d  d has 9  [0-9a-f]{32}$", shown, re.MULTILINE), shown
    assert re.search(r"^\S+ \S+Z  -  high  nfv  c  c has 4  [0-9a-f]{32}$", shown, re.MULTILINE)
    lines = ask("violations", "watch", "--after", "0", "--events", "2", "-o", "ndjson").stdout.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["violations", "violations"]


# -- undetermined ----------------------------------------------------------------------------------


@pytest.fixture
def stale(ask: Ask, server: Server, tmp_path: Path) -> str:
    """The name of a source that a policy reads, and that cannot be pulled any more."""
    folder = tmp_path / "boxes"
    folder.mkdir()
    (folder / "box.csv").write_text("id,size\na,1\nb,2\n", encoding="utf-8")
    (tmp_path / "box.yaml").write_text(f"driver: files\nfolder: {folder}\nevery: 3600\nsettle: 0\n", encoding="utf-8")
    policy = (
        'policy boxes(description = "x").\n@id("big") @message("{b} is big")\nwarning(b) :- box:box(id=b, size=2).\n'
    )
    (tmp_path / "boxes.dl").write_text(policy, encoding="utf-8")
    assert ask("source", "put", "box", "box.yaml").exit_code == 0
    assert ask("policy", "put", "boxes.dl").exit_code == 0
    wait(lambda: not server.estate.undetermined())
    (folder / "box.csv").unlink()
    folder.rmdir()
    assert ask("source", "refresh", "box").exit_code == 2
    return "box"


def test_undetermined(ask: Ask, stale: str) -> None:
    """What rests on a source that is stale is told as of then, with the reason, and ends with 3 if nothing blocks."""
    for arguments, code in (
        (("check",), 1),
        (("check", "--exit-zero"), 3),
        (("check", "--fail-on", "critical"), 3),
        (("check", "boxes.dl"), 3),
        (("query", "box:box"), 3),
        (("query", "box:box(id=b, size=s)"), 3),
        (("query", "inv:vm(id=v)"), 0),
        (("why", 'boxes:warning("b")'), 3),
        (("why", 'nfv:error("c", _)'), 0),
        (("why-not", 'boxes:warning("a")'), 3),
        (("violations", "list"), 3),
        (("violations", "list", "--policy", "nfv"), 0),
    ):
        result = ask(*arguments)
        assert result.exit_code == code, (arguments, result.output)
        assert ("CL594" in result.stderr) == (code != 0), arguments
    listed = ask("violations", "list", "--state", "undetermined").stdout
    assert "open ?" in listed
    assert "big" in listed
    assert "cannot be read" in ask("check").stderr
    assert json.loads(ask("check", "-o", "json").stdout)["findings"][0]["code"] == "CL594"


def test_source_that_is_stale(ask: Ask, stale: str) -> None:
    """A source says what is wrong with it, and is well again once that is mended."""
    shown = ask("source", "show", stale)
    assert (shown.exit_code, "stale" in shown.stdout, "CL402" in shown.stderr) == (0, True, True)
    assert "stale" in ask("source", "list").stdout
    Path("boxes").mkdir()
    Path("boxes/box.csv").write_text("id,size\na,2\n", encoding="utf-8")
    assert ask("source", "refresh", stale, "--feed", "box", "--accept-empty").exit_code == 0
    assert ask("violations", "list", "--policy", "boxes").exit_code == 0


# -- policies --------------------------------------------------------------------------------------


def test_policies(ask: Ask, golden: Callable[[str, str], None]) -> None:
    """Policies are added in whatever order, replaced, shown, and removed; their versions stay."""
    Path("strict.dl").write_text(STRICT.replace("nfv:", "nfvs:"), encoding="utf-8")
    Path("nfvs.dl").write_text(BASE, encoding="utf-8")
    told = [ask("policy", "put", "strict.dl", "nfvs.dl"), ask("policy", "put", "strict.dl")]
    Path("strict.dl").write_text(STRICT.replace("nfv:", "nfvs:") + "// more\n", encoding="utf-8")
    told += [
        ask("policy", "put", "strict.dl", role="author"),
        ask("policy", "list"),
        ask("policy", "versions", "strict"),
        ask("policy", "show", "strict", "--version", "1"),
        ask("policy", "remove", "strict"),
        ask("policy", "versions", "strict"),
    ]
    assert [each.exit_code for each in told] == [0] * len(told)
    golden("server-policies.table", masked("\n".join(each.output for each in told)))
    assert json.loads(ask("policy", "show", "nfvs", "-o", "json").stdout)["text"] == BASE
    assert ask("policy", "show", "strict").exit_code == 2
    removed = ask("policy", "show", "strict", "--version", "3")
    assert (removed.exit_code, removed.stdout, "was removed" in removed.stderr) == (0, "", True)


def test_a_wrong_policy_is_not_taken(ask: Ask) -> None:
    """A policy that is wrong is told as a finding about its file, and the others are taken."""
    Path("wrong.dl").write_text('policy wrong(description = "x").\nerror(v) :- inv:vm(idd=v).\n', encoding="utf-8")
    Path("nfvs.dl").write_text(BASE, encoding="utf-8")
    result = ask("policy", "put", "wrong.dl", "nfvs.dl")
    assert (result.exit_code, result.stdout) == (1, "nfvs  added  version 1\n")
    assert "wrong.dl:2:20: error[CL103]" in result.stderr
    assert "^^^" in result.stderr


def test_a_policy_that_changed_meanwhile(ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was late overwrites nothing, and learns how to go on."""
    from congresslite.cli.client import versions

    Path("nfvs.dl").write_text(BASE, encoding="utf-8")
    assert ask("policy", "put", "nfvs.dl").exit_code == 0
    Path("nfvs.dl").write_text(BASE + "// mine\n", encoding="utf-8")
    assert "is in version 1 by now" in ask("policy", "put", "nfvs.dl", "--replaces", "2").stderr
    put = versions.put

    def late(*arguments: object, **named: object) -> object:
        server.estate.put_policy(ADMIN, "nfvs", BASE + "// theirs\n", "nfvs-1")
        return put(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(versions, "put", late)
    result = ask("policy", "put", "nfvs.dl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error[CL561]" in result.stderr
    assert "congresslite policy show nfvs" in result.stderr
    assert ask("policy", "show", "nfvs").stdout == BASE + "// theirs\n"


def test_a_policy_of_the_configuration(ask: Ask) -> None:
    """A policy that comes from a file of the server is changed there."""
    Path("nfv.dl").write_text(BASE.replace("nfvs", "nfv"), encoding="utf-8")
    result = ask("policy", "put", "nfv.dl")
    assert (result.exit_code, "change it there, and restart" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.dl": "policy p.\n", "b.dl": "policy p.\n"}, "CL130"),
        ({"a.yaml": "{policy: p, conditions: [heal], actions: []}\n"}, "does not begin as a policy in YAML"),
        ({"a.dl": b"\xff"}, "CL451"),
        ({"a.txt": "x"}, "CL454"),
    ],
    ids=["two of one name", "YAML whose form nobody tells", "not UTF-8", "no policy"],
)
def test_files_that_cannot_be_put(ask: Ask, files: dict[str, str | bytes], told: str) -> None:
    """Files that are no policies, or cannot be told apart, are not sent."""
    for name, content in files.items():
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    result = ask("policy", "put", *files)
    assert (result.exit_code, told in result.stderr) == (2, True), result.stderr


# -- sources ---------------------------------------------------------------------------------------


def test_sources(ask: Ask, golden: Callable[[str, str], None]) -> None:
    """Sources are listed with how current they are, and one with its feeds."""
    told = [ask("source", "list"), ask("source", "show", "dc"), ask("source", "schema", "inv")]
    assert [each.exit_code for each in told] == [0, 0, 0]
    golden("server-sources.table", masked("\n".join(each.stdout for each in told)))
    assert "settings" not in ask("source", "show", "dc", role="viewer").stdout
    assert [each["name"] for each in json.loads(ask("source", "list", "-o", "json").stdout)["items"]] == ["dc", "inv"]


def test_source_put(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are sent with their secrets from this machine, which nothing repeats; then others take their place."""
    (tmp_path / "far.yaml").write_text(
        "driver: rest\nurl: http://127.0.0.1:1/\nevery: 3600\ndefinition: pop\n"
        "auth: {type: bearer, token: {env: FAR_TOKEN}}\n",
        encoding="utf-8",
    )
    result = ask("source", "put", "far", "far.yaml")
    assert (result.exit_code, "CL493" in result.stderr) == (2, True)
    monkeypatch.setenv("FAR_TOKEN", "s3cr3t-words")
    added, replaced = ask("source", "put", "far", "far.yaml"), ask("source", "put", "far", "far.yaml", "-o", "json")
    assert (added.exit_code, "is added" in added.stderr) == (0, True), added.output
    assert replaced.exit_code == 0
    shown = ask("source", "show", "far").stdout
    assert "bearer" in shown
    assert "s3cr3t-words" not in added.output + replaced.output + shown
    assert ask("source", "remove", "far").exit_code == 0
    assert ask("source", "remove", "far").exit_code == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("driver: nothing\n", "CL"),
        ("- a\n", "CL491"),
        ("a: [\n", "CL420"),
        ("driver: files\nfolder: x\nfoo: 1\n", "CL"),
    ],
    ids=["an unknown driver", "a list", "no YAML", "an unknown setting"],
)
def test_wrong_settings(ask: Ask, text: str, code: str) -> None:
    """Settings that are wrong are told, by whoever finds it, and change nothing."""
    Path("s.yaml").write_text(text, encoding="utf-8")
    result = ask("source", "put", "new", "s.yaml")
    assert (result.exit_code, f"error[{code}" in result.stderr) == (2, True), result.output
    assert "new" not in ask("source", "list").stdout


# -- waivers ---------------------------------------------------------------------------------------


def test_waivers(ask: Ask) -> None:
    """A waiver takes a violation from those that block, and gives it back when it is revoked."""
    given = ("--owner", "ops", "--reason", "moves\x1b[31m soon", "--expires", "2099-01-31")
    assert "no waivers" in ask("waiver", "list").stdout
    added = ask("waiver", "add", "--policy", "nfv", "--rule", "busy", *given, role="operator")
    assert added.exit_code == 0
    assert "policy nfv, rule busy" in added.stdout
    assert "\x1b" not in added.output
    assert ask("check").exit_code == 0
    assert "waived" in ask("violations", "list", "--state", "waived").stdout
    id_ = json.loads(ask("waiver", "list", "-o", "json").stdout)["items"][0]["id"]
    assert ask("waiver", "remove", id_).exit_code == 0
    assert ask("check").exit_code == 1
    one = ID.search(ask("violations", "list", "--object", "c").stdout)
    assert one is not None
    document = json.loads(ask("waiver", "add", one[0], *given, "-o", "json").stdout)
    assert document["violation"] == one[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "--owner", "o", "--reason", "r", "--expires", "2099-01-01"),
        ("add", "0" * 32, "--policy", "p", "--owner", "o", "--reason", "r", "--expires", "2099-01-01"),
        ("add", "0" * 32, "--object", "p", "--owner", "o", "--reason", "r", "--expires", "2099-01-01"),
        ("add", "--policy", "nfv", "--owner", "o", "--reason", "r", "--expires", "soon"),
        ("remove", "w-0"),
        ("add", "--policy", "nfv"),
    ],
    ids=["nothing to waive", "both", "an object of one violation", "no time", "unknown", "nobody answers for it"],
)
def test_wrong_waivers(ask: Ask, arguments: tuple[str, ...]) -> None:
    """A waiver that means nothing, or could never hold, is refused."""
    result = ask("waiver", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "rror" in result.stderr


# -- who asks --------------------------------------------------------------------------------------


def test_roles(ask: Ask) -> None:
    """Whoever may not do something is told which role may, and how to come by it."""
    result = ask("policy", "remove", "nfv", role="viewer")
    assert (result.exit_code, "error[CL557]" in result.stderr) == (2, True)
    assert "it needs the role `author`" in result.stderr
    assert "a token of another role" in result.stderr


def test_no_token(run: Run, ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever has no token, or a wrong one, is told where it is to be put; a file goes before the environment."""
    monkeypatch.delenv("CONGRESSLITE_TOKEN", raising=False)
    none = run("policy", "list")
    assert (none.exit_code, "error[CL556]" in none.stderr, "--token-file FILE" in none.stderr) == (2, True, True)
    monkeypatch.setenv("CONGRESSLITE_TOKEN", "wr0ng-token")
    wrong = run("policy", "list")
    assert (wrong.exit_code, "see to the token" in wrong.stderr, "wr0ng-token" in wrong.output) == (2, True, False)
    (tmp_path / "token").write_text(f"  {TOKENS['viewer']}\n", encoding="utf-8")
    assert run("policy", "list", "--token-file", "token").exit_code == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "no such file"), (b"", "no token in the file"), (b"two words", "one word"), (b"\xff", "one word"),
     (b"x" * 20_000, "more than 16,384 bytes")],
    ids=["missing", "empty", "two words", "binary", "huge"],
)  # fmt: skip
def test_wrong_token_files(ask: Ask, content: bytes | None, told: str) -> None:
    """A file that holds no token is told, without what it holds."""
    if content is not None:
        Path("token").write_bytes(content)
    result = ask("policy", "list", "--token-file", "token")
    assert (result.exit_code, "error[CL593]" in result.stderr, told in result.stderr) == (2, True, True)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8181",
        "ftp://h",
        "http://",
        "http://u:p@h",
        "http://h/?a=b",
        "http://h:0",
        "http://h:x",
        "https://[::1",
    ],
)
def test_wrong_addresses(run: Run, url: str) -> None:
    """What is no address of a server is told, with how one is written."""
    result = run("policy", "list", "--server", url)
    assert (result.exit_code, "error[CL590]" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    "command", [("violations", "list"), ("policy", "list"), ("source", "list"), ("waiver", "list")]
)
def test_no_server(run: Run, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb that needs a server says how to name one."""
    monkeypatch.delenv("CONGRESSLITE_SERVER", raising=False)
    result = run(*command)
    assert (result.exit_code, "CONGRESSLITE_SERVER" in result.stderr) == (2, True)
