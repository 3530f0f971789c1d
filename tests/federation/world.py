"""
Three levels of engines in memory, on a line that loses, repeats, delays and cuts, with a clock that a test moves.

    top ─┬─ r1 ─┬─ p1
         │      └─ p2
         └─ r2 ─── p3

A host here is an engine alone, and what outlives a restart: rows, policies of its own, and those that it was handed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from congresslite.api import Engine, Policy, Snapshot
from congresslite.config.models import TierSettings
from congresslite.diagnostics import CongressliteError
from congresslite.federation.agreed import agreed_tables
from congresslite.federation.asking import NoAnswerError
from congresslite.federation.host import Document, Given, Happened, HeldPolicy, Lapse
from congresslite.federation.node import Node
from congresslite.federation.relations import VIOLATIONS
from congresslite.language.reads import base_tables
from congresslite.policy.conflicts import ForeignRule
from congresslite.policy.declared import declared_settings
from congresslite.policy.violations import violation_id
from congresslite.schema import Changes, Column, Delta, Replacement, Row, RowsTable, TableData, TableSchema, Type

LEASE = 15.0
LEVELS = ("global", "region", "pop")
CHILDREN = {"top": ("r1", "r2"), "r1": ("p1", "p2"), "r2": ("p3",)}
PARENTS = {child: parent for parent, children in CHILDREN.items() for child in children}
NAMES = ("top", "r1", "r2", "p1", "p2", "p3")
LEVEL = {"top": "global", "r1": "region", "r2": "region"}

VM = TableSchema("inv:vm", (Column("id", Type.STR), Column("host", Type.STR)))
VMS = {"columns": {"id": "str", "host": "str"}}

WATCH = """
policy watch(tier = "global").
@id("bad") @object(id) error(pop, id) :- tiers:vms(pop, id, "bad").
@id("twice") error(id) :- tiers:vms(pop, id, _), tiers:vms(other, id, _), pop < other.
@id("nowhere") error(id) :- r1:vms(id, _), not r2:vms(id, _).
@id("frozen") deny[vnfm:heal(id)] :- tiers:vms(_, id, "frozen").
"""
HEALING = """
policy healing(tier = "pop").
@id("heal") execute[vnfm:heal(id)] :- inv:vm(id, "frozen").
@id("sick") execute[vnfm:heal(id)] :- inv:vm(id, "bad").
@id("slow") warning(id) :- inv:vm(id, "slow").
"""
# Hard and soft rules about one atom.
SOFTER = HEALING.replace('@id("sick")', '@id("sick") @weight(2)')
OWN = {"top": [WATCH], "r1": [], "r2": [], "p1": [HEALING], "p2": [SOFTER], "p3": []}


def settings(name: str, **more: Any) -> TierSettings:
    """The place of an engine."""
    parent = PARENTS.get(name)
    given = {
        "name": name,
        "level": LEVEL.get(name, "pop"),
        "levels": LEVELS,
        "parent": None if parent is None else {"name": parent, "secret": f"{parent}-{name}"},
        "children": {child: {"secret": f"{name}-{child}"} for child in CHILDREN.get(name, ())},
        "tables": {"vms": VMS},
        "publish": {} if name == "top" else {"vms": "inv:vm"},
        "lease": LEASE,
    }
    return TierSettings.model_validate({**given, **more})


def policy(text: str) -> Policy:
    """A policy under the name that its text gives it."""
    return Policy(declared_settings(Policy("", text)).name, text)


@dataclass
class Disk:
    """What outlives an engine."""

    rows: set[Row] = field(default_factory=set)
    own: dict[str, Policy] = field(default_factory=dict)
    handed: dict[str, Given] = field(default_factory=dict)
    said: dict[str, dict[str, list[Row]]] = field(default_factory=dict)  # by the children
    tables: dict[str, list[Row]] = field(default_factory=dict)  # theirs


class EngineHost:
    """A Host over an engine alone."""

    def __init__(self, tier: TierSettings, disk: Disk) -> None:
        self.tier, self.disk = tier, disk
        agreed = agreed_tables(tier).values()
        schemas = [VM, *(each.of_child(child) for child in tier.children for each in agreed)]
        schemas += [each.of_all() for each in agreed] if tier.children else []
        tables: dict[str, TableData] = {
            schema.name: RowsTable(schema, disk.tables.get(schema.name, [])) for schema in schemas
        }
        tables["inv:vm"] = RowsTable(VM, sorted(disk.rows))
        self.unseen = {name for name in tables if name != "inv:vm"} - disk.tables.keys()
        given = [*disk.own.values(), *(Policy(name, each.text) for name, each in disk.handed.items())]
        self.engine = Engine.load([each for each in given if self._is_here(each)], tables, levels=LEVELS)
        self.whys: dict[tuple[str, str], str | None] = {}
        self.local: Lapse | None = None
        self._listener: Callable[[Happened], None] | None = None
        self._told: dict[str, str] = {}
        self._lock = threading.RLock()

    def violations(self) -> dict[str, str]:
        """Violations and conflicts by id."""
        snapshot = self.engine.snapshot()
        found = {violation_id(each.policy, each.rule, each.row): each.message for each in snapshot.violations()}
        return {**found, **{each.id: each.message for each in snapshot.conflicts()}}

    def change(self, insert: Iterable[Row], delete: Iterable[Row]) -> None:
        """Let rows of its own come and go."""
        with self._lock:
            self.disk.rows = (self.disk.rows - set(delete)) | set(insert)
            self._tell(self.engine.apply({"inv:vm": Delta(list(insert), list(delete))}))

    def _is_here(self, given: Policy) -> bool:
        return LEVELS.index(declared_settings(given).tier) <= LEVELS.index(self.tier.level)

    def _tell(self, changes: Changes) -> None:
        now = self.violations()
        came = {id_: text for id_, text in now.items() if self._told.get(id_) != text}
        gone = [id_ for id_, text in self._told.items() if now.get(id_) != text]
        self._told = now
        if self._listener is not None:
            self._listener(Happened(self.engine.snapshot(), changes, came, gone))

    # -- Host --------------------------------------------------------------------------------------

    def listen(self, listener: Callable[[Happened], None]) -> Happened:
        """Tell of each change from now on."""
        with self._lock:
            self._listener, self._told = listener, self.violations()
            return Happened(self.engine.snapshot(), None, self._told)

    def snapshot(self) -> Snapshot:
        """The latest state."""
        return self.engine.snapshot()

    def apply(self, changes: Mapping[str, Delta | Replacement], seen: Iterable[str]) -> None:
        """Take rows of children's tables."""
        with self._lock:
            self.unseen -= set(seen)
            self._tell(self.engine.apply(changes))

    def oppose(self, foreign: Sequence[ForeignRule]) -> None:
        """Take the rules of engines below."""
        with self._lock:
            self._tell(self.engine.oppose(foreign))

    def policies(self) -> Sequence[HeldPolicy]:
        """What is stored."""
        own = [(each, None) for each in self.disk.own.values()]
        handed = [(Policy(name, each.text), each.origin) for name, each in self.disk.handed.items()]
        return [
            HeldPolicy(each.name, declared_settings(each).tier, "warn", each.text, origin)
            for each, origin in (*own, *handed)
        ]

    def hand(self, wanted: Mapping[str, Given], *, own: bool) -> Mapping[str, str]:
        """Let what comes from above be just this."""
        with self._lock:
            return self._handed(wanted)

    def _handed(self, wanted: Mapping[str, Given]) -> Mapping[str, str]:
        refused = {name: "taken" for name in wanted if name in self.disk.own}
        gone = [name for name in self.disk.handed if name not in wanted]
        fresh = {n: each for n, each in wanted.items() if n not in refused and self.disk.handed.get(n) != each}
        held = {each.name for each in self.engine.policies}
        for name in gone:
            if name in held:
                self._tell(self.engine.apply(remove=[name]))
            del self.disk.handed[name]
        for name, each in fresh.items():
            try:
                if self._is_here(Policy(name, each.text)):
                    self._tell(self.engine.apply(policies=[Policy(name, each.text)]))
            except CongressliteError as error:
                refused[name] = error.diagnostics[0].message
            else:
                self.disk.handed[name] = each
        return refused

    def lapses(self) -> Sequence[Lapse]:
        """What is not current."""
        found = {f"tiers:{table}" for (_, table), why in tuple(self.whys.items()) if why is not None}
        found |= {f"{child}:{table}" for (child, table), why in tuple(self.whys.items()) if why is not None}
        stale = [
            Lapse(
                name.split(":")[0], name.split(":")[1], "pending" if name in self.unseen else "stale", None, "", (name,)
            )
            for name in sorted(found)
        ]
        return [*stale, *(() if self.local is None else (self.local,))]

    def known(self, tables: Iterable[str]) -> bool:
        """Whether everything that tables rest on was seen."""
        rests = base_tables(self.engine.program)
        return not any(rests.get(each, frozenset({each})) & self.unseen for each in tables)

    def note(self, child: str, table: str, why: str | None) -> None:
        """Note how current a child's table is."""
        self.whys[child, table] = why

    def remembered(self, child: str) -> Mapping[str, Iterable[Row]]:
        """What a child had said."""
        return self.disk.said.get(child, {})

    def remember(self, child: str, relations: Mapping[str, Iterable[Row]]) -> None:
        """Write down what a child said, and with it the tables as they are."""
        self.disk.said[child] = {name: list(rows) for name, rows in relations.items()}
        tables = [name for name in self.engine._catalog if name != "inv:vm"]
        self.disk.tables = {name: self.engine.rows(name) for name in tables}

    def explain(self, id: str) -> Document | None:
        """Why a violation is there."""
        return {"proof": self._told[id]} if id in self._told else None

    def check(self, policies: Mapping[str, str], remove: Sequence[str]) -> Document:
        """A report."""
        return {"verdict": "ok", "policies": sorted(policies)}


def no_answer(peer: str, what: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Questions have tests of their own."""
    raise NoAnswerError([])


class World:
    """All engines, their disks, and what is under way between them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.epoch = 0
        self.flying: list[tuple[str, bytes]] = []
        self.recorded: list[tuple[str, bytes]] = []
        self.cut: set[str] = set()  # engines that nobody hears, and that hear nobody
        self.disks = {name: Disk(own={p.name: p for p in map(policy, OWN[name])}) for name in NAMES}
        self.hosts: dict[str, EngineHost] = {}
        self.nodes: dict[str, Node] = {}
        for name in NAMES:
            self.start(name)

    def start(self, name: str) -> None:
        """Start an engine, perhaps anew."""
        self.epoch += 1
        if name in self.nodes and self.epoch % 3:  # at times it has no time to
            self.nodes[name].remember()
        self.hosts[name] = EngineHost(settings(name), self.disks[name])
        self.nodes[name] = Node(
            settings(name), self.hosts[name], self._sender(name), no_answer, epoch=self.epoch, clock=lambda: self.now
        )
        self.nodes[name].begin()

    def _sender(self, name: str) -> Callable[[str, bytes], None]:
        def send(peer: str, body: bytes) -> None:
            if name not in self.cut and peer not in self.cut:
                self.flying.append((peer, body))
                self.recorded.append((peer, body))

        return send

    def deliver(self, place: int = 0) -> None:
        """Let a message arrive."""
        to, body = self.flying.pop(place % len(self.flying))
        if to not in self.cut:
            self.nodes[to].receive(body)

    def deliver_all(self) -> None:
        """Let everything arrive, and what is answered to it."""
        while self.flying:
            self.deliver()

    def pass_(self, seconds: float) -> None:
        """Let time go by."""
        self.now += seconds
        for node in self.nodes.values():
            node.tick()

    def change(self, name: str, insert: Iterable[Row], delete: Iterable[Row]) -> None:
        """Let rows of an engine come and go."""
        self.hosts[name].change(insert, delete)
        self.nodes[name].settle()

    def put(self, name: str, text: str | None, under: str = "") -> None:
        """Let an engine have a policy for tiers below, or no longer."""
        if text is None:
            self.disks[name].own.pop(under, None)
        else:
            self.disks[name].own[policy(text).name] = policy(text)
        self.nodes[name].policies_changed()
        self.nodes[name].settle()

    # -- what must be so in the end ----------------------------------------------------------------

    def below(self, name: str) -> list[str]:
        """The engines below one."""
        return [each for child in CHILDREN.get(name, ()) for each in (child, *self.below(child))]

    def wrong(self) -> str | None:
        """What is not as a single engine over all tables says; None if everything is."""
        for name in CHILDREN:
            host = self.hosts[name]
            stale = {key: why for key, why in tuple(host.whys.items()) if why is not None}
            if stale:
                return f"{name} says {stale}"
            rows = {(each, *row) for each in self.below(name) for row in self.disks[each].rows}
            if set(host.engine.rows("tiers:vms")) != rows:
                return f"tiers:vms of {name}: {set(host.engine.rows('tiers:vms')) ^ rows}"
            said = {(each, row) for each in self.below(name) for row in self._published(each)}
            heard = {
                (row[0], row[1:])
                for received in self.nodes[name].received.values()
                for row in tuple(received.small[VIOLATIONS])
            }
            if said != heard:
                return f"violations known at {name}: {said ^ heard}"
        return self._wrong_at_top() or self._wrong_below()

    def _published(self, name: str) -> Iterable[Row]:
        return list(self.hosts[name].violations().items())

    def _wrong_at_top(self) -> str | None:
        """Compare with one engine that has all tables, loaded anew."""
        one = EngineHost(settings("top"), self.disks["top"]).engine
        union: dict[str, list[Row]] = {"tiers:vms": []}
        for child in CHILDREN["top"]:
            rows = {row for each in (child, *self.below(child)) for row in self.disks[each].rows}
            union[f"{child}:vms"] = list(rows)
            union["tiers:vms"] += [
                (each, *row) for each in (child, *self.below(child)) for row in self.disks[each].rows
            ]
        one.apply({name: Delta(insert=rows) for name, rows in union.items()})
        top = self.hosts["top"].engine
        for rule in one.program.rules:
            if set(one.rows(rule.table)) != set(top.rows(rule.table)):
                return f"{rule.table}: {set(one.rows(rule.table)) ^ set(top.rows(rule.table))}"
        frozen = {row[0] for name in self.below("top") for row in self.disks[name].rows if row[1] == "frozen"}
        healed = {
            (name, row[0])
            for name in self.below("top")
            for row in self.disks[name].rows
            if "healing" in self.disks[name].own and row[1] in ("frozen", "bad")
        }
        expected = {(name, id_) for name, id_ in healed if id_ in frozen}
        found = {
            (side.engine, side.row[0]) for each in top.snapshot().conflicts() for side in each.sides if side.engine
        }
        return None if found == expected else f"conflicts: {found ^ expected}"

    def _wrong_below(self) -> str | None:
        """Compare what engines were handed with what there is to be handed."""
        for name, parent in PARENTS.items():
            given: dict[str, str] = {}
            above, depth = parent, LEVELS.index(settings(parent).level)
            while above:
                for each in self.disks[above].own.values():
                    if LEVELS.index(declared_settings(each).tier) > depth:
                        given[each.name] = each.text
                above = PARENTS.get(above, "")
            found = {each: handed.text for each, handed in self.disks[name].handed.items()}
            if found != given:
                return f"{name} was handed {sorted(found)}, not {sorted(given)}"
            refused = [row for row in self.nodes[name].handed.became if row[3] != "applied"]  # type: ignore[union-attr]
            if refused:
                return json.dumps(refused)
        return None
