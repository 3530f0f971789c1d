"""
Published: what one engine tells of itself upward, from one change of it to the next.

Rows of tables come from what a change says came and went; only where a table begins to be published, or ceases (a
policy that came, other columns), all of its rows are looked at. What its children said is passed on: their
tables are tables here, and change with the same changes.

The rule to keep: `state` is what stands after the last change that was taken, however far the engine is by now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from congresslite.api import Snapshot
from congresslite.config.models import TierSettings
from congresslite.federation.agreed import COMMANDS, TERMS, Agreed
from congresslite.federation.compiled import OFFERS, TREATED
from congresslite.federation.host import Happened
from congresslite.federation.refusals import Refusals
from congresslite.federation.relations import ENGINES, RULES, TABLE, TABLES, VIOLATIONS
from congresslite.language.program import CheckedRule, Program, RuleKind
from congresslite.schema import Changes, Delta, Row, Scalar, TableSchema

Relations = Mapping[str, Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Binding:
    """An engine's own table whose rows are published: after its name and `lead`, padded to `width` columns."""

    table: str
    schema: TableSchema
    agreed: Agreed
    lead: tuple[Scalar, ...] = ()

    @property
    def relation(self) -> str:
        """The relation that they are rows of."""
        return TABLE + self.agreed.name

    def rows(self, engine: str, rows: Iterable[Row]) -> Iterator[Row]:
        """Rows as they are published; those that do not fit what was agreed are left out."""
        padding = (None,) * (len(self.agreed.columns) - len(self.lead) - self.schema.arity)
        for row in rows:
            told = (*self.lead, *row, *padding)
            if self.agreed.fits(told):
                yield (engine, *told)


class Published:
    """What an engine tells of itself. One thread uses it."""

    def __init__(self, tier: TierSettings, agreed: Mapping[str, Agreed], refusals: Refusals) -> None:
        self._tier, self._agreed, self._refusals = tier, agreed, refusals
        self._small: dict[str, frozenset[Row]] = {}
        self._violations: dict[str, str] = {}
        self._bindings: dict[str, Binding] = {}
        self._snapshot: Snapshot | None = None
        # What the children of a translating engine say in the words of their bus means nothing on the one above.
        own_words = {OFFERS, TREATED} if tier.translate is not None else set()
        self._passed = [each for name, each in agreed.items() if name not in own_words] if tier.children else []

    def begin(self, start: Happened) -> None:
        """Begin with a state."""
        parent = None if self._tier.parent is None else self._tier.parent.name
        self.tell(ENGINES, [(self._tier.name, self._tier.level, parent)])
        self.tell(TABLES, [(self._tier.name, name, each.shape) for name, each in self._agreed.items()])
        self._violations = dict(start.opened)
        self._snapshot = start.snapshot
        self._bind(start.snapshot)

    def tell(self, relation: str, rows: Iterable[Row]) -> Mapping[str, Delta]:
        """Let a small relation hold just these rows; what came and went."""
        before, after = self._small.get(relation, frozenset()), frozenset(rows)
        self._small[relation] = after
        return {relation: Delta(tuple(after - before), tuple(before - after))} if after != before else {}

    def take(self, happened: Happened) -> Sequence[Mapping[str, Delta]]:
        """What came and went in all relations with a change, in parts that follow each other."""
        before, now, changes = self._snapshot, happened.snapshot, happened.changes
        assert before is not None, "it has not begun"
        self._snapshot = now
        told = [self._of_violations(happened)]
        if changes is None or now.program is not before.program:
            bound = self._bindings
            told += self._bind(now)
            told += self._rebound(bound, before, now, changes)
        elif changes is not None:
            told += [self._changed(each, changes) for each in self._bindings.values()]
        if changes is not None:
            told += [{TABLE + each.name: changes.part(each.union)} for each in self._passed]
        return [each for each in told if any(each.values())]

    def state(self) -> Relations:
        """All relations as they are after the last change that was taken."""
        assert self._snapshot is not None, "it has not begun"
        found: defaultdict[str, list[Iterable[Row]]] = defaultdict(list)
        for name, rows in self._small.items():
            found[name].append(rows)
        found[VIOLATIONS].append((self._tier.name, id_, text) for id_, text in self._violations.items())
        for each in self._bindings.values():
            found[each.relation].append(each.rows(self._tier.name, self._snapshot.rows(each.table)))
        for agreed in self._passed:
            found[TABLE + agreed.name].append(self._snapshot.rows(agreed.union))
        return {name: chain.from_iterable(parts) for name, parts in found.items()}

    @property
    def tables(self) -> Mapping[str, Sequence[str]]:
        """The engine's own tables that each published table is made of, by its name."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for each in self._bindings.values():
            found[each.agreed.name].append(each.table)
        return found

    @property
    def passed(self) -> frozenset[str]:
        """The published tables that what the children say is passed on in."""
        return frozenset(each.name for each in self._passed)

    # -- what is published -------------------------------------------------------------------------

    def _of_violations(self, happened: Happened) -> Mapping[str, Delta]:
        gone = {id_: text for id_ in happened.resolved if (text := self._violations.pop(id_, None)) is not None}
        came = {id_: text for id_, text in happened.opened.items() if id_ not in self._violations}
        self._violations.update(came)
        name = self._tier.name
        came_rows = [(name, id_, text) for id_, text in came.items() if gone.get(id_) != text]
        gone_rows = [(name, id_, text) for id_, text in gone.items() if came.get(id_) != text]
        return {VIOLATIONS: Delta(came_rows, gone_rows)}

    def _changed(self, binding: Binding, changes: Changes) -> Mapping[str, Delta]:
        delta = changes[binding.table] if binding.table in changes else changes.part(binding.table)
        if not delta:
            return {}
        name = self._tier.name
        return {
            binding.relation: Delta(
                tuple(binding.rows(name, delta.insert)), tuple(binding.rows(name, delta.delete))
            )
        }  # fmt: skip

    def _rebound(
        self, bound: Mapping[str, Binding], before: Snapshot, now: Snapshot, changes: Changes | None
    ) -> Iterator[Mapping[str, Delta]]:
        """What came and went of tables some of which are published since just now, or no longer, or otherwise."""
        name = self._tier.name
        for key in sorted(bound.keys() | self._bindings.keys()):
            old, new = bound.get(key), self._bindings.get(key)
            if old == new and new is not None:
                if changes is not None:
                    yield self._changed(new, changes)
                continue
            if old is not None:
                yield {old.relation: Delta((), tuple(old.rows(name, before.rows(old.table))))}
            if new is not None:
                yield {new.relation: Delta(tuple(new.rows(name, now.rows(new.table))), ())}

    def _bind(self, snapshot: Snapshot) -> Iterable[Mapping[str, Delta]]:
        """Find out which tables are published now, and as what; what that changes of the rules that are told."""
        self._bindings = {}
        for name, table in self._tier.publish.items():
            if name in self._agreed and (schema := _schema(snapshot, table)) is not None:
                self._bind_one(f"{TABLE}{name}", Binding(table, schema, self._agreed[name]))
        modal = list(_Modal.of(snapshot.program))
        for each in modal:
            if each.arity <= TERMS:
                schema = snapshot.program.tables[each.table]
                self._bindings[each.table] = Binding(each.table, schema, self._agreed[COMMANDS], each.lead)
            else:
                self._refusals.tell("CL366", self._tier.name, f"`{each.table}` has more than {TERMS} terms")
        rows = [each.row(self._tier.name) for each in modal if each.arity <= TERMS]
        return [self.tell(RULES, rows)]

    def _bind_one(self, key: str, binding: Binding) -> None:
        why = binding.agreed.misfit(binding.schema)
        if why is None:
            self._bindings[key] = binding
        else:
            self._refusals.tell("CL366", self._tier.name, why)


@dataclass(frozen=True)
class _Modal:
    """What the rules of a policy say of one atom. Several rules are told as one, since their rows stand in one table.

    Where some of them are hard and some are soft, each is told alone: which of them says it decides who wins above.
    """

    program: Program
    table: str
    rules: tuple[CheckedRule, ...]

    @staticmethod
    def of(program: Program) -> Iterator[_Modal]:
        rules: defaultdict[str, list[CheckedRule]] = defaultdict(list)
        for rule in program.rules:
            if rule.kind is RuleKind.MODAL:
                rules[rule.table].append(rule)
        copies: defaultdict[str, list[CheckedRule]] = defaultdict(list)
        for rule in program.rules:
            if "#" in rule.table:
                copies[rule.table.partition("#")[0]].append(rule)
        for table, each in sorted(rules.items()):
            if len({rule.weight is None for rule in each}) > 1:
                # Of two with one text, the hard one.
                told = {rule.identity: rule for rule in sorted(copies[table], key=lambda rule: rule.weight is None)}
                yield from (_Modal(program, rule.table, (rule,)) for rule in told.values())
            else:
                yield _Modal(program, table, tuple(each))

    @cached_property
    def lead(self) -> tuple[str, str, str]:
        """Policy, rule and what is said, as they stand before the terms of each row."""
        names = " or ".join(sorted(rule.identity for rule in self.rules))
        return self.rules[0].policy, names, self.table.partition(":")[2].partition("#")[0]

    @property
    def arity(self) -> int:
        return self.program.tables[self.table].arity

    def row(self, engine: str) -> Row:
        """The row of RULES."""
        policy, names, said = self.lead
        settings = next(each for each in self.program.policies if each.name == policy)
        first, (modal, _, atom) = self.rules[0], said.partition("[")
        told = (policy, names, modal, atom.removesuffix("]"), self.arity, first.weight is None)
        decides = (settings.tier, settings.priority, settings.overridable, settings.mode)
        return (engine, *told, *decides, first.span.source.name, first.span.line)


def _schema(snapshot: Snapshot, table: str) -> TableSchema | None:
    try:
        return snapshot.schema(table)
    except KeyError:
        return None
