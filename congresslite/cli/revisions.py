"""
Policies as git has them at a revision, read from its objects: there is no shell, and the work tree is left alone.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.policy import Policy
from congresslite.policy.loading import is_policy, parse_object

_TIMEOUT_S = 60


def policies_at(revision: str, paths: Sequence[Path]) -> tuple[Policy, ...]:
    """The policies that files and folders had at a revision; none before any commit. Raises SourceError (CL336)."""
    commit = _commit(revision)
    if commit is None:
        return ()
    found = {name: id_ for path in paths for name, id_ in _blobs(commit, path, revision)}
    texts = _contents(list(found.values()), revision)
    return tuple(_policy(f"{revision}:{name}", text) for name, text in zip(found, texts, strict=True))


def _commit(revision: str) -> str | None:
    """The commit of a revision, as a number that no option can be mistaken for; None for HEAD before any commit."""
    # Says what is wrong if this is no repository at all.
    _git(("rev-parse", "--git-dir"), revision)
    try:
        named = _git(("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"), revision)
    except SourceError:
        if revision == "HEAD" and not _git(("for-each-ref", "--count=1"), revision):
            return None
        raise
    return named.decode("ascii").strip()


def _blobs(commit: str, path: Path, revision: str) -> Iterator[tuple[str, str]]:
    """The policy files below a path, each with the id of its content."""
    listed = _git(("ls-tree", "-r", "-z", commit, "--", str(path)), revision)
    for entry in listed.decode("utf-8", "surrogateescape").split("\0"):
        about, _, name = entry.partition("\t")
        kind = about.split(" ")[1:]
        if len(kind) == 2 and kind[0] == "blob" and is_policy(Path(name)):
            yield name, kind[1]


def _contents(ids: Sequence[str], revision: str) -> Iterator[str]:
    """The texts of some contents, in one go."""
    stream = _git(("cat-file", "--batch"), revision, "".join(f"{id_}\n" for id_ in ids)) if ids else b""
    at = 0
    for _ in ids:
        end = stream.index(b"\n", at)
        size = int(stream[at:end].split(b" ")[2])
        # What is not UTF-8 is an error of the policy, which the parser tells.
        yield stream[end + 1 : end + 1 + size].decode("utf-8-sig", "surrogateescape")
        at = end + size + 2


def _policy(path: str, text: str) -> Policy:
    """The policy of a file, by the name that it gives itself."""
    return Policy(parse_object(Policy(Path(path).stem, text, path))[0].name, text, path)


def _git(arguments: Sequence[str], revision: str, given: str = "") -> bytes:
    """What git answers."""
    git = shutil.which("git")
    if git is None:
        raise _lost(revision, "git is not installed")
    command = [git, *arguments]  # no shell: what a user named is one argument of it
    try:
        done = subprocess.run(  # noqa: S603
            command, input=given.encode("ascii"), capture_output=True, check=True, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise _lost(revision, f"git does not answer within {_TIMEOUT_S} s") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise _lost(revision, said.splitlines()[0] if said else "there is no such revision here") from None
    return done.stdout


def _lost(revision: str, why: str) -> SourceError:
    hint = "name a commit of the git repository that the policies lie in, like HEAD or origin/main"
    return SourceError(Diagnostic("CL336", f"the policies at `{revision}` cannot be read: {why}", hint=hint))
