"""Two ends of a link on a line that loses, repeats and reorders, and sinks that notice what is applied twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from congresslite.federation.messages import Again, Alive, Message, Part, Patch, Position
from congresslite.federation.parts import merged
from congresslite.federation.replica import Apply, Publisher, Replace, Subscriber
from congresslite.schema import Delta, Row

LEASE = 15.0
TABLES = ("services", "violations", "policies")

Relations = dict[str, set[Row]]


def frozen(relations: Mapping[str, Iterable[Row]]) -> dict[str, frozenset[Row]]:
    """Relations as they are now; one without rows is none."""
    return {name: frozenset(rows) for name, rows in relations.items() if rows}


class Sink:
    """What a subscriber was told. A row that comes though it is there, or goes though it is not, is an error."""

    def __init__(self) -> None:
        self.relations: Relations = {}

    def take(self, step: Apply | Replace) -> None:
        """Do what is to be done."""
        if isinstance(step, Replace):
            self.relations = {name: set(rows) for name, rows in step.relations.items()}
            assert all(len(self.relations[name]) == len(rows) for name, rows in step.relations.items())
            return
        for name, delta in step.changes.items():
            rows = self.relations.setdefault(name, set())
            for row in delta.delete:
                assert row in rows, f"{row} of {name} goes, and is not there"
                rows.remove(row)
            for row in delta.insert:
                assert row not in rows, f"{row} of {name} comes, and is there"
                rows.add(row)


@dataclass
class Line:
    """What is under way, and everything that ever was."""

    flying: list[tuple[str, Message]] = field(default_factory=list)
    recorded: list[tuple[str, Message]] = field(default_factory=list)

    def send(self, to: str, messages: Iterable[Message]) -> None:
        """Messages to an end, in this order."""
        for message in messages:
            self.flying.append((to, message))
            self.recorded.append((to, message))


class End:
    """An engine on a line: relations of its own, and what it was told by the other end."""

    def __init__(self, name: str, other: str, line: Line) -> None:
        self.name, self.other = name, other
        self.relations: Relations = {}
        self.history: dict[Position, dict[str, frozenset[Row]]] = {}
        self._line = line
        self.start(1)

    def start(self, epoch: int) -> None:
        """Start anew: its own relations are there again, what it was told is not."""
        self.publisher = Publisher(epoch, lambda: self.relations, size=60)
        self.subscriber = Subscriber(LEASE, epoch, most_waiting=25)
        self.sink = Sink()
        self._remember()

    def change(self, changes: Mapping[str, Delta]) -> None:
        """Let rows of its own come and go."""
        net = merged([{name: self._effective(name, delta) for name, delta in changes.items()}])
        for name, delta in net.items():
            rows = self.relations.setdefault(name, set())
            rows.difference_update(delta.delete)
            rows.update(delta.insert)
        self._line.send(self.other, self.publisher.publish(net))
        self._remember()

    def beat(self) -> None:
        """Tell that it is there."""
        self._line.send(self.other, [self.publisher.alive(self.subscriber.have)])

    def tick(self, now: float) -> None:
        """Time has passed."""
        self._line.send(self.other, self.subscriber.tick(now))

    def receive(self, message: Message, now: float) -> None:
        """Take a message, as both ends that are here."""
        if isinstance(message, Alive | Again):
            self._line.send(self.other, self.publisher.hear(message))
            self._remember()
        if isinstance(message, Patch | Part | Alive):
            steps, replies = self.subscriber.receive(message, now)
            for step in steps:
                self.sink.take(step)
            self._line.send(self.other, replies)

    def _effective(self, name: str, delta: Delta) -> Delta:
        rows = self.relations.get(name, set())
        insert = [row for row in dict.fromkeys(delta.insert) if row not in rows]
        delete = [row for row in dict.fromkeys(delta.delete) if row in rows and row not in delta.insert]
        return Delta(insert, delete)

    def _remember(self) -> None:
        self.history[self.publisher.at] = frozen(self.relations)
