"""`precommit` and `apply` on this machine: exit codes, forms of output, kept checks, and what git has."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from congresslite.cli.app import cli
from congresslite.cli.formats import FORMATS
from congresslite.cli.prechecked import exit_of
from congresslite.cli.saved import KEPT

ROOT = Path(__file__).parents[2]
Run = Callable[..., Result]

DOWN = """\
policy health(owner = "operations").

@id("down") error(vm, host) :- inv:vm(id=vm, host=host), inv:host(id=host, state="down").
"""
SMALL = """\
policy capacity(owner = "planning").

@id("small") @message("{host} is small") warning(host) :- inv:host(id=host, cores=cores), cores < 16.
"""
WRONG = "policy capacity.\nwarning(host) :- inv:hosts(id=host).\n"
SCHEMA = """\
host: {columns: {id: str, cores: int, state: str}, key: [id]}
vm: {columns: {id: str, host: str}, key: [id], references: {host: host.id}}
"""
MACHINES = "id,host\na,h2\n"
HOSTS = "id,cores,state\nh1,8,up\nh2,32,down\n"


def write(files: dict[str, str]) -> None:
    """Write files below the current folder."""
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command line in a folder with an inventory, live policies and a proposed one."""
    monkeypatch.chdir(tmp_path)
    write({
        "inventory/inv/_schema.yaml": SCHEMA, "inventory/inv/host.csv": HOSTS, "inventory/inv/vm.csv": MACHINES,
        "rules/health.dl": DOWN, "proposed/capacity.dl": SMALL,
    })  # fmt: skip
    return lambda *arguments: CliRunner().invoke(cli, arguments, prog_name="congresslite")


LIVE = ("--policies", "rules")


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("text", "code"), [(SMALL, 0), (SMALL.replace("16", "4"), 0), (WRONG, 1)], ids=["warn", "ok", "reject"]
)
def test_exit_code(run: Run, output: str, text: str, code: int) -> None:
    """The exit code is that of the verdict, in every form of output, and each of them is what it says that it is."""
    write({"proposed/capacity.dl": text})
    result = run("precommit", "proposed", *LIVE, "-o", output)
    assert result.exit_code == code, result.output
    if output in ("json", "sarif"):
        json.loads(result.stdout)
    if output == "ndjson":
        assert [json.loads(line) for line in result.stdout.splitlines()][-1]["type"] == "summary"
    if output == "sarif" and text == SMALL:
        (found,) = json.loads(result.stdout)["runs"][0]["results"]
        assert (found["ruleId"], found["message"]["text"]) == ("capacity/small", "h1 is small")
        assert found["locations"][0]["physicalLocation"]["region"]["startLine"] == 3


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("proposed", "--max-affected", "many"),
        ("proposed", "--max-affected", "200%"),
        ("--remove", "health"),
        ("proposed", *LIVE, "--against", "HEAD"),
        ("proposed", "--data", "inventory", "--example"),
        ("proposed", "--against", "no-such-revision"),
        ("inventory", *LIVE),
        ("proposed", "--remove", "capacity", *LIVE),
        ("nowhere", *LIVE),
    ],
    ids=[
        "nothing",
        "limit",
        "share",
        "remove of nothing",
        "two that are live",
        "two estates",
        "revision",
        "no policies",
        "in and out",
        "not there",
    ],
)
def test_usage(run: Run, arguments: tuple[str, ...]) -> None:
    """What cannot be meant is refused with 2 and said in words, before anything is evaluated."""
    result = run("precommit", *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output and result.stderr.strip()


@pytest.mark.parametrize(
    ("here", "below", "code"),
    [([], [], 0), ([{"source": "inv"}], [], 3), ([], [{"source": "inv"}], 3)],
    ids=["current", "not current here", "not current below"],
)
def test_what_is_not_current_anywhere_gives_3(here: list[object], below: list[object], code: int) -> None:
    """The exit code says that something rests on what is not current, at an engine below too."""
    tiers = {"pop_a": {"verdict": "warn", "undetermined": below}, "pop_b": {"verdict": "ok"}}
    assert exit_of({"verdict": "warn", "undetermined": here, "tiers": tiers}) == code
    assert exit_of({"verdict": "reject", "undetermined": here, "tiers": tiers}) == 1


def test_hostile_names_are_harmless(run: Run) -> None:
    """No name of the estate moves the cursor or turns the text of a report around."""
    write({"inventory/inv/host.csv": "id,cores,state\n\x1b[2J\u202eevil,8,up\n", "inventory/inv/vm.csv": "id,host\n"})
    result = run("precommit", "proposed", *LIVE)
    assert "\x1b" not in result.stdout and "\u202e" not in result.stdout
    assert "evil is small" in result.stdout


def checked(run: Run, *arguments: str) -> str:
    """The id of a check."""
    result = run("precommit", *arguments, *LIVE, "-o", "json")
    return str(json.loads(result.stdout)["id"])


def test_apply_commits_what_was_checked(run: Run) -> None:
    """The proposed texts, as they were when they were checked, come to lie beside those that are live."""
    write({"proposed/health.dl": DOWN.replace('down")', 'drained")')})
    id_ = checked(run, "proposed")
    write({"proposed/capacity.dl": WRONG})  # whatever becomes of them later
    result = run("apply", id_)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["added rules/capacity.dl", "changed rules/health.dl"]
    assert Path("rules/capacity.dl").read_text(encoding="utf-8") == SMALL
    assert "drained" in Path("rules/health.dl").read_text(encoding="utf-8")
    assert sorted(each.name for each in Path("rules").iterdir()) == ["capacity.dl", "health.dl"]
    assert run("apply", id_).exit_code == 2  # once is enough


def test_apply_removes_what_was_to_go(run: Run) -> None:
    """A policy that was to go is removed with its file."""
    write({"rules/other.dl": SMALL})
    assert run("apply", checked(run, "--remove", "health")).exit_code == 0
    assert [each.name for each in Path("rules").iterdir()] == ["other.dl"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rules/health.dl": DOWN.replace('down"', 'off"')}, "policy `health` has changed"),
        ({"rules/more.dl": "policy more.\nseen(h) :- inv:host(id=h).\n"}, "policy `more` has been added"),
        ({"inventory/inv/host.csv": HOSTS + "h3,4,up\n"}, "new violations: 1 then, 2 now"),
        ({"inventory/inv/host.csv": HOSTS.replace("h1", "h9")}, "other objects"),
    ],
    ids=["policy changed", "policy added", "other numbers", "other objects"],
)
def test_apply_refuses_what_was_not_checked(run: Run, change: dict[str, str], told: str) -> None:
    """If policies or the estate have changed in a way that matters, nothing is written, and it says what."""
    id_ = checked(run, "proposed")
    write(change)
    result = run("apply", id_)
    assert result.exit_code == 1
    assert "CL333" in result.stderr and told in result.stderr
    assert not Path("rules/capacity.dl").exists()


def test_apply_goes_on_where_nothing_that_matters_changed(run: Run) -> None:
    """A row that makes no difference to the answer does not invalidate a check."""
    id_ = checked(run, "proposed")
    write({"inventory/inv/host.csv": HOSTS + "h3,64,up\n"})
    assert run("apply", id_).exit_code == 0


@pytest.mark.parametrize(
    ("id_", "code"),
    [("chk_0123456789abcdef", "CL331"), ("../../etc/passwd", "CL331"), ("chk_00000000000000ff", "CL334")],
    ids=["unknown", "a path", "damaged"],
)
def test_apply_of_what_is_no_check(run: Run, id_: str, code: str) -> None:
    """An id that names no check, or one that cannot be read, is refused with a finding."""
    write({".congresslite/checks/chk_00000000000000ff.json": '{"format": 1}'})
    result = run("apply", id_)
    assert (result.exit_code, code in result.stderr) == (2, True)


def test_apply_never_overwrites_another_policy(run: Run) -> None:
    """A new policy does not take the place of another one's file, whatever its own is called."""
    write({"proposed/health.dl": SMALL, "rules/capacity.dl": "policy third.\nseen(h) :- inv:host(id=h).\n"})
    Path("proposed/capacity.dl").unlink()
    result = run("apply", checked(run, "proposed"))
    assert (result.exit_code, "CL335" in result.stderr) == (2, True)
    assert Path("rules/health.dl").read_text(encoding="utf-8") == DOWN


def test_rejected_checks_are_not_kept(run: Run) -> None:
    """What is rejected cannot be applied."""
    write({"proposed/capacity.dl": WRONG})
    run("precommit", "proposed", *LIVE)
    assert not Path(".congresslite").exists()


def test_kept_checks_are_private_and_few(run: Run) -> None:
    """Kept checks are their owner's alone, git leaves them alone, and the oldest are forgotten."""
    ids = [checked(run, "proposed") for _ in range(KEPT + 2)]
    kept = sorted(Path(".congresslite/checks").iterdir())
    assert {each.stem for each in kept} == set(ids[2:])
    assert {stat.S_IMODE(each.stat().st_mode) for each in kept} == {0o600}
    assert Path(".congresslite/.gitignore").read_text(encoding="ascii") == "*\n"


def test_live_policies_that_are_wrong_can_be_mended(run: Run) -> None:
    """What is live may be broken: its repair is compared with nothing, and that is said."""
    write({"rules/capacity.dl": WRONG})
    result = run("precommit", "proposed", *LIVE)
    assert result.exit_code == 0
    assert "cannot be evaluated (CL101): compared with nothing" in result.stderr


# -- git -----------------------------------------------------------------------------------------


NOBODY = {
    **{f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    **dict.fromkeys(("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"), os.devnull),
}


def git(*arguments: str) -> None:
    """Run git in the current folder, whatever the configuration of whoever runs the tests."""
    program = shutil.which("git")
    if program is None:
        pytest.skip("git is not installed")
    subprocess.run([program, *arguments], check=True, capture_output=True, env={**os.environ, **NOBODY})


@pytest.fixture
def repository(run: Run) -> Run:
    """The folder as a git repository with one commit."""
    git("init", "-q")
    git("add", "rules", "inventory")
    git("commit", "-q", "-m", "first")
    return run


def test_against_a_revision(repository: Run) -> None:
    """The work tree's policies are compared with the committed ones: added, changed, removed and unchanged."""
    write({"rules/kept.dl": SMALL.replace("capacity", "kept"), "rules/gone.dl": SMALL.replace("capacity", "gone")})
    git("add", "rules")
    git("commit", "-q", "-m", "second")
    Path("rules/gone.dl").unlink()
    write({"rules/new.dl": SMALL.replace("capacity", "new"), "rules/health.dl": DOWN.replace("down", "drained")})
    # Only a work tree would have this one, and no policy is read of it.
    write({"rules/notes_test.yaml": "[]"})
    result = repository("precommit", "rules", "--against", "HEAD", "-o", "json")
    document = json.loads(result.stdout)
    assert {each["name"]: each["change"] for each in document["policies"]} == {
        "gone": "removed", "health": "changed", "kept": "unchanged", "new": "added",
    }  # fmt: skip
    assert document["violations"]["totals"] == {"new": 1, "resolved": 2, "unchanged": 1}
    assert not Path(".congresslite").exists()


@pytest.mark.parametrize("revision", ["--help", "-p", "HEAD; touch x", "$(touch x)", "a b", ""])
def test_a_revision_is_never_an_option_or_a_command(repository: Run, revision: str) -> None:
    """Whatever is named as a revision is one, or is refused."""
    result = repository("precommit", "rules", f"--against={revision}")
    assert result.exit_code == 2
    assert "CL336" in result.stderr
    assert not Path("x").exists()


def hook() -> list[str]:
    """What the hook runs."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (found,) = (each for each in hooks if each["id"] == "congresslite-precommit")
    return [*found["entry"].split()[1:], *found["args"]]


def test_the_hook_stops_a_commit_that_cannot_be_taken(repository: Run) -> None:
    """A commit that adds warnings passes, one whose policies are wrong does not."""
    write({"rules/capacity.dl": SMALL})
    assert repository(*hook()).exit_code == 0
    write({"rules/capacity.dl": WRONG})
    assert repository(*hook()).exit_code == 1


def test_the_hook_takes_a_folder_that_is_gone(repository: Run) -> None:
    """Where a commit removes all policies, what follows from their going is told; what never was there is no policy."""
    git("rm", "-q", "-r", "rules")
    result = repository("precommit", "rules", "--against", "HEAD", "-o", "json")
    assert result.exit_code == 0, result.output
    assert [each["change"] for each in json.loads(result.stdout)["policies"]] == ["removed"]
    result = repository("precommit", "nowhere", "--against", "HEAD")
    assert result.exit_code == 2
    assert "'nowhere' does not exist" in result.stderr


def test_the_hook_works_before_the_first_commit(run: Run) -> None:
    """In a repository without a commit, all policies are new."""
    git("init", "-q")
    result = run(*hook(), "-o", "json")
    assert result.exit_code == 0, result.output
    assert [each["change"] for each in json.loads(result.stdout)["policies"]] == ["added"]


def test_a_policy_that_is_called_as_its_file_keeps_its_name(run: Run) -> None:
    """A text without a name of its own does not go into a file that would give it another one."""
    unnamed = DOWN.partition("\n")[2]
    other = "policy other.\nseen(vm) :- health:error(vm, _).\n"
    write({"proposed/health.dl": unnamed, "rules/health-v1.dl": DOWN, "rules/other.dl": other})
    Path("rules/health.dl").unlink()
    Path("proposed/capacity.dl").unlink()
    result = run("apply", checked(run, "proposed"))
    assert result.stdout.splitlines() == ["added rules/health.dl", "removed rules/health-v1.dl"]
    assert Path("rules/health.dl").read_text(encoding="utf-8") == unnamed
    assert run("precommit", "rules", *LIVE).stdout.splitlines()[0] == "ok: 2 policies unchanged"
