"""A script's end becomes the outcome of its order, and what it gets is what the rule says and nothing else."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest

from congresslite.enforcement.contained import runs
from congresslite.enforcement.executors import executable
from tests.enforcement.contained_programs import Folder, ended, order, soon

TOLD = """
import json, os, sys
json.dump({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.listdir("."), "in": sys.stdin.read(),
           "sid": os.getsid(0) == os.getpid(), "uid": os.getuid(), "fds": os.listdir("/proc/self/fd")}, sys.stdout)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder of scripts that nobody else can change."""
    path = tmp_path / "scripts"
    path.mkdir(mode=0o755)
    return Folder(path, tmp_path / "state")


@pytest.mark.parametrize(
    ("text", "state", "retry", "why"),
    [
        ("echo done", "succeeded", True, ""),
        ("exit 75", "failed", True, "exit code 75"),
        ("echo no such node >&2; exit 1", "failed", False, "exit code 1: no such node"),
        ("kill -KILL $$", "failed", False, "it was ended by signal 9"),
        ("sleep 1000", "failed", False, "did not end within 0.5 s"),
        ("trap '' TERM; while :; do :; done", "failed", False, "did not end within 0.5 s"),
        ("trap 'exit 0' TERM; while :; do sleep 0.05; done", "failed", False, "did not end within 0.5 s"),
    ],
    ids=["0", "75", "another code", "a signal", "no end", "no end and deaf", "no end but with 0 when asked"],
)
def test_outcomes(folder: Folder, text: str, state: str, retry: bool, why: str) -> None:
    """0 is success, 75 a failure that may pass, everything else a failure, one that had to be ended too."""
    folder.write("hook.sh", text)
    outcome = folder.run("hook.sh", timeout=0.5 if "within" in why else 30)
    assert (outcome.state, outcome.why) == (state, why)
    assert state == "succeeded" or outcome.retry == retry


def test_what_it_gets(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script gets its terms as arguments, a clean environment, an empty folder, no input, and no files of ours."""
    monkeypatch.setenv("OS_PASSWORD", "ours alone")
    folder.write("hook.py", TOLD)
    executor = folder.executor(environment={"REGION": "north"})
    given = order("hook.py", "--mgmt", "10.0.0.1", 7, 1.5, True, "; rm -rf /", "$(id) `id` *", "-c", "", "é\n'\"")
    outcome = ended(executor, given, executor.perform(given, soon()))
    told = json.loads(outcome.output["stdout"]["head"])
    assert told["argv"] == ["--mgmt", "10.0.0.1", "7", "1.5", "true", "; rm -rf /", "$(id) `id` *", "-c", "", "é\n'\""]
    assert told["env"] == {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "REGION": "…",  # it is not told, as it may be a secret
        "CONGRESSLITE_KEY": given.key,
        "CONGRESSLITE_ACTION": "run",
        "CONGRESSLITE_ATTEMPT": "1",
        "CONGRESSLITE_OBJECT": "vm1",
        "CONGRESSLITE_DIRECTORY": str(folder.path),
        "CONGRESSLITE_FILE": "hook.py",
    }
    assert told["cwd"] == []
    assert told["in"] == ""
    assert told["sid"]
    # The three that everybody has, its own file, and the one that lists them.
    assert len(told["fds"]) == 5


def test_secrets_are_masked(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """The value of a variable is in no output, no reason, no file of ours, and in no text of ours."""
    folder.write(
        "hook.sh", 'echo "token=$TOKEN"; printf "%s" "$TOKEN"; cat /proc/$$/cmdline; echo "$TOKEN" >&2; exit 3'
    )
    executor = folder.executor(environment={"TOKEN": "s3cr3t-token"})
    given = order("hook.sh")
    outcome = ended(executor, given, executor.perform(given, soon()))
    assert outcome.why == "exit code 3: …"
    assert outcome.output["stdout"]["head"].startswith("token=…\n…")
    written = b"".join(path.read_bytes() for path in folder.state.rglob("*") if path.is_file())
    assert b"s3cr3t" not in written
    assert "s3cr3t" not in repr(outcome) + repr(executor._settings) + caplog.text


def test_a_folder_of_runs_that_is_told_relatively(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs run wherever the folder of what outlives a run is told from, as by default."""
    monkeypatch.chdir(folder.state.parent)
    folder.write("hook.sh", "echo done")
    folder.state = Path("state") / "hooks"
    assert folder.run("hook.sh").state == "succeeded"


def test_a_supervisor_that_ends_too_early(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not started since its supervisor ended says so, at once and later, and where that one said why."""
    package = tmp_path / "broken" / "congresslite" / "enforcement" / "contained"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text('import sys\nsys.stdin.read()\nprint("no space", file=sys.stderr)\n')
    monkeypatch.setattr(runs, "_ROOT", tmp_path / "broken")
    folder.write("hook.sh", "echo never")
    given = folder.order("hook.sh")
    log = folder.state / given.key / "1" / "supervisor.log"
    why = f"it was never started; its supervisor ended before, see `{log}`"
    executor = folder.executor()
    outcome = executor.perform(given, soon())
    assert (outcome.state, outcome.retry, outcome.why) == ("failed", True, why)
    later = executor.inspect(given, soon())
    assert (later.state, later.why) == ("absent", why)
    assert log.read_text() == "no space\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("a\0b",), "the term 1 holds a zero character; take it out (CL622)"),
        (("a", None), "the term 2 is null; bind it in the body of the rule (CL622)"),
        (("\ud800",), "the term 1 is no Unicode text; see where it comes from (CL622)"),
    ],
    ids=["zero", "null", "no text"],
)
def test_terms_that_no_program_can_take(folder: Folder, words: tuple[str, ...], why: str) -> None:
    """A term that could not arrive as it is refuses the order, and nothing is started."""
    ran = folder.path.parent / "ran"
    folder.write("hook.sh", f"touch {ran}")
    executor = folder.executor()
    given = folder.order("hook.sh", *words)
    outcome = executor.perform(given, soon())
    assert (outcome.state, outcome.retry, outcome.why) == ("failed", False, why)
    assert executor.inspect(given, soon()).state == "absent"
    assert not ran.exists()


def test_an_argument_that_is_too_long(folder: Folder) -> None:
    """What the kernel refuses to start has failed, and says why."""
    folder.write("hook.sh", "echo never")
    outcome = folder.run("hook.sh", "x" * 200_000)
    assert (outcome.state, outcome.why) == ("failed", "cannot be started: argument list too long")


def test_executables(folder: Folder, tmp_path: Path) -> None:
    """`executable` runs what the kernel can run, whatever its suffix, and only if it may be executed."""
    programs = Folder(folder.path, tmp_path / "state2", executable.open_executor, executable.Settings)
    programs.write("tool", "#!/bin/sh\necho ran $1", 0o755)
    (folder.path / "true").write_bytes(Path("/bin/true").read_bytes())
    (folder.path / "true").chmod(0o755)
    programs.write("plain.sh", "#!/bin/sh\necho ran", 0o644)
    programs.write("broken", "#!/no/such/interpreter\n", 0o755)
    assert programs.run("tool", "well").output["stdout"]["head"] == "ran well\n"
    assert programs.run("true").state == "succeeded"
    assert programs.run("plain.sh").why == f"`plain.sh` is not executable; `chmod u+x {folder.path}/plain.sh` (CL621)"
    assert programs.run("broken").why.startswith("cannot be started: ")
    assert folder.run("tool").why.startswith("`tool` has no suffix with an interpreter; ")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run programs as somebody else")
def test_another_user(folder: Folder) -> None:
    """With `user`, a script has that user's rights, none of ours, and can write to its own folder."""
    folder.write("hook.py", TOLD)
    folder.write("write.sh", "touch here && id -u && id -G")
    nobody = pwd.getpwnam("nobody")
    python = {".py": ["/usr/bin/python3", "-I"]}  # that of the tests may lie where nobody else may look
    assert (
        json.loads(folder.run("hook.py", user="nobody", interpreters=python).output["stdout"]["head"])["uid"]
        == nobody.pw_uid
    )
    told = folder.run("write.sh", user="nobody")
    assert told.output["stdout"]["head"].split() == [str(nobody.pw_uid), str(nobody.pw_gid)]
    assert folder.run("write.sh", user="no-such-user").why == "cannot be started: its user is not known"


def test_repeatable_is_said_by_the_settings(folder: Folder) -> None:
    """Nobody but its author knows whether a script may be run twice; without a word of theirs, it may not."""
    assert not folder.executor().kinds["run"].repeatable
    assert folder.executor(repeatable=True).kinds["run"].repeatable
