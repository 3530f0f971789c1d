"""`congresslite apply`: commit exactly what a pre-commit check has checked, or refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from congresslite.cli.client.asking import asking
from congresslite.cli.exits import Exit
from congresslite.cli.rehearsal import read_policies, rehearse
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import number, remark, tell
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.policy import Policy
from congresslite.policy.loading import parse_object

if TYPE_CHECKING:
    from congresslite.cli.saved import SavedCheck


@click.command(cls=Teaching)
@click.argument("check", metavar="CHECK-ID")
@shared(server=True)
def apply(settings: Settings, *, check: str) -> int:
    """Commit exactly what a pre-commit check has checked, or refuse if it would not be the same any more.

    CHECK-ID is what `precommit` has told. The check is made again: if policies have changed since, or the estate has in
    a way that matters, nothing is written. Else the proposed policies are copied into the folder of those that are
    live, and those that were to go are removed. With --server, it is a check that the server has kept, and the server
    changes its policies.

    For example:
      congresslite apply chk_0123456789abcdef
      congresslite apply chk_0123456789abcdef --server http://127.0.0.1:8181

    Exits with 1 if it refuses.
    """
    from congresslite.cli.saved import forget, is_kept, load

    if settings.server is not None and (settings.server_named or not is_kept(check)):
        with asking(settings) as client:
            from congresslite.cli.client.prechecking import apply_check

            return apply_check(client, check, settings)
    saved = load(check)
    live = read_policies([saved.folder])
    refused = _refused(saved, live, settings)
    if refused is not None:
        tell([refused], settings)
        return Exit.BLOCKING
    for path, what in _written(saved, live):
        click.echo(f"{what} {path}")
    forget(check)
    remark(f"{number(len(saved.document['policies']), 'policy', 'policies')} as checked", settings)
    return Exit.CLEAN


def _refused(saved: SavedCheck, live: tuple[Policy, ...], settings: Settings) -> Diagnostic | None:
    """Why a check is not applied; None if it finds the same again."""
    from congresslite.analysis.documents import report_document
    from congresslite.analysis.fingerprint import differences

    if saved.document["verdict"] == "reject":
        return Diagnostic("CL332", f"the check `{saved.document['id']}` rejects these policies", hint="mend them first")
    report = rehearse(replace(saved.proposal, live=live), settings)
    if report.fingerprint == saved.document["fingerprint"]:
        return None
    return Diagnostic(
        "CL333",
        f"what `{saved.document['id']}` found is not so any more",
        hint="make the check again, and look at what it finds",
        notes=tuple(differences(saved.document, report_document(report))),
    )


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a policy is to be written, and the file that it takes the place of, if that is another one."""

    policy: Policy
    path: Path
    old: Path | None


def _written(saved: SavedCheck, live: Iterable[Policy]) -> Iterator[tuple[Path, str]]:
    """Write what was proposed and remove what is to go; give what was done to which file."""
    from congresslite.cli.saved import write_atomically

    known = {each.name: Path(each.path) for each in live}
    for target in _targets(saved, known):
        existed = target.path.exists()
        write_atomically(target.path, target.policy.text)
        yield target.path, "changed" if existed else "added"
        if target.old is not None:
            target.old.unlink()
            yield target.old, "removed"
    for name in saved.proposal.remove:
        known[name].unlink()
        yield known[name], "removed"


def _targets(saved: SavedCheck, known: Mapping[str, Path]) -> list[_Target]:
    """Where each policy goes: into the file that has it, or a new one of the same name as it was proposed under."""
    taken = set(known.values())
    targets = []
    for policy in saved.proposal.policies:
        suffix, there = Path(policy.path).suffix, known.get(policy.name)
        if there is not None and there.suffix == suffix and _keeps_its_name(policy, there):
            targets.append(_Target(policy, there, None))
            continue
        path = _free(saved.folder, policy, suffix, taken)
        taken.add(path)
        targets.append(_Target(policy, path, there))
    return targets


def _keeps_its_name(policy: Policy, path: Path) -> bool:
    """Whether a policy has its name in a file too: one without a `policy` statement is called as its file is."""
    return parse_object(Policy(path.stem, policy.text, str(path)))[0].name == policy.name


def _free(folder: Path, policy: Policy, suffix: str, taken: set[Path]) -> Path:
    """A file of the folder that nobody has. Raises SourceError (CL335) if there is none."""
    candidates = (folder / Path(policy.path).name, folder / f"{policy.name}{suffix}")
    for path in candidates:
        if path not in taken and not path.exists():
            return path
    message = f"policy `{policy.name}` has no file to go to: `{candidates[-1]}` is another one's"
    hint = "rename the file that it is proposed in, and make the check again"
    raise SourceError(Diagnostic("CL335", message, place=policy.path, hint=hint))
