"""
Programs of one folder, opened so that what was looked at is what is run.

A name leads to a regular file within the folder, also when links are followed, and nobody but its owner and its group
can change it, or a folder on the way to it. It is opened step by step, by descriptors and without following links any
more: whoever swaps a file or a folder meanwhile gets a refusal, and never runs a file of their own.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from congresslite.diagnostics import Diagnostic
from congresslite.enforcement.executor import OrderError

_NO_LINKS = os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(folder: Path, name: str, *, executable: bool = False) -> Iterator[int]:
    """The descriptor of a file in a folder, to be read. Raises OrderError (CL621)."""
    parts = _parts(folder, name)
    with ExitStack() as stack:
        path = folder.resolve()
        flags = os.O_RDONLY | os.O_DIRECTORY | _NO_LINKS
        at = _open(stack, path, name, flags, None)
        _check(at, path, name)
        for part in parts[:-1]:
            path /= part
            at = _open(stack, path, name, flags, at)
            _check(at, path, name)
        path /= parts[-1]
        # A pipe that nobody writes to would hold us up.
        file = _open(stack, path, name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINKS, at)
        _check(file, path, name)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise _refused(name, "is no file", f"put it into `{folder}`")
        if executable and not os.fstat(file).st_mode & 0o111:
            raise _refused(name, "is not executable", f"`chmod u+x {path}`")
        yield file


def usable(folder: Path) -> str | None:
    """Why no program of a folder can be run; None if they can."""
    try:
        with ExitStack() as stack:
            path = folder.resolve()
            _check(_open(stack, path, ".", os.O_RDONLY | os.O_DIRECTORY | _NO_LINKS, None), path, ".")
    except OrderError as error:
        return error.diagnostics[0].message
    except (OSError, RuntimeError):
        return f"the folder `{folder}` cannot be opened"
    return None


def _parts(folder: Path, name: str) -> tuple[str, ...]:
    """The way from the folder to the file, with links followed for the last time."""
    if not name or "\0" in name:
        raise _refused(name, "is no name of a file", f"name one in `{folder}`")
    if name.startswith("/") or ".." in Path(name).parts:
        raise _refused(name, f"does not lie in `{folder}`", "name it by its path from there, without `..`")
    try:
        root = folder.resolve(strict=True)
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:  # not there, a loop of links, a name that is too long
        raise _refused(name, "is not there", f"put it into `{folder}`") from error
    if root not in path.parents:
        raise _refused(name, f"leads out of `{folder}`", "put it there itself, not a link to it")
    return path.relative_to(root).parts


def _open(stack: ExitStack, path: Path, name: str, flags: int, at: int | None) -> int:
    try:
        descriptor = os.open(path if at is None else path.name, flags, dir_fd=at)
    except OSError as error:
        why = f"cannot be opened at `{path}`: {(error.strerror or 'it failed').lower()}"
        raise _refused(name, why, "see whether it may be read, and was not swapped") from error
    stack.callback(os.close, descriptor)
    return descriptor


def _check(descriptor: int, path: Path, name: str) -> None:
    if os.fstat(descriptor).st_mode & stat.S_IWOTH:
        raise _refused(name, f"can be changed by everybody, through `{path}`", f"`chmod o-w {path}`")


def _refused(name: str, why: str, hint: str) -> OrderError:
    shown = "".join(each if each.isprintable() else "?" for each in name[:200])
    return OrderError(Diagnostic("CL621", f"`{shown}` {why}", hint=hint))
