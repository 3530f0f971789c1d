"""
What was said in a file, in the environment and by flags, as one tree with the origin of each value.

Later sayings replace earlier ones at their path; a list is replaced whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import yaml

from congresslite.config.origins import Origin, Path, secret, without_password
from congresslite.diagnostics import Diagnostic, Source, Span
from congresslite.diagnostics.yamltree import Entry, Item, YamlFile

PREFIX = "CONGRESSLITE_"
# Variables of the command line, which are no keys of the configuration.
OTHERS = frozenset({"CONFIG", "SERVER", "TOKEN", "CA"})
_BIGGEST = 1_000_000  # bytes of a file that one value is taken from
# Values that name files; in a configuration file, they are relative to its folder.
_FILES = (("state",), ("key",), ("policies", "*"), ("server", "tls", "certificate"), ("server", "tls", "key"))
_DEFINITION = ("sources", "*", "definition")


class Written:
    """The tree of values, where they come from, and what was wrong with them on the way."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[Path, Origin] = {}
        self.findings: list[Diagnostic] = []
        self._env = env
        self._secrets: list[Span] = []

    def read_file(self, path: FilePath) -> None:
        """Take what a file says."""
        file = YamlFile(path, self.findings)
        root = file.root()
        if root is None:
            return
        if root.kind == "mapping":
            self.values = self._read(root, (), path.parent)
        else:
            file.tell("CL491", f"a configuration is expected to be a mapping (`name: …`), not {root.what}", root.span)

    def read_env(self) -> None:
        """Take what the environment says: `CONGRESSLITE_SERVER__LISTEN` is `server.listen`."""
        for name in sorted(self._env):
            if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in OTHERS:
                parts = tuple(name.removeprefix(PREFIX).split("__"))
                self._put(parts, _plain(self._env[name]), Origin("env", name))

    def read_flags(self, flags: Mapping[str, object]) -> None:
        """Take what flags say, by dotted path; None says nothing."""
        for name, value in flags.items():
            if value is not None:
                self._put(tuple(name.split(".")), value, Origin("flag", f"`{name}`"))

    def told(self) -> list[Diagnostic]:
        """The findings in order; the lines that they show have stars where secrets stand."""
        masked: dict[str, Source] = {}
        for span in self._secrets:
            source = masked.get(span.source.name, span.source)
            stars = "".join(each if each == "\n" else "*" for each in span.text)
            masked[source.name] = Source(source.name, source.text[: span.start] + stars + source.text[span.end :])
        ordered = sorted(self.findings, key=Diagnostic.sort_key)
        return [each if each.span is None else replace(each, span=_in(masked, each.span)) for each in ordered]

    def origin(self, path: Path) -> Origin | None:
        """Where a value was said, or what it is part of; None if nobody said it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.origins:
                return self.origins[path[:end]]
        return None

    def values_said(self) -> dict[Path, Origin]:
        """The origin of each value that has no parts of its own: what a mapping does not say, it does not give."""
        inner = {path[:end] for path in self.origins for end in range(len(path))}
        return {_beside(path): origin for path, origin in self.origins.items() if path not in inner}

    def _put(self, parts: tuple[str, ...], value: object, origin: Origin) -> None:
        tree = self.values
        path: Path = ()
        for part in parts[:-1]:
            name = _spelled(part, tree)
            path = (*path, name)
            if not isinstance(tree.get(name), dict):
                tree[name] = {}
            tree = tree[name]
        name = _spelled(parts[-1], tree)
        path = (*path, name)
        self.origins = {each: kept for each, kept in self.origins.items() if each[: len(path)] != path}
        tree[name] = value
        self.origins[path] = origin

    def _read(self, item: Item, path: Path, folder: FilePath) -> Any:
        place = f"{item.span.source.name}:{item.span.line}"
        self.origins[path] = Origin("file", place, item.span)
        if item.kind == "scalar":
            text = str(item.value)
            if secret(path) or without_password(text) != text:
                self._secrets.append(item.span)
            return _located(item.value, path, folder)
        assert isinstance(item.value, tuple)
        if item.kind == "list":
            items = [each for each in item.value if isinstance(each, Item)]
            return [self._read(each, (*path, place), folder) for place, each in enumerate(items)]
        entries = [each for each in item.value if isinstance(each, Entry)]
        if len(entries) == 1 and entries[0].key.value in ("env", "file") and isinstance(entries[0].value.value, str):
            self.origins[path] = Origin("file", place, item.span, hidden=True)
            return self._elsewhere(str(entries[0].key.value), entries[0].value.value, item, folder)
        read = {}
        for entry in entries:
            name = str(entry.key.value)
            read[name] = self._read(entry.value, (*path, name), folder)
            key = entry.key.span
            self.origins[*path, name] = Origin(
                "file", f"{key.source.name}:{key.line}", key, self.origins[*path, name].hidden
            )
        return read

    def _elsewhere(self, kind: str, name: str, item: Item, folder: FilePath) -> str:
        """The text that `{env: NAME}` or `{file: PATH}` stands for; a finding and nothing if it is not there."""
        if kind == "env":
            if name in self._env:
                return self._env[name]
            message, hint = f"the environment has no variable `{name}`", "set it, or take another one"
        else:
            try:
                text = _first_bytes(folder / name).decode("utf-8")
            except UnicodeDecodeError:
                message, hint = f"`{folder / name}` is not UTF-8", "name a file of text"
            except OSError as error:
                message = f"`{folder / name}` cannot be read: {(error.strerror or str(error)).lower()}"
                hint = "the path is relative to the configuration file"
            else:
                return text.removesuffix("\n").removesuffix("\r")
        self.findings.append(Diagnostic("CL493", message, item.span, hint))
        return ""


def _in(sources: Mapping[str, Source], span: Span) -> Span:
    return Span(sources.get(span.source.name, span.source), span.start, span.end)


def _first_bytes(path: FilePath) -> bytes:
    with path.open("rb") as file:
        found = file.read(_BIGGEST + 1)
    if len(found) > _BIGGEST:
        raise OSError(f"it has more than {_BIGGEST:,} bytes")
    return found


def _located(value: object, path: Path, folder: FilePath) -> object:
    """A value, and if it names a file, that file as seen from here."""
    if not isinstance(value, str) or not value:
        return value
    file = any(_fits(path, pattern) for pattern in _FILES)
    if _fits(path, _DEFINITION) and ("/" in value or value.endswith((".yaml", ".yml"))):
        file = True
    return os.fspath(folder / FilePath(value).expanduser()) if file else value


def _fits(path: Path, pattern: tuple[str, ...]) -> bool:
    return len(path) == len(pattern) and all(want in ("*", part) for part, want in zip(path, pattern, strict=True))


def _beside(path: Path) -> Path:
    """Where a value is told of: what a driver or an executor alone knows beside the rest, if it was said apart."""
    at = 2 if path[:1] == ("sources",) else 3
    named = path[:1] == ("sources",) or path[:2] == ("enforcement", "targets")
    return (*path[:at], *path[at + 1 :]) if named and path[at : at + 1] == ("settings",) else path


def _spelled(part: str, tree: Mapping[str, Any]) -> str:
    """A part of a variable's name as the tree spells it: the environment is written in capitals."""
    return next((name for name in tree if name.lower() == part.lower()), part.lower() if part.isupper() else part)


def _plain(text: str) -> object:
    """The value of a variable: a list or a mapping if it is written as one, else a text."""
    if text.startswith(("[", "{")):
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return text
    return text
