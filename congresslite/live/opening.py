"""
Opening: from a configuration to a running estate, as it was when it was left.

Tables come from the cache, so that answers are there before anything is pulled;
pushed rows from where they were made durable; the history is made to agree with
what the engine derives of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from congresslite.analysis.belonging import Belonging
from congresslite.analysis.declared import USUAL, ActionTarget
from congresslite.api import Engine, Policy
from congresslite.config import origins
from congresslite.config.models import Config, SourceSettings
from congresslite.diagnostics import PolicyError
from congresslite.enforcement.host import Alone
from congresslite.live.actions import ACTION, Acting, ActionTable, EstateHost
from congresslite.live.bases import SharedBases
from congresslite.live.cache import TableCache
from congresslite.live.core import Core
from congresslite.live.estate import LiveEstate, Parts
from congresslite.live.events import MOST, Change, Happened, Hub
from congresslite.live.history import History
from congresslite.live.lifecycle.lifecycle import Lifecycle, reserved
from congresslite.live.lifecycle.tables import SOURCE as LIFECYCLE
from congresslite.live.policies import Place, Policies
from congresslite.live.pushed import Kept, PushedTables
from congresslite.live.registry import read_settings
from congresslite.live.remembered import Memory
from congresslite.live.sources import Sources
from congresslite.live.tier_memory import TierMemory
from congresslite.live.tier_sources import TierSources
from congresslite.live.tiers import Tiers
from congresslite.live.waivers import Waivers
from congresslite.policy.conflicts import ForeignRule
from congresslite.schema import TableData
from congresslite.store.lease import SharedLease
from congresslite.store.secrets import load_or_create_key
from congresslite.store.store import Store


def open_estate(
    config: Config,
    base: Path | None = None,
    lease: SharedLease | None = None,
    hidden: Collection[origins.Path] = (),
) -> LiveEstate:
    """The estate of a configuration, loaded and not yet pulling; relative paths of sources begin at `base`.

    `lease` is taken where several processes share a database: it says whether anything may be written and done. What
    stands at `hidden` places of the configuration is shown to nobody.
    Raises SourceError for a store or a source that cannot be opened, PolicyError for policies that are wrong.
    """
    config.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = Store.open(config.database_url, key=load_or_create_key(config.key_file), lease=lease)
    try:
        return _opened(config, store, Path.cwd() if base is None else base, lease, hidden)
    except BaseException:
        store.close()
        raise


def _opened(
    config: Config, store: Store, base: Path, lease: SharedLease | None, hidden: Collection[origins.Path]
) -> LiveEstate:
    hub = Hub(lambda after: list(_replayed(store, after)), store.violations.last_batch(), most=config.server.streams)
    folder = config.state / "pushed"
    pushed = PushedTables(None, store, TableCache(folder) if lease is None else SharedBases(folder, store.files))
    sources = Sources(store, TableCache(config.state / "tables"), Memory(config.state / "sources"), pushed, hub)
    tables, kept = _sources(config, store, sources, base)
    for name, source in sources.items():
        source.hidden = _hidden(name, hidden)
    below = None if config.tier is None else TierSources(config.tier, sources, TierMemory(config.state / "tiers"))
    if below is not None:
        tables |= below.tables
    table = ActionTable(store, sources)
    named = config.enforcement.targets.items()
    sources.targets = {**USUAL, **{name: ActionTarget(each.executor, each.source_of(name)) for name, each in named}}
    tables |= {ACTION.name: table.data}
    policies = Policies(store, _place(config))
    foreign = () if below is None else below.foreign
    engine = _engine(policies, policies.begin(map(str, config.policies)), tables, foreign)
    history = History(store, Belonging(sources.owners, config.console.sites), hub, sources.unseen)
    core = Core(engine, history)
    pushed.attach(core)
    engine.apply(pushed.lacking(kept))
    waivers = Waivers(core, store)
    core.begin()
    pushed.settle(kept)
    core.warm(each.base.schema.name for each in kept)
    waivers.begin()
    tiers = None
    if config.tier is not None and below is not None:
        tiers = Tiers(config.tier, core, store=store, hub=hub, sources=below, policies=policies)
    host = EstateHost(core, sources, Alone() if lease is None else lease)
    acting = Acting(config, base, core, store=store, table=table, host=host)
    lifecycle = Lifecycle(
        config.lifecycle,
        core,
        pushed=pushed,
        sources=sources,
        enforcer=acting.enforcer,
        host=host,
        since=policies.since,
    )
    parts = Parts(config, store, core, hub, sources, pushed, policies, waivers, acting, lifecycle, tiers, lease)
    return LiveEstate(parts)


def _place(config: Config) -> Place:
    tier = config.tier
    return Place() if tier is None else Place(tier.name, tier.level, tier.levels)


def _engine(
    policies: Policies, loaded: Sequence[Policy], tables: dict[str, TableData], foreign: Sequence[ForeignRule]
) -> Engine:
    """The engine with these policies. What was handed down, and is wrong here by now, keeps nobody from starting."""
    place = policies.place
    handed = {each.name for each in policies.current() if each.origin == "tier"}
    try:
        return Engine.load(loaded, tables, levels=place.levels, level=place.own, foreign=foreign)
    except PolicyError:
        if not handed:
            raise
        own = [each for each in loaded if each.name not in handed]
        return Engine.load(own, tables, levels=place.levels, level=place.own, foreign=foreign)


def _sources(config: Config, store: Store, sources: Sources, base: Path) -> tuple[dict[str, TableData], list[Kept]]:
    """Open the sources of the configuration and those of the API; their tables as they are on disk."""
    opened = [sources.open(name, each, "file", base) for name, each in config.sources.items()]
    for record in store.sources.all():
        if record.name not in config.sources:
            settings = read_settings(record.name, record.settings)
            opened.append(sources.open(record.name, settings, "api", Path.cwd(), record.version))
    if LIFECYCLE in sources:
        raise reserved()
    own = SourceSettings(driver="push", definition=LIFECYCLE)
    opened.append(sources.open(LIFECYCLE, own, "engine", base))
    tables: dict[str, TableData] = {}
    kept: list[Kept] = []
    for source in opened:
        held, changed = sources.held(source)
        tables |= held
        kept += changed.values()
    return tables, kept


def _hidden(name: str, places: Collection[origins.Path]) -> frozenset[origins.Path]:
    """The places among the settings of a source."""
    return frozenset(place[2:] for place in places if place[:2] == ("sources", name))


def _replayed(store: Store, after: int) -> Iterator[Happened]:
    """The batches after a number, for whoever was away."""
    for batch, opened, resolved in store.violations.since(after, limit=1000):
        # What a batch did that opened and resolved nothing is not kept.
        few = 0 < batch.opened + batch.resolved <= MOST
        yield Happened(batch, _changes(opened) if few else None, _changes(resolved) if few else None)


def _changes(records: Sequence[object]) -> list[Change]:
    return [Change.of(each) for each in records]  # type: ignore[arg-type]
