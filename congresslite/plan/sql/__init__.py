"""The plan as SQL: one printer, for DuckDB and for PostgreSQL."""

from congresslite.plan.sql.dialects import DUCKDB, POSTGRESQL, Dialect
from congresslite.plan.sql.layout import Layout
from congresslite.plan.sql.script import Printer, facts_schema, print_program
from congresslite.plan.sql.statements import Create, Loop, Script, Statement

__all__ = [
    "DUCKDB",
    "POSTGRESQL",
    "Create",
    "Dialect",
    "Layout",
    "Loop",
    "Printer",
    "Script",
    "Statement",
    "facts_schema",
    "print_program",
]
