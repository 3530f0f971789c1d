"""
Policies found in files and folders, each read once and in a stable order.

Whatever cannot be read is told as a finding beside what could be: a set of
policies that is quietly smaller than the user thinks is worse than none. So a
missing file, a folder without policies and a file of another kind are errors.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from congresslite.diagnostics import Diagnostic, Severity, Source
from congresslite.language.parser import YAML_SUFFIXES, is_yaml, parse
from congresslite.language.syntax import PolicyDeclaration, PolicyFile
from congresslite.policy import Policy

TEST_SUFFIX = "_test.yaml"
SUFFIXES = (".dl", *YAML_SUFFIXES)

# The codes of what keeps a file from being read at all.
UNREADABLE = frozenset({"CL450", "CL451", "CL452", "CL454"})

Parsed = tuple[PolicyFile, tuple[Diagnostic, ...]]


def load_policies(
    inputs: Iterable[str | Path | Policy],
) -> tuple[tuple[PolicyFile, ...], tuple[Diagnostic, ...]]:
    """Read policies from files, folders (recursively, sorted) and Policy objects, in the order given.

    Gives the policies that could be read and all findings; it never raises for what a user wrote or named.
    """
    files: list[PolicyFile] = []
    findings: list[Diagnostic] = []
    seen: set[Path] = set()
    for each in inputs:
        if isinstance(each, Policy):
            file, found = parse_object(each)
            files.append(file)
            findings.extend(found)
            continue
        for path in policy_files(Path(each), findings):
            if _is_repeated(path, seen):
                findings.append(_given_twice(path))
            elif (text := read_text(path, findings)) is not None:
                file, parsed = parse(Source(str(path), text))
                files.append(file)
                findings.extend(parsed)
    return tuple(files), tuple(findings)


def parse_object(policy: Policy) -> Parsed:
    """Parse a Policy object; its name counts unless its text declares one."""
    source = Source(policy.path or name_of_text(policy.name, policy.text), policy.text)
    file, found = parse(source)
    # Without a declared name the parser takes the stem of the path, which says less than the object does.
    if file.name == PurePath(source.name).stem and not _declares_name(file):
        file = replace(file, name=policy.name)
    return replace(file, from_above=policy.from_above), found


def name_of_text(name: str, text: str) -> str:
    """What the text of a policy that has no file is called in findings: the suffix says which form it is in."""
    return f"{name}{YAML_SUFFIXES[0] if is_yaml(text) else '.dl'}"


def _declares_name(file: PolicyFile) -> bool:
    return any(isinstance(statement, PolicyDeclaration) for statement in file.statements)


def read_text(path: Path, findings: list[Diagnostic]) -> str | None:
    """The text of a file, a byte order mark left out; None, and a finding, if it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        findings.append(
            Diagnostic(
                "CL451",
                f"`{path}` is not UTF-8: byte {error.start + 1} cannot be read",
                place=str(path),
                hint="save the file as UTF-8",
            )
        )
    except OSError as error:
        findings.append(unreadable(path, error))
    return None


def unreadable(path: Path, error: OSError) -> Diagnostic:
    """The finding for a file or folder that the system does not let us read."""
    reason = (error.strerror or "it cannot be read").lower()
    return Diagnostic("CL450", f"`{path}` cannot be read: {reason}", place=str(path))


def walk(folder: Path, findings: list[Diagnostic]) -> Iterator[Path]:
    """Every file below a folder that is not hidden, sorted; links to folders are not followed."""

    def report(error: OSError) -> None:
        findings.append(unreadable(Path(error.filename), error))

    for where, folders, names in os.walk(folder, onerror=report):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(where) / name for name in sorted(names) if not name.startswith("."))


def policy_files(path: Path, findings: list[Diagnostic]) -> Iterator[Path]:
    """The policy files that a path names: itself, or those in the folder."""
    if not path.is_dir():
        if path.name.endswith(TEST_SUFFIX) or path.suffix not in SUFFIXES:
            findings.append(_not_a_policy(path))
        else:
            yield path
        return
    found = [each for each in walk(path, findings) if is_policy(each)]
    if not found:
        findings.append(
            Diagnostic(
                "CL452",
                f"no policies in the folder `{path}`",
                place=str(path),
                hint="policies are files named `*.dl`, or `*.yaml` in the form of Congress's library",
            )
        )
    yield from found


def is_policy(path: Path) -> bool:
    """Whether a file in a folder is a policy: no test of one, and no declaration of tables such as `_schema.yaml`."""
    return path.suffix in SUFFIXES and not path.name.endswith(TEST_SUFFIX) and not path.name.startswith("_")


def _is_repeated(path: Path, seen: set[Path]) -> bool:
    """Whether this very file, under whatever name, was met before; remembers it."""
    real = path.resolve()
    repeated = real in seen
    seen.add(real)
    return repeated


def _given_twice(path: Path) -> Diagnostic:
    return Diagnostic(
        "CL453", f"`{path}` is given more than once; it is read once", place=str(path), severity=Severity.WARNING
    )


def _not_a_policy(path: Path) -> Diagnostic:
    if path.name.endswith(TEST_SUFFIX):
        hint = "this is a file of tests: run it with `congresslite test`"
    else:
        hint = "policies are files named `*.dl`, or `*.yaml` in the form of Congress's library"
    if not path.exists():
        return Diagnostic("CL450", f"`{path}` cannot be read: no such file or directory", place=str(path))
    return Diagnostic("CL454", f"`{path}` is not a policy file", place=str(path), hint=hint)
