"""
Recorded replies: a folder with what a system answered, read as the tables of its definition.

`_source.yaml` names the definition; `REPLY.json` is the reply of that name, as
it came. A reply that is not there is missed only when a rule needs a table of
it, and then it is an error: a table that nobody recorded is not an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from congresslite.diagnostics import Diagnostic, SourceError, Span
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.diagnostics.yamltree import YamlFile
from congresslite.sources.definitions import Definition, load_definition, shipped_definition, shipped_names
from congresslite.sources.jsontexts import parse, read_utf8

SETTINGS_KEYS = ("definition", "null_as")


class RecordedReplies:
    """The replies of one folder, each parsed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parsed: dict[str, Any] = {}

    def place(self, reply: str) -> str:
        """The file that holds a reply."""
        return str(self._path(reply))

    def get(self, reply: str) -> Any:
        """A reply. Raises SourceError if it was not recorded, or if it cannot be read."""
        if reply not in self._parsed:
            path = self._path(reply)
            if not path.exists():
                message = f"reply `{reply}`, which tables come from, is not there"
                raise SourceError(Diagnostic("CL416", message, place=str(path), hint=f"record it as `{path}`"))
            self._parsed[reply] = parse(read_utf8(path), path)
        return self._parsed[reply]

    def release(self) -> None:
        """Forget what was read."""
        self._parsed.clear()

    def _path(self, reply: str) -> Path:
        return self.folder / f"{reply}.json"


def recorded_definition(
    path: Path, source: str, root: Path, own: Mapping[str, Definition], findings: list[Diagnostic]
) -> Definition | None:
    """The definition that a `_source.yaml` names, for a source of this name; None with findings if there is none.

    A definition named by a path must lie within `root`, the data folder; `own` are consulted before those that ship.
    """
    file = YamlFile(path, findings)
    item = file.root()
    if item is None:
        return None
    fields = file.fields(item, "a `_source.yaml`", SETTINGS_KEYS, ("definition",))
    name = file.text(fields["definition"], "`definition`") if "definition" in fields else None
    null_as = file.text(fields["null_as"], "`null_as`") if "null_as" in fields else None
    if name is None:
        return None
    definition = _found(name, fields["definition"].span, file, root, own)
    if definition is None:
        return None
    definition = definition.named(source)
    return definition if null_as is None else definition.spelled(null_as)


def _found(name: str, span: Span, file: YamlFile, root: Path, own: Mapping[str, Definition]) -> Definition | None:
    """The definition that a name or a path means; None with findings if there is none."""
    if "/" not in name and not name.endswith((".yaml", ".yml")):
        if name in own:
            return own[name]
        if name in shipped_names():
            return shipped_definition(name)
        known = sorted({*own, *shipped_names()})
        file.tell("CL429", f"there is no definition `{name}`", span, near_or_listed(name, known, "there are"))
        return None
    target = file.path.parent / name
    if not target.resolve().is_relative_to(root.resolve()):
        file.tell("CL429", f"`{name}` lies outside of the data folder", span, f"put it into `{root}`")
        return None
    try:
        return load_definition(target)
    except SourceError as error:
        file.findings.extend(error.diagnostics)
        return None
