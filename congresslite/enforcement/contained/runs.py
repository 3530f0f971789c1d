"""
Runs: programs that were started, by the key of their order, and what is known of them.

Each has a folder, which comes into being with its lock held. Whoever may start the program, or watches it, holds that
lock; the kernel frees it when they end, however they end. So a lock that is free means that nobody will do anything
any more, and the folder tells the rest: a result; started without a result, of which nothing is known; or not
started. The rule to keep: *absent* is only said once it can never become otherwise, so its place is taken before; and
it says nothing of runs that another folder was to have, which is what the id is for.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from congresslite.diagnostics import Diagnostic
from congresslite.enforcement.contained.task import STARTED, Result, Task, read_result, sync, write_durably
from congresslite.enforcement.executor import OrderError

Standing = Literal["absent", "underway", "unknown"]

_LOCK = "lock"
_ID = "id"
_LOG = "supervisor.log"
_SWEPT = "swept"  # the time until which folders may have been swept
_NEW = ".new-"
_KEEP = 1000
_KEEP_SECONDS = 7 * 86400.0
_YOUNG = 3600.0  # seconds that a folder is kept in any case: whoever asks for it may have been away
_SWEEP_EVERY = 100
# Where our package lies: the supervisor starts without site packages, which takes a fraction of the time.
_ROOT = Path(__file__).parents[3]


class Runs:
    """The runs of one target, in a folder of its own. For any number of threads, and of processes."""

    def __init__(self, state: Path, keep: int = _KEEP) -> None:
        self._state = state.absolute()  # a supervisor works elsewhere than we do
        self._keep = keep
        self._begun = 0
        self._id = ""

    @property
    def id(self) -> str:
        """What names this folder and no other, for as long as it is there; empty if it cannot be written."""
        if not self._id:
            with suppress(OSError, ValueError), self._locked(fcntl.LOCK_EX):
                if not (self._state / _ID).exists():
                    write_durably(self._state, _ID, uuid.uuid4().hex.encode())
                self._id = (self._state / _ID).read_text()
        return self._id

    def begin(self, key: str, attempt: int, task: Task, program: int, seconds: float) -> None:
        """Start a program, unless this attempt was begun before. Raises OrderError (CL624) if nothing was started."""
        self._begun += 1
        if self._begun % _SWEEP_EVERY == 1:
            self.sweep()
        try:
            with self._place(key, attempt) as (folder, lock):
                if folder is not None:
                    self._supervise(folder, lock, task, program, seconds)
        except OSError as error:
            why = (error.strerror or "it failed").lower()
            hint = f"see to space, rights and processes; its folder is `{self._state}`"
            raise OrderError(Diagnostic("CL624", f"the supervisor cannot be started: {why}", hint=hint)) from error

    def standing(self, key: str, attempt: int) -> Result | Standing:
        """What is known of a run; *absent* for one that was not started so far."""
        folder = self._folder(key, attempt)
        if not folder.is_dir():
            return "absent"
        try:
            # The order counts: whoever writes a result holds the lock until it is written.
            if _held(folder / _LOCK):
                return "underway"
            found = read_result(folder)
        except (OSError, ValueError):
            return "unknown"
        if found is not None:
            return found
        return "unknown" if (folder / STARTED).exists() else "absent"

    def settled(self, key: str, attempt: int, since: float) -> Result | Standing:
        """As `standing`, but what is absent stays absent: it can be begun no more. `since` is when it was journaled."""
        if self.standing(key, attempt) == "absent":
            if since <= self._swept():
                return "unknown"
            with suppress(OSError), self._place(key, attempt) as (folder, _):
                if folder is not None:
                    return "absent"
        return self.standing(key, attempt)

    def said(self, key: str, attempt: int) -> Path | None:
        """What the supervisor of a run said before it ended, if it said anything: only a failing one does."""
        log = self._folder(key, attempt) / _LOG
        with suppress(OSError):
            return log if log.stat().st_size else None
        return None

    def sweep(self) -> None:
        """Remove the folders of orders that ended long ago, and of the oldest of too many."""
        with suppress(OSError), self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
            self._sweep(time.time())

    def _sweep(self, now: float) -> None:
        folders = [each for each in self._state.glob("[0-9a-f]*") if each.is_dir()]
        aged = sorted(((each.stat().st_mtime, each) for each in folders), reverse=True)
        for number, (at, folder) in enumerate(aged):
            old = now - at > _KEEP_SECONDS or (number >= self._keep and now - at > _YOUNG)
            if old and not any(_held(each / _LOCK) for each in folder.iterdir()):
                newest = max((each.stat().st_mtime for each in folder.iterdir()), default=at)
                # First it is noted, so that nobody takes what was swept for what never was.
                write_durably(self._state, _SWEPT, repr(max(self._swept(), newest, at)).encode())
                shutil.rmtree(folder, ignore_errors=True)
        for left in self._state.glob(f"{_NEW}*"):
            if now - left.stat().st_mtime > _YOUNG and not _held(left / _LOCK):
                shutil.rmtree(left, ignore_errors=True)

    def _swept(self) -> float:
        try:
            return float((self._state / _SWEPT).read_text())
        except FileNotFoundError:
            return float("-inf")
        except (OSError, ValueError):
            return float("inf")

    def _folder(self, key: str, attempt: int) -> Path:
        if len(key) != 32 or set(key) - set("0123456789abcdef"):
            raise ValueError("a key has 32 hexadecimal digits")
        return self._state / key / str(int(attempt))

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Hold the lock that keeps those who make folders from those who sweep them. Raises OSError."""
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._state / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _place(self, key: str, attempt: int) -> Iterator[tuple[Path | None, int]]:
        """The folder of a run, made with its lock held; None if it is there already. Raises OSError."""
        folder = self._folder(key, attempt)
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=_NEW, dir=self._state))
        lock = os.open(made / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                with self._locked(fcntl.LOCK_SH):
                    folder.parent.mkdir(mode=0o700, exist_ok=True)
                    # One that is there has files, so that this one cannot be put in its place.
                    made.rename(folder)
            except OSError:
                shutil.rmtree(made, ignore_errors=True)
                if not folder.is_dir():
                    raise
                yield None, lock
                return
            for each in (folder, folder.parent, self._state):
                sync(each)
            yield folder, lock
        finally:
            os.close(lock)

    def _supervise(self, folder: Path, lock: int, task: Task, program: int, seconds: float) -> None:
        """Start the supervisor of a program and wait until it has its task. Raises OSError if it never will."""
        command = [sys.executable, "-S", "-P", "-m", "congresslite.enforcement.contained"]
        given = ["--folder", str(folder), "--program", str(program), "--lock", str(lock)]
        with (folder / _LOG).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, *given],
                env={"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8"},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                pass_fds=(program, lock),
            )
        with process:
            try:
                process.communicate(task.to_json(), timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()  # of itself, or of what is left of it: once it has its task, another process goes on
        if process.returncode > 0:
            raise OSError(0, f"it ended with code {process.returncode}; see {folder / _LOG}")


def _held(lock: Path) -> bool:
    """Whether somebody holds a lock. Raises OSError."""
    descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Shared, so that those who look at the same time do not take each other for a holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
