"""
Sources as they were when they could last be opened.

Some sources say only themselves what tables they have: a folder its files, a
database its columns. If such a source is out of reach when the estate starts,
the estate starts all the same, with the tables that are remembered; the source
is stale until it can be opened, and then goes on as if nothing had been.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.schema import Choice, Column, Domain, Range, Reference, TableSchema, Type
from congresslite.sources.driver import Deadline, Driver, Feed, Pull, Wake, Watch


class Memory:
    """What is remembered of sources: one file each, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, source: str, settings: str, make: Callable[[], Driver]) -> Driver:
        """The driver of a source, or else (if it was open before with the same settings) a stand-in.

        Raises SourceError if it cannot be opened and nothing is remembered of it.
        """
        try:
            driver = make()
            self.keep(source, settings, driver)
        except SourceError as error:
            remembered = self._read(source)
            if remembered is None or remembered["settings"] != settings:
                raise
            return RememberedDriver(remembered, make, error)
        return driver

    def keep(self, source: str, settings: str, driver: Driver) -> None:
        """Remember what a source looks like that is open with these settings."""
        self._write(source, {"settings": settings, **_described(driver)})

    def forget(self, source: str) -> None:
        """Remember nothing of a source."""
        self._path(source).unlink(missing_ok=True)

    def _path(self, source: str) -> Path:
        return self._folder / f"{source}.json"

    def _read(self, source: str) -> Any:
        try:
            return json.loads(self._path(source).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def _write(self, source: str, known: Mapping[str, Any]) -> None:
        if known == self._read(source):
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._path(source).with_suffix(".writing")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(known, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path(source))


class RememberedDriver:
    """Stands in for a driver that cannot be opened; each pull tries to open it."""

    def __init__(self, known: Mapping[str, Any], make: Callable[[], Driver], error: SourceError) -> None:
        self.schemas: Mapping[str, TableSchema] = {name: _schema(each) for name, each in known["schemas"].items()}
        self.owners: Mapping[str, str] = known["owners"]
        mapped = known.get("mapped", ())
        self.feeds: Sequence[Feed] = [
            Feed(name, tuple(tables), name in mapped) for name, tables in known["feeds"].items()
        ]
        self._make, self._known, self._error = make, known, error
        self._driver: Driver | None = None

    def pull(self, feed: str, deadline: Deadline) -> Pull:
        """See `Driver`."""
        return self._opened().pull(feed, deadline)

    def pull_some(self, feed: str, keys: Collection[str], deadline: Deadline) -> Pull | None:
        """See `Driver`."""
        return self._opened().pull_some(feed, keys, deadline)

    def watch(self, wake: Wake) -> Watch | None:
        """Nothing tells of changes until the estate is started anew; polling goes on."""
        return None

    def close(self) -> None:
        """See `Driver`."""
        if self._driver is not None:
            self._driver.close()

    def _opened(self) -> Driver:
        """The driver itself, once it can be opened. Raises SourceError, also (CL582) if its tables are others now."""
        if self._driver is None:
            driver = self._make()
            told = _described(driver)
            if any(told[key] != self._known.get(key, told[key]) for key in told):
                driver.close()
                raise SourceError(_other_tables())
            self._driver = driver
        return self._driver


def _other_tables() -> Diagnostic:
    return Diagnostic(
        "CL582",
        "the source has other tables, or other columns, than when it was last open",
        None,
        "start the server anew: policies are then checked against the tables that there are",
    )


def _described(driver: Driver) -> dict[str, Any]:
    """What a source looks like, as JSON."""
    return {
        "schemas": {name: _document(schema) for name, schema in sorted(driver.schemas.items())},
        "owners": dict(sorted(driver.owners.items())),
        "feeds": {feed.name: list(feed.tables) for feed in driver.feeds},
        "mapped": sorted(feed.name for feed in driver.feeds if feed.mapped),
    }


def _document(schema: TableSchema) -> dict[str, Any]:
    columns = [
        {
            "name": each.name,
            "type": each.type.value,
            "references": None if each.references is None else [each.references.table, each.references.column],
            "domain": _domain_document(each.domain),
            "declared": each.declared,
            "description": each.description,
        }
        for each in schema.columns
    ]
    return {"name": schema.name, "columns": columns, "key": list(schema.key), "description": schema.description}


def _domain_document(domain: Domain | None) -> dict[str, Any] | None:
    match domain:
        case Range(low, high):
            return {"low": low, "high": high}
        case Choice(values):
            return {"values": list(values)}
        case None:
            return None


def _schema(document: Mapping[str, Any]) -> TableSchema:
    columns = tuple(
        Column(
            each["name"],
            Type(each["type"]),
            None if each["references"] is None else Reference(*each["references"]),
            _domain(each["domain"]),
            each["declared"],
            each["description"],
        )
        for each in document["columns"]
    )
    return TableSchema(document["name"], columns, tuple(document["key"]), document["description"])


def _domain(document: Mapping[str, Any] | None) -> Domain | None:
    if document is None:
        return None
    return Choice(tuple(document["values"])) if "values" in document else Range(document["low"], document["high"])
