"""
Fingerprints: what a check found, in one word that is the same for as long as the same would be found.

It covers the texts of all policies, what is proposed and what is live, the ids of all violations and conflicts that
would come or go (not only of those that are told), the actions that would be commanded, and the verdict. So a change
of the estate that makes no difference to the answer does not invalidate a check, and any other one does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from congresslite.policy import Policy


def version_of(policy: Policy) -> str:
    """A digest of a policy's text."""
    return sha256(policy.text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def fingerprint(
    *,
    live: Mapping[str, str],
    proposed: Mapping[str, str | None],
    violations: tuple[Iterable[str], Iterable[str]],
    conflicts: tuple[Iterable[str], Iterable[str]],
    commands: Sequence[str],
    reasons: Sequence[tuple[str, str]],
) -> str:
    """The fingerprint. Policies are given by name with their versions (None: it goes), the others by their ids.

    `violations` and `conflicts` are those that would come, and those that would go.
    """
    parts = [
        sorted(live.items()),
        sorted(proposed.items()),
        [sorted(ids) for ids in violations],
        [sorted(ids) for ids in conflicts],
        list(commands),
        list(reasons),
    ]
    return sha256(json.dumps(parts).encode("ascii")).hexdigest()[:32]


_OTHERS = "other objects than those that the check told are concerned"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What two checks of the same proposal (their documents) found differently, in words."""
    found = [*_policies(before["seen"], after["seen"])]
    if before["verdict"] != after["verdict"]:
        found.append(f"the verdict was {_words(before['verdict'])}, and is {_words(after['verdict'])}")
    for what, old, new in (
        ("violations", before["violations"]["totals"], after["violations"]["totals"]),
        ("conflicts", before["conflict_totals"], after["conflict_totals"]),
    ):
        found += [
            f"{status} {what}: {old[status]:,} then, {new[status]:,} now"
            for status in ("new", "resolved")
            if old[status] != new[status]
        ]
    then, now = (sum(each["new"] for each in document["actions"]) for document in (before, after))
    if then != now:
        found.append(f"objects acted upon at once: {then:,} then, {now:,} now")
    if before["fingerprint"] != after["fingerprint"] and not found:
        found.append(_OTHERS)
    return [*found, *_tiers(before["tiers"], after["tiers"])] or [_OTHERS]


def _tiers(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[str]:
    """What engines below found differently."""
    for name in sorted(before.keys() | after.keys()):
        then, now = before.get(name), after.get(name)
        if then is None or now is None:
            yield f"engine `{name}` {'had nothing' if then is None else 'has nothing'} to say of it"
        elif then.get("fingerprint") != now.get("fingerprint"):
            try:
                found = differences(then, now)
            except (KeyError, TypeError, AttributeError):  # it says no more than its verdict, or what is unknown here
                verdicts = (_words(str(each.get("verdict"))) for each in (then, now))
                found = ["its verdict was {}, and is {}".format(*verdicts)]
            yield from (f"engine `{name}`: {each}" for each in found)


def _policies(before: Mapping[str, str], after: Mapping[str, str]) -> Iterable[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            what = (
                "has been added" if name not in before else "has been removed" if name not in after else "has changed"
            )
            yield f"policy `{name}` {what}"


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")
