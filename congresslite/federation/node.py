"""
The node: one engine among others. It follows its children, tells its parent, and hands policies down.

    bus ──▶ receive ──▶ Received ──rows──▶ host: engine ──Happened──▶ Published ──▶ link to the parent
                                             │
                                             └─ policies, translation ──▶ Handing ──▶ links to the children

Whatever is done ends by telling everybody what it changed, as one patch each. So it can be tried with a clock, a host
and a bus that are made up; `running` gives it a thread.

The rule to keep: one thread at a time works in it, and nothing in it waits for another engine.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping

import structlog

from congresslite.config.models import PeerSettings, TierSettings
from congresslite.diagnostics import CongressliteError, Diagnostic
from congresslite.federation.agreed import COMMANDS, agreed_tables
from congresslite.federation.asking import Answering, Asking
from congresslite.federation.handed import Handed, Handing, etag_of
from congresslite.federation.health import Health
from congresslite.federation.host import Given, Happened, Host
from congresslite.federation.links import Link, Peer, Send
from congresslite.federation.messages import Answer, Ask, Message, RefusedError, opened
from congresslite.federation.opponents import opponents
from congresslite.federation.parts import merged
from congresslite.federation.published import Published
from congresslite.federation.received import Claims, Received, Taken
from congresslite.federation.refusals import Refusals
from congresslite.federation.relations import ENGINES, HANDED, HEALTH, POLICIES, RULES
from congresslite.federation.replica import Step
from congresslite.federation.translating import Translator
from congresslite.language.program import Program
from congresslite.policy.conflicts import ForeignRule
from congresslite.schema import Delta, Row

log = structlog.get_logger("congresslite.tiers")

REMEMBER = 60.0  # seconds between two times that what the children said is written down
RETRY = 10.0  # seconds until what could not be taken is asked for again
ROUNDS = 20  # of changes that follow from changes, at most, before others are told


class Node:
    """An engine's place among the others. One thread at a time calls its methods; any may tell of changes."""

    def __init__(
        self,
        tier: TierSettings,
        host: Host,
        send: Send,
        answering: Answering,
        *,
        epoch: int,
        clock: Callable[[], float] = time.monotonic,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.tier, self.host = tier, host
        self.refusals = Refusals(tier.name)
        self.findings: tuple[Diagnostic, ...] = ()  # of the translation
        self.agreed = agreed_tables(tier)
        self._clock, self._wake = clock, wake
        self._events: deque[Happened] = deque()
        self._pending: list[Mapping[str, Delta]] = []
        self._published = Published(tier, self.agreed, self.refusals)
        self._health = Health(tier.name, self._published)
        claims = Claims(tier)
        self.received = {child: Received(child, self.agreed, claims, self.refusals) for child in tier.children}
        for child, each in self.received.items():
            each.restore(host.remembered(child))
        self._remembered = clock()
        self.handing = {child: Handing(tier.name, tier.below) for child in tier.children}
        self.links = {
            child: Link(tier.name, Peer(child, _secret(each), tier.lease), epoch, self.handing[child].state, send)
            for child, each in tier.children.items()
        }
        self.parent: Link | None = None
        self.handed: Handed | None = None
        if tier.parent is not None:
            peer = Peer(tier.parent.name, _secret(tier.parent), tier.lease)
            self.parent = Link(tier.name, peer, epoch, self._state, send)
            self.handed = Handed(tier.name, tier.level, peer.name, self.refusals)
        self._secrets = {link.peer.name: link.peer.secret for link in self._all_links()}
        self._translator = None if tier.translate is None else Translator(tier, tier.translate)
        self._translated: Mapping[str, Mapping[str, Given]] = {}
        self._opposed: list[ForeignRule] = []
        self._policies_changed, self._rules_changed, self._tables_changed = True, True, True
        self._handed_changed = False
        self._known = False  # whether what a translation is made of is
        # What was refused is tried again when there are other policies here.
        self._retry = False
        self._tried: Program | None = None
        self.asking = Asking(tier.name, self._to, answering)

    # -- from outside ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin to speak: with the policies that are stored, and the tables as they are."""
        self._published.begin(self.host.listen(self._heard))
        for child in self.links:
            # Whom we translate for is told nothing before the translation is made: it would drop what it has.
            self.links[child].answering = self._translator is None
        self.settle()
        self.tick()

    def receive(self, body: bytes) -> None:
        """Take what came over the bus."""
        try:
            sender, message = opened(body, self.tier.name, self._secrets)
        except RefusedError as refused:
            self.refusals.tell("CL363", refused.peer, str(refused))
            return
        if isinstance(message, Ask | Answer):
            self.asking.hear(sender, message)
            return
        now = self._clock()
        link = self.links.get(sender) or self.parent
        assert link is not None, "there is a secret, and no link"
        for step in link.receive(message, now):
            if sender in self.received:
                self._from_child(sender, step, now)
            else:
                self._from_parent(step)
        self.settle()

    def tick(self) -> None:
        """About a second has passed."""
        now = self._clock()
        for child, received in self.received.items():
            if received.fault is not None and now >= received.retry_at:
                received.fault = None
                self.links[child].restart(now)
        for link in self._all_links():
            link.beat()
            link.tick(now)
        self._note(self.links, now)
        if now - self._remembered > REMEMBER:
            self.remember()
        if self.handed is not None and self.handed.refused:
            self._handed_changed |= self._retry or self.host.snapshot().program is not self._tried
        self._tell(HEALTH, self._health.rows(self.host.lapses(), self.host.snapshot().program))
        self.settle()

    def policies_changed(self) -> None:
        """The policies that are stored are others now. Any thread may say so."""
        self._policies_changed = self._retry = True
        self._wake()

    def _heard(self, event: Happened) -> None:
        """The engine has changed. Any thread may say so."""
        self._events.append(event)
        self._wake()

    def settle(self) -> None:
        """Do what follows from what has happened, and tell everybody."""
        for _ in range(ROUNDS):
            while self._events:
                self._happened(self._events.popleft())
            if not self._follow():
                break
        self._publish()

    def remember(self) -> None:
        """Write down what the children said."""
        self._remembered = self._clock()
        for child, each in self.received.items():
            if self.links[child].begun:
                self.host.remember(child, each.small)

    def close(self) -> None:
        """Speak no more."""
        self.asking.close()
        self.remember()

    # -- what follows ------------------------------------------------------------------------------

    def _happened(self, event: Happened) -> None:
        self._pending += self._published.take(event)
        if self._translator is not None:
            # What was unknown until now may be known by a change of any table, and then nothing comes or goes in it.
            changes, reads = event.changes, self._translator.reads
            self._tables_changed |= (
                not self._known
                or changes is None
                or any(each in changes.changed() or changes.size(each) != (0, 0) for each in reads)
            )

    def _follow(self) -> bool:
        """Do one of the things that are to be done; whether there was one."""
        if self._handed_changed:
            self._handed_changed = False
            self._take_handed()
        elif self._policies_changed:
            self._policies_changed = False
            self._tell_policies()
        elif self._rules_changed:
            self._rules_changed = False
            self._oppose()
        elif self._tables_changed:
            self._tables_changed = False
            self._translate()
        else:
            return False
        return True

    def _take_handed(self) -> None:
        if self.handed is None or not self.handed.begun:
            return
        self._retry = False
        refused = self.host.hand(self.handed.wanted(), own=False)
        self._tried = self.host.snapshot().program
        self._tell(HANDED, self.handed.answer(refused))
        self._policies_changed = self._tables_changed = True

    def _tell_policies(self) -> None:
        held = self.host.policies()
        name = self.tier.name
        self._tell(
            POLICIES,
            [(name, each.name, each.tier, each.mode, etag_of(each.name, each.text), each.text) for each in held],
        )
        for child, handing in self.handing.items():
            self.links[child].publish(handing.tell(held, self._translated.get(child, {})))
        self._tables_changed = True

    def _oppose(self) -> None:
        rules, engines = (
            sorted({row for each in self.received.values() for row in each.small[relation]}, key=repr)
            for relation in (RULES, ENGINES)
        )
        found = opponents(rules, engines, self.tier)
        if found != self._opposed:
            self._opposed = found
            self.host.oppose(found)

    def _translate(self) -> None:
        self._known = self._translator is not None and self.host.known(self._translator.reads)
        if self._translator is None or not self._known:
            return
        made = self._translator.revised(self.host.snapshot())
        if made is None:
            return
        self.findings = made.findings
        for finding in made.findings:
            log.warning("translation", engine=self.tier.name, code=finding.code, message=finding.message)
        name, below = self.tier.name, self.tier.next_below
        self._translated = {
            engine: {
                policy: Given(text, self.tier.level if engine == name else below, name) for policy, text in each.items()
            }
            for engine, each in made.policies.items()
        }
        for policy, why in self.host.hand(self._translated.get(name, {}), own=True).items():
            self.refusals.tell("CL365", name, f"policy `{policy}` is refused: {why}")
        self._policies_changed = True
        self._tell_policies()
        for link in self.links.values():
            link.answering = True

    # -- what comes --------------------------------------------------------------------------------

    def _from_child(self, child: str, step: Step, now: float) -> None:
        received = self.received[child]
        if received.fault is not None:
            return  # what it says is asked for anew
        taken = received.take(step, self.host.snapshot())
        self._pending.append(taken.small)
        self._rules_changed |= bool(taken.small.get(RULES) or taken.small.get(ENGINES))
        self._apply(child, taken, now)
        for each in taken.anew:
            self.links[each].restart(now)

    def _apply(self, child: str, taken: Taken, now: float) -> None:
        received = self.received[child]
        try:
            self.host.apply({name: each for name, each in taken.tables.items() if each}, self._seen())
        except CongressliteError as error:
            received.fault = "; ".join(each.message for each in error.diagnostics)
            received.retry_at = now + RETRY
            log.warning("what a child said cannot be taken", engine=self.tier.name, child=child, why=received.fault)
        self._note([child], now)

    def _seen(self) -> list[str]:
        """The children's tables that are known: from when everything that they rest on below has been seen once."""
        found = []
        for name, agreed in self.agreed.items():
            known = [
                child
                for child, link in self.links.items()
                if link.begun and not Health.unseen(self.received[child].small[HEALTH], name)
            ]
            found += [f"{child}:{name}" for child in known if name != COMMANDS]
            found += [agreed.union] if len(known) == len(self.links) else []
        return found

    def _from_parent(self, step: Step) -> None:
        if self.handed is not None:
            self.handed.take(step)
            self._handed_changed = True

    # -- what is told ------------------------------------------------------------------------------

    def _tell(self, relation: str, rows: Iterable[Row]) -> None:
        self._pending.append(self._published.tell(relation, rows))

    def _publish(self) -> None:
        pending, self._pending = [each for each in self._pending if any(each.values())], []
        if self.parent is not None and pending:
            self.parent.publish(merged(pending))

    def _state(self) -> Mapping[str, list[Row]]:
        found = {name: list(rows) for name, rows in self._published.state().items()}
        for each in self.received.values():
            for name, rows in each.small.items():
                found.setdefault(name, []).extend(rows)
        return found

    def _note(self, children: Iterable[str], now: float) -> None:
        """Let it be known which tables of children are current."""
        for child in children:
            for name in self.agreed:
                self.host.note(child, name, self.lapse(child, name, now))

    def lapse(self, child: str, table: str, now: float) -> str | None:
        """Why a child's table is not current; None if it is."""
        received = self.received[child]
        why = self.silence(child, now)
        if why is not None:
            return why
        if table in received.differing:
            return f"`{child}` has other columns of `{table}` than were agreed on"
        return self._health.below(received.small[HEALTH], table)

    def silence(self, child: str, now: float | None = None) -> str | None:
        """Why nothing that a child says is current, by now if it is not said otherwise; None if that is not so."""
        now = self._clock() if now is None else now
        link, received = self.links[child], self.received[child]
        if received.fault is not None:
            return f"what `{child}` says cannot be taken: {received.fault}"
        if not link.begun:
            return f"`{child}` has not been heard yet"
        if not link.current(now):
            return f"`{child}` is silent, or some of what it said is missing"
        return None

    # -- within ------------------------------------------------------------------------------------

    def _all_links(self) -> list[Link]:
        return [*self.links.values(), *(() if self.parent is None else (self.parent,))]

    def _to(self, peer: str, message: Message) -> None:
        link = self.links.get(peer) or self.parent
        assert link is not None
        link.send([message])


def _secret(peer: PeerSettings) -> bytes:
    return peer.secret.get_secret_value().encode()
