"""SELECT statements as values, and how they are laid out to be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from textwrap import indent

from congresslite.plan.sql.kinds import Term


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT: columns with their names, sources, tests that all must be true, and what rows are grouped by."""

    columns: tuple[tuple[Term, str], ...]
    sources: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    distinct: bool = False
    grouped: tuple[str, ...] = ()
    fence: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        """The statement, without an end."""
        columns = [each.sql if each.sql == name else f"{each.sql} AS {name}" for each, name in self.columns]
        lines = [_list("SELECT DISTINCT" if self.distinct else "SELECT", columns)]
        if self.sources:
            lines.append(_list("FROM", self.sources))
        if self.where:
            lines.append("WHERE " + "\n  AND ".join(self.where))
        if self.grouped:
            lines.append(_list("GROUP BY", self.grouped))
        return "\n".join([*lines, *filter(None, [self.fence])])


def nested(text: str, alias: str) -> str:
    """A statement as a source of another one."""
    return f"(\n{indent(text, '  ')}\n) AS {alias}"


def united(texts: Sequence[str], *, keep_all: bool = False) -> str:
    """The rows of several statements, each once unless `keep_all`."""
    return f"\nUNION{' ALL' if keep_all else ''}\n".join(texts)


def _list(word: str, items: Iterable[str]) -> str:
    """`word item, item`, on lines of their own if they are long."""
    items = list(items)
    line = f"{word} {', '.join(items)}"
    if len(line) <= 100 and "\n" not in line:
        return line
    return f"{word}\n" + ",\n".join(indent(item, "  ") for item in items)
