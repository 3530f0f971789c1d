"""The tables that tests of checks read, and how they look at findings."""

from __future__ import annotations

from congresslite.diagnostics import Diagnostic, Source
from congresslite.language.check import Checked, check_sources
from congresslite.schema import Catalog, Choice, Column, Range, Reference, TableSchema, Type


def table(name: str, *columns: Column, key: str = "") -> TableSchema:
    """A table of a source."""
    return TableSchema(name, columns, (key,) if key else ())


def column(name: str, type_: Type = Type.STR, to: str = "", domain: Range | Choice | None = None) -> Column:
    """A declared column; `to` is `table.column`."""
    target, _, there = to.rpartition(".")
    return Column(name, type_, Reference(target, there) if to else None, domain)


CATALOG = Catalog.of(
    [
        table("inv:pop", column("id"), column("region"), column("kind"), key="id"),
        table(
            "inv:vm",
            column("id"),
            column("vnf", to="inv:vnf.id"),
            column("host", to="inv:host.id"),
            column("vcpus", Type.INT, domain=Range(1, 128)),
            column("state", domain=Choice(("ACTIVE", "ERROR", "SHUTOFF"))),
            column("locked", Type.BOOL),
            key="id",
        ),
        table("inv:vnf", column("id"), column("ns"), column("state"), key="id"),
        table(
            "inv:host",
            column("id"),
            column("pop", to="inv:pop.id"),
            column("disk"),
            column("cores", Type.INT),
            column("load", Type.FLOAT),
            key="id",
        ),
        table("inv:link", column("a"), column("b")),
        table("inv:tag", column("object", Type.ANY), column("value", Type.ANY)),
        table("inv:alarm"),
    ],
    sources=["nova"],
)


def checked(*texts: str, **options: tuple[str, ...]) -> Checked:
    """Check policies: the first is `p.dl`, the next `p2.dl`, and so on."""
    names = ("p.dl", *(f"p{number}.dl" for number in range(2, len(texts) + 1)))
    return check_sources([Source(name, text) for name, text in zip(names, texts, strict=True)], CATALOG, **options)


def told(finding: Diagnostic) -> tuple[str, str]:
    """What a finding is and what it underlines."""
    return finding.code, finding.span.text if finding.span is not None else ""


def assert_told(text: str, code: str, underlined: str, hint: str) -> None:
    """A text has exactly one finding: of this code, at this place, with a hint that says this."""
    found = checked(text).diagnostics
    assert [told(each) for each in found] == [(code, underlined)]
    assert hint in (found[0].hint or ""), found[0]
