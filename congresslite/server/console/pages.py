"""
The pages: what each asks of the estate, and the template that shows it.

Every page can be read without scripts, and is asked for whole; where htmx is
there, it takes out of the answer the part that it puts in place.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from flask import abort, g, request
from flask.typing import ResponseReturnValue

from congresslite.diagnostics import CongressliteError, Diagnostic
from congresslite.live import LiveEstate, Rows, SourceStatus, TableInfo, Undetermined
from congresslite.policy.conflicts import POLICY as CONFLICTS
from congresslite.server.console.actions import pauses_for
from congresslite.server.console.door import Door
from congresslite.server.console.events import stream_of_changes
from congresslite.server.console.filters import (
    SORTS,
    STATES,
    WORST_FIRST,
    Filters,
    any_of,
    filters_of,
    since_choices,
    state_of,
)
from congresslite.server.console.overview import summary
from congresslite.server.console.proof_tree import Node, proof_tree
from congresslite.store.records import WAITING, ViolationFilter, ViolationRecord, WaiverRecord

PAGE = 50  # violations or rows on a page
COLUMN = "c."  # what the parameter of a column's filter begins with
_WELL = ("fresh", "lazy")


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one estate, for those whom the door lets in."""

    estate: LiveEstate
    door: Door

    def overview(self) -> ResponseReturnValue:
        """What is open, and how far it can be believed."""
        return self.door.render(
            "overview.html",
            summary=summary(self.estate.counts(g.caller)),
            sources=self._sources(),
            undetermined=self.estate.undetermined(),
            pauses=pauses_for(self.estate),
            waiting=self._waiting(),
        )

    def _waiting(self) -> int:
        """How many actions wait for a person who may see them all."""
        if g.caller.tenant is not None:
            return 0
        return len(self.estate.actions.journal.live(*WAITING))

    def events(self) -> ResponseReturnValue:
        """A stream that says when to ask for a page again."""
        return stream_of_changes(self.estate, g.caller, self.door.admitted())

    # -- violations ------------------------------------------------------------------------------

    def violations(self) -> ResponseReturnValue:
        """A page of the list of violations that the form asks for."""
        filters = filters_of(request.args)
        wanted = filters.wanted(time.time())
        cursor = request.args.get("cursor") or None
        page = self.estate.violations(g.caller, wanted, sort=filters.sort, limit=PAGE, cursor=cursor)
        undetermined = self.estate.undetermined()
        return self.door.render(
            "violations.html",
            filters=filters,
            choices=self._choices(filters),
            page=page,
            first=cursor is None,
            undetermined=undetermined,
            uncertain={each.seq for each in page.items if resting_on(each, undetermined)},
            state_of=state_of,
        )

    def _choices(self, filters: Filters) -> Mapping[str, Mapping[str, str]]:
        """What can be chosen for each filter: values and how they are told."""
        counted = self.estate.counts(g.caller)
        policies = {each.name for each in self.estate.policies()} | {each.policy for each in counted}
        sites = {each.site for each in counted if each.site is not None}
        sources = {each.name for each in self.estate.sources()}
        return {
            "severity": {"": "any", **{each: each for each in WORST_FIRST}},
            "policy": any_of(policies, filters.policy),
            "site": any_of(sites, filters.site),
            "source": any_of(sources, filters.source),
            "since": since_choices(),
            "state": {each: each for each in STATES},
            "sort": SORTS,
        }

    def violation(self, id: str) -> ResponseReturnValue:
        """One violation: what is known of it, and why it is there."""
        try:
            episodes = self.estate.violation(g.caller, id)
        except KeyError:
            abort(404, "there is no such violation")
        start = request.args.get("from", "")
        proof, findings = self._proof(id, start)
        return self.door.render(
            "violation.html",
            violation=episodes[0],
            episodes=episodes,
            state=state_of(episodes[0]),
            state_of=state_of,
            undetermined=resting_on(episodes[0], self.estate.undetermined()),
            waiver=self._waiver(episodes[0]),
            proof=proof,
            start=start,
            column=COLUMN,
            findings=findings,
        )

    def _proof(self, id: str, start: str) -> tuple[Node | None, tuple[Diagnostic, ...]]:
        try:
            document = self.estate.explain(g.caller, id)
        except CongressliteError as error:  # the rest of the page can be shown nevertheless
            return None, error.diagnostics
        return (None if document is None else proof_tree(document, start)), ()

    def _waiver(self, violation: ViolationRecord) -> WaiverRecord | None:
        if violation.waiver is None:
            return None
        return next((each for each in self.estate.waivers() if each.id == violation.waiver), None)

    def conflicts(self) -> ResponseReturnValue:
        """A page of the conflicts that are there, and who wins."""
        cursor = request.args.get("cursor") or None
        page = self.estate.conflicts(g.caller, ViolationFilter(), limit=PAGE, cursor=cursor)
        undetermined = [each for each in self.estate.undetermined() if CONFLICTS in each.policies]
        return self.door.render(
            "conflicts.html",
            page=page,
            found=[(each, self.estate.conflict(each)) for each in page.items],
            first=cursor is None,
            undetermined=undetermined,
            state_of=state_of,
        )

    # -- tables ----------------------------------------------------------------------------------

    def tables(self) -> ResponseReturnValue:
        """All tables, by the source or the policy that they belong to."""
        groups: dict[str, list[TableInfo]] = {}
        for table in self.estate.tables(g.caller):
            groups.setdefault(table.schema.name.partition(":")[0], []).append(table)
        ordered = sorted(groups.items(), key=lambda each: (each[1][0].derived, each[0]))
        return self.door.render("tables.html", groups=ordered)

    def table(self, name: str) -> ResponseReturnValue:
        """One table: its schema, and a page of its rows."""
        try:
            table = self.estate.table(g.caller, name)
        except KeyError:
            abort(404, f"there is no table `{name}`")
        names = {column.name for column in table.schema.columns}
        given = {key.removeprefix(COLUMN): value for key, value in request.args.items() if key.startswith(COLUMN)}
        where = {column: value for column, value in given.items() if value and column in names}
        offset = max(0, request.args.get("offset", 0, type=int))
        rows: Rows | None = None
        findings: tuple[Diagnostic, ...] = ()
        try:
            rows = self.estate.rows(g.caller, name, where=where, offset=offset, limit=PAGE)
        except CongressliteError as error:  # a lazy table that cannot be pulled
            findings = error.diagnostics
        return self.door.render(
            "table.html",
            table=table,
            rows=rows,
            findings=findings,
            where=where,
            offset=offset,
            size=PAGE,
            column=COLUMN,
        )

    # -- sources and policies --------------------------------------------------------------------

    def sources(self) -> ResponseReturnValue:
        """Every source with its feeds, and how current they are."""
        return self.door.render("sources.html", sources=self._sources())

    def _sources(self) -> list[SourceStatus]:
        """The sources, those that something is wrong with first."""
        return sorted(self.estate.sources(), key=lambda each: (each.health in _WELL, each.name))

    def policies(self) -> ResponseReturnValue:
        """The policies, and how many violations each has."""
        policies = self.estate.policies()
        counted = {each.name: [0, 0] for each in policies}
        for each in self.estate.counts(g.caller):
            if each.policy in counted:
                counted[each.policy][0] += each.open
                counted[each.policy][1] += each.waived
        undetermined = {policy for each in self.estate.undetermined() for policy in each.policies}
        return self.door.render("policies.html", policies=policies, counted=counted, undetermined=undetermined)

    def policy(self, name: str) -> ResponseReturnValue:
        """The text of a policy, of its current version or of another one."""
        try:
            versions = self.estate.policy_versions(name)
        except KeyError:
            abort(404, f"there is no policy `{name}`")
        wanted = request.args.get("version", versions[0].version, type=int)
        shown = next((each for each in versions if each.version == wanted), None)
        if shown is None:
            abort(404, "there is no such version of the policy")
        # Lines as the language counts them, whatever else might end one.
        lines = [line.expandtabs(4) for line in (shown.text or "").removesuffix("\n").split("\n")]
        return self.door.render("policy.html", shown=shown, versions=versions, lines=lines)


def resting_on(violation: ViolationRecord, undetermined: tuple[Undetermined, ...]) -> list[Undetermined]:
    """What makes it unsure whether a violation is still there; nothing for one that is resolved."""
    if violation.resolved_at is not None:
        return []
    tables = set(violation.rule.tables)
    return [each for each in undetermined if tables.intersection(each.tables)]
