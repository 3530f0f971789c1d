"""A small estate with owners: machines of functions of services of tenants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from congresslite.api import Engine, Policy
from congresslite.schema import Column, Reference, Row, RowsTable, TableSchema, Type

OWNERS = {"inv:vm": "vnf", "inv:vnf": "ns", "inv:ns": "tenant"}


def _schema(name: str, **columns: str) -> TableSchema:
    """A table whose first column is its key; a column names the table that it refers to, if any."""
    listed = [Column(column, Type.STR, Reference(f"inv:{to}", "id") if to else None) for column, to in columns.items()]
    return TableSchema(f"inv:{name}", tuple(listed), key=(listed[0].name,))


SCHEMAS = {
    schema.name: schema
    for schema in (
        _schema("tenant", id="", tier=""),
        _schema("ns", id="", tenant="tenant"),
        _schema("vnf", id="", ns="ns", state=""),
        _schema("vm", id="", vnf="vnf", host="host"),
        _schema("host", id="", disk=""),
    )
}

ROWS: dict[str, list[Row]] = {
    "inv:tenant": [("acme", "platinum"), ("bell", "gold")],
    "inv:ns": [("voice", "acme"), ("data", "acme"), ("tv", "bell")],
    "inv:vnf": [("ims", "voice", "ACTIVE"), ("fw", "data", "ERROR"), ("lb", "tv", "ERROR"), ("stray", "gone", "ERROR")],
    "inv:vm": [("ims-a", "ims", "h1"), ("ims-b", "ims", "h2"), ("fw-a", "fw", "h1"), ("lb-a", "lb", "h1"),
               ("stray-a", "stray", "h1")],
    "inv:host": [("h1", "hdd"), ("h2", "ssd")],
}  # fmt: skip


def engine(*policies: Policy, rows: Mapping[str, Iterable[Row]] = ROWS) -> Engine:
    """An engine over the estate."""
    return Engine.load(policies, {name: RowsTable(schema, list(rows[name])) for name, schema in SCHEMAS.items()})


def policy(name: str, *rules: str, **settings: str) -> Policy:
    """A policy with these rules."""
    said = ", ".join(f"{key} = {value}" for key, value in settings.items())
    return Policy(name, "\n".join([f"policy {name}({said})." if said else f"policy {name}.", *rules]), f"{name}.dl")


SLOW = policy("slow", '@id("hdd") error(vm, h) :- inv:vm(id=vm, host=h), inv:host(id=h, disk="hdd").')
BROKEN = policy("broken", '@id("state") warning(f) :- inv:vnf(id=f, state="ERROR").')
