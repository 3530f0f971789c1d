"""The services of the control plane as processes: started once, found again, ended whole, and never another's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane.services import Service
from tests.waiting import until

SERVICES = Path(__file__).with_name("services.py")
# Has a child of its own, and prints its id.
PARENT = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder."""
    for name in ("run", "log"):
        (tmp_path / name).mkdir()
    return tmp_path


def run(state: Path, *arguments: str) -> int:
    """Do what the command line says; the exit code."""
    return subprocess.run([sys.executable, str(SERVICES), str(state), *arguments], check=False).returncode


def there(process: int) -> bool:
    """Whether a process runs."""
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False


@pytest.mark.parametrize("action", ["stop", "kill"])
def test_a_service_goes_with_its_children(state: Path, action: str) -> None:
    """A service that is ended leaves no process behind, and can be started again as it was."""
    service = Service(state, "parent")
    assert run(state, "start", "parent", sys.executable, "-c", PARENT) == 0
    child = int(until(lambda: service.log.read_text(encoding="utf-8").strip()))
    first = service.process()
    assert run(state, "alive", "parent") == 0
    assert run(state, action, "parent") == 0
    until(lambda: not there(child))
    assert service.process() is None
    assert run(state, "start", "parent") == 0
    assert service.process() not in (None, first)
    assert run(state, "kill", "parent") == 0


def test_a_running_service_is_not_started_twice(state: Path) -> None:
    """Starting what runs changes nothing."""
    service = Service(state, "sleeper")
    run(state, "start", "sleeper", "sleep", "60")
    first = service.process()
    run(state, "start", "sleeper", "sleep", "60")
    assert service.process() == first
    run(state, "kill", "sleeper")


def test_another_process_is_never_ours(state: Path) -> None:
    """A process that has the recorded id but was born at another time is left alone."""
    (state / "run" / "other.pid").write_text(f"{os.getpid()} 1", encoding="ascii")
    assert Service(state, "other").process() is None
    assert run(state, "kill", "other") == 0  # and we are still here


def test_a_service_that_dies_says_why(state: Path) -> None:
    """Waiting for a service that died ends at once, with the last that it printed."""
    service = Service(state, "broken")
    run(state, "start", "broken", "sh", "-c", "echo the reason; exit 1")
    with pytest.raises(TimeoutError, match="the reason"):
        service.wait(1, 20)
