"""A small world for actions: an engine over rows, a journal in a real database, a target that does as it is told."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from congresslite.actions import ActionKind, Parameter
from congresslite.analysis.belonging import Belonging
from congresslite.api import Engine, Policy, Snapshot
from congresslite.config.enforcement import EnforcementSettings, TargetSettings
from congresslite.config.models import MaxAffectedSettings
from congresslite.enforcement.enforcer import Enforcer
from congresslite.enforcement.executor import Executor, Order, Outcome
from congresslite.enforcement.targets import Target, Targets
from congresslite.schema import Column, Delta, Row, RowsTable, TableSchema, Type
from congresslite.sources.driver import Deadline
from congresslite.store.records import ActionFilter, ActionRecord
from congresslite.store.store import Store
from tests.waiting import until

VM = TableSchema("inv:vm", (Column("id", Type.STR), Column("state", Type.STR)), key=("id",))
SITE = TableSchema("inv:site", (Column("vm", Type.STR), Column("site", Type.STR)), key=("vm",))
_OBJECT = Parameter("vm", "str")
KINDS = {
    kind.name: kind
    for kind in (
        ActionKind("stop", (_OBJECT,), "Stop it.", repeatable=True, inverse="start"),
        ActionKind("start", (_OBJECT,), "Start it.", repeatable=True, inverse="stop"),
        ActionKind("scale", (_OBJECT,), "One more of it."),
    )
}
# Nothing waits for long, and no guard is in the way but the one that a test is about.
QUICK: Mapping[str, Any] = {
    "backoff": 0.01, "call_timeout": 0.05, "cooldown": 0, "timeout": 60,
    "rate": {"amount": 100_000}, "object_rate": {"amount": 100_000},
}  # fmt: skip
STOPS = 'policy p(mode = "enforce").\nexecute[nova:stop(v)] :- inv:vm(id=v, state="bad").'
SITES = "policy sites().\nat(vm, site) :- inv:site(vm=vm, site=site)."

Reply = Outcome | Callable[[Order], Outcome]


class Obedient:
    """An executor that answers as it is told: by kind of question, one reply after the other, the last one for ever."""

    place = ""

    def __init__(self, replies: Mapping[str, Iterable[Reply]] | None = None) -> None:
        self.kinds: Mapping[str, ActionKind] = KINDS
        self.replies = {how: list(each) for how, each in (replies or {}).items()}
        self.calls: list[tuple[str, Order]] = []
        self._lock = threading.Lock()

    def performed(self) -> Counter[str]:
        """How often each action was called, by key."""
        return Counter(order.key for how, order in self.calls if how == "perform")

    def objects(self) -> list[str]:
        """What it was called for, in order."""
        return [f"{order.action} {order.arguments['vm']}" for how, order in self.calls if how == "perform"]

    def perform(self, order: Order, deadline: Deadline) -> Outcome:
        """Do it."""
        return self._reply("perform", order)

    def follow(self, order: Order, deadline: Deadline) -> Outcome:
        """How it stands."""
        return self._reply("follow", order)

    def inspect(self, order: Order, deadline: Deadline) -> Outcome:
        """What became of it."""
        return self._reply("inspect", order)

    def reachable(self, deadline: Deadline) -> str | None:
        """It always is."""
        return None

    def close(self) -> None:
        """Nothing."""

    def _reply(self, how: str, order: Order) -> Outcome:
        with self._lock:
            self.calls.append((how, order))
            given = self.replies.get(how, [Outcome("succeeded")])
            reply = given.pop(0) if len(given) > 1 else given[0]
        return reply if isinstance(reply, Outcome) else reply(order)


class World:
    """An engine, and an enforcer that runs what its policies command; a Host too."""

    def __init__(
        self,
        folder: Path,
        policies: str | Iterable[str] = STOPS,
        vms: Mapping[str, str] | None = None,
        *,
        executor: Executor | None = None,
        target: str = "nova",
        enforcement: Mapping[str, Any] | None = None,
        affected: Mapping[str, Any] | None = None,
        site: str | None = None,
        url: str | None = None,
    ) -> None:
        texts = [SITES, *([policies] if isinstance(policies, str) else policies)]
        rows = [(id_, state) for id_, state in (vms or {}).items()]
        given = [Policy(_name(text), text, f"{_name(text)}.dl") for text in texts]
        self.engine = Engine.load(given, {VM.name: RowsTable(VM, rows), SITE.name: RowsTable(SITE, [])})
        self.vms = dict(vms or {})
        self.obedient = executor if isinstance(executor, Obedient) else Obedient()
        self._executor, self._target = executor or self.obedient, target
        self.stale_because: str | None = None
        self.may_act, self.now, self.over_for_sure = True, 1, True
        self._url = url or f"sqlite:///{folder / 'actions.sqlite'}"
        said = {"defaults": QUICK, **(enforcement or {})}
        self._settings = EnforcementSettings.model_validate(said)
        limits: Mapping[str, Any] = affected or {"amount": None, "percent": None}
        self._affected = MaxAffectedSettings.model_validate(limits)
        self._site = site

    # -- a Host ------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The latest state."""
        return self.engine.snapshot()

    @property
    def belonging(self) -> Belonging:
        """Sites are told by a table."""
        return Belonging({}, "sites:at")

    def stale(self, tables: Set[str]) -> str | None:
        """Whatever a test says."""
        return self.stale_because

    @property
    def epoch(self) -> int:
        """Whatever a test says."""
        return self.now

    def held(self) -> bool:
        """Whatever a test says."""
        return self.may_act

    def over(self, epoch: int) -> bool:
        """Whatever a test says."""
        return self.over_for_sure

    # -- life ---------------------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator[World]:
        """Begin to act; at the end everything is given back."""
        with Store.open(self._url) as store:
            target = Target(self._target, TargetSettings(executor="log", site=self._site), self._executor)
            targets = Targets([target])
            self.enforcer = Enforcer(self._settings, self._affected, host=self, store=store.actions, targets=targets)
            self.enforcer.start()
            try:
                yield self
            finally:
                self.enforcer.stop()

    def set(self, **vms: str | None) -> None:
        """Let VMs have other states, or (None) be gone, and tell the enforcer."""
        gone: list[Row] = [(id_, self.vms[id_]) for id_ in vms if id_ in self.vms]
        self.vms = {id_: state for id_, state in {**self.vms, **vms}.items() if state is not None}
        come: list[Row] = [(id_, state) for id_, state in vms.items() if state is not None]
        self.engine.apply({VM.name: Delta(insert=come, delete=gone)})
        self.settle()

    def place(self, **sites: str) -> None:
        """Say where VMs are."""
        self.engine.apply({SITE.name: Delta(insert=list(sites.items()))})

    def revise(self, *texts: str, remove: Iterable[str] = ()) -> None:
        """Change policies, and tell the enforcer."""
        self.engine.apply(policies=[Policy(_name(text), text, f"{_name(text)}.dl") for text in texts], remove=remove)
        self.settle()

    def settle(self) -> None:
        """Wait until what is wanted has been looked at."""
        self.enforcer.changed()
        self.enforcer._current()  # the very moment that a test is about

    def settle_all(self) -> None:
        """Wait until no action waits for its turn, or is under way."""
        self.settle()
        until(lambda: not {"planned", "running"} & set(self.states()))

    def records(self) -> tuple[ActionRecord, ...]:
        """All actions, the oldest first."""
        return self.enforcer.page(ActionFilter(), limit=100_000).items[::-1]

    def states(self) -> list[str]:
        """The states of all actions, the oldest first."""
        return [each.state for each in self.records()]

    def reach(self, *states: str) -> tuple[ActionRecord, ...]:
        """Wait until the actions are in these states, the oldest first."""
        end = time.monotonic() + 60
        while (seen := self.states()) != list(states):
            assert time.monotonic() < end, f"{seen} instead of {list(states)}"
            time.sleep(0.005)
        return self.records()


def _name(text: str) -> str:
    return text.partition("policy ")[2].partition("(")[0] or "p"
