"""
Checks that were made on this machine, kept so that `apply` can commit exactly what was checked.

They lie in `.congresslite/checks` below the current folder, readable by their owner alone, since they hold policies and
names of an estate; the last few are kept, and git is told to leave them alone.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from congresslite.cli.rehearsal import Proposal
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.policy import Policy

FOLDER = Path(".congresslite")
KEPT = 20
_FORMAT = 1
_ID = re.compile(r"chk_[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class SavedCheck:
    """A check: what was proposed, for which folder of policies, and the document of what was found."""

    proposal: Proposal  # `live` is read anew from `folder`, and empty here
    folder: Path
    document: Mapping[str, Any]


def save(check: SavedCheck) -> Path:
    """Keep a check, and forget the oldest ones. Raises OSError."""
    checks = FOLDER / "checks"
    checks.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = FOLDER / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="ascii")
    proposal = {**asdict(check.proposal), "data": _text(check.proposal.data)}
    content = {"format": _FORMAT, "proposal": proposal, "folder": str(check.folder), "document": check.document}
    path = checks / f"{check.document['id']}.json"
    write_atomically(path, json.dumps(content))
    known = sorted(checks.glob("chk_*.json"), key=lambda each: each.stat().st_mtime_ns)
    for old in known[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def load(id_: str) -> SavedCheck:
    """The check of an id. Raises SourceError (CL331, CL334)."""
    path = FOLDER / "checks" / f"{id_}.json"
    if not is_kept(id_):
        hint = "ids look like `chk_0123456789abcdef`; make the check again, from the folder where `apply` is to run"
        raise SourceError(Diagnostic("CL331", f"there is no check `{id_}` in `{path.parent}`", hint=hint))
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        proposal = content["proposal"]
        if content["format"] != _FORMAT or content["document"]["id"] != id_:
            raise ValueError("it is of another form")
        return SavedCheck(
            Proposal(
                policies=tuple(Policy(**each) for each in proposal["policies"]),
                remove=tuple(map(str, proposal["remove"])),
                live=(),
                data=None if proposal["data"] is None else Path(proposal["data"]),
                max_affected=proposal["max_affected"],
                limit=int(proposal["limit"]),
            ),
            Path(content["folder"]),
            content["document"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            Diagnostic("CL334", f"the check `{id_}` cannot be read", place=str(path), hint="make the check again")
        ) from error


def is_kept(id_: str) -> bool:
    """Whether there is a check of an id on this machine."""
    return bool(_ID.fullmatch(id_)) and (FOLDER / "checks" / f"{id_}.json").is_file()


def forget(id_: str) -> None:
    """Forget a check that has been applied."""
    (FOLDER / "checks" / f"{id_}.json").unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees a part of it; it is its owner's alone unless it was there before."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
