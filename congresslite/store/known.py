"""
What the one process that writes violations keeps in mind between two batches.

A value: each batch makes another one, so whoever reads has a whole one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, func, select

from congresslite.store.records import Batch, Opened, Revised
from congresslite.store.rules import Rules
from congresslite.store.tables import BATCHES, OPEN, VIOLATIONS, WAIVED
from congresslite.store.texts import name, told_name

# Rule, site (as it is held), and whether they are waived.
Group = tuple[int, str, bool]


@dataclass(frozen=True, slots=True)
class Open:
    """How many violations are open, by rule, site and whether they are waived."""

    groups: Mapping[Group, int]
    total: int

    @staticmethod
    def count(connection: Connection, tenant: str | None = None) -> Open:
        """Count them; of one tenant, or of all."""
        table = VIOLATIONS.c
        counted: ColumnElement[bool] = table.state.in_((OPEN, WAIVED))
        site: ColumnElement[str] = table.site
        if tenant is not None:
            counted &= table.tenant == name(tenant)
            # An expression, so that no index by site is gone through whole for the sake of the order of the groups.
            site = table.site.concat("").label("site")
        by = (table.rule, site, table.state)
        counting = select(*by, func.count()).where(counted).group_by(*by)
        rows = connection.execute(counting)
        return Open.of({(rule, site, state == WAIVED): count for rule, site, state, count in rows})

    @staticmethod
    def of(groups: Mapping[Group, int]) -> Open:
        """These numbers, without those that are zero."""
        kept = {group: count for group, count in groups.items() if count}
        return Open(kept, sum(kept.values()))

    def changed(self, came: Mapping[Group, int], went: Mapping[Group, int]) -> Open:
        """The numbers after some came and some went."""
        groups = dict(self.groups)
        for group, count in came.items():
            groups[group] = groups.get(group, 0) + count
        for group, count in went.items():
            groups[group] = groups.get(group, 0) - count
        return Open.of(groups)

    def listed(self) -> Iterator[tuple[int, str | None, int, int]]:
        """Rule, site, how many are open and not waived, and how many are waived."""
        for rule, site in sorted({(rule, site) for rule, site, _ in self.groups}):
            yield rule, told_name(site), self.groups.get((rule, site, False), 0), self.groups.get((rule, site, True), 0)


@dataclass(frozen=True, slots=True)
class Known:
    """The last batch, the number of the next episode, the rules, and how many violations are open."""

    batch: int
    at: float
    next_seq: int
    rules: Rules
    open: Open

    @staticmethod
    def load(connection: Connection) -> Known:
        """Read it."""
        last = connection.execute(select(BATCHES).order_by(BATCHES.c.number.desc()).limit(1)).first()
        rules, count = Rules.load(connection), Open.count(connection)
        if last is None:
            return Known(0, 0.0, 1, rules, count)
        return Known(last.number, last.at, last.first_seq + last.opened, rules, count)

    def with_rules(self, rules: Rules) -> Known:
        """The same with other rules."""
        return replace(self, rules=rules)

    def recounted(self, connection: Connection) -> Known:
        """The same with what is open counted anew."""
        return replace(self, open=Open.count(connection))

    def told_otherwise(self, batch: Batch, revised: Sequence[Revised]) -> Known:
        """What is known after a batch in which open violations are told otherwise."""
        number = self.rules.numbers
        before, after = (
            Counter(
                (number[each.rule.policy, each.rule.rule], name(each.site), each.waiver is not None) for each in side
            )
            for side in zip(*revised, strict=True)
        )
        return replace(self, batch=batch.number, at=batch.at, open=self.open.changed(after, before))

    def after(
        self, batch: Batch, opened: Sequence[Opened], numbers: Mapping[int, int], closed: Sequence[Group]
    ) -> Known:
        """What is known after a batch. `numbers` has the number of each rule by the identity of its record."""
        came: Counter[Group] = Counter()
        groups = Counter((numbers[id(each.rule)], each.site, each.waiver is not None) for each in opened)
        for (rule, site, waived), count in groups.items():
            came[rule, name(site), waived] += count
        return replace(
            self,
            batch=batch.number,
            at=batch.at,
            next_seq=self.next_seq + batch.opened,
            open=self.open.changed(came, Counter(closed)),
        )
