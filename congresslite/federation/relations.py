"""
The relations of the streams: what they are called, and what stands in their rows.

Each row of what goes up begins with the engine that it comes from, since an engine
in the middle passes on what its children say. Published tables are relations
`table:NAME` whose columns, after the engine, are those that the two have agreed on.
"""

from __future__ import annotations

from collections.abc import Mapping

from congresslite.schema import Row

ENGINES = "engines"
TABLES = "tables"
POLICIES = "policies"
RULES = "rules"
VIOLATIONS = "violations"
HEALTH = "health"
HANDED = "handed"
TABLE = "table:"

DOWN = "down"

# The columns of each, with their types; what does not fit them is not taken.
COLUMNS: Mapping[str, Mapping[str, type]] = {
    # The engines themselves; the parent is `null` at the top.
    ENGINES: {"engine": str, "level": str, "parent": str},
    # The columns of the tables that an engine knows, as JSON.
    TABLES: {"engine": str, "table": str, "columns": str},
    # Those that an engine has: its own, and those it was handed.
    POLICIES: {"engine": str, "name": str, "tier": str, "mode": str, "etag": str, "text": str},
    # Its modal rules; the rows of them are in the table of COMMANDS.
    RULES: {
        "engine": str,
        "policy": str,
        "rule": str,
        "modal": str,
        "atom": str,
        "arity": int,
        "hard": bool,
        "tier": str,
        "priority": int,
        "overridable": bool,
        "mode": str,
        "file": str,
        "line": int,
    },
    # Open violations and conflicts, each as JSON.
    VIOLATIONS: {"engine": str, "id": str, "document": str},
    # What is not current there, and (as JSON) which of the published tables rest on it.
    HEALTH: {"engine": str, "source": str, "feed": str, "health": str, "since": float, "why": str, "tables": str},
    # What became of a policy that was handed down: "applied" or "refused", and why.
    HANDED: {"engine": str, "policy": str, "etag": str, "became": str, "why": str},
    # What goes down: the policies of the tiers below, and the engine that each comes from.
    DOWN: {"name": str, "tier": str, "etag": str, "text": str, "origin": str},
}
UP = tuple(name for name in COLUMNS if name != DOWN)

# Columns that may be null.
_NULLABLE = {"parent", "since", "why"}
_TAKES: Mapping[type, tuple[type, ...]] = {float: (float, int)}


def fits(relation: str, row: Row) -> bool:
    """Whether a row can be one of a relation."""
    columns = COLUMNS[relation]
    return len(row) == len(columns) and all(
        (value is None and name in _NULLABLE) or type(value) in _TAKES.get(type_, (type_,))
        for value, (name, type_) in zip(row, columns.items(), strict=True)
    )
