"""
Webhooks: what another system posts, and the objects in it.

A notification is about objects (alerts, alarms), each with an id. It says of
each of them all that there is to say, or that it is over. So the tables of a
hook are written as those of a reply that is the list of its objects, and what
comes with a notification takes the place of all rows of the same objects: the
same notification twice changes nothing, and no row outlives its object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from congresslite.diagnostics import Diagnostic, SourceError, Span
from congresslite.diagnostics.yamltree import Item, YamlFile
from congresslite.sources.asking import read_path
from congresslite.sources.columns import shown
from congresslite.sources.declared import Declaration
from congresslite.sources.mapping import BadPathError, TableMapping, compile_path

HOOK_KEYS = ("objects", "delete_when", "description")


@dataclass(frozen=True, slots=True)
class Hook:
    """A kind of notification: the path to its objects, and the path in an object to whether it is over."""

    name: str
    objects: str
    delete_when: str | None
    description: str = ""
    span: Span | None = field(default=None, compare=False, repr=False)

    def split(self, body: Any) -> list[tuple[Mapping[str, Any], bool]]:
        """The objects of a notification, each with whether it is over. Raises SourceError."""
        found = self._followed(self.objects, body)
        objects = found if isinstance(found, list) else [found]
        for number, each in enumerate(objects, 1):
            if not isinstance(each, dict):
                what = "nothing" if each is None else shown(each)
                where = f"element {number} of what `{self.objects}` leads to" if found is objects else "it"
                raise self._error(f"`{self.objects}` is to lead to objects, but {where} is {what}")
        return [(each, self._is_over(each)) for each in objects]

    def _is_over(self, found: Mapping[str, Any]) -> bool:
        if self.delete_when is None:
            return False
        over = self._followed(self.delete_when, found)
        if over is not None and not isinstance(over, bool):
            raise self._error(f"`{self.delete_when}` leads to {shown(over)}, where true or false is expected")
        return over is True

    def _followed(self, path: str, value: Any) -> Any:
        try:
            return compile_path(path)(value)
        except BadPathError as error:
            raise self._error(f"`{path}` cannot be followed: {error}") from None

    def _error(self, message: str) -> SourceError:
        hint = "does the other system send what the definition was written for?"
        return SourceError(Diagnostic("CL434", message, place=f"hook {self.name}", hint=hint))


def read_hooks(file: YamlFile, item: Item | None, replies: Mapping[str, object]) -> dict[str, Hook]:
    """The `hooks` of a definition by name; what is wrong goes to the file's findings."""
    hooks: dict[str, Hook] = {}
    if item is None:
        return hooks
    for name, key, value in file.entries(item, "`hooks`"):
        what = f"hook `{name}`"
        if name in replies:
            file.tell("CL422", f"{what} has the name of a reply", key.span, "give it another name")
        fields = file.fields(value, what, HOOK_KEYS)
        objects = read_path(file, fields["objects"], f"`objects` of {what}") if "objects" in fields else "@"
        over = read_path(file, fields["delete_when"], f"`delete_when` of {what}") if "delete_when" in fields else None
        description = file.text(fields["description"], f"the description of {what}") if "description" in fields else ""
        hooks[name] = Hook(name, objects, over, description or "", key.span)
    return hooks


def check_hook(
    file: YamlFile,
    hook: Hook,
    identity: Mapping[str, str],
    declarations: Mapping[str, Declaration],
    mappings: Mapping[str, TableMapping],
) -> None:
    """Note what keeps a hook from telling which rows are of which object.

    `identity` is the column of each of its tables that holds the object's id, the objects' own table first.
    """
    assert hook.span is not None
    what = f"hook `{hook.name}`"
    own = next(iter(identity), None)
    if own is None or mappings[own].steps[0].path != "@":
        hint = f"it has `from: {hook.name}`, no `rows`, and one column as its `key`"
        file.tell("CL545", f"{what} has no table of its objects", hook.span, hint)
        return
    for table in (name for name, mapping in mappings.items() if mapping.reply == hook.name):
        (key,) = declarations[own].key
        declared = declarations[table]
        if table not in identity:
            hint = f"its rows need a column that refers to `{own}.{key}` and stands in the object"
            file.tell("CL545", f"{what}: table `{table}` does not say which object a row is of", hook.span, hint)
        elif (declared.key or tuple(declared.columns))[0] != identity[table]:
            hint = f"write `{identity[table]}` first in its `key`"
            message = f"{what}: the key of table `{table}` does not begin with the object that a row is of"
            file.tell("CL545", message, hook.span, hint)
