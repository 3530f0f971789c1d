"""
Source definitions: what a kind of system offers, and how its replies become typed tables.

A definition is one YAML file and no code, so that whoever runs a system can
connect it. Those that ship lie in the folder `datasources`; a definition named
by a path belongs to somebody's own inventory. A definition is written for one
name, its source's, but the same system may be there twice, under two names: so
references within it are to its own tables, whatever the source is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.diagnostics.yamltree import Item, YamlFile
from congresslite.schema import Catalog, Column, Reference, TableSchema, Type
from congresslite.share import share
from congresslite.sources.asking import AskingReader, Notification, Reply, read_path
from congresslite.sources.declared import Declaration, DeclarationReader, Written
from congresslite.sources.events import Event, read_events
from congresslite.sources.hooks import Hook, check_hook, read_hooks
from congresslite.sources.identities import identity_columns
from congresslite.sources.mapping import ColumnPath, Step, TableMapping, names_of

KEYS = ("source", "description", "service", "null_as", "replies", "notifications", "events", "hooks", "tables")
TABLE_KEYS = ("from", "rows", "null_as", "present")
COLUMN_KEYS = ("path", "null_as", "required")


@dataclass(frozen=True, slots=True)
class Definition:
    """A kind of system: its calls, its tables, and for each table that comes from a call, how.

    `identities` says for each reply whose objects can be asked for singly, and for each hook, which column of each of
    its tables holds the id of the object that a row is of, the object's own table first.
    """

    source: str
    description: str
    service: str | None
    replies: Mapping[str, Reply]
    declarations: Mapping[str, Declaration]
    mappings: Mapping[str, TableMapping]
    path: Path
    notifications: Mapping[str, Notification] = field(default_factory=dict)
    identities: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    hooks: Mapping[str, Hook] = field(default_factory=dict)

    def schema(self, table: str) -> TableSchema:
        """The schema of a table by its short name. Raises KeyError."""
        declared = self.declarations[table]
        columns = tuple(declared.columns.values())
        return TableSchema(f"{self.source}:{table}", columns, declared.key, declared.description)

    def named(self, source: str) -> Definition:
        """The same definition for a source of another name."""
        if source == self.source:
            return self
        own = f"{self.source}:"

        def renamed(column: Column) -> Column:
            to = column.references
            if to is None or not to.table.startswith(own):
                return column
            return replace(column, references=Reference(f"{source}:{to.table.removeprefix(own)}", to.column))

        declarations = {
            name: replace(each, columns={key: renamed(column) for key, column in each.columns.items()})
            for name, each in self.declarations.items()
        }
        return replace(self, source=source, declarations=declarations)

    def spelled(self, null_as: str) -> Definition:
        """The same definition with null spelled as a text wherever it does not say otherwise, as Congress did."""
        declarations = dict(self.declarations)
        mappings = {}
        for name, mapping in self.mappings.items():
            columns = tuple(
                each if each.null_as is not None else replace(each, null_as=null_as) for each in mapping.columns
            )
            mappings[name] = replace(mapping, columns=columns)
            declared = {each.name: _spelled(self.declarations[name].columns[each.name]) for each in columns}
            declarations[name] = replace(self.declarations[name], columns=declared)
        return replace(self, declarations=declarations, mappings=mappings)


def _spelled(column: Column) -> Column:
    """A column where null and booleans are texts."""
    if column.type in (Type.STR, Type.BOOL):
        return replace(column, type=Type.STR)
    return replace(column, type=Type.ANY, domain=None)


@cache
def shipped_definition(name: str) -> Definition:
    """The definition of this name that ships. Raises KeyError if there is none, SourceError if it is not sound."""
    path = share("datasources") / f"{name}.yaml"
    if name not in shipped_names():
        raise KeyError(name)
    return load_definition(path)


@cache
def shipped_names() -> tuple[str, ...]:
    """The names of the definitions that ship, sorted."""
    return tuple(sorted(path.stem for path in share("datasources").glob("*.yaml")))


def catalog_of_definitions() -> Catalog:
    """The tables of all definitions that ship."""
    every = [shipped_definition(name) for name in shipped_names()]
    return Catalog.of(
        (each.schema(table) for each in every for table in each.declarations), [each.source for each in every]
    )


def load_definition(path: Path) -> Definition:
    """Read a definition. Raises SourceError with everything that is wrong with it."""
    findings: list[Diagnostic] = []
    file = YamlFile(path, findings)
    root = file.root()
    definition = None if root is None else _Reader(file).definition(root)
    if findings or definition is None:
        raise SourceError(findings)
    return definition


class _Reader:
    """Reads one definition; what is wrong goes to the file's findings."""

    def __init__(self, file: YamlFile) -> None:
        self.file = file

    def definition(self, root: Item) -> Definition:
        fields = self.file.fields(root, "a source definition", KEYS, ("source", "tables"))
        source = self._text(fields, "source", "`source`") or self.file.path.stem
        asking = AskingReader(self.file)
        replies = asking.replies(fields.get("replies"))
        hooks = read_hooks(self.file, fields.get("hooks"), replies)
        reader = DeclarationReader(
            self.file, source, more_of_tables=TABLE_KEYS, more_of_columns=COLUMN_KEYS, whole=True
        )
        tables = {}
        if "tables" in fields:
            for name, _, item in self.file.entries(fields["tables"], "`tables`"):
                tables[name] = reader.table(name, item)
        reader.check(tables)
        null_as = self._text(fields, "null_as", "`null_as`")
        declarations: dict[str, Declaration] = {}
        mappings: dict[str, TableMapping] = {}
        for name, written in tables.items():
            declarations[name] = written.declaration
            if (mapping := self._mapping(name, written, {**replies, **hooks}, null_as)) is not None:
                mappings[name] = mapping
                declarations[name] = _with_spelling(written.declaration, mapping)
        return Definition(
            source,
            self._text(fields, "description", "`description`") or "",
            self._text(fields, "service", "`service`"),
            replies,
            declarations,
            mappings,
            self.file.path,
            asking.notifications(fields.get("notifications"), replies),
            {
                **self._identities(replies, declarations, mappings, fields),
                **self._hook_identities(hooks, declarations, mappings),
            },
            read_events(self.file, fields.get("events"), replies),
            hooks,
        )

    def _text(self, fields: Mapping[str, Item], key: str, what: str) -> str | None:
        return self.file.text(fields[key], what) if key in fields else None

    def _identities(
        self,
        replies: Mapping[str, Reply],
        declarations: Mapping[str, Declaration],
        mappings: Mapping[str, TableMapping],
        fields: Mapping[str, Item],
    ) -> dict[str, dict[str, str]]:
        """For each reply with `one`, the columns with the id of its objects; a finding where that cannot be told."""
        found: dict[str, dict[str, str]] = {}
        for name, reply in replies.items():
            if reply.one is not None:
                of = {table: mapping for table, mapping in mappings.items() if mapping.reply == name}
                found[name] = columns = identity_columns(declarations, of)
                if lacking := [table for table in of if table not in columns]:
                    hint = "its rows need a column that refers to the key of the object's own table"
                    message = f"`one` of reply `{name}` asks for single objects, but table `{lacking[0]}` does not say"
                    self.file.tell("CL479", f"{message} which object a row is of", fields["replies"].span, hint)
        return found

    def _hook_identities(
        self, hooks: Mapping[str, Hook], declarations: Mapping[str, Declaration], mappings: Mapping[str, TableMapping]
    ) -> dict[str, dict[str, str]]:
        """The same for each hook, whose notifications are always of single objects."""
        found: dict[str, dict[str, str]] = {}
        for name, hook in hooks.items():
            of = {table: mapping for table, mapping in mappings.items() if mapping.reply == name}
            found[name] = identity_columns(declarations, of)
            check_hook(self.file, hook, found[name], declarations, mappings)
        return found

    def _mapping(
        self, name: str, written: Written, replies: Mapping[str, object], null_as: str | None
    ) -> TableMapping | None:
        """How a table comes from a reply; None for one that is given as a file."""
        what = f"table `{name}`"
        extra = written.extra
        if "from" not in extra:
            self._without_reply(written, what)
            return None
        reply = self.file.text(extra["from"], f"`from` of {what}")
        if reply is not None and reply not in replies:
            hint = near_or_listed(reply, replies, "there are")
            self.file.tell("CL428", f"{what} comes from an unknown reply `{reply}`", extra["from"].span, hint)
        steps = self._steps(extra.get("rows"), what)
        own = self._text(extra, "null_as", f"`null_as` of {what}")
        default = null_as if own is None else own
        columns = [
            self._column(
                ColumnPath(column, "@", default, column in written.declaration.key),
                item,
                parts,
                f"column `{column}` of {what}",
                named=bool(steps[0].name),
            )
            for column, (item, parts) in written.columns.items()
        ]
        return TableMapping(reply or "", steps, self._present(extra.get("present"), columns, what))

    def _without_reply(self, written: Written, what: str) -> None:
        """Note what only makes sense for a table that comes from a reply."""
        misplaced = [(key, item) for key, item in written.extra.items()]
        misplaced += [(key, item) for _, parts in written.columns.values() for key, item in parts.items()]
        for key, item in misplaced:
            hint = "name the reply: `from: …`"
            self.file.tell("CL430", f"{what} has `{key}`, but comes from no reply", item.span, hint)

    def _steps(self, item: Item | None, what: str) -> tuple[Step, ...]:
        """The steps to the rows: one path without a name, or paths by the names of what they lead to."""
        if item is None:
            return (Step("", "@"),)
        if item.kind == "mapping":
            pairs = self.file.entries(item, f"`rows` of {what}")
            steps = tuple(Step(name, self._path(path, f"`{name}` of {what}")) for name, _, path in pairs)
            return steps or (Step("", "@"),)
        return (Step("", self._path(item, f"`rows` of {what}")),)

    def _path(self, item: Item, what: str) -> str:
        return read_path(self.file, item, what)

    def _column(
        self, default: ColumnPath, item: Item, parts: Mapping[str, Item], what: str, *, named: bool
    ) -> ColumnPath:
        """Where a column's value stands, what is not said being taken from `default`."""
        path = f'"{default.name}"'
        if "path" in parts:
            path = self._path(parts["path"], what)
        elif named:
            hint = "write where it stands, like `{path: server.id, type: str}`"
            self.file.tell("CL430", f"{what} lacks `path`", item.span, hint)
        null_as = self._text(parts, "null_as", f"`null_as` of {what}")
        required = default.required
        if "required" in parts:
            if not isinstance(parts["required"].value, bool):
                message = f"`required` of {what} is expected to be `true` or `false`"
                self.file.tell("CL422", message, parts["required"].span)
            required = parts["required"].value is True
        return ColumnPath(default.name, path, default.null_as if null_as is None else null_as, required)

    def _present(self, item: Item | None, columns: Sequence[ColumnPath], what: str) -> tuple[ColumnPath, ...]:
        """The columns, those that are listed as ones that a reply has to speak of."""
        listed = {} if item is None else dict(self.file.texts(item, f"`present` of {what}"))
        names = [each.name for each in columns]
        for name, span in listed.items():
            if name not in names:
                hint = near_or_listed(name, names, "it has")
                self.file.tell("CL424", f"{what} has no column `{name}`", span, hint)
        for each in columns:
            if each.name in listed and not names_of(each.path):
                message = f"whether column `{each.name}` of {what} is present cannot be told by its path"
                hint = "only a path of names says where a value would stand, like `server.host`"
                self.file.tell("CL479", message, listed[each.name], hint)
        return tuple(replace(each, present=each.name in listed) for each in columns)


def _with_spelling(declaration: Declaration, mapping: TableMapping) -> Declaration:
    """A declaration with the types that its columns have once null is spelled as a text."""
    columns = {
        each.name: declaration.columns[each.name] if each.null_as is None else _spelled(declaration.columns[each.name])
        for each in mapping.columns
    }
    return replace(declaration, columns=columns)
