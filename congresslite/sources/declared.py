"""
What is declared of tables: columns, types, keys, references, domains, owners.

A `_schema.yaml` beside data files and a source definition say these things in
the same words, so one reader understands both. Names are checked as soon as
the whole file is read: a key, an owner or a reference that leads nowhere would
silently change answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from congresslite.diagnostics import Diagnostic, Span
from congresslite.diagnostics.suggest import did_you_mean, near_or_listed
from congresslite.diagnostics.yamltree import Item, YamlFile
from congresslite.schema import INT_MAX, INT_MIN, Choice, Column, Domain, Range, Reference, Scalar, Type

TABLE_KEYS = ("description", "columns", "key", "references", "domains", "owner")
COLUMN_KEYS = ("type", "description", "references", "domain")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared of one table.

    `whole` says that these are its columns, in this order, whatever a file holds (a source definition); otherwise a
    file's own columns count, and the declaration says something about some of them.
    """

    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    owner: str | None = None
    description: str = ""
    whole: bool = False
    place: str = ""


@dataclass(slots=True)
class Written:
    """The declaration of one table as it was written, with the items that only a definition understands."""

    declaration: Declaration
    item: Item
    columns: dict[str, tuple[Item, dict[str, Item]]]
    extra: dict[str, Item] = field(default_factory=dict)


def read_schema_file(path: Path, source: str, findings: list[Diagnostic]) -> dict[str, Declaration]:
    """The declarations of a `_schema.yaml` by the tables' short names; what is wrong with them goes to `findings`."""
    file = YamlFile(path, findings)
    root = file.root()
    if root is None:
        return {}
    reader = DeclarationReader(file, source)
    tables = {name: reader.table(name, item) for name, _, item in file.entries(root, "a `_schema.yaml`")}
    reader.check(tables)
    return {name: written.declaration for name, written in tables.items()}


class DeclarationReader:
    """Reads the declarations of one file. `more` names the keys that a definition adds to tables and columns."""

    def __init__(
        self,
        file: YamlFile,
        source: str,
        *,
        more_of_tables: tuple[str, ...] = (),
        more_of_columns: tuple[str, ...] = (),
        whole: bool = False,
    ) -> None:
        self.file = file
        self.source = source
        self._table_keys = TABLE_KEYS + more_of_tables
        self._column_keys = COLUMN_KEYS + more_of_columns
        self._whole = whole
        self._references: list[tuple[Reference, Span]] = []

    def table(self, name: str, item: Item) -> Written:
        """The declaration of one table."""
        what = f"table `{name}`"
        required = ("columns",) if self._whole else ()
        fields = self.file.fields(item, what, self._table_keys, required)
        columns: dict[str, Column] = {}
        items: dict[str, tuple[Item, dict[str, Item]]] = {}
        if "columns" in fields:
            for column, _, value in self.file.entries(fields["columns"], f"`columns` of {what}"):
                columns[column], parts = self._column(column, value, what)
                items[column] = (value, parts)
        self._add_references(columns, fields, what)
        self._add_domains(columns, fields, what)
        declaration = Declaration(
            columns,
            self._names(fields, "key", columns, what),
            self._owner(fields, columns, what),
            self._description(fields, what),
            self._whole,
            str(item.span),
        )
        return Written(declaration, item, items, {key: fields[key] for key in fields if key not in TABLE_KEYS})

    def check(self, tables: Mapping[str, Written]) -> None:
        """Note the references to tables and columns of this source that are not there."""
        for reference, span in self._references:
            source, _, table = reference.table.partition(":")
            if source != self.source:
                continue
            if table not in tables:
                hint = near_or_listed(table, tables, "there are")
                self.file.tell("CL425", f"a reference to an unknown table `{table}`", span, hint)
            elif tables[table].declaration.columns and reference.column not in tables[table].declaration.columns:
                hint = near_or_listed(reference.column, tables[table].declaration.columns, "it has")
                message = f"a reference to a column that table `{table}` does not have: `{reference.column}`"
                self.file.tell("CL425", message, span, hint)

    def _column(self, name: str, item: Item, what: str) -> tuple[Column, dict[str, Item]]:
        """A column in its short form (its type) or its long one."""
        column = f"column `{name}` of {what}"
        if item.kind == "scalar":
            return Column(name, self._type(item, column)), {}
        fields = self.file.fields(item, column, self._column_keys, ("type",))
        type_ = self._type(fields["type"], column) if "type" in fields else Type.ANY
        references = self._reference(fields["references"], column) if "references" in fields else None
        domain = self._domain(fields["domain"], type_, column) if "domain" in fields else None
        made = Column(name, type_, references, domain, description=self._description(fields, column))
        return made, {key: fields[key] for key in fields if key not in COLUMN_KEYS}

    def _type(self, item: Item, what: str) -> Type:
        known = [each.value for each in Type]
        if item.kind == "scalar" and item.value in known:
            return Type(str(item.value))
        name = str(item.value) if item.kind == "scalar" else ""
        hint = did_you_mean(name, known) or f"the types are {', '.join(known)}"
        self.file.tell("CL423", f"{what} has an unknown type: {item.what}", item.span, hint)
        return Type.ANY

    def _description(self, fields: Mapping[str, Item], what: str) -> str:
        found = fields.get("description")
        return "" if found is None else self.file.text(found, f"the description of {what}") or ""

    def _names(self, fields: Mapping[str, Item], key: str, columns: Mapping[str, Column], what: str) -> tuple[str, ...]:
        if key not in fields:
            return ()
        named = self.file.texts(fields[key], f"`{key}` of {what}")
        for name, span in named:
            self._known(name, span, columns, what)
        return tuple(name for name, _ in named)

    def _known(self, name: str, span: Span, columns: Mapping[str, Column], what: str) -> bool:
        """Whether a column is declared. Where none is, the file's own columns count, and are looked at later."""
        if name in columns or (not columns and not self._whole):
            return True
        hint = near_or_listed(name, columns, "it has")
        self.file.tell("CL424", f"{what} has no column `{name}`", span, hint)
        return False

    def _owner(self, fields: Mapping[str, Item], columns: Mapping[str, Column], what: str) -> str | None:
        if "owner" not in fields:
            return None
        item = fields["owner"]
        name = self.file.text(item, f"`owner` of {what}")
        if name is None or not self._known(name, item.span, columns, what):
            return None
        if name in columns and columns[name].references is None:
            message = f"the owner of {what} cannot be found: column `{name}` refers to nothing"
            self.file.tell("CL424", message, item.span, f"give `{name}` a reference: `references: table.column`")
        return name

    def _add_references(self, columns: dict[str, Column], fields: Mapping[str, Item], what: str) -> None:
        for name, value, column in self._of_columns("references", columns, fields, what):
            reference = self._reference(value, f"column `{name}` of {what}")
            columns[name] = Column(name, column.type, reference, column.domain, column.declared, column.description)

    def _add_domains(self, columns: dict[str, Column], fields: Mapping[str, Item], what: str) -> None:
        for name, value, column in self._of_columns("domains", columns, fields, what):
            domain = self._domain(value, column.type, f"column `{name}` of {what}")
            columns[name] = Column(name, column.type, column.references, domain, column.declared, column.description)

    def _of_columns(
        self, key: str, columns: Mapping[str, Column], fields: Mapping[str, Item], what: str
    ) -> Iterator[tuple[str, Item, Column]]:
        """What `references` and `domains` say of single columns; a column of unknown type is one of the file's."""
        if key not in fields:
            return
        for name, key_item, value in self.file.entries(fields[key], f"`{key}` of {what}"):
            if self._known(name, key_item.span, columns, what):
                yield name, value, columns.get(name, Column(name, declared=False))

    def _reference(self, item: Item, what: str) -> Reference | None:
        """`table.column` of this source, or `source:table.column`; a table's name may hold dots, a column's not."""
        text = self.file.text(item, f"the reference of {what}")
        if text is None:
            return None
        source, colon, rest = text.partition(":") if ":" in text else (self.source, ":", text)
        table, dot, column = rest.rpartition(".")
        if not (source and dot and table and column):
            hint = "write it as `table.column`, or `source:table.column`"
            self.file.tell("CL425", f"{what} refers to `{text}`, which names no column", item.span, hint)
            return None
        reference = Reference(f"{source}{colon}{table}", column)
        self._references.append((reference, item.span))
        return reference

    def _domain(self, item: Item, type_: Type, what: str) -> Domain | None:
        """`[low, high]` of a column of numbers is a range, null leaves an end open; other lists are the values."""
        if item.kind == "mapping":
            fields = self.file.fields(item, f"the domain of {what}", ("values",), ("values",))
            return self._choice(self._values(fields["values"], what), item, type_, what) if "values" in fields else None
        values = self._values(item, what)
        numbers = all(each is None or (isinstance(each, int | float) and not isinstance(each, bool)) for each in values)
        if len(values) == 2 and numbers and type_ is not Type.STR:
            return self._range(values, item, what)
        return self._choice(values, item, type_, what)

    def _values(self, item: Item, what: str) -> list[Scalar]:
        if item.kind == "list":
            assert isinstance(item.value, tuple)
            every = [each for each in item.value if isinstance(each, Item)]
            if all(each.kind == "scalar" for each in every):
                return [each.value for each in every if not isinstance(each.value, tuple)]
        self.file.tell("CL426", f"the domain of {what} is no list of values", item.span, "write `[0, 100]` or `[a, b]`")
        return []

    def _range(self, values: list[Scalar], item: Item, what: str) -> Domain | None:
        low, high = values
        assert not isinstance(low, str) and not isinstance(high, str)
        if low is not None and high is not None and low > high:
            self.file.tell("CL426", f"the domain of {what} is empty: {low} is more than {high}", item.span)
            return None
        return Range(low, high)

    def _choice(self, values: Iterable[Scalar], item: Item, type_: Type, what: str) -> Domain | None:
        listed = tuple(values)
        for value in listed:
            if not fits(value, type_):
                shown = f'"{value}"' if isinstance(value, str) else str(value)
                message = f"the domain of {what} holds {shown}, but the column is of type {type_}"
                self.file.tell("CL426", message, item.span)
        return Choice(listed) if listed else None


def fits(value: Scalar, type_: Type) -> bool:
    """Whether a value may stand in a column of a type; null may stand in any."""
    match value:
        case None:
            return True
        case bool():
            return type_ in (Type.BOOL, Type.ANY)
        case int():
            return type_ in (Type.INT, Type.FLOAT, Type.ANY) and INT_MIN <= value <= INT_MAX
        case float():
            whole = value.is_integer() and INT_MIN <= value <= INT_MAX
            return type_ in (Type.FLOAT, Type.ANY) or (type_ is Type.INT and whole)
        case str():
            return type_ in (Type.STR, Type.ANY)
