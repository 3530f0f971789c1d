"""
A rehearsal: a pre-commit check on this machine, of policies that are proposed against those that are live.

What it takes is kept as values, so that the very same check can be made again later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from congresslite.cli.progress import progress
from congresslite.cli.settings import Settings
from congresslite.cli.terminal import remark
from congresslite.diagnostics import Diagnostic, PolicyError, Severity, Source, SourceError
from congresslite.policy import Policy

if TYPE_CHECKING:
    from congresslite.analysis.limits import MaxAffected
    from congresslite.analysis.report import Report
    from congresslite.api import Engine

CONFIG = "congresslite.yaml"
# The tiers of the hierarchy, the top first, and that of the engine; None for an engine that stands alone.
Place = tuple[tuple[str, ...], str | None]
_LIMIT = re.compile(r"(\d+(?:\.\d+)?)%|(\d+)")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed, beside what is live and over which tables; `limit` is how much is told one by one."""

    policies: tuple[Policy, ...]
    remove: tuple[str, ...]
    live: tuple[Policy, ...]
    data: Path | None = None
    max_affected: str | None = None
    limit: int = 100


def read_policies(paths: Iterable[Path]) -> tuple[Policy, ...]:
    """The policies of files and folders, by the names that they give themselves.

    What is wrong within them is for the check to say. Raises SourceError for what cannot be read, PolicyError for two
    of one name.
    """
    from congresslite.policy.loading import UNREADABLE, load_policies

    files, findings = load_policies(list(paths))
    lost = [each for each in findings if each.code in UNREADABLE]
    if lost:
        raise SourceError(lost)
    names = [file.name for file in files]
    twice = [file for place, file in enumerate(files) if file.name in names[:place]]
    if twice:
        raise PolicyError([_twice(file.name, file.source.name, files[names.index(file.name)].source.name)
                           for file in twice])  # fmt: skip
    return tuple(Policy(file.name, file.source.text, file.source.name) for file in files)


def _twice(name: str, path: str, other: str) -> Diagnostic:
    hint = f"the other one is {other}; a `policy` statement can give another name"
    return Diagnostic("CL130", f"there are two policies named `{name}`", place=path, hint=hint)


def texts_of(proposal: Proposal) -> dict[str, Source]:
    """The texts that a report may speak of, by the names of their files."""
    return {each.path: Source(each.path, each.text) for each in (*proposal.live, *proposal.policies)}


def rehearse(proposal: Proposal, settings: Settings) -> Report:
    """Make the check. Raises SourceError for tables that cannot be read, ConfigError, EvaluationError."""
    from congresslite.analysis.precommit import Context, precommit
    from congresslite.sources.files import open_inventory

    owners = {} if proposal.data is None else open_inventory(proposal.data).owners
    limit, place = _configured(proposal.max_affected, settings)
    context = Context(owners=owners, max_affected=limit, limit=proposal.limit)
    try:
        engine = _engine(proposal.live, proposal, place, settings)
    except PolicyError as error:
        codes = ", ".join(sorted({each.code for each in error.diagnostics if each.severity is Severity.ERROR}))
        remark(f"the policies that are live cannot be evaluated ({codes}): compared with nothing", settings)
        gone = {*proposal.remove, *(each.name for each in proposal.policies)}
        kept = [each for each in proposal.live if each.name not in gone]
        return precommit(_engine((), proposal, place, settings), (*kept, *proposal.policies), (), context)
    return precommit(engine, proposal.policies, proposal.remove, context)


def _engine(policies: tuple[Policy, ...], proposal: Proposal, place: Place, settings: Settings) -> Engine:
    from congresslite.api import Engine

    with progress(settings) as told:
        return Engine.load(policies, proposal.data, levels=place[0], level=place[1], progress=told)


def max_affected_option(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Take `100` or `5%`. Raises BadParameter."""
    if value is None:
        return None
    match = _LIMIT.fullmatch(value)
    if match is None or float(match[1] or 0) > 100:
        raise click.BadParameter(f"`{value}` is no limit; write it as `100` or `5%`", context, parameter)
    return value


def _configured(said: str | None, settings: Settings) -> tuple[MaxAffected, Place]:
    """The blast-radius limit, and where a configuration says that the engine stands."""
    from congresslite.analysis.limits import MaxAffected
    from congresslite.language.resolution.settings import TIERS

    limit = MaxAffected()
    place: Place = TIERS, None
    if settings.config is not None or Path(CONFIG).is_file():
        from congresslite.cli.extras import needing

        with needing("server"):
            from congresslite.config.loading import load_config
        config = load_config(settings.config).config
        limit = MaxAffected(config.max_affected.amount, config.max_affected.percent)
        place = (TIERS, None) if config.tier is None else (config.tier.levels, config.tier.level)
    match = _LIMIT.fullmatch(said or "")
    if match is not None:
        limit = MaxAffected(None, float(match[1])) if match[1] else MaxAffected(int(match[2]), None)
    return limit, place
