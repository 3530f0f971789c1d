"""
Files of policy tests: `NAME_test.yaml`, read with the place of everything in it.

Each value keeps the span it was written at, so that a finding about a row
points at its line. Scalars follow YAML 1.2's core schema: `on`, `no` and
`12:30` are strings, as whoever writes a row of a table expects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches

import yaml

from congresslite.diagnostics import Diagnostic, Source, Span
from congresslite.schema import Scalar, canonical

_CLOCK = "%Y-%m-%d %H:%M:%S"
CASE_KEYS = ("name", "given", "expect", "absent", "now")


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A row by column name; `spans` are the places of its cells."""

    cells: Mapping[str, Scalar]
    span: Span = field(compare=False, repr=False)
    spans: Mapping[str, Span] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """The rows written for one table, under the name as written."""

    name: str
    rows: tuple[WrittenRow, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One test: the tables given, those expected exactly, and rows that must not appear. `now` sets the clock."""

    name: str
    given: tuple[WrittenTable, ...]
    expect: tuple[WrittenTable, ...]
    absent: tuple[WrittenTable, ...]
    span: Span = field(compare=False, repr=False)
    now: str | None = None


class _Loader(yaml.SafeLoader):
    """PyYAML with the scalars of YAML 1.2: no dates, no `yes`, no numbers in base 60."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own design)


_SCALARS: tuple[tuple[str, str, Callable[[str], Scalar]], ...] = (
    ("null", r"~|null|Null|NULL|", lambda text: None),
    ("bool", r"true|True|TRUE|false|False|FALSE", lambda text: text.lower() == "true"),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+", lambda text: int(text, 0 if text[:2] in ("0x", "0o") else 10)),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
)
for _tag, _pattern, _ in _SCALARS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), None)
_CONVERT = {f"tag:yaml.org,2002:{tag}": convert for tag, _, convert in _SCALARS}


def parse_tests(source: Source) -> tuple[tuple[Case, ...], tuple[Diagnostic, ...]]:
    """Read a file of tests: the sound ones, and all findings about the others."""
    reader = _Reader(source)
    try:
        root = yaml.compose(source.text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        return (), (_not_yaml(source, error),)
    except (yaml.YAMLError, RecursionError):
        return (), (Diagnostic("CL460", "this is not YAML", Span(source, 0, 1)),)
    cases = tuple(reader.cases(root))
    return cases, tuple(reader.findings)


def _not_yaml(source: Source, error: yaml.MarkedYAMLError) -> Diagnostic:
    mark = error.problem_mark or error.context_mark
    start = min(mark.index if mark else 0, len(source.text))
    problem = (error.problem or "it cannot be read").replace("'", "`")
    return Diagnostic("CL460", f"this is not YAML: {problem}", Span(source, start, start + 1))


class _Reader:
    """Turns YAML nodes into cases; what does not fit becomes a finding and is left out."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Diagnostic] = []

    def cases(self, root: yaml.Node | None) -> Iterator[Case]:
        """The tests of a file, each of them under a name of its own."""
        if not isinstance(root, yaml.SequenceNode) or not root.value:
            span = self.span(root) if root else Span(self.source, 0, 1)
            self.report("CL460", "a file of tests is a list of tests", span, "start each test with `- name: …`")
            return
        lines: dict[str, int] = {}
        for node in root.value:
            case = self.case(node)
            if case is None:
                continue
            if case.name in lines:
                other = f"another one is on line {lines[case.name]}"
                self.report("CL461", f"a second test named `{case.name}`", case.span, other)
            lines.setdefault(case.name, case.span.line)
            yield case

    def case(self, node: yaml.Node) -> Case | None:
        """One test, or None if it has no name or checks nothing."""
        parts = self.mapping(node, "a test")
        if parts is None:
            return None
        unknown = [key for key in parts if key not in CASE_KEYS]
        for key in unknown:
            near = get_close_matches(key, CASE_KEYS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"a test has {', '.join(CASE_KEYS)}"
            self.report("CL461", f"unknown key `{key}` of a test", parts[key][0], hint)
        if "name" not in parts or not (name := self.text(parts["name"][1])):
            if not unknown:  # a misspelt `name` is told already
                self.report("CL461", "a test has a name", _first_line(self.span(node)), "add `name: …`")
            return None
        if "expect" not in parts and "absent" not in parts:
            self.report(
                "CL467",
                f"the test `{name}` checks nothing",
                parts["name"][0],
                "add `expect:` with the rows of a table, or `absent:`",
            )
            return None
        given, expect, absent = (
            self.tables(parts[key][1]) if key in parts else () for key in ("given", "expect", "absent")
        )
        now = self.clock(parts["now"][1]) if "now" in parts else None
        return Case(name, given, expect, absent, parts["name"][0], now)

    def clock(self, node: yaml.Node) -> str | None:
        """The time that `now` gives in a test; None, and a finding, if it is none."""
        text = self.text(node)
        try:
            return datetime.strptime(text, _CLOCK).strftime(_CLOCK)
        except ValueError:
            self.report("CL461", f"`{text}` is no time", self.span(node), "write `now: 2026-01-31 12:00:00`")
            return None

    def tables(self, node: yaml.Node) -> tuple[WrittenTable, ...]:
        """The tables of `given`, `expect` or `absent`."""
        parts = self.mapping(node, "a set of tables", "write `table: [{column: value}]`") or {}
        return tuple(WrittenTable(name, tuple(self.rows(value)), span) for name, (span, value) in parts.items())

    def rows(self, node: yaml.Node) -> Iterator[WrittenRow]:
        """The rows of a table; none for an empty value."""
        if self.is_null(node):
            return
        if not isinstance(node, yaml.SequenceNode):
            self.report("CL462", "the rows of a table are a list", self.span(node), "write `[{column: value}]`")
            return
        for each in node.value:
            cells = self.mapping(each, "a row", "write `{column: value}`")
            if cells is not None:
                values = {name: self.scalar(value) for name, (_, value) in cells.items()}
                yield WrittenRow(
                    values, self.span(each), {name: self.span(value) for name, (_, value) in cells.items()}
                )

    def mapping(
        self, node: yaml.Node, what: str, hint: str | None = None, within: tuple[yaml.Node, ...] = ()
    ) -> dict[str, tuple[Span, yaml.Node]] | None:
        """The entries of a mapping, by key, with the places of the keys; `<<` takes over another mapping's."""
        if self.is_null(node):
            return {}
        if not isinstance(node, yaml.MappingNode) or node in within:
            self.report("CL462", f"{what} is a mapping", self.span(node), hint)
            return None
        entries: dict[str, tuple[Span, yaml.Node]] = {}
        inherited: dict[str, tuple[Span, yaml.Node]] = {}
        for key_node, value in node.value:
            key = self.text(key_node)
            if key == "<<":
                inherited = self.mapping(value, "what `<<` takes over", within=(*within, node)) or {}
            elif key in entries:
                self.report("CL462", f"`{key}` is given twice", self.span(key_node))
            else:
                entries[key] = (self.span(key_node), value)
        return {**inherited, **entries}

    def scalar(self, node: yaml.Node) -> Scalar:
        """The value of a cell; null, and a finding, if it is none that a table can hold."""
        if not isinstance(node, yaml.ScalarNode):
            self.report("CL462", "a cell holds a string, a number, a boolean or null", self.span(node))
            return None
        try:
            return canonical(_CONVERT.get(node.tag, str)(node.value))
        except (ValueError, OverflowError):
            self.report("CL462", f"`{node.value}` is no number that a table can hold", self.span(node))
            return None

    def text(self, node: yaml.Node) -> str:
        """A name or a key, as written; empty, and a finding, if it is no scalar."""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self.report("CL462", "a name is a string", self.span(node))
        return ""

    @staticmethod
    def is_null(node: yaml.Node) -> bool:
        """Whether nothing is written there."""
        return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"

    def span(self, node: yaml.Node) -> Span:
        """The characters of a node."""
        return Span(self.source, node.start_mark.index, max(node.end_mark.index, node.start_mark.index + 1))

    def report(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Keep a finding."""
        self.findings.append(Diagnostic(code, message, span, hint))


def _first_line(span: Span) -> Span:
    return Span(span.source, span.start, span.start + len(span.text.partition("\n")[0]))
