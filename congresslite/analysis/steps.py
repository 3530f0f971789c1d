"""
Steps: what is to be simulated, as somebody writes it.

    nova:migrate("vm1", "h2")                         an action
    inv:host+("h9", "ssd", 16)                        a row that comes; columns may be named, what is left out is null
    inv:vm-(id="vm3")                                 the rows that go; what is left out may be anything
    nova:stop("vm1") & nova:stop("vm2")               a step of several, at once

One step stands on one line; what follows `#` or `//` is a comment. The rule to keep: values are written out, and
whatever is wrong with any step is told before the first one is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from congresslite.analysis.effects import Effects
from congresslite.api import Snapshot
from congresslite.diagnostics import Diagnostic, PolicyError, Severity, Source, Span
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.language.parsing.reader import parse_part
from congresslite.language.printing import value_text
from congresslite.language.resolution.arguments import argument_spans, place_arguments
from congresslite.language.resolution.domains import admits, fits
from congresslite.language.syntax import Anonymous, Atom, Constant, HeadTerm, Rule
from congresslite.schema import Row, Scalar, TableSchema, canonical

# Strings and comments, within which nothing joins, and what joins the parts of a step.
_JOINT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?:#|//).*|/\*.*?\*/|&")
_HOW = 'write an action, `migrate("vm1", "h2")`, or rows, `inv:host+("h9")` and `inv:vm-(id="vm3")`'


class Anything:
    """What stands in a column of which a step says nothing."""


ANYTHING: Final = Anything()


@dataclass(frozen=True, slots=True)
class Action:
    """An action on something; `arguments` are its terms."""

    name: str
    arguments: Row

    @property
    def text(self) -> str:
        """The action as the language writes it."""
        return f"{self.name}({', '.join(map(value_text, self.arguments))})"


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that comes, or the rows that go which have these values."""

    schema: TableSchema
    adds: bool
    values: tuple[Scalar | Anything, ...]

    @property
    def text(self) -> str:
        """The change as the language writes it, with the columns that it names."""
        names = [column.name for column in self.schema.columns]
        said = [f"{name}={value_text(value)}" for name, value in zip(names, self.values, strict=True)
                if not isinstance(value, Anything)]  # fmt: skip
        return f"{self.schema.name}{'+' if self.adds else '-'}({', '.join(said)})"


Part = Action | RowChange


@dataclass(frozen=True, slots=True)
class Step:
    """What is done at once."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The step as the language writes it."""
        return " & ".join(each.text for each in self.parts)


def read_steps(sources: Iterable[Source], snapshot: Snapshot, effects: Effects) -> tuple[Step, ...]:
    """The steps that these texts say, one a line. Raises PolicyError with everything that is wrong with them."""
    reader = _Reader(snapshot, effects)
    steps = [step for source in sources for step in reader.steps(source)]
    if any(each.severity is Severity.ERROR for each in reader.found):
        raise PolicyError(reader.found)
    return tuple(steps)


class _Reader:
    """Reads steps against what a snapshot knows; what is wrong is in `found`."""

    def __init__(self, snapshot: Snapshot, effects: Effects) -> None:
        self._tables, self._derived = snapshot.catalog.tables, snapshot.tables()
        self._effects = effects
        self.found: list[Diagnostic] = []

    def steps(self, source: Source) -> Iterator[Step]:
        """The steps of a text. A text that says none is wrong."""
        said = False
        for start in source.line_starts:
            end = source.text.find("\n", start)
            parts = list(_parts(source, start, len(source.text) if end < 0 else end))
            if len(parts) == 1 and not _says_anything(parts[0]):
                continue
            said = True
            read = [self._part(each) for each in parts]
            if all(each is not None for each in read):
                yield Step(tuple(each for each in read if each is not None))
        if not said:
            self.found.append(Diagnostic("CL310", "there is no step here", Span(source, 0, 0), _HOW))

    def _part(self, span: Span) -> Part | None:
        if not _says_anything(span):
            self.found.append(Diagnostic("CL310", "there is no step beside `&`", span, _HOW))
            return None
        parsed = parse_part(span.source, span.text, range(span.start, span.end + 1))
        self.found += parsed.problems
        if any(each.severity is Severity.ERROR for each in parsed.problems):
            return None
        if len(parsed.statements) != 1:
            hint = "write one step a line, or join what is done at once by `&`"
            self.found.append(Diagnostic("CL310", "these are several steps in one", span, hint))
            return None
        (rule,) = parsed.statements
        plain = isinstance(rule, Rule) and not rule.body and not rule.annotations
        if not isinstance(rule, Rule) or not plain or rule.head.modal not in (None, "execute"):
            self.found.append(Diagnostic("CL310", "this is no step", rule.span, _HOW))
            return None
        atom = rule.head.atom
        return self._rows(atom) if atom.table.effect else self._action(atom)

    # Rows

    def _rows(self, atom: Atom) -> RowChange | None:
        schema = self._table(atom)
        if schema is None:
            return None
        places = {column.name: place for place, column in enumerate(schema.columns)}
        before = len(self.found)
        terms = place_arguments(atom, schema, places, self.found)
        spans = argument_spans(atom, schema)
        adds = atom.table.effect == "+"
        values = [self._value(term, adds=adds) for term in terms or ()]
        if adds:
            self._check_row(atom, schema, values, spans)
        return None if len(self.found) > before else RowChange(schema, adds, tuple(values))

    def _table(self, atom: Atom) -> TableSchema | None:
        """The table of a source that a change names; a name without a source is enough where only one has it."""
        bare = replace(atom.table, effect="")
        name = _meant(str(bare), self._tables)
        if name is not None:
            return self._tables[name]
        message, hint = f"there is no table `{bare}`", near_or_listed(str(bare), self._tables, "tables are")
        if str(bare) in self._derived:
            message = f"`{bare}` is derived by rules: it changes when the tables that they read do"
            hint = "change the rows of the sources that it rests on"
        self.found.append(Diagnostic("CL312", message, atom.table.span, hint))
        return None

    def _check_row(
        self, atom: Atom, schema: TableSchema, values: Sequence[Scalar | Anything], spans: dict[int, Span]
    ) -> None:
        """A row that comes must have its key, and values that its columns may hold."""
        for place, (column, value) in enumerate(zip(schema.columns, values, strict=False)):
            if isinstance(value, Anything):
                continue
            if value is None and column.name in schema.key:
                message = f"a row of `{schema.name}` needs a value of its key `{column.name}`"
                hint = f"add `{column.name}=…`; only other columns may be left out"
                self.found.append(Diagnostic("CL313", message, spans.get(place, atom.span), hint))
            why = unfit(schema, place, value)
            if why is not None:
                self.found.append(Diagnostic("CL315", f"{value_text(value)} {why}", spans.get(place, atom.span)))

    # Actions

    def _action(self, atom: Atom) -> Action | None:
        written = str(atom.table)
        table = _meant(written, self._tables)
        name = _meant(written, self._effects.actions) or written
        if name not in self._effects.actions and table is not None:
            message = f"`{table}` is a table, and no action"
            hint = f"write `{table}+(…)` for a row that comes, `{table}-(…)` for rows that go"
            self.found.append(Diagnostic("CL310", message, atom.span, hint))
            return None
        known = self._effects.actions.get(name)
        named = next((each for each in atom.arguments if each.column is not None), None)
        if named is not None:
            message = f"the terms of action `{name}` have no names here"
            hint = "each policy names them as it likes: give them in order"
            self.found.append(Diagnostic("CL314", message, named.span, hint))
            return None
        if known is not None and len(atom.arguments) not in known:
            arities = " or ".join(map(str, sorted(known)))
            message = f"`{name}` has {len(atom.arguments)} terms here, but rules give it {arities}"
            self.found.append(Diagnostic("CL314", message, atom.span, "name as many terms as the rules do"))
            return None
        before = len(self.found)
        values = [self._value(each.term, adds=True, anything=False) for each in atom.arguments]
        if len(self.found) > before:
            return None
        return Action(name, tuple(each for each in values if not isinstance(each, Anything)))

    def _value(self, term: HeadTerm | None, *, adds: bool, anything: bool = True) -> Scalar | Anything:
        """The value of a term; what is left out is null in a row that comes, and anything in rows that go."""
        if isinstance(term, Constant):
            return canonical(term.value)
        if anything and (term is None or isinstance(term, Anonymous)):
            return None if adds else ANYTHING
        assert term is not None
        hint = f'write text in quotes: `"{term.span.text}"`' if re.fullmatch(r"[\w.:-]+", term.span.text) else None
        message = f"`{term.span.text}` is no value: a step says exactly what it is about"
        self.found.append(Diagnostic("CL311", message, term.span, hint))
        return ANYTHING


def unfit(schema: TableSchema, place: int, value: Scalar) -> str | None:
    """Why a column may not hold a value, to be read after the value; None if it may."""
    column = schema.columns[place]
    if not fits(column.type, value):
        return f"is no {column.type.value}, as `{schema.name}.{column.name}` holds"
    if column.domain is not None and value is not None and not admits(column.domain, value):
        return f"lies outside the domain of `{schema.name}.{column.name}`"
    return None


def _meant(written: str, known: Iterable[str]) -> str | None:
    """The known name that is written, or the only one of that name in any source."""
    names = list(known)
    if written in names:
        return written
    ending = [name for name in names if name.endswith(f":{written}")]
    return ending[0] if len(ending) == 1 else None


def _parts(source: Source, start: int, end: int) -> Iterator[Span]:
    """The parts of a line that `&` joins."""
    line = source.text[start:end]
    begin = 0
    for match in _JOINT.finditer(line):
        if match[0] == "&":
            yield _trimmed(source, start + begin, start + match.start())
            begin = match.end()
        elif match[0].startswith(("#", "//")):
            line = line[: match.start()]
    yield _trimmed(source, start + begin, start + max(begin, len(line)))


def _trimmed(source: Source, start: int, end: int) -> Span:
    text = source.text[start:end]
    start += len(text) - len(text.lstrip())
    return Span(source, start, max(start, start + len(text.strip())))


def _says_anything(span: Span) -> bool:
    return bool(span.text)
