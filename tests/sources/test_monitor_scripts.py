"""Scripts are run as if they were hostile: bounded in time, output and reach, and without a shell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from congresslite.sources.probes.measurement import Measurement
from tests.sources.probing import PATIENCE, measured, wait_for


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A folder of scripts that nobody else can change."""
    folder = tmp_path / "scripts"
    folder.mkdir(mode=0o755)
    return folder


def write(folder: Path, text: str, *, name: str = "probe.sh", mode: int = 0o755) -> Path:
    """A shell script in a folder."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(mode)
    return path


def run(folder: Path, *arguments: str, script: str = "probe.sh", timeout: float = PATIENCE, **more: Any) -> Measurement:
    """What a script of a folder measures."""
    return measured(folder, type="script", script=script, arguments=arguments, timeout=timeout, **more)


def pid_in(path: Path) -> int:
    """The process whose number a script wrote down."""
    wait_for(lambda: path.exists() and path.read_text().strip(), f"{path.name}")
    return int(path.read_text())


def lives(pid: int) -> bool:
    """Whether a process runs still; one that nobody has waited for does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("echo 4.5", Measurement(4.5)),
        ("echo looking; echo 3; echo", Measurement(3)),
        ("echo -2e3", Measurement(-2000)),
        ("printf 7", Measurement(7)),
        ("echo 1; echo warning >&2", Measurement(1)),
        ("echo 5; exit 3", Measurement(None, "exit code 3")),
        ("echo 5; echo no such pool >&2; exit 1", Measurement(None, "exit code 1: no such pool")),
        ("kill -TERM $$", Measurement(None, "the script was ended by signal 15")),
        ("echo 5; echo five", Measurement(None, "the last line that the script prints is no number")),
        (":", Measurement(None, "the last line that the script prints is no number")),
        ("echo nan", Measurement(None, "the last line that the script prints is no number")),
        ("echo 1e999", Measurement(None, "the last line that the script prints is no number")),
        ("echo 1_000", Measurement(None, "the last line that the script prints is no number")),
        ("printf '\\377\\376 3\\n4'", Measurement(4)),
        ("printf '\\033[31mred\\007\\n' >&2; exit 1", Measurement(None, "exit code 1: [31mred")),
        ("yes", Measurement(None, "the script prints more than 64 KB")),
        ("yes >&2", Measurement(None, "the script prints more than 64 KB")),
        ("head -c 60000 /dev/zero; echo; echo 9", Measurement(9)),
    ],
    ids=[
        "a number",
        "the last line that is not empty",
        "an exponent",
        "no end of line",
        "a warning beside it",
        "an exit code",
        "an exit code with a reason",
        "a signal",
        "no number",
        "nothing",
        "not a number",
        "an infinity",
        "a number of Python's",
        "bytes that are no text",
        "control characters",
        "a flood",
        "a flood of complaints",
        "much, but not too much",
    ],
)
def test_outcomes(scripts: Path, text: str, expected: Measurement) -> None:
    """The value is the number on the last line, and whatever else a script does is a fault that says so."""
    write(scripts, text)
    assert run(scripts) == expected


def test_never_ends(scripts: Path, tmp_path: Path) -> None:
    """A script that does not end is killed with its children when its time is over, whatever it does about signals."""
    write(scripts, f"trap '' TERM INT HUP\nsleep 1000 &\necho $! > {tmp_path}/child\necho $$ > {tmp_path}/own\nwait")
    assert run(scripts, timeout=3) == Measurement(None, "no answer within 3 s")
    for name in ("own", "child"):
        pid = pid_in(tmp_path / name)
        wait_for(lambda pid=pid: not lives(pid), f"the end of {name}")  # type: ignore[misc]


def test_child_that_outlives_it(scripts: Path, tmp_path: Path) -> None:
    """A child that a script leaves behind is killed, and its hold on the output is not waited for."""
    write(scripts, f"sleep 1000 &\necho $! > {tmp_path}/child\necho 1")
    assert run(scripts) == Measurement(1)
    wait_for(lambda: not lives(pid_in(tmp_path / "child")), "the end of the child")


def test_child_in_a_session_of_its_own(scripts: Path, tmp_path: Path) -> None:
    """A child that flees from the process group, holding the output, holds up nothing."""
    child = tmp_path / "child"
    flees = f"setsid sh -c 'echo $$ > {child}; exec sleep 1000' &"
    write(scripts, f"{flees}\nuntil [ -s {child} ]; do :; done\necho 1")
    assert run(scripts) == Measurement(1)
    os.kill(pid_in(child), 9)


def test_child_that_floods(scripts: Path) -> None:
    """A child that fills the output after the script's end is not read for ever."""
    write(scripts, "yes &\necho 1")
    # How far it comes before it is killed is a matter of luck.
    assert run(scripts).ran


@pytest.mark.parametrize(
    "argument",
    ["; touch hacked", "$(touch hacked)", "`touch hacked`", "a b", "*", "", "--help\n", "-rf", "é\u202e"],
    ids=["semicolon", "substitution", "backticks", "space", "star", "empty", "line end", "option", "unicode"],
)
def test_arguments(scripts: Path, argument: str) -> None:
    """An argument is one argument, whatever it holds: there is no shell to read it."""
    write(scripts, 'printf %s "$1" > argument; echo $#')
    assert run(scripts, argument) == Measurement(1)
    assert (scripts / "argument").read_text(encoding="utf-8") == argument
    assert not (scripts / "hacked").exists()


def test_environment(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script gets a clean environment and what the probe says, and nothing of the server's."""
    monkeypatch.setenv("SERVER_SECRET", "s3cret")
    write(scripts, "env > environment; echo 1")
    assert run(scripts, environment={"LAB_TOKEN": "t0ken"}).ok
    lines = (scripts / "environment").read_text().splitlines()
    # The shell sets some of its own.
    assert {line.partition("=")[0] for line in lines} - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "LANG", "LAB_TOKEN"}
    assert "LAB_TOKEN=t0ken" in lines


def test_input(scripts: Path) -> None:
    """A script that reads is not kept waiting: there is nothing to read."""
    write(scripts, "cat; echo 2")
    assert run(scripts) == Measurement(2)


def refused(found: Measurement) -> str:
    """Why a script was not run."""
    assert not found.ran
    assert found.value is None
    assert found.fault is not None
    assert found.fault.startswith("CL548: ")
    return found.fault


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("../outside.sh", "lies outside"),
        ("/bin/true", "lies outside"),
        ("leads-out.sh", "lies outside"),
        ("folder/../../outside.sh", "lies outside"),
        (".", "lies outside"),
        ("loop.sh", "cannot be found"),
        ("nowhere.sh", "is not there"),
        ("folder", "no file"),
        ("plain.sh", "is not executable"),
        ("everybodys.sh", "can be changed by everybody"),
        ("folder/within.sh", "can be changed by everybody"),
        ("no-interpreter.sh", "cannot be started"),
        ("garbage", "cannot be started"),
        ("x" * 250 + "\nline", "is not there"),
    ],
)
def test_refused(scripts: Path, tmp_path: Path, script: str, why: str) -> None:
    """What does not lie in the folder, or could be anybody's, is not run; the row says why."""
    write(tmp_path, "echo 1", name="outside.sh")
    write(scripts, "echo 1", name="plain.sh", mode=0o644)
    write(scripts, "echo 1", name="everybodys.sh", mode=0o777)
    (scripts / "folder").mkdir()
    write(scripts / "folder", "echo 1", name="within.sh")
    (scripts / "folder").chmod(0o777)
    (scripts / "leads-out.sh").symlink_to(tmp_path / "outside.sh")
    (scripts / "loop.sh").symlink_to(scripts / "loop.sh")
    (scripts / "no-interpreter.sh").write_text("#!/no/such/shell\n")
    (scripts / "garbage").write_bytes(b"\x7fELF" + bytes(100))
    for name in ("no-interpreter.sh", "garbage"):
        (scripts / name).chmod(0o755)
    message = refused(run(scripts, script=script))
    assert why in message
    assert message.isprintable()


def test_refused_folder(scripts: Path) -> None:
    """In a folder that everybody can change, no script is run."""
    write(scripts, "echo 1")
    scripts.chmod(0o777)
    assert f"chmod o-w {scripts}" in refused(run(scripts))


def test_links_within(scripts: Path) -> None:
    """A link to another file of the folder is as good as the file."""
    write(scripts, "echo 6", name="real.sh")
    (scripts / "probe.sh").symlink_to("real.sh")
    assert run(scripts) == Measurement(6)
