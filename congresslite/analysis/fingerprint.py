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
    return found or ["other objects than those that the check told are concerned"]


def _policies(before: Mapping[str, str], after: Mapping[str, str]) -> Iterable[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            what = (
                "has been added" if name not in before else "has been removed" if name not in after else "has changed"
            )
            yield f"policy `{name}` {what}"


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")
