"""
The policies of a running estate: their versions, and those that files manage.

The engine is asked first, since only it knows whether a policy is right; the
version is stored next. A policy that comes from a file is changed in the file,
and one that was handed down by the engine above is changed there; one for the
tiers below is stored here, and evaluated there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from congresslite.api import Policy
from congresslite.diagnostics import Diagnostic, PolicyError, Severity
from congresslite.language.resolution.settings import TIERS, own_tier
from congresslite.live.core import Core
from congresslite.live.values import Caller, ConflictError
from congresslite.policy.declared import declared_settings
from congresslite.policy.loading import load_policies, parse_object
from congresslite.store.errors import AwayError, VersionError
from congresslite.store.records import PolicyVersion
from congresslite.store.store import Store


@dataclass(frozen=True, slots=True)
class Place:
    """The engine's name and tier among the tiers of a hierarchy, the top first; an engine alone has every tier."""

    name: str = ""
    level: str = TIERS[-1]
    levels: tuple[str, ...] = TIERS

    def evaluates(self, policy: Policy) -> bool:
        """Whether a policy is for this engine, rather than for the tiers below, to which it is handed down."""
        return not self.is_below(declared_settings(policy).tier)

    @property
    def own(self) -> str | None:
        """The tier of this engine; None if it stands alone, where every tier is."""
        return self.level if self.name else None

    def tier_of(self, policy: Policy) -> str:
        """The tier that a policy has here."""
        said = declared_settings(policy).tier
        return said if self.own is None or policy.from_above else own_tier(said, self.levels, self.own)

    def is_below(self, tier: str) -> bool:
        """Whether a tier is below that of this engine. One that does not exist is not: a check will tell."""
        return tier in self.levels and self.levels.index(tier) > self.levels.index(self.level)


class Policies:
    """The versions of policies. What changes them holds the core's lock."""

    def __init__(self, store: Store, place: Place | None = None) -> None:
        self._store = store
        self.place = place or Place()
        self.told: Callable[[], None] = lambda: None  # called whenever a policy that is stored has changed
        self._times: dict[str, tuple[float, ...]] = {}  # when each came to say what it says, and said before

    def begin(self, paths: Iterable[str]) -> list[Policy]:
        """The policies to start with: those of files, whose versions are brought up to date, and those of the API.

        Raises PolicyError and SourceError for files that cannot be read.
        """
        files, findings = load_policies(list(paths))
        errors = [each for each in findings if each.severity is Severity.ERROR]
        if errors:
            raise PolicyError(errors)
        current = {each.name: each for each in self._store.policies.current()}
        texts = {file.name: (file.source.text, file.source.name) for file in files}
        for name, (text, path) in texts.items():
            known = current.get(name)
            if known is None or known.text != text or known.origin != "file":
                self._add(name, text, known, by="configuration", origin="file", path=path)
        for name, known in current.items():
            if known.origin == "file" and name not in texts:
                self._add(name, None, known, by="configuration", origin="file", path=known.path)
        self._times = self._store.policies.times()
        return [policy for each in self.current() if self.place.evaluates(policy := stored(each))]

    def since(self, name: str, at: float) -> float:
        """Since when a policy had said what it said at a time; 0 if it had always. Safe for any thread."""
        return max((each for each in self._times.get(name, ()) if each <= at), default=0.0)

    def current(self) -> tuple[PolicyVersion, ...]:
        """The current version of each policy, by name."""
        return tuple(self._store.policies.current())

    def versions(self, name: str) -> tuple[PolicyVersion, ...]:
        """All versions of a policy, the latest first. Raises KeyError."""
        found = tuple(self._store.policies.versions(name))
        if not found:
            raise KeyError(name)
        return found

    def put(self, core: Core, caller: Caller, name: str, text: str, etag: str | None) -> PolicyVersion:
        """See `LiveEstate.put_policy`."""
        policy = named(name, text)
        with core.lock:
            known = self._expected(name, etag)
            if known is not None and known.text == text:
                return known
            with self._revised(core, {name: policy}, {name: known}):
                return self._add(name, text, known, by=caller.name)

    def remove(self, core: Core, caller: Caller, name: str, etag: str) -> None:
        """See `LiveEstate.remove_policy`."""
        with core.lock:
            known = self._expected(name, etag)
            if known is None:
                raise KeyError(name)
            with self._revised(core, {name: None}, {name: known}):
                self._add(name, None, known, by=caller.name)

    def exchange(
        self, core: Core, caller: Caller, texts: Mapping[str, str], remove: Iterable[str]
    ) -> list[PolicyVersion]:
        """Let policies (texts by name) come in place of those of their names, and others go, all at once or none.

        Raises KeyError for one that is to go and is not there, ConflictError for one that a file manages, PolicyError.
        """
        wanted: dict[str, str | None] = {**dict.fromkeys(remove), **texts}
        with core.lock:
            current = {each.name: each for each in self.current()}
            before = {name: current.get(name) for name in wanted}
            for name, known in before.items():
                if wanted[name] is None and known is None:
                    raise KeyError(name)
                if known is not None and known.origin != "api":
                    raise _managed(known)
            given = {name: None if text is None else named(name, text) for name, text in wanted.items()}
            versions = {name: 0 if known is None else known.version for name, known in before.items()}
            with self._revised(core, given, before):
                try:
                    at = min(map(self.latest, wanted), default=time.time())
                    added = self._store.policies.add_all(wanted, versions, at=at, by=caller.name)
                except VersionError:
                    raise ConflictError("a policy has changed meanwhile", "make the check again") from None
            self.told()
            return added

    @contextmanager
    def _revised(
        self, core: Core, wanted: Mapping[str, Policy | None], before: Mapping[str, PolicyVersion | None]
    ) -> Iterator[None]:
        """The engine has these policies in place of those before, unless that cannot be stored: then it has them back.

        A policy that acts must not be one that nobody is told of, and that a restart forgets.
        """
        times = self._times
        try:
            self.revise(core, wanted)
            yield
        except BaseException:
            with suppress(AwayError):  # the engine has them; what it means for the history is told with the next change
                self.revise(core, {name: None if each is None else stored(each) for name, each in before.items()})
            self._times = times
            raise

    def revise(self, core: Core, wanted: Mapping[str, Policy | None]) -> None:
        """Let the engine have those of these policies that are for this tier, and none under the names of others."""
        given = [policy for policy in wanted.values() if policy is not None]
        here = [policy for policy in given if self.place.evaluates(policy)]
        _check_readable(policy for policy in given if policy not in here)
        held = {policy.name for policy in core.engine.policies}
        gone = (wanted.keys() & held) - {policy.name for policy in here}
        times, now = self._times, time.time()
        # Before the engine has them, so that nothing that they command is from before.
        self._times = times | {name: (*times.get(name, ()), now) for name in wanted}
        try:
            if here or gone:
                core.revise(here, gone)
        except PolicyError:
            self._times = times
            raise

    def latest(self, name: str) -> float:
        """When a policy came to say what it says now, or went; now if there never was one."""
        return max(self._times.get(name, ()), default=time.time())

    def _expected(self, name: str, etag: str | None) -> PolicyVersion | None:
        """The current version, if it is the one that the caller means. Raises ConflictError, KeyError."""
        known = next((each for each in self.current() if each.name == name), None)
        if known is None:
            if etag is not None:
                raise KeyError(name)
            return None
        if known.origin != "api":
            raise _managed(known)
        if etag is None:
            raise ConflictError(f"there is a policy `{name}` already", "name the version that you mean to replace")
        if etag != known.etag:
            raise ConflictError(f"policy `{name}` has changed since you read it", "read it again")
        return known

    def _add(
        self,
        name: str,
        text: str | None,
        known: PolicyVersion | None,
        *,
        by: str,
        origin: Literal["file", "api"] = "api",
        path: str = "",
    ) -> PolicyVersion:
        """Store a version after the known one."""
        expected = 0 if known is None else known.version
        try:
            added = self._store.policies.add(
                name, text, at=self.latest(name), by=by, origin=origin, path=path, expected=expected
            )
        except VersionError:
            raise ConflictError(f"policy `{name}` has changed since you read it", "read it again") from None
        self.told()
        return added


def _managed(known: PolicyVersion) -> ConflictError:
    """Why a policy is not changed here."""
    if known.origin == "tier":
        message = f"policy `{known.name}` was handed down by the engine `{known.path}`"
        return ConflictError(message, "change it there: it is handed down anew")
    return ConflictError(f"policy `{known.name}` comes from the file `{known.path}`", "change it there, and restart")


def stored(version: PolicyVersion) -> Policy:
    """A stored version as a policy."""
    assert version.text is not None, "a policy that was removed is not current"
    return Policy(version.name, version.text, version.path, from_above=version.origin == "tier")


def named(name: str, text: str) -> Policy:
    """The policy of a name. Raises PolicyError (CL579) if its text says that it has another."""
    policy = Policy(name, text)
    declared = parse_object(policy)[0].name
    if declared != name:
        raise PolicyError(
            Diagnostic(
                "CL579",
                f"the text says that the policy is called `{declared}`, but it was given as `{name}`",
                None,
                "call it by one name",
                place=name,
            )
        )
    return policy


def _check_readable(policies: Iterable[Policy]) -> None:
    """Refuse texts that are no policies; what else is wrong with them only the tier that they are for can tell."""
    findings = [each for policy in policies for each in parse_object(policy)[1] if each.severity is Severity.ERROR]
    if findings:
        raise PolicyError(findings)
