"""
What a server's policies find, as a report that every format takes.

The counts come first, since they decide the exit code; violations are asked for
rule by rule, and for people only as many as are shown.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from congresslite.api import Violation
from congresslite.cli.client.findings import undetermined
from congresslite.cli.client.http import Client, at
from congresslite.cli.client.listing import pages
from congresslite.cli.client.showing import moment
from congresslite.cli.client.values import told_rule, violation
from congresslite.cli.exits import Exit
from congresslite.cli.report import DRYRUN, SEVERITIES, Report, RuleRows
from congresslite.cli.settings import Settings
from congresslite.cli.terminal import number
from congresslite.language.program import PolicySettings
from congresslite.server.schemas.policies import PolicyList
from congresslite.server.schemas.tables import TableList
from congresslite.server.schemas.violations import Count, Counts

_LONGEST = 1000  # characters of a rule's identity that the server can be asked for


@dataclass(frozen=True)
class ServerReport(Report):
    """The violations that a server holds. `open` counts those of each rule that no waiver covers."""

    client: Client = field(kw_only=True)
    open: tuple[Count, ...] = ()
    as_of: str | None = None

    def count(self, policy: str, kind: str) -> int:
        """How many violations of a kind a policy has; the table's own rows may be waived."""
        return sum(each.open for each in self.open if (each.policy, each.kind) == (policy, kind))

    def each(self) -> Iterator[Violation]:
        """The violations, page after page."""
        if self.listed:
            for rule in self.open:
                yield from _of_rule(self.client, rule, None)

    def by_policy(self) -> Iterator[tuple[str, list[RuleRows]]]:
        """The violations by policy and rule; only those that are shown are asked for."""
        for policy in self.policies:
            rules = []
            for rule in self.open:
                if rule.policy == policy.name:
                    shown = list(_of_rule(self.client, rule, self.limit or None))
                    rules += [RuleRows(max(rule.open, len(shown)), shown)] if shown else []
            if rules:
                yield policy.name, rules

    def looked_at(self) -> str:
        """Which server said so, and of when it is."""
        of_when = "" if self.as_of is None else f", as of {moment(self.as_of)}"
        return f"{number(len(self.policies), 'policy', 'policies')} at {self.client.target.url}{of_when}"


def server_report(
    client: Client, settings: Settings, *, listed: bool, limit: int, fail_on: str | None, exit_zero: bool
) -> ServerReport:
    """What a server's policies find. Raises ServerError."""
    names = [each.name for each in client.get(at("policies"), PolicyList).body.items]
    tables = client.get(at("tables"), TableList).body.items
    counted = client.get(at("violations:counts"), Counts).body
    rules = _by_rule(counted.items)
    findings = undetermined(counted.undetermined)
    blocking = any(_blocks(each, fail_on) for each in rules) and not exit_zero
    modes = {each.policy: each.mode for each in rules}
    severities = {each: sum(rule.open for rule in rules if rule.severity == each) for each in SEVERITIES}
    return ServerReport(
        exit_code=Exit.BLOCKING if blocking else Exit.UNDETERMINED if findings else Exit.CLEAN,
        findings=findings,
        policies=tuple(PolicySettings(each, mode=modes.get(each, "warn")) for each in sorted({*names, *modes})),
        rules=tuple(told_rule(each.policy, each.kind, each.rule, severity=each.severity) for each in rules),
        counts={each.name: each.rows or 0 for each in tables if each.derived},
        base_tables=sum(1 for each in tables if not each.derived and each.health != "lazy"),
        listed=listed,
        limit=limit,
        again=f"--server {shlex.quote(settings.server or '')}" if settings.server_named else "",
        severities=Counter(severities),
        client=client,
        open=tuple(each for each in rules if each.open),
        as_of=counted.as_of,
    )


def _by_rule(counts: list[Count]) -> list[Count]:
    """The counts of all points of presence together; of a policy, what is gravest first."""
    found: dict[tuple[str, str, str], Count] = {}
    for each in counts:
        key = (each.policy, each.kind, each.rule)
        known = found.get(key)
        more = {} if known is None else {"open": known.open + each.open, "waived": known.waived + each.waived}
        found[key] = each.model_copy(update=more)
    return sorted(found.values(), key=_order)


def _order(rule: Count) -> tuple[str, str, int, str]:
    grave = SEVERITIES.index(rule.severity) if rule.severity in SEVERITIES else len(SEVERITIES)
    return rule.policy, rule.kind, grave, rule.rule


def _blocks(rule: Count, fail_on: str | None) -> bool:
    grave = SEVERITIES if fail_on is None else SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return bool(rule.open) and rule.kind == "error" and rule.mode != DRYRUN and rule.severity in grave


def _of_rule(client: Client, rule: Count, limit: int | None) -> Iterator[Violation]:
    """The open violations of a rule, or the first of them, by object."""
    query = [("policy", rule.policy), ("kind", rule.kind), ("severity", rule.severity), ("sort", "object")]
    named = len(rule.rule) <= _LONGEST
    if named:
        query.append(("rule", rule.rule))
    found = (each for page in pages(client, query, limit if named else None) for each in page.body.items)
    yield from islice((violation(each) for each in found if each.rule == rule.rule), limit)
