"""
From bindings to literals: each row that a table might have becomes one, defined by the bindings that give it.

Our engine evaluates the made rules of a layer on a trial of its own, which nobody else sees; here its rows are only
looked up and joined by number. The rule to keep: a row that has no literal here is one that no choice can give.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from congresslite.analysis.adaptation.folds import Refused, folded_rows, refusal
from congresslite.analysis.adaptation.literals import FALSE, TRUE, GroundProgram, TooLargeError, defined, simplified
from congresslite.analysis.adaptation.plans import AdaptationError
from congresslite.analysis.adaptation.translation import Layer, Made, Way, extended, possible
from congresslite.api import Snapshot
from congresslite.language.program import CheckedRule, Const, Fold, NoMatch, Stratum, Var
from congresslite.schema import Row, TableSchema

Key = tuple[Hashable, ...]
Bodies = list[tuple[int, ...]]


def key_of(row: Iterable[object]) -> Key:
    """What is equal for equal rows, and only for such: in Python, `true` would be 1."""
    return tuple([(value,) if isinstance(value, bool) else value for value in row])


@dataclass(slots=True)
class Rows:
    """The rows that a table might have, each with its literal, or with what gives it when somebody asks."""

    rows: dict[Key, Row] = field(default_factory=dict)
    literals: dict[Key, int | Callable[[], int]] = field(default_factory=dict)
    matching: dict[tuple[int, ...], dict[Key, list[Key]]] = field(default_factory=dict)

    def literal(self, key: Key) -> int:
        """The literal of a row; FALSE for one that cannot be."""
        found = self.literals.get(key, FALSE)
        if not isinstance(found, int):
            # Of an aggregate's many values, only those that a rule asks about are worth counting.
            found = self.literals[key] = found()
        return found

    def add(self, row: Row, literal: int | Callable[[], int]) -> None:
        """Take a row that is not there yet."""
        key = key_of(row)
        self.rows[key], self.literals[key] = row, literal

    def with_values(self, places: tuple[int, ...], values: Key) -> Sequence[Key]:
        """The rows that have these values in these places."""
        index = self.matching.get(places)
        if index is None:
            index = self.matching[places] = {}
            for key in self.rows:
                index.setdefault(tuple([key[place] for place in places]), []).append(key)
        return index.get(values, ())


class Grounding:
    """Everything that the wanted tables might say, as a ground program. `start` is the state that choices change."""

    def __init__(self, start: Snapshot, program: GroundProgram, choice: str, rows: Rows) -> None:
        self.program = program
        self.tables: dict[str, Rows] = {choice: rows}
        self._now, self._base = start, start.program
        self._absent: dict[tuple[str, tuple[int, ...], Key], int] = {}
        schema = start.schema(choice)
        name = possible(choice)
        self._made = Made((), (TableSchema(name, schema.columns),), (Stratum((name,), recursive=False),))
        self._facts: dict[str, tuple[Row, ...]] = {name: tuple(rows.rows.values())}
        self._waiting: list[Layer] = []

    def ground(self, layers: Iterable[Layer]) -> None:
        """Give literals to all rows of the layers. Raises AdaptationError for a rule that cannot be solved for."""
        for layer in layers:
            folds: dict[str, list[tuple[Row, Callable[[], int]]]] = defaultdict(list)
            if layer.folded:
                self._made += layer.fold
                self._settle()
                for rule, ways in _by_rule(layer.folded):
                    folds[rule.table] += self._folded(rule, ways)
            for table in layer.tables:
                self._state(table, folds[table])
            self._made += layer.derive
            self._waiting.append(layer)
        self._settle()

    def _state(self, table: str, folds: Sequence[tuple[Row, Callable[[], int]]]) -> None:
        """Begin a table with what aggregates give, and with the facts of its policy."""
        rows = self.tables[table] = Rows()
        given: dict[Key, list[Callable[[], int]]] = defaultdict(list)
        known = {key_of(row): row for row, _ in folds}
        for row, literal in folds:
            given[key_of(row)].append(literal)
        for key, each in given.items():
            rows.add(known[key], each[0] if len(each) == 1 else _either(self.program, each))
        for fact in self._base.facts.get(table, ()):
            rows.add(fact, TRUE)
        self._facts[possible(table)] = tuple(rows.rows.values())

    def _settle(self) -> None:
        """Let the engine evaluate what was made since the last time, and give literals to the rows."""
        wanted = extended(self._base, self._made, dict(self._facts))
        self._now = self._now.trial({}, wanted).after
        for layer in self._waiting:
            (self._recursive if layer.recursive else self._plain)(layer)
        self._waiting = []

    # -- tables that no aggregate folds ----------------------------------------------------------

    def _plain(self, layer: Layer) -> None:
        (table,) = layer.tables
        found: dict[Key, tuple[Row, Bodies]] = {}
        for way in layer.plain:
            head = _picker(_terms(way.rule), way.columns)
            for row, body in self._bodies(way):
                given = head(row)
                found.setdefault(key_of(given), (given, []))[1].append(body)
        rows = self.tables[table]
        for key, (row, bodies) in found.items():
            if key in rows.literals:
                bodies.append((rows.literal(key),))
            rows.add(row, defined(self.program, bodies))

    def _recursive(self, layer: Layer) -> None:
        """Tables that rest on each other: every row gets an atom before any of them is defined."""
        for table in layer.tables:
            rows = self.tables[table]
            for row in self._now.rows(possible(table)):
                known = rows.literal(key_of(row))
                atom = self.program.atom()
                rows.add(row, atom)
                if known != FALSE:
                    self.program.rules.append((atom, () if known == TRUE else (known,)))
        found: dict[int, Bodies] = defaultdict(list)
        for way in layer.plain:
            head, rows = _picker(_terms(way.rule), way.columns), self.tables[way.rule.table]
            for row, body in self._bodies(way):
                found[rows.literal(key_of(head(row)))].append(body)
        for atom, bodies in found.items():
            short = dict.fromkeys(map(simplified, bodies))
            self.program.rules += [(atom, body) for body in short if body is not None]
        self._known(layer.tables)

    def _known(self, tables: Iterable[str]) -> None:
        """Rows of a recursion that hold whatever is chosen: what follows from facts alone."""
        rules = self.program.rules
        readers: dict[int, list[int]] = defaultdict(list)
        for number, (_, body) in enumerate(rules):
            for literal in body:
                readers[literal].append(number)
        missing = [len(body) for _, body in rules]
        holds = set()
        waiting = [head for head, body in rules if not body]
        while waiting:
            atom = waiting.pop()
            if atom in holds:
                continue
            holds.add(atom)
            for number in readers[atom]:
                missing[number] -= 1
                if not missing[number]:
                    waiting.append(rules[number][0])
        for table in tables:
            literals = self.tables[table].literals
            literals.update((key, TRUE) for key, literal in literals.items() if literal in holds)

    def _bodies(self, way: Way) -> Iterable[tuple[Row, tuple[int, ...]]]:
        """The bindings of a way, each with the literals that it rests on; without those that never hold."""
        scans = [(self.tables[each.table], _picker(each.terms, way.columns)) for each in way.scans]
        absent = [self._none(each, way.columns) for each in way.absent]
        for row in self._now.rows(way.table):
            body = [rows.literal(key_of(pick(row))) for rows, pick in scans]
            body += [none(row) for none in absent]
            if FALSE not in body:
                yield row, tuple(body)

    def _none(self, literal: NoMatch, columns: Sequence[str]) -> Callable[[Row], int]:
        """For a binding, the literal that says that a table has no row such as a negation names."""
        rows = self.tables[literal.table]
        open_ = [isinstance(term, Var) and term.anonymous for term in literal.terms]
        if not any(open_):
            pick = _picker(literal.terms, columns)
            return lambda row: -rows.literal(key_of(pick(row)))
        places = tuple(place for place, each in enumerate(open_) if not each)
        pick = _picker([literal.terms[place] for place in places], columns)

        def none(row: Row) -> int:
            values = key_of(pick(row))
            known = self._absent.get((literal.table, places, values))
            if known is None:
                known = self.program.all_of(-rows.literal(key) for key in rows.with_values(places, values))
                self._absent[literal.table, places, values] = known
            return known

        return none

    # -- aggregates ------------------------------------------------------------------------------

    def _folded(self, rule: CheckedRule, ways: Sequence[Way]) -> list[tuple[Row, Callable[[], int]]]:
        """The rows that an aggregate might give. Raises AdaptationError."""
        groups: dict[Key, dict[Hashable, tuple[Row, Row, Bodies]]] = {}
        folds = [term for term in rule.head if isinstance(term, Fold)]
        for way in ways:
            group = _picker(_terms(rule), way.columns)
            values = _picker([each.argument for each in folds], way.columns)
            for row, body in self._bodies(way):
                key = group(row)
                # Bindings of different variables are different ones, whatever their values.
                bindings = groups.setdefault(key_of(key), {})
                bindings.setdefault((way.columns, key_of(row)), (key, values(row), []))[2].append(body)
        found: list[tuple[Row, Callable[[], int]]] = []
        try:
            for members in groups.values():
                elements = [(values, defined(self.program, bodies)) for _, values, bodies in members.values()]
                key = next(key for key, _, _ in members.values())
                found += folded_rows(self.program, rule, key, elements)
        except (Refused, TooLargeError) as error:
            raise AdaptationError(refusal(rule, error)) from error
        return found


def _by_rule(ways: Iterable[Way]) -> Iterable[tuple[CheckedRule, list[Way]]]:
    found: dict[int, tuple[CheckedRule, list[Way]]] = {}
    for way in ways:
        found.setdefault(id(way.rule), (way.rule, []))[1].append(way)
    return found.values()


def _either(program: GroundProgram, literals: Sequence[Callable[[], int]]) -> Callable[[], int]:
    return lambda: program.any_of(each() for each in literals)


def _terms(rule: CheckedRule) -> list[Var | Const]:
    """The terms of a head that are no aggregates."""
    return [term for term in rule.head if not isinstance(term, Fold)]


def _picker(terms: Iterable[Var | Const], columns: Sequence[str]) -> Callable[[Row], Row]:
    """Takes the values of some terms from a binding."""
    places = {name: place for place, name in enumerate(columns)}
    wanted = [(places[term.name], None) if isinstance(term, Var) else (-1, term.value) for term in terms]
    if all(place >= 0 for place, _ in wanted):
        plain = [place for place, _ in wanted]
        return lambda row: tuple([row[place] for place in plain])
    return lambda row: tuple([value if place < 0 else row[place] for place, value in wanted])


def rows_of(rows: Rows, holds: Callable[[int], bool]) -> dict[Key, Row]:
    """The rows of a table in a model."""
    return {key: row for key, row in rows.rows.items() if holds(rows.literal(key))}


def given_rows(chosen: Mapping[Key, tuple[Row, int]]) -> Rows:
    """A table of rows with the literals that they have."""
    rows = Rows()
    for row, literal in chosen.values():
        rows.add(row, literal)
    return rows
