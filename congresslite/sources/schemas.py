"""
Schemas that are found out when they are asked for.

Which tables a source has is known at once; what their columns are may stand in
a file or follow from rows, and most of them nobody asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from congresslite.schema import TableSchema


class Schemas(Mapping[str, TableSchema]):
    """Schemas by name. `find` gives one of them, or raises SourceError."""

    def __init__(self, names: Iterable[str], find: Callable[[str], TableSchema]) -> None:
        self._names = dict.fromkeys(names)
        self._find = find

    def __getitem__(self, name: str) -> TableSchema:
        if name not in self._names:
            raise KeyError(name)
        return self._find(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names  # without finding anything out

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
