"""Policies: what their settings say, and whether their names can be told apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from congresslite.diagnostics import Diagnostic, Span
from congresslite.diagnostics.suggest import listing, near_or_listed
from congresslite.language.program import CONFLICT_POLICY
from congresslite.language.resolution.draft import Draft
from congresslite.language.resolution.settings import KEYS, MODES, Given, given_settings
from congresslite.language.syntax import PolicyDeclaration, PolicyFile

_RENAME = f"`{CONFLICT_POLICY}:…` are the conflicts between rules: give it another name"
# What builtins are written with: `builtin:len(x, n)`.
_BUILTINS = "builtin"
_KINDS = {str: "a string", int: "an integer", bool: "true or false"}


def check(draft: Draft) -> Iterator[Diagnostic]:
    """Unknown keys, wrong values, and names that are taken."""
    first: dict[str, PolicyFile] = {}
    for file in draft.policies.values():
        declarations = [each for each in file.statements if isinstance(each, PolicyDeclaration)]
        span = declarations[0].span if declarations else _start(file)
        if file.name in first:
            message = f"there are two policies named `{file.name}`"
            hint = f"the other one is {first[file.name].source.name}; a `policy` statement can give another name"
            yield Diagnostic("CL130", message, span, hint)
        first.setdefault(file.name, file)
        if file.name in draft.scope.catalog.sources or file.name == _BUILTINS:
            what = "the builtins' prefix" if file.name == _BUILTINS else "a source"
            message = f"policy `{file.name}` is named like {what}"
            yield Diagnostic("CL131", message, span, "tables of both would have the same names: rename the policy")
        if file.name == CONFLICT_POLICY:
            yield Diagnostic("CL301", f"no policy can be called `{CONFLICT_POLICY}`", span, _RENAME)
        yield from _settings(draft, file)
    yield from taken_sources(draft.scope.catalog.sources)


def taken_sources(sources: Collection[str], policies: Collection[str] = ()) -> Iterator[Diagnostic]:
    """Findings for sources whose names mean something else, or are those of these policies."""
    if CONFLICT_POLICY in sources:
        yield Diagnostic("CL301", f"no source can be called `{CONFLICT_POLICY}`", None, _RENAME, place=CONFLICT_POLICY)
    for name in sorted(sources):
        if name in policies or name == _BUILTINS:
            what = "the builtins' prefix" if name == _BUILTINS else "a policy"
            hint = "tables of both would have the same names: rename the source"
            yield Diagnostic("CL131", f"source `{name}` is named like {what}", None, hint, place=name)


def _start(file: PolicyFile) -> Span:
    return file.statements[0].span if file.statements else Span(file.source, 0, 0)


def _settings(draft: Draft, file: PolicyFile) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for given in given_settings(file):
        if given.key not in KEYS:
            hint = near_or_listed(given.key, KEYS, "the settings are")
            yield Diagnostic("CL230", f"unknown setting `{given.key}`", given.span, hint, place=file.source.name)
        elif given.key in seen:
            message = f"setting `{given.key}` is given twice"
            yield Diagnostic("CL232", message, given.span, "leave one of the two", place=file.source.name)
        elif (fault := _fault(given, draft.tiers)) is not None:
            message, hint = fault
            yield Diagnostic("CL231", message, given.span, hint, place=file.source.name)
        seen.add(given.key)


def _fault(given: Given, tiers: tuple[str, ...]) -> tuple[str, str | None] | None:
    """What is wrong with a setting's value, and how to mend it."""
    if type(given.value) is not KEYS[given.key]:
        return f"setting `{given.key}` takes {_KINDS[KEYS[given.key]]}, not `{given.text}`", None
    for key, names in (("tier", tiers), ("mode", MODES)):
        if given.key == key and given.value not in names:
            hint = near_or_listed(str(given.value), names, "there are")
            return f"unknown {key} `{given.value}`", hint or f"there are {listing(names)}"
    return None
