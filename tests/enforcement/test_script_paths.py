"""Only regular files of the folder are run, and only those that nobody else can change."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from congresslite.enforcement.contained import opening
from tests.enforcement.contained_programs import Folder, ended, order, soon


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder of scripts, and a file outside."""
    path = tmp_path / "scripts"
    path.mkdir(mode=0o755)
    made = Folder(path, tmp_path / "state")
    made.write("good.sh", "echo good")
    made.write("within/deep/good.sh", "echo deep")
    (tmp_path / "outside.sh").write_text(f"touch {tmp_path}/harm", encoding="utf-8")
    made.write("open.sh", f"touch {tmp_path}/harm", 0o666)
    made.write("open/file.sh", f"touch {tmp_path}/harm")
    (path / "open").chmod(0o777)
    (path / "out.sh").symlink_to(tmp_path / "outside.sh")
    (path / "outer").symlink_to(tmp_path)
    (path / "current").symlink_to("within/deep")
    (path / "loop.sh").symlink_to("loop.sh")
    (path / "directory.sh").mkdir()
    os.mkfifo(path / "pipe.sh")
    line = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(path)  # the name of a socket is short
    try:
        line.bind("socket.sh")
    finally:
        os.chdir(here)
        line.close()
    return made


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("../outside.sh", "does not lie in"),
        ("within/../../outside.sh", "does not lie in"),
        ("within/../good.sh", "does not lie in"),
        ("/bin/sh", "does not lie in"),
        ("out.sh", "leads out of"),
        ("outer/outside.sh", "leads out of"),
        ("loop.sh", "is not there"),
        ("none.sh", "is not there"),
        ("good.sh/", ""),
        ("good.sh/x", "is not there"),
        ("n" * 5000 + ".sh", "is not there"),
        ("directory.sh", "is no file"),
        ("pipe.sh", "is no file"),
        ("socket.sh", "cannot be opened"),
        ("open.sh", "can be changed by everybody"),
        ("open/file.sh", "can be changed by everybody"),
        ("", "is no name"),
        (".", "leads out of"),
        ("good.sh\0.py", "holds a zero character"),
        ("good.sh\n.sh", "is not there"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_refused(folder: Folder, file: str, why: str) -> None:
    """A name that leads elsewhere, or to what is no file of ours, runs nothing, and the reason says which it is."""
    executor = folder.executor()
    given = folder.order(file)
    outcome = ended(executor, given, executor.perform(given, soon()))
    if why:
        assert (outcome.state, outcome.retry) == ("failed", False)
        assert why in outcome.why
        assert executor.inspect(given, soon()).state == "absent"
    assert not (folder.path.parent / "harm").exists()


@pytest.mark.parametrize(
    ("file", "says"), [("good.sh", "good\n"), ("within/deep/good.sh", "deep\n"), ("current/good.sh", "deep\n")]
)
def test_allowed(folder: Folder, file: str, says: str) -> None:
    """Files of the folder and of folders in it are run, also by links that stay within it."""
    assert folder.run(file).output["stdout"]["head"] == says


def test_a_folder_that_everybody_can_change(folder: Folder) -> None:
    """The folder itself must be in order too, and `reachable` says so before anything is asked of it."""
    executor = folder.executor()
    assert executor.reachable(soon()) is None
    folder.path.chmod(0o777)
    assert "can be changed by everybody" in (executor.reachable(soon()) or "")
    assert "can be changed by everybody" in folder.run("good.sh").why
    folder.path.chmod(0o755)
    folder.path.rename(folder.path.with_name("moved"))
    assert "cannot be opened" in (executor.reachable(soon()) or "")
    given = order("good.sh")
    assert "is not there" in executor.perform(given, soon()).why


@pytest.mark.parametrize("what", ["within/deep/good.sh", "within/deep", "within"])
def test_what_is_swapped_meanwhile(folder: Folder, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Whoever swaps the file, or a folder on the way, for a link after it was looked at does not get theirs run."""
    theirs = folder.path.parent / "theirs" / what
    theirs.parent.mkdir(parents=True, exist_ok=True)
    place = theirs / "within/deep/good.sh".removeprefix(what).lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"touch {folder.path.parent}/harm", encoding="utf-8")
    looked = opening._parts

    def swapped(directory: Path, name: str) -> tuple[str, ...]:
        parts = looked(directory, name)
        (folder.path / what).rename(folder.path / "away")
        (folder.path / what).symlink_to(theirs)
        return parts

    monkeypatch.setattr(opening, "_parts", swapped)
    outcome = folder.run("within/deep/good.sh")
    assert outcome.state == "failed"
    assert "cannot be opened" in outcome.why
    assert not (folder.path.parent / "harm").exists()
