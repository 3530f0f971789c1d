"""
A link: both streams between this engine and one of its neighbours.

What goes out is published here; what comes in is followed. Both are `replica`'s state machines, so a link knows no
thread and no clock but the one that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from congresslite.federation.messages import Again, Alive, Message, Part, Patch, sealed
from congresslite.federation.replica import Publisher, State, Step, Subscriber
from congresslite.schema import Delta

# Sends bytes to a neighbour; what cannot be sent is lost.
Send = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class Peer:
    """A neighbour: its name, the secret that the two share, and how long it may be silent."""

    name: str
    secret: bytes
    lease: float


class Link:
    """The streams to and from one neighbour. `epoch` is greater with each start of this engine."""

    def __init__(self, me: str, peer: Peer, epoch: int, state: State, send: Send) -> None:
        self.peer = peer
        self.answering = True  # whether questions for a snapshot are answered yet
        self._me, self._send_bytes = me, send
        self._session = epoch
        self._publisher = Publisher(epoch, state)
        self._subscriber = Subscriber(peer.lease, epoch)

    @property
    def heard(self) -> float | None:
        """When the neighbour was last heard of."""
        return self._subscriber.heard

    @property
    def begun(self) -> bool:
        """Whether a snapshot of its stream has come."""
        return self._subscriber.have is not None

    @property
    def behind(self) -> int | None:
        """How many patches of ours the neighbour lacks; None if it is not known."""
        held, at = self._publisher.held, self._publisher.at
        return at.number - held.number if held is not None and held.epoch == at.epoch else None

    def current(self, now: float) -> bool:
        """Whether nothing of the neighbour's stream is missing, and it is not silent."""
        return self._subscriber.current(now)

    def publish(self, changes: Mapping[str, Delta]) -> None:
        """Tell the neighbour what came and went."""
        self.send(self._publisher.publish(changes))

    def beat(self) -> None:
        """Tell the neighbour that we are there."""
        self.send([self._publisher.alive(self._subscriber.have)])

    def tick(self, now: float) -> None:
        """Time has passed: ask for what is missing."""
        self.send(self._subscriber.tick(now))

    def restart(self, now: float) -> None:
        """Follow the neighbour's stream anew, from a snapshot."""
        self._session += 1
        heard = self._subscriber.heard
        self._subscriber = Subscriber(self.peer.lease, self._session)
        self._subscriber.heard = heard
        self.tick(now)

    def receive(self, message: Patch | Part | Alive | Again, now: float) -> Sequence[Step]:
        """Take a message: what is to be done about it."""
        if isinstance(message, Alive | Again) and (self.answering or isinstance(message, Alive)):
            self.send(self._publisher.hear(message))
        if isinstance(message, Again):
            return ()
        steps, replies = self._subscriber.receive(message, now)
        self.send(replies)
        return steps

    def send(self, messages: Iterable[Message]) -> None:
        """Send messages, signed, in this order."""
        for message in messages:
            self._send_bytes(self.peer.name, sealed(message, self._me, self.peer.name, self.peer.secret))
