"""
Names: tables and columns as SQL may call them.

A database may take `x` and `X` for one name and cut long ones; policies do
neither. Each name is quoted, and changed only where it would meet another one.
"""

from __future__ import annotations

from collections.abc import Iterable

# PostgreSQL cuts longer names; bytes. Some room is kept for `#delta` and a number.
_LONGEST = 48


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


class Names:
    """Gives each name an identifier of its own; the same name always the same one."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()
        for name in names:
            self.of(name)

    def of(self, name: str) -> str:
        """The identifier of a name, quoted."""
        found = self._given.get(name)
        if found is None:
            found = self._given[name] = quoted(self._free(name))
        return found

    def _free(self, name: str) -> str:
        plain = name.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore").replace("\0", "?") or "?"
        free, number = plain, 1
        while free.casefold() in self._taken:
            number += 1
            free = f"{plain}~{number}"
        self._taken.add(free.casefold())
        return free


def unique(names: Iterable[str]) -> list[str]:
    """Identifiers for the columns of one table, in their order, all different though names repeat."""
    made = Names()
    return [made.of(name if place == 0 else f"{name}~{place + 1}") for name, place in _repeated(names)]


def _repeated(names: Iterable[str]) -> Iterable[tuple[str, int]]:
    seen: dict[str, int] = {}
    for name in names:
        yield name, seen.get(name, 0)
        seen[name] = seen.get(name, 0) + 1
