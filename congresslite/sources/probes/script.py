"""
Scripts: a program of the user's, run as if it were hostile.

Only files of one folder are run, and only if nobody but their owners can change
them. There is no shell, so an argument is an argument whatever it holds; the
environment is made, not inherited; the output is bounded; and the script's whole
process group is killed when the script has ended, or its time is over.
"""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.probes.measurement import Measurement, number, one_line
from congresslite.sources.probes.settings import ScriptProbe

_MOST_BYTES = 64 << 10
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Output:
    """What a script printed; with `too_much`, only the beginning of it."""

    printed: bytes
    complained: bytes
    too_much: bool


async def measure(probe: ScriptProbe, scripts: Path) -> Measurement:
    """Run a script to its end. Raises SourceError (CL548) if it may not or cannot be run."""
    path = permitted(probe.script, scripts)
    given = {name: value.get_secret_value() for name, value in probe.environment.items()}
    try:
        process = subprocess.Popen(  # noqa: S603 - a permitted file, its arguments as they are, no shell
            [str(path), *probe.arguments],
            env=_ENVIRONMENT | given,
            cwd=path.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise _refused(probe.script, f"cannot be started: {error.strerror}", "look at its first line") from error
    with process:
        try:
            output = await _output(process)
        finally:
            # Nobody has waited for the leader yet, so its group's number is still its own.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    return _read(output, process.returncode)


def permitted(script: str, scripts: Path) -> Path:
    """The file to run. Raises SourceError (CL548), also if it became another one since it was configured."""
    try:
        folder = scripts.resolve()
        path = (folder / script).resolve()
    except (OSError, RuntimeError) as error:  # a loop of symbolic links
        raise _refused(script, "cannot be found", "name a file in the folder `scripts`") from error
    if folder not in path.parents:
        raise _refused(script, "lies outside the folder `scripts`", f"put it into `{folder}`")
    if not path.is_file():
        raise _refused(script, "is not there, or no file", f"put it into `{folder}`")
    for each in (path, *path.parents):
        if each.stat().st_mode & stat.S_IWOTH:
            raise _refused(script, f"can be changed by everybody, through `{each}`", f"`chmod o-w {each}`")
        if each == folder:
            break
    if not os.access(path, os.X_OK):
        raise _refused(script, "is not executable", f"`chmod u+x {path}`")
    return path


def _refused(script: str, why: str, hint: str) -> SourceError:
    return SourceError(Diagnostic("CL548", f"script `{one_line(script)}` {why}", hint=hint))


async def _output(process: subprocess.Popen[bytes]) -> Output:
    """What a script prints until it has ended, or until it is too much. Children that live on are not waited for."""
    assert process.stdout is not None and process.stderr is not None
    texts = {pipe.fileno(): bytearray() for pipe in (process.stdout, process.stderr)}
    for pipe in texts:
        os.set_blocking(pipe, False)
    still_open = set(texts)
    ended = os.pidfd_open(process.pid)
    try:
        ready: Set[int] = frozenset()
        while ended not in ready and not _too_much(texts):
            ready = await _ready({ended, *still_open})
            still_open = {pipe for pipe in still_open if _drain(pipe, texts)}
    finally:
        os.close(ended)
    printed, complained = map(bytes, texts.values())
    return Output(printed, complained, _too_much(texts))


def _too_much(texts: dict[int, bytearray]) -> bool:
    return sum(map(len, texts.values())) > _MOST_BYTES


def _drain(pipe: int, texts: dict[int, bytearray]) -> bool:
    """Take what lies in a pipe; whether more may come."""
    with suppress(BlockingIOError):
        while not _too_much(texts):
            more = os.read(pipe, _MOST_BYTES)
            if not more:
                return False
            texts[pipe] += more
    return True


async def _ready(descriptors: Set[int]) -> Set[int]:
    """Wait until one of these can be read; those that can be."""
    loop = asyncio.get_running_loop()
    first: asyncio.Future[None] = loop.create_future()
    ready: set[int] = set()

    def note(descriptor: int) -> None:
        ready.add(descriptor)
        if not first.done():
            first.set_result(None)

    for each in descriptors:
        loop.add_reader(each, note, each)
    try:
        await first
    finally:
        for each in descriptors:
            loop.remove_reader(each)
    return ready


def _read(output: Output, code: int) -> Measurement:
    """What a script's end means."""
    if output.too_much:
        return Measurement(None, f"the script prints more than {_MOST_BYTES >> 10} KB")
    if code < 0:
        return Measurement(None, f"the script was ended by signal {-code}")
    if code > 0:
        said = _last_line(output.complained)
        return Measurement(None, one_line(f"exit code {code}: {said}") if said else f"exit code {code}")
    value = number(_last_line(output.printed))
    return Measurement(value, None if value is not None else "the last line that the script prints is no number")


def _last_line(text: bytes) -> str:
    return (text.decode(errors="replace").strip().splitlines() or [""])[-1]
