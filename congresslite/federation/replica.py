"""
Replicas: a publisher's relations, followed by a subscriber over a line that loses, repeats and reorders.

Pure state machines: they are given messages and the time, and return messages
and what is to be done. Each patch has a number; the subscriber applies the next
one, ignores those that it has, and asks for a snapshot when one is missing (a
heartbeat tells the number of the last patch, so that nothing is missing
unnoticed). A publisher that starts anew has a greater epoch, and what is of an
older one is ignored.

The rule to keep: only what answers a question of the subscriber itself begins a
replica, or keeps it current. So what somebody recorded before it started proves
nothing to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from congresslite.federation.messages import Again, Alive, Part, Patch, Position
from congresslite.federation.parts import SIZE, count, cut, cut_changes, joined, joined_changes, merged
from congresslite.schema import Delta, Row

__all__ = ["Apply", "Publisher", "Replace", "State", "Subscriber", "merged"]

PATIENCE = 0.5  # seconds in which a missing patch may still come, having been overtaken
OVERDUE = 2.0  # seconds without anything of an answer, after the first question
LONGEST = 60.0  # and at most, after many
MOST_WAITING = 200_000  # rows of patches that wait for others; with more, a snapshot is cheaper

# The rows of all relations of a stream, as they are just now.
State = Callable[[], Mapping[str, Iterable[Row]]]


@dataclass(frozen=True, slots=True)
class Apply:
    """Let these rows come and go."""

    changes: Mapping[str, Delta]


@dataclass(frozen=True, slots=True)
class Replace:
    """Let relations hold just these rows, and all others of the stream none."""

    relations: Mapping[str, Sequence[Row]]


Step = Apply | Replace


class Publisher:
    """One end of a stream. `state` must tell the relations as they are after the last patch that was published.

    Whoever calls `publish` and `hear` holds one lock from the change of the relations on, so that a snapshot is of
    just the patches before it. What is returned may be sent when the lock is free again, in this order.
    """

    def __init__(self, epoch: int, state: State, size: int = SIZE) -> None:
        self._size = size
        self.at = Position(epoch, 0)
        self.held: Position | None = None  # what the subscriber said that it holds
        self._state = state
        self._asked: Position | None = None  # the last question that was heard
        self._beat = 0
        self._heard = Position(0, 0)  # epoch and beat of the subscriber's last word

    def publish(self, changes: Mapping[str, Delta]) -> Sequence[Patch]:
        """The next patch, in parts if it is large; none if nothing changes. Deltas must be net."""
        if not any(changes.values()):
            return ()
        self.at = replace(self.at, number=self.at.number + 1)
        parts = cut_changes(changes, self._size)
        return [Patch(self.at, part, number, len(parts)) for number, part in enumerate(parts)]

    def alive(self, have: Position | None) -> Alive:
        """The next heartbeat; `have` is what this end holds of the stream in the other direction."""
        self._beat += 1
        return Alive(self.at, have, self._beat, self._asked)

    def hear(self, message: Alive | Again) -> Sequence[Part]:
        """Note what the subscriber tells about this stream; a snapshot, if it asks for one."""
        if isinstance(message, Again):
            # A question that was heard before is a duplicate.
            if self._asked is not None and message.asked <= self._asked:
                return ()
            self._asked = message.asked
            self._outgrow(message.seen)
            return self.snapshot()
        said = Position(message.at.epoch, message.beat)
        if said > self._heard:
            self._heard, self.held = said, message.have
            self._outgrow(message.have)
        return ()

    def _outgrow(self, seen: Position | None) -> None:
        """Go on after what was said when this end was here before, with a clock that was ahead of today's."""
        if seen is not None and seen > self.at:
            self.at = Position(seen.epoch + 1, self.at.number)

    def snapshot(self) -> Sequence[Part]:
        """Everything, in parts of a bounded size, as the answer to the last question."""
        asked = self._asked or Position(0, 0)
        parts = cut(self._state(), self._size)
        return [Part(self.at, number, len(parts), part, asked) for number, part in enumerate(parts)]


class Subscriber:
    """The other end. `lease` is how many seconds of silence make the publisher one that is away.

    `session` grows with each start, as the epoch of a publisher does; it may be the same number.
    """

    def __init__(self, lease: float, session: int, most_waiting: int = MOST_WAITING) -> None:
        self.have: Position | None = None
        self.heard: float | None = None  # when the publisher was last heard of
        self._lease = lease
        self._most_waiting = most_waiting
        self._last: Position | None = None  # of the stream, as far as was told
        self._beat = Position(0, 0)
        self._asked = Position(session, 0)
        self._asking: float | None = None  # when something of the answer was last expected or came; None: no question
        self._pause = OVERDUE
        self._gap: float | None = None  # since when something is known to be missing
        self._waiting: dict[int, dict[int, Patch]] = {}
        self._rows = 0  # that wait
        self._parts: dict[int, Part] = {}

    def receive(self, message: Patch | Part | Alive, now: float) -> tuple[Sequence[Step], Sequence[Again]]:
        """Take a message: what is to be applied, in this order, and what is to be sent back."""
        steps: list[Step] = []
        if self._last is None or message.at.epoch >= self._last.epoch:
            self._learn(message.at)
            match message:
                case Patch():
                    self._keep(message)
                case Part():
                    steps += self._collect(message, now)
                case Alive():
                    self._listen(message, now)
            steps += self._follow(now)
        return steps, self.tick(now)

    def tick(self, now: float) -> Sequence[Again]:
        """What is to be sent now: the question for a snapshot, where it is due or its answer is overdue."""
        if not self._missing():
            self._asking, self._gap, self._pause = None, None, OVERDUE
            return ()
        if self._asking is not None:
            if now - self._asking < self._pause:
                return ()
            self._pause = min(LONGEST, 2 * self._pause)
        elif self._patient(now):
            return ()
        self._asking = now
        self._asked = replace(self._asked, number=self._asked.number + 1)
        return (Again(self._asked, self._last),)

    def current(self, now: float) -> bool:
        """Whether what was applied is all there is: nothing is missing, and the publisher is not silent."""
        return not self._missing() and self.heard is not None and now - self.heard <= self._lease

    def _missing(self) -> bool:
        return self.have is None or (self._last is not None and self.have < self._last)

    def _patient(self, now: float) -> bool:
        """Whether what is missing may just have been overtaken."""
        if self.have is None or self._last is None or self.have.epoch != self._last.epoch:
            return False
        if self._gap is None:
            self._gap = now
        return now - self._gap < PATIENCE

    def _learn(self, at: Position) -> None:
        """Where the stream is, as told by any message of it."""
        if self._last is None or at.epoch > self._last.epoch:
            self._waiting, self._rows, self._parts = {}, 0, {}
            self._gap, self._pause = None, OVERDUE
        self._last = at if self._last is None else max(at, self._last)

    def _keep(self, patch: Patch) -> None:
        """Keep a patch until it is its turn."""
        if self.have is not None and patch.at <= self.have:
            return
        parts = self._waiting.setdefault(patch.at.number, {})
        if patch.part not in parts:
            parts[patch.part] = patch
            self._rows += 1 + count(patch.changes)
        if self._rows > self._most_waiting:
            self._waiting, self._rows = {}, 0

    def _follow(self, now: float) -> Iterator[Apply]:
        """Apply the patches whose turn it is."""
        while self.have is not None and self._last is not None and self.have.epoch == self._last.epoch:
            parts = self._waiting.get(self.have.number + 1)
            if parts is None or len(parts) < next(iter(parts.values())).parts:
                return
            self.have = replace(self.have, number=self.have.number + 1)
            self._forget(self.have.number)
            self.heard, self._gap = now, None
            yield Apply(joined_changes(part.changes for part in parts.values()))

    def _collect(self, part: Part, now: float) -> Iterator[Replace]:
        """Collect the parts of the newest snapshot that we asked for, until it is whole."""
        if part.asked.epoch != self._asked.epoch or (self.have is not None and part.at <= self.have):
            return
        others = next(iter(self._parts.values()), None)
        if others is not None and _snapshot(part) < _snapshot(others):
            return
        if others is None or _snapshot(part) != _snapshot(others):
            self._parts = {}
            self._forget(part.at.number)
        if part.part in self._parts:
            return
        self._parts[part.part] = part
        # A large one is not overdue while it comes.
        self.heard, self._asking, self._pause = now, now, OVERDUE
        if len(self._parts) == part.parts:
            self.have, self._asking, self._gap = part.at, None, None
            # One by one, so that never all rows stand in two lists.
            yield Replace(joined(self._parts.pop(number).relations for number in range(part.parts)))

    def _forget(self, number: int) -> None:
        """Patches up to this one need not wait any longer."""
        for gone in [each for each in self._waiting if each <= number]:
            self._rows -= sum(1 + count(part.changes) for part in self._waiting.pop(gone).values())

    def _listen(self, alive: Alive, now: float) -> None:
        beat = Position(alive.at.epoch, alive.beat)
        if beat <= self._beat:
            return
        self._beat = beat
        if alive.asked is not None and alive.asked.epoch == self._asked.epoch:
            self.heard = now
        elif alive.asked is not None and alive.asked > self._asked:
            # This end was here before, with a clock that was ahead of today's.
            self._asked = Position(alive.asked.epoch + 1, 0)
        if alive.asked is None or alive.asked < self._asked:
            # The question was lost, and now there is somebody to hear it.
            self._pause = OVERDUE


def _snapshot(part: Part) -> tuple[Position, Position, int]:
    """The identity of the snapshot that a part is of; a newer one is greater."""
    return part.at, part.asked, part.parts
