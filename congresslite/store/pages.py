"""
Pages of violations, as quick for a million as for ten.

A page is never filtered out of a long list: for each rule and state that is
wanted there is an index that has just these violations in the order that is
wanted. The database merges as many of those lists as there are, and reads no
more of them than the page takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import Connection

from congresslite.store.cursors import Position
from congresslite.store.episodes import COLUMNS, LISTED, unpacked
from congresslite.store.records import RuleRecord, State, ViolationFilter, ViolationRecord
from congresslite.store.rules import Rules
from congresslite.store.tables import OPEN, RESOLVED, WAIVED
from congresslite.store.texts import held, name

SORTS = ("first_seen", "severity", "policy", "object")
SEVERITIES = ("low", "medium", "high", "critical")
_STATES: Mapping[State, int] = {"open": OPEN, "waived": WAIVED, "resolved": RESOLVED}
_MERGED = 400  # lists in one statement; SQLite takes 500
_OBJECT = '"object"'
_FEW = 5_000  # violations that are sorted within milliseconds
_BEYOND = 2**62  # no episode has such a number

Found = list[tuple[Position, ViolationRecord]]


@dataclass(frozen=True, slots=True)
class Order:
    """How violations follow each other. `sort` is one of SORTS, with a `-` before it for the other way round."""

    sort: str

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self.sort.startswith("-")

    @property
    def by_object(self) -> bool:
        """Whether violations are ordered by their objects."""
        return self.sort.removeprefix("-") == "object"

    def group(self, rule: RuleRecord) -> str:
        """What violations are ordered by before anything else, as far as their rule says it."""
        match self.sort.removeprefix("-"):
            case "severity":
                return str(SEVERITIES.index(rule.severity)) if rule.severity in SEVERITIES else ""
            case "policy":
                return rule.policy
            case _:
                return ""


def read_page(
    connection: Connection, rules: Rules, wanted: ViolationFilter, order: Order, *, limit: int, after: Position | None
) -> Found:
    """The first `limit` violations after a position, each with its own."""
    groups: dict[str, dict[int, RuleRecord]] = {}
    for number in rules.wanted(wanted):
        groups.setdefault(order.group(rules.records[number]), {})[number] = rules.records[number]
    bounds = _bounds(connection, wanted)
    found: Found = []
    for group in sorted(groups, reverse=order.descending):
        if after is not None and group != after.group and (group < after.group) != order.descending:
            continue  # it was before that position
        start = after if after is not None and group == after.group else None
        merge = _Merge(connection, wanted, order, bounds, start)
        for row in merge.rows(groups[group], limit - len(found)):
            record = unpacked(row, rules.records)
            found.append((Position(group, name(record.object) if order.by_object else "", record.seq), record))
        if len(found) >= limit:
            break
    return found


def _bounds(connection: Connection, wanted: ViolationFilter) -> tuple[int | None, int | None]:
    """The first number that is wanted and the first that is not any more: numbers and times grow together."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    statement = f"SELECT seq FROM violations WHERE first_seen >= {mark} ORDER BY first_seen, seq LIMIT 1"  # noqa: S608

    def first(time: float | None) -> int | None:
        if time is None:
            return None
        row = connection.exec_driver_sql(statement, (time,)).first()
        return _BEYOND if row is None else int(row[0])

    return first(wanted.since), first(wanted.until)


class _Merge:
    """Reads violations of some rules in their order."""

    def __init__(
        self,
        connection: Connection,
        wanted: ViolationFilter,
        order: Order,
        bounds: tuple[int | None, int | None],
        after: Position | None,
    ) -> None:
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._order = order
        self._open_of = wanted.open_of
        self._states = [_STATES[state] for state in dict.fromkeys(wanted.states)]
        self._whole = False
        self._lead, leads = self._leading(wanted, bounds)
        self._leads = list(dict.fromkeys(leads))
        self._test, self._given = self._tests(wanted, bounds, after)
        self._way = way = " DESC" if order.descending else ""
        self._ordered = f"{_OBJECT}{way}, seq{way}" if order.by_object else f"seq{way}"

    def rows(self, rules: Mapping[int, RuleRecord], limit: int) -> list[Sequence[Any]]:
        """The first `limit` rows."""
        pairs = [
            (state, number)
            for state, (number, rule) in product(self._states, rules.items())
            if state != OPEN or self._open_of is None or rule.policy in self._open_of
        ]
        lists = [(*pair, lead) for pair, lead in product(pairs, self._leads)]
        parts = [lists[start : start + _MERGED] for start in range(0, len(lists), _MERGED)]
        found = [row for part in parts for row in self._merged(part, limit)]
        if len(parts) > 1:
            about, seq = COLUMNS.index("object"), COLUMNS.index("seq")
            by_object = self._order.by_object
            found.sort(key=lambda row: (row[about] if by_object else "", row[seq]), reverse=self._order.descending)
        return found[:limit]

    def _merged(self, lists: Sequence[tuple[int, int, str]], limit: int) -> Sequence[Sequence[Any]]:
        keys = f"{_unled(self._whole, _OBJECT)} AS {_OBJECT}, seq" if self._order.by_object else "seq"
        lead = f" AND {self._lead} = ?" if self._lead else ""
        each = f"SELECT {keys} FROM violations WHERE state = ? AND rule = ?{lead}{self._test}"  # noqa: S608
        # PostgreSQL would read all violations in the order of their numbers, if it thinks that many of them are wanted:
        # of a range of rules, only our indexes have the order. SQLite reads each list only as far as it is merged.
        ranged = not self._sqlite and self._lead != _OBJECT
        if ranged:
            each = each.replace("rule = ?", "rule BETWEEN ? AND ?")
        if not self._sqlite:
            ordered = f"rule{self._way}, {self._ordered}" if ranged else self._ordered
            each = f"SELECT * FROM ({each} ORDER BY {ordered} LIMIT {limit}) AS list"  # noqa: S608
        given: list[Any] = []
        for state, rule, value in lists:
            given += [state, *([rule] * (2 if ranged else 1)), *([value] if self._lead else []), *self._given]
        merged = f"{' UNION ALL '.join([each] * len(lists))} ORDER BY {self._ordered} LIMIT ?"
        chosen = f"SELECT seq FROM ({merged}) AS merged"  # noqa: S608
        return self._run(
            f"SELECT {LISTED} FROM violations WHERE seq IN ({chosen}) ORDER BY {self._ordered}",  # noqa: S608
            [*given, limit],
        )

    def _leading(self, wanted: ViolationFilter, bounds: tuple[int | None, int | None]) -> tuple[str, list[str]]:
        """The column that leads to the violations after state and rule, and its values; an empty name for none.

        By object, there is no index for a tenant, a site or a time: few violations are read whole and sorted; where
        there are many, they are met often enough on the way through all of them.
        """
        if wanted.objects:
            return _OBJECT, [name(each) for each in wanted.objects]
        if wanted.tenant is not None and self._leads_well("tenant", [wanted.tenant]):
            return "tenant", [name(wanted.tenant)]
        if wanted.sites and self._leads_well("site", wanted.sites):
            return "site", [name(each) for each in wanted.sites]
        if self._order.by_object and any(bound is not None for bound in bounds):
            first, end = bounds
            self._whole = self._few("seq >= ? AND seq < ?", [first or 0, _BEYOND if end is None else end])
        return "", [""]

    def _leads_well(self, column: str, values: Sequence[str]) -> bool:
        if not self._order.by_object:
            return True
        given = [name(each) for each in values]
        self._whole = self._few(
            f"state IN ({_marks(self._states)}) AND {column} IN ({_marks(given)})", [*self._states, *given]
        )
        return self._whole

    def _few(self, test: str, given: Sequence[Any]) -> bool:
        counted = f"SELECT 1 FROM violations WHERE {test} LIMIT ?"  # noqa: S608
        rows = self._run(f"SELECT count(*) FROM ({counted}) AS counted", [*given, _FEW + 1])  # noqa: S608
        return bool(rows[0][0] <= _FEW)

    def _tests(
        self, wanted: ViolationFilter, bounds: tuple[int | None, int | None], after: Position | None
    ) -> tuple[str, list[Any]]:
        """What else must hold of a violation in each of the lists."""
        tests: list[tuple[str, list[Any]]] = []
        if wanted.tenant is not None and self._lead != "tenant":
            tests.append((f"{_unled(True, 'tenant')} = ?", [name(wanted.tenant)]))
        if wanted.sites and self._lead != "site":
            sites = [name(each) for each in wanted.sites]
            tests.append((f"{_unled(True, 'site')} IN ({_marks(sites)})", list(sites)))
        if wanted.text:
            pattern = held(wanted.text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            tests.append((f"message {'LIKE' if self._sqlite else 'ILIKE'} ? ESCAPE '\\'", [f"%{pattern}%"]))
        first, end = bounds
        tests += [("seq >= ?", [first])] if first is not None else []
        tests += [("seq < ?", [end])] if end is not None else []
        if after is not None:
            than = "<" if self._order.descending else ">"
            if self._order.by_object:
                about = _unled(self._whole or bool(self._lead), _OBJECT)
                tests.append((f"({about}, seq) {than} (?, ?)", [after.object, after.seq]))
            else:
                tests.append((f"seq {than} ?", [after.seq]))
        return "".join(f" AND {test}" for test, _ in tests), [value for _, values in tests for value in values]

    def _run(self, statement: str, given: Sequence[Any]) -> Sequence[Sequence[Any]]:
        if not self._sqlite:
            statement = statement.replace("%", "%%").replace("?", "%s")
        return self._connection.exec_driver_sql(statement, tuple(given)).all()


def _unled(so: bool, column: str) -> str:
    """A column; if `so`, as an expression, which makes no database read an index that begins with the column."""
    return f"{column} || ''" if so else column


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
