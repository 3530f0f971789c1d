"""
The tables of the engines below, as sources: one for each child, and `tiers` for the tables that unite them.

Each table is a feed of its own: it is current while the child is, and while nothing that it rests on there is stale. So
what rests on it is told to be undetermined as with any other source.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from congresslite.config.models import TierSettings
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.federation.agreed import COMMANDS, UNION, Agreed, agreed_tables
from congresslite.federation.opponents import opponents
from congresslite.federation.relations import ENGINES, RULES, fits
from congresslite.language.program import CONFLICT_POLICY
from congresslite.live.feeds import FeedState
from congresslite.live.filled import FilledDriver, filled_source
from congresslite.live.sources import Source, Sources
from congresslite.live.tier_memory import TierMemory
from congresslite.policy.conflicts import ForeignRule
from congresslite.schema import TableData

_SHOWN = 5  # children that are named as the reason why a table is not current


class TierSources:
    """The sources of a tier's children, among `all`. What changes their freshness is one thread."""

    def __init__(self, tier: TierSettings, sources: Sources, memory: TierMemory) -> None:
        self.all, self.memory = sources, memory
        self._whys: dict[str, dict[str, str | None]] = defaultdict(lambda: dict.fromkeys(tier.children, ""))
        agreed = agreed_tables(tier).values()
        found = [self._source(child, [each for each in agreed if each.name != COMMANDS], child, tier.lease)
                 for child in tier.children]  # fmt: skip
        if tier.children:
            found.append(self._source(UNION, agreed, None, tier.lease))
        for source in found:
            if source.name in sources or source.name == CONFLICT_POLICY:
                raise SourceError(_taken(source.name))
            sources.adopt(source)
        # As they are in the cache: what the engines below have said is known, with its age, until they speak again.
        self.tables: dict[str, TableData] = {}
        for source in found:
            self.tables |= sources.held(source)[0]
        said = [memory.load(child) for child in tier.children]
        rules, engines = (
            {row for each in said for row in each.get(relation, ()) if fits(relation, row)}
            for relation in (RULES, ENGINES)
        )
        self.foreign: Sequence[ForeignRule] = opponents(rules, engines, tier)

    def changed(self, tables: Iterable[str], seen: Iterable[str]) -> None:
        """Note whose cache is behind, and which tables are known now; whoever calls holds the core's lock."""
        for name in (*tables, *seen):
            self.all[name.partition(":")[0]].dirty[name] = None
        for name in seen:
            source, _, table = name.partition(":")
            state = self.all[source].feeds[table]
            state.last_success = state.last_success or time.time()

    def note(self, child: str, table: str, why: str | None) -> bool:
        """See `Host.note`; whether it changes what is told."""
        changed = False
        if table != COMMANDS:
            changed = _note(self.all[child].feeds[table], why)
        self._whys[table][child] = why
        known = [each for each in self._whys[table].values() if each is not None]
        return _note(self.all[UNION].feeds[table], "; ".join(_shown(known)) if known else None) or changed

    def _source(self, name: str, agreed: Collection[Agreed], child: str | None, lease: float) -> Source:
        schemas = {each.name: each.of_all() if child is None else each.of_child(child) for each in agreed}
        owners = {each.name: each.owner for each in agreed if each.owner is not None}
        return filled_source(name, FilledDriver(schemas, owners), "tier", lease)


def _note(state: FeedState, why: str | None) -> bool:
    now = time.time()
    if why is None:
        return state.succeeded(now)
    if state.findings and state.findings[0].message == why:
        return False
    hint = "see `congresslite tiers`"
    return state.failed(now, (Diagnostic("CL368", why, None, hint, place=state.source),))


def _shown(whys: Sequence[str]) -> Iterator[str]:
    told = [each or "an engine has not been heard yet" for each in dict.fromkeys(whys)]
    yield from told[:_SHOWN]
    if len(told) > _SHOWN:
        yield f"and {len(told) - _SHOWN} more"


def _taken(name: str) -> Diagnostic:
    message = f"no child can be called `{name}`: there is a source of that name, or it has a meaning of its own"
    return Diagnostic("CL364", message, None, "rename the source, or the engine", place="tier.children")
