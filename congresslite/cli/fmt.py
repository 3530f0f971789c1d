"""
`congresslite fmt`: format policies in place.

A file is never lost: the new text is written beside it, and takes its place
only when it is complete on the disk. A file with a syntax error is left alone.
"""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from congresslite.cli.exits import Exit
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import number, remark, tell, warn
from congresslite.diagnostics import Diagnostic, Severity, Source
from congresslite.diagnostics.visible import visible

_STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class _File:
    """One file: its text as it is and as it should be, with the line ends that it has."""

    path: Path
    before: str
    after: str

    @property
    def changes(self) -> bool:
        """Whether formatting changes anything."""
        return self.before != self.after


@click.command(cls=Teaching)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True, path_type=Path),
                metavar="PATH...")  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is not formatted.")
@click.option("--diff", is_flag=True, help="As --check, and show what would change.")
@shared()
def fmt(settings: Settings, *, paths: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Format policies.

    PATH is a file, a folder (then all its *.dl files), or - to read a policy from stdin and write it to stdout.

    For example:
      congresslite fmt rules
      congresslite fmt --diff rules/nfv.dl
      congresslite fmt - < draft.dl
    """
    if _STDIN in paths:
        if paths != (_STDIN,) or check or diff:
            raise click.UsageError("- stands alone: it reads stdin and writes stdout")
        return _filter(settings)
    code, changed, total = Exit.CLEAN, 0, 0
    for path in _policies(paths):
        total += 1
        file = _read(path, settings)
        if file is None:
            code = Exit.BLOCKING
        elif file.changes:
            changed += 1
            _settle(file, check, diff, settings)
    if check or diff:
        remark(f"{number(changed, 'file')} of {total:,} would be formatted", settings)
        return Exit.BLOCKING if changed else code
    remark(f"{number(changed, 'file')} formatted, {total - changed:,} left as they were", settings)
    return code


def _settle(file: _File, check: bool, diff: bool, settings: Settings) -> None:
    if diff:
        _show_diff(file, settings)
    elif check:
        click.echo(visible(str(file.path)))
    else:
        replace(file.path, file.after.encode())


def _policies(paths: tuple[Path, ...]) -> Iterator[Path]:
    """The files to format, each once. Raises UsageError for a file that is no policy text."""
    seen = set()
    for path in paths:
        found = sorted(path.rglob("*.dl")) if path.is_dir() else [path]
        if path.is_file() and path.suffix != ".dl":
            raise click.UsageError(f"`{path}` is no policy text; files named *.dl are formatted")
        for each in found:
            if each.is_file() and (real := each.resolve()) not in seen:
                seen.add(real)
                yield each


def _read(path: Path, settings: Settings) -> _File | None:
    """Read and format a file; None, after telling why, if it cannot be formatted."""
    try:
        before = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        warn(f"{path} is not UTF-8; it is left as it is", settings)
        return None
    after = _formatted(Source(str(path), before), settings)
    return None if after is None else _File(path, before, after)


def _formatted(source: Source, settings: Settings) -> str | None:
    """The text formatted, with the line ends that it has; None, after telling why, if its syntax is wrong."""
    from congresslite.language.format import format_policy
    from congresslite.language.parser import parse_policy

    bare = source.text.removeprefix("\ufeff")
    windows = "\r\n" in bare
    policy, findings = parse_policy(Source(source.name, bare))
    errors: list[Diagnostic] = [each for each in findings if each.severity is Severity.ERROR]
    if errors:
        tell(errors, settings)
        return None
    text = format_policy(policy).replace("\r\n", "\n")
    return text.replace("\n", "\r\n") if windows else text


def _filter(settings: Settings) -> int:
    after = _formatted(Source("<stdin>", sys.stdin.buffer.read().decode("utf-8")), settings)
    if after is None:
        return Exit.BLOCKING
    sys.stdout.write(after)
    return Exit.CLEAN


def _show_diff(file: _File, settings: Settings) -> None:
    name = str(file.path)
    lines = difflib.unified_diff(
        file.before.splitlines(), file.after.splitlines(), name, f"{name} formatted", lineterm=""
    )
    colors = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        click.echo(click.style(visible(line, keep="\t"), fg=colors.get(line[:1])), color=settings.color)


def replace(path: Path, content: bytes) -> None:
    """Put new content in a file, all or nothing, keeping its mode; a link keeps leading to the same file."""
    real = path.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            about = real.stat()
            file.write(content)
            with suppress(PermissionError):
                os.fchown(file.fileno(), about.st_uid, about.st_gid)
            os.fchmod(file.fileno(), about.st_mode & 0o7777)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(real)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
