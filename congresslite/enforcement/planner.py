"""
The planner: from what the policies want now to actions that are planned, shown, or no longer wanted.

The rules to keep: a command that holds is acted upon once, however often the engine, or its policy's mode, changes;
when it goes and comes back, once more. Nothing is concluded from tables that are not current: neither that something
is wanted, nor that it no longer is. How much of the estate is meant is counted before anything runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from hashlib import blake2b
from typing import Any
from uuid import uuid4

from congresslite.analysis.limits import MaxAffected, exceeds
from congresslite.api import Snapshot
from congresslite.config.enforcement import EnforcementSettings
from congresslite.config.models import MaxAffectedSettings
from congresslite.enforcement.commands import Commanding, Wish, wishes
from congresslite.enforcement.host import Host
from congresslite.enforcement.journal import Journal
from congresslite.enforcement.targets import Targets, UnfitError
from congresslite.language.program import Program
from congresslite.store.records import UNBEGUN, ActionRecord

_GONE = "what commanded it no longer holds"


class Planner:
    """Makes plans. One thread at a time calls `plan`."""

    def __init__(
        self,
        settings: EnforcementSettings,
        affected: MaxAffectedSettings,
        *,
        host: Host,
        journal: Journal,
        targets: Targets,
    ) -> None:
        self._settings, self._affected = settings, affected
        self._host, self._journal, self._targets = host, journal, targets
        self._rules: tuple[Program, Commanding] | None = None
        self._last: Commanding | None = None  # when a plan was made last
        self._edited: set[str] = set()  # the ids of actions that an edit of their rule let go, if they are not over

    def rules(self, snapshot: Snapshot) -> Commanding:
        """The commanding rules of a state."""
        if self._rules is None or self._rules[0] is not snapshot.program:
            self._rules = snapshot.program, Commanding(snapshot.program)
        return self._rules[1]

    def stale(self, record: ActionRecord) -> str | None:
        """Why what commands an action may not be believed at the moment."""
        if record.undoes:
            return None
        return self._host.stale(self.rules(self._host.snapshot()).rests(record.policy, record.rule))

    def enforced(self, record: ActionRecord) -> bool:
        """Whether an action may be begun, or begun again, by the mode that its policy has now."""
        policy = self.rules(self._host.snapshot()).policies.get(record.policy)
        return record.undoes is not None or (policy is not None and policy.mode == "enforce")

    def plan(self, gone: Set[str] = frozenset()) -> tuple[ActionRecord, ...]:
        """Make the journal agree with what is wanted now; gives the actions that are new.

        `gone` are the wishes that went since this was done last, be it that they are back.
        """
        snapshot = self._host.snapshot()
        rules = self.rules(snapshot)
        believed = _Believed(self._host, rules)
        wanted = {each.id: each for each in wishes(snapshot, rules, self._host.belonging)}
        with self._journal.lock:
            known = self._journal.commanded()
            holding = wanted.keys() - gone
            self._note_edits(rules, [each for each in known.values() if each.command not in holding])
            lapsed = [each for each in known.values() if _is_lapsed(each, wanted.get(each.command), believed, gone)]
            ended = {each.command for each in lapsed}
            new = [each for id_, each in wanted.items() if id_ not in known or id_ in ended]
            new = [each for each in new if each.policy.mode != "warn"]
            new = [each for each in new if believed.rule(each.policy.name, each.rule)]
            undone = [undo for each in lapsed for undo in self._undo(each, rules)]
            planned = _in_plans(self._bounded([*undone, *map(self._record, new)], snapshot))
            written = self._journal.write(planned, [self._lapse(each) for each in lapsed])
        return written[: len(planned)]

    def undo_late(self, record: ActionRecord) -> list[ActionRecord]:
        """What undoes an action that succeeds only now, once its condition has gone by itself and is not back.

        To be written together with that success, so that neither is there without the other.
        """
        if record.wanted or self._journal.holds(record.command):
            return []
        snapshot = self._host.snapshot()
        return _in_plans(self._bounded(self._undo(record, self.rules(snapshot)), snapshot))

    # -- what no longer holds ----------------------------------------------------------------------

    def _lapse(self, record: ActionRecord) -> ActionRecord:
        """The same once nothing commands it: it is not begun any more, and what is under way goes on."""
        now = self._journal.clock()
        if record.state in UNBEGUN:
            reason = f"{_GONE} (before: {record.reason})" if record.reason else _GONE
            return replace(record, state="cancelled", reason=reason, commanded=False, not_before=None, changed_at=now)
        return replace(record, commanded=False, changed_at=now)

    def _note_edits(self, rules: Commanding, going: Iterable[ActionRecord]) -> None:
        """Know which commands went as somebody edited their rules, also if that is believed, or matters, only later."""
        before, self._last = self._last, rules
        here = {each: self._journal.find(each) for each in self._edited}
        left = {each.id for each in going}
        # Of those that are still commanded, only those that are going still.
        self._edited = {id_ for id_, each in here.items() if each is not None and (id_ in left or not each.commanded)}
        if before is not None and before is not rules:
            self._edited |= {
                each.id for each in going
                if rules.defined(each.policy, each.rule) != before.defined(each.policy, each.rule)
            }  # fmt: skip

    def _undo(self, record: ActionRecord, rules: Commanding) -> list[ActionRecord]:
        """What undoes an action that was done and whose condition went by itself, if its policy wants that."""
        policy = rules.policies.get(record.policy)
        if policy is None or not policy.undo or policy.mode != "enforce" or record.state != "succeeded":
            return []
        if (record.policy, record.rule) not in rules or record.id in self._edited:
            return []  # the rule went, or is another one, not its condition
        try:
            inverse = self._targets.inverse(record.action, record.arguments)
        except UnfitError:
            return []
        if inverse is None:
            return []
        now = self._journal.clock()
        approval = policy.approval or self._settings.of(inverse[0]).approval
        undo = replace(
            record,
            id=uuid4().hex,
            command=_digest("undo", record.id),
            action=inverse[0],
            arguments=inverse[1],
            state="approval" if approval else "planned",
            reason=f"undoes `{record.action}`: {_GONE}",
            created_at=now,
            changed_at=now,
            commanded=False,
            undoes=record.id,
            **_FRESH,
        )
        return [undo]

    # -- what is new -------------------------------------------------------------------------------

    def _bounded(self, records: Sequence[ActionRecord], snapshot: Snapshot) -> list[ActionRecord]:
        """The same, those stopped that would act upon too much at once."""
        limits = self._exceeded([each for each in records if each.state in ("planned", "approval")], snapshot)
        return [
            replace(each, state="stopped", guard="blast_radius", reason=limits[each.id]) if each.id in limits else each
            for each in records
        ]

    def _record(self, wish: Wish) -> ActionRecord:
        now = self._journal.clock()
        approval = wish.policy.approval or self._settings.of(wish.action).approval
        state: Any = "shown" if wish.policy.mode == "dryrun" else "approval" if approval else "planned"
        return ActionRecord(
            id=uuid4().hex,
            command=wish.id,
            plan="",
            policy=wish.policy.name,
            rule=wish.rule,
            mode=wish.policy.mode,
            action=wish.action,
            arguments=wish.arguments,
            object=wish.object,
            kind=wish.kind,
            tenant=wish.tenant,
            site=wish.site,
            state=state,
            reason={"shown": "its policy is tried out", "approval": "a person must approve it"}.get(state, ""),
            guard="approval" if state == "approval" else "",
            created_at=now,
            changed_at=now,
        )

    def _exceeded(self, records: Sequence[ActionRecord], snapshot: Snapshot) -> dict[str, str]:
        """The actions that would act upon too much of the estate at once, with how much that is, and how much may be.

        What counts are different objects: of all actions on one kind of objects together, against the number and the
        share of that kind, and of an action whatever their kinds, against the number alone; with those that are planned
        already, and those that were acted upon a moment ago.
        """
        limit = MaxAffected(self._affected.amount, self._affected.percent)
        if not records:
            return {}
        counted = _Counted()
        counted.add(self._journal.live("planned", "approval", "running", "timed_out"))
        for start in self._journal.starts(since=self._journal.clock() - self._affected.within):
            counted.add_one(start.action, start.kind, start.object)
        found: dict[str, str] = {}
        by_action: defaultdict[tuple[str, str], list[ActionRecord]] = defaultdict(list)
        for each in records:
            by_action[each.action, each.kind].append(each)
        counted.add(records)
        for (action, kind), same in by_action.items():
            of = snapshot.count(kind) if kind else None
            share = "" if of is None else f" of the {of:,} in `{kind}`"
            for many, most, where in (
                (counted.of_action(action), limit.limit(None), ""),
                (counted.of_kind(kind), limit.limit(of), share),
            ):
                if exceeds(many, most):
                    reason = (
                        f"it would act upon {many:,} objects{where} at once; the limit is {most:,} (`max_affected`)"
                    )
                    found |= {each.id: reason for each in same}
        return found


def _in_plans(records: Sequence[ActionRecord]) -> list[ActionRecord]:
    """The same, those in one plan that one person decides about together: of one policy, and waiting alike."""
    plans: defaultdict[tuple[str, str], str] = defaultdict(lambda: uuid4().hex[:12])
    return [replace(each, plan=plans[each.policy, each.state]) for each in records]


class _Believed:
    """Whether the rules rest on current tables alone, asked once for each."""

    def __init__(self, host: Host, rules: Commanding) -> None:
        self._host, self._rules = host, rules
        self._known: dict[tuple[str, str], bool] = {}

    def rule(self, policy: str, rule: str) -> bool:
        """Whether what a rule commands, or does not, can be believed."""
        if (policy, rule) not in self._known:
            self._known[policy, rule] = self._host.stale(self._rules.rests(policy, rule)) is None
        return self._known[policy, rule]


def _is_lapsed(record: ActionRecord, wish: Wish | None, believed: _Believed, gone: Set[str]) -> bool:
    """Whether nothing commands an action any more, or it is commanded anew, or by another mode before it was begun.

    What was begun stays what became of its command, whatever the mode: else another one would do it again.
    """
    if wish is None or record.command in gone:
        return believed.rule(record.policy, record.rule)
    return record.state in UNBEGUN and wish.policy.mode != record.mode


class _Counted:
    """The objects that are acted upon, by action and by their kind."""

    def __init__(self) -> None:
        self._by_action: defaultdict[str, set[str]] = defaultdict(set)
        self._by_kind: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, records: Iterable[ActionRecord]) -> None:
        """Count actions."""
        for each in records:
            self.add_one(each.action, each.kind, each.object)

    def add_one(self, action: str, kind: str, object: str) -> None:
        """Count one."""
        self._by_action[action].add(object)
        if kind:
            self._by_kind[kind].add(object)

    def of_action(self, action: str) -> int:
        """How many objects an action acts upon, whatever their kinds."""
        return len(self._by_action[action])

    def of_kind(self, kind: str) -> int:
        """How many objects of a kind are acted upon, by whatever actions; none of an unknown kind."""
        return len(self._by_kind[kind])


# Of an action that was not begun yet.
_FRESH: Mapping[str, Any] = {
    "guard": "", "attempt": 0, "not_before": None, "started_at": None, "ended_at": None, "reference": "", "output": {},
    "approved_by": "", "epoch": 0, "steps": 0, "seq": 0,
}  # fmt: skip


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
