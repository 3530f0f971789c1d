"""
The registry: sources that are added, changed and removed while the estate runs.

Settings hold secrets: they are stored encrypted, and shown masked. A source of
the configuration file is changed in the file.

The rule to keep: other settings are no other rows. A table that is the same
under the new settings keeps what it holds, and how old that is, and policies
that read it go on.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from congresslite.config.models import SOURCE_NAME, SourceSettings
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.live.core import Core
from congresslite.live.masking import masked, unmasked
from congresslite.live.pushed import Kept, PushedTables
from congresslite.live.sources import Source, Sources
from congresslite.live.values import Caller, ConflictError, SourceStatus
from congresslite.schema import RowsTable
from congresslite.store.store import Store


class Registry:
    """Changes which sources there are."""

    def __init__(self, store: Store, sources: Sources, core: Core, pushed: PushedTables) -> None:
        self._store, self._sources, self._core, self._pushed = store, sources, core, pushed

    def settings(self, name: str) -> tuple[Mapping[str, Any], str]:
        """See `LiveEstate.source_settings`."""
        source = self._sources[name]
        return masked(_told(source), source.hidden), _etag(source)

    def put(self, caller: Caller, name: str, settings: Mapping[str, Any], etag: str | None) -> SourceStatus:
        """See `LiveEstate.put_source`."""
        with self._core.lock:
            known = self._expected(name, etag)
            wanted = unmasked(name, settings, {} if known is None else _told(known))
            config = read_settings(name, wanted)
            source = self._sources.open(name, config, "api", Path.cwd())
            expected = 0 if known is None else known.version
            try:
                kept = frozenset[str]() if known is None else source.inherit(known)
                on_disk = _pushed_on(known, source)
                with self._exchanged(known, source, kept):
                    keep = on_disk or bool(kept)
                    stored = self._store.sources.put(
                        name, dict(wanted), at=time.time(), by=caller.name, expected=expected, keep=keep
                    )
            except BaseException:
                self._sources.withdraw(source, known)
                raise
            source.version = stored.version
            if known is not None:
                self._sources.end(known, known.schemas if on_disk else kept)
            self._core.history.belonging.owners = self._sources.owners
            self._sources.begin(source)
            return source.status(time.time())

    def remove(self, caller: Caller, name: str, etag: str) -> None:
        """See `LiveEstate.remove_source`."""
        with self._core.lock:
            known = self._expected(name, etag)
            if known is None:
                raise KeyError(name)
            with self._exchanged(known, None):
                self._store.sources.remove(name, at=time.time(), by=caller.name)
            self._sources.close(known)
            self._core.history.belonging.owners = self._sources.owners

    def _expected(self, name: str, etag: str | None) -> Source | None:
        """The source, if it is as the caller thinks. Raises ConflictError, KeyError."""
        if name not in self._sources:
            if etag is not None:
                raise KeyError(name)
            return None
        known = self._sources[name]
        if known.managed == "engine":
            raise ConflictError(f"source `{name}` belongs to the engine itself", "give yours another name")
        if known.managed == "file":
            raise ConflictError(f"source `{name}` is in the configuration file", "change it there, and restart")
        if etag is None:
            raise ConflictError(f"there is a source `{name}` already", "name the version that you mean to replace")
        if etag != _etag(known):
            raise ConflictError(f"source `{name}` has changed since you read it", "read it again")
        return known

    @contextmanager
    def _exchanged(
        self, known: Source | None, source: Source | None, kept: frozenset[str] = frozenset()
    ) -> Iterator[None]:
        """The engine has the tables of a source in place of those of another, unless that is not to last: if it raises.

        Those that are `kept` stay as they are. Raises PolicyError if policies read what is to go, SourceError for a
        name that means something else.
        """
        before, history = self._core.snapshot(), self._core.history
        rows: dict[str, RowsTable] = {}
        with ExitStack() as undo:
            undo.callback(setattr, history, "unseen", history.unseen)
            if known is not None:
                # Read now: no snapshot has the rows of a table any more that is detached.
                gone = {name: schema for name, schema in known.schemas.items() if name not in kept}
                rows = {name: RowsTable(schema, before.rows(name)) for name, schema in gone.items()}
                self._core.detach(rows)
                undo.callback(self._core.attach, rows, ())
            if source is not None:
                come = {name: schema for name, schema in source.schemas.items() if name not in kept}
                unseen = {name for state in source.feeds.values() if not state.seen for name in state.tables}
                held = self._sources.kept(source, come) if _pushed_on(known, source) else {}
                empty = {name: RowsTable(schema, []) for name, schema in come.items()}
                self._core.attach({**empty, **{name: each.base for name, each in held.items()}}, unseen)
                undo.callback(self._core.detach, come)
                self._settle(held, rows, undo)
            yield
            undo.pop_all()

    def _settle(self, held: Mapping[str, Kept], before: Mapping[str, RowsTable], undo: ExitStack) -> None:
        """Bring pushed tables up to date that came with what was on disk; undone, they are as before."""
        lacking = self._pushed.lacking(held.values())
        if lacking:
            self._core.apply(lacking)
        for name, each in held.items():
            if each.outdated and name in before:
                undo.callback(self._pushed.rewrite, before[name])
        self._pushed.settle(held.values())


def read_settings(name: str, settings: Mapping[str, Any]) -> SourceSettings:
    """Settings as values. Raises SourceError (CL577) for what does not fit."""
    if not re.fullmatch(SOURCE_NAME, name):
        hint = "begin with a letter, and go on with letters, digits, `_`, `.` and `-`"
        raise SourceError(Diagnostic("CL577", f"`{name}` is no name for a source", None, hint, place="sources"))
    try:
        return SourceSettings.model_validate(dict(settings))
    except ValidationError as error:
        raise SourceError(
            [
                Diagnostic(
                    "CL577",
                    f"source `{name}`: `{'.'.join(map(str, each['loc']))}`: {each['msg']}",
                    place=f"sources.{name}",
                )
                for each in error.errors(include_input=False)
            ]
        ) from None


def _pushed_on(known: Source | None, source: Source) -> bool:
    """Whether what was pushed to a source is held on by the one that replaces it."""
    return known is not None and known.pushed and source.pushed


def _told(source: Source) -> dict[str, Any]:
    """The settings of a source as they would stand under its name in a configuration."""
    return source.config.model_dump(mode="json", exclude={"settings"}) | dict(source.config.settings)


def _etag(source: Source) -> str:
    return f"{source.name}-{source.version}"
