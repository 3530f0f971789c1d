"""
YAML with the place of everything in it, for files that people write by hand.

A file is read to the end and every mistake becomes a finding, so that whoever
mends it sees all of them at once. Scalars follow YAML 1.2's core schema: `on`,
`no` and `12:30` are text, as anybody expects who has not read YAML 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from congresslite.diagnostics.diagnostic import Diagnostic
from congresslite.diagnostics.span import Source, Span
from congresslite.diagnostics.suggest import near_or_listed

Scalar = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping."""

    key: Item
    value: Item


@dataclass(frozen=True, slots=True)
class Item:
    """A value and where it stands: a scalar, a list, or a mapping."""

    value: Scalar | tuple[Item, ...] | tuple[Entry, ...]
    kind: str  # "scalar", "list" or "mapping"
    span: Span = field(compare=False, repr=False)

    @property
    def what(self) -> str:
        """What the value is, in words."""
        if self.kind != "scalar":
            return f"a {self.kind}"
        match self.value:
            case None:
                return "nothing"
            case bool():
                return f"`{str(self.value).lower()}`"
            case str():
                return f'"{self.value}"'
            case _:
                return f"`{self.value}`"


_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Core(_Loader):  # type: ignore[misc]  # libyaml is there in most builds, and ten times as fast
    """PyYAML with the scalars of YAML 1.2: no dates, no `yes`, no numbers in base 60."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own design)


_TAG = "tag:yaml.org,2002:"
_CONVERT: dict[str, Callable[[str], Scalar]] = {
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": lambda text: int(text, 0 if text[:2] in ("0x", "0o") else 10),
    "float": float,
    "str": str,
}
for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Core.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"^(?:{_pattern})$"), _first)


class YamlFile:
    """One YAML file on its way to what it means. `findings` grows as it is read."""

    def __init__(self, path: Path, findings: list[Diagnostic]) -> None:
        self.path = path
        self.findings = findings
        self._source = Source(str(path), "")
        self._done: dict[int, Item | None] = {}

    def root(self) -> Item | None:
        """The whole file, or None with a finding if it is no YAML."""
        try:
            text = self.path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._tell_file("CL403", f"`{self.path}` is not UTF-8: byte {error.start + 1} cannot be read")
            return None
        except OSError as error:
            self._tell_file("CL402", f"`{self.path}` cannot be read: {(error.strerror or str(error)).lower()}")
            return None
        self._source = Source(str(self.path), text)
        try:
            node = yaml.compose(text, Loader=_Core)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
            self._tell_file("CL420", error.problem or "this is no YAML", line, "mind the indentation and the quotes")
            return None
        except (yaml.YAMLError, RecursionError) as error:
            self._tell_file("CL420", f"this is no YAML: {str(error).splitlines()[0] if str(error) else 'too deep'}")
            return None
        if node is None:
            self._tell_file("CL420", "there is nothing in the file")
            return None
        return self._item(node)

    def _tell_file(self, code: str, message: str, line: str = "", hint: str | None = None) -> None:
        self.findings.append(Diagnostic(code, message, place=f"{self.path}{line}", hint=hint))

    def tell(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Note a finding."""
        self.findings.append(Diagnostic(code, message, span, hint))

    def _span(self, node: yaml.Node) -> Span:
        size = len(self._source.text)
        start, end = min(node.start_mark.index, size), min(node.end_mark.index, size)
        # A block ends where the next thing begins: without its line end, the caret stands under the block alone.
        shown = len(self._source.text[start:end].rstrip())
        return Span(self._source, start, start + shown)

    def _item(self, node: yaml.Node) -> Item | None:
        """A node with its places. An alias shares the item of its anchor; one within its own anchor is an error."""
        key = id(node)
        if key in self._done:
            found = self._done[key]
            if found is None:
                self.tell("CL420", "an alias within what it stands for", self._span(node))
            return found
        self._done[key] = None
        self._done[key] = made = self._made(node)
        return made

    def _made(self, node: yaml.Node) -> Item | None:
        span = self._span(node)
        match node:
            case yaml.ScalarNode():
                return Item(self._scalar(node, span), "scalar", span)
            case yaml.SequenceNode():
                return Item(tuple(item for each in node.value if (item := self._item(each))), "list", span)
            case yaml.MappingNode():
                return Item(tuple(self._entries(node)), "mapping", span)
            case _:
                return None

    def _scalar(self, node: yaml.ScalarNode, span: Span) -> Scalar:
        convert = _CONVERT.get(node.tag.removeprefix(_TAG))
        if convert is None:
            self.tell("CL420", f"an unknown tag `{node.tag}`", span, "leave the tag out")
            return str(node.value)
        try:
            return convert(node.value)
        except ValueError:
            self.tell("CL420", f"`{node.value}` is not what its tag says", span)
            return str(node.value)

    def _entries(self, node: yaml.MappingNode) -> Iterator[Entry]:
        seen: dict[Scalar, int] = {}
        for key_node, value_node in node.value:
            key, value = self._item(key_node), self._item(value_node)
            if key is None or value is None:
                continue
            if key.kind != "scalar" or not isinstance(key.value, str):
                hint = "put it in quotes" if key.kind == "scalar" else None
                self.tell("CL422", f"a name is expected here, not {key.what}", key.span, hint)
            elif key.value in seen:
                message = f"`{key.value}` stands here twice"
                self.tell("CL422", message, key.span, f"the other one is on line {seen[key.value]}")
            else:
                seen[key.value] = key.span.line
                yield Entry(key, value)

    def entries(self, item: Item, what: str) -> list[tuple[str, Item, Item]]:
        """The names, keys and values of a mapping; a finding and nothing if it is none."""
        if item.kind != "mapping":
            self.tell("CL422", f"{what} is expected to be a mapping (`name: …`), not {item.what}", item.span)
            return []
        assert isinstance(item.value, tuple)
        return [(str(each.key.value), each.key, each.value) for each in item.value if isinstance(each, Entry)]

    def fields(self, item: Item, what: str, known: Sequence[str], required: Collection[str] = ()) -> dict[str, Item]:
        """The values of a mapping by key; findings for keys that nobody knows and for those that are missing."""
        found: dict[str, Item] = {}
        for name, key, value in self.entries(item, what):
            if name in known:
                found[name] = value
            else:
                hint = near_or_listed(name, known, "it can have")
                self.tell("CL421", f"{what} has no key `{name}`", key.span, hint)
        for name in known:
            if name in required and name not in found and item.kind == "mapping":
                self.tell("CL430", f"{what} lacks `{name}`", self._first_line(item.span))
        return found

    def _first_line(self, span: Span) -> Span:
        line = span.text.split("\n", 1)[0].rstrip()
        return Span(span.source, span.start, span.start + len(line))

    def text(self, item: Item, what: str) -> str | None:
        """A text; a finding and None for anything else."""
        if item.kind == "scalar" and isinstance(item.value, str):
            return item.value
        hint = "put it in quotes" if item.kind == "scalar" and item.value is not None else None
        self.tell("CL422", f"{what} is expected to be a text, not {item.what}", item.span, hint)
        return None

    def texts(self, item: Item, what: str) -> list[tuple[str, Span]]:
        """A list of texts; a finding for anything else."""
        if item.kind != "list":
            self.tell("CL422", f"{what} is expected to be a list (`[a, b]`), not {item.what}", item.span)
            return []
        assert isinstance(item.value, tuple)
        every = [each for each in item.value if isinstance(each, Item)]
        return [(text, each.span) for each in every if (text := self.text(each, f"an element of {what}")) is not None]
