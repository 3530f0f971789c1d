"""
Messages: what goes over a bus, as values and as signed bytes.

Each link has a secret of its own; sender, receiver and body are under the
signature, so that nobody can speak for somebody else, and what was recorded can
only be sent again to whom it was sent, where it is a duplicate.

The rule to keep: nothing of a message is read before its signature is checked,
but the names by which the secret is found.
"""

from __future__ import annotations

import hmac
import re
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from congresslite.config.models import ENGINE_NAME
from congresslite.federation.encoding import Malformed, Reader, read_json, write_json
from congresslite.schema import Delta, Row

LARGEST = 8 * 2**20  # bytes of a message on the bus
LARGEST_TEXT = 32 * 2**20  # bytes of its body when it is no longer compressed
WORTH_COMPRESSING = 4096  # bytes
DEEPEST = 64  # lists and objects within each other in the body of a question

# Before all that is signed, so that no signature made for another purpose, or by another version, fits.
_DOMAIN = b"congresslite tiers message 1\0"
_MAGIC = b"CLt1"
_HEAD = struct.Struct(">4sBHH")  # magic, whether it is compressed, lengths of sender and receiver
_MAC = 32
_NAME = re.compile(ENGINE_NAME)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a stream. `epoch` grows with each start of its publisher, `number` with each patch."""

    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class Patch:
    """What came and went in relations; all its parts take the subscriber from the patch before `at` to `at`."""

    at: Position
    changes: Mapping[str, Delta]
    part: int = 0
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a snapshot: rows of relations as they are at `at`; relations that no part names are empty.

    `asked` is the question that the snapshot answers.
    """

    at: Position
    part: int  # from 0
    parts: int
    relations: Mapping[str, Sequence[Row]]
    asked: Position


@dataclass(frozen=True, slots=True)
class Alive:
    """I am there; my stream is at `at`; of yours I hold `have` (None: nothing).

    `beat` grows with each one. `asked` is the last of your questions that I heard; so you know that this was said
    after you started.
    """

    at: Position
    have: Position | None
    beat: int
    asked: Position | None


@dataclass(frozen=True, slots=True)
class Again:
    """Send me a snapshot: I have a gap, or nothing yet.

    `asked` grows with each question; its epoch is that of the subscriber. `seen` is the last that I know of
    your stream.
    """

    asked: Position
    seen: Position | None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question beside the streams, to be answered within the asker's patience."""

    id: str
    what: str  # "explain", "check", "violation"
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer, or (`error`) why there is none; a long one comes in parts of its JSON text."""

    id: str
    part: int
    parts: int
    text: str
    error: bool = False


Message = Patch | Part | Alive | Again | Ask | Answer


class RefusedError(Exception):
    """A message that is not taken. `peer` is who it claims to be from, if that can be told."""

    def __init__(self, why: str, peer: str = "") -> None:
        super().__init__(why)
        self.peer = peer


def sealed(message: Message, sender: str, receiver: str, secret: bytes) -> bytes:
    """A message as signed bytes. Raises ValueError for one that no receiver would take."""
    if not secret:
        raise ValueError("a message cannot be signed without a secret")
    text = write_json(_document(message))
    body = zlib.compress(text, 1) if len(text) >= WORTH_COMPRESSING else text
    names = (sender.encode(), receiver.encode())
    head = _HEAD.pack(_MAGIC, body is not text, *map(len, names)) + b"".join(names)
    if len(text) > LARGEST_TEXT or len(head) + _MAC + len(body) > LARGEST:
        raise ValueError(f"a message of {len(text):,} bytes is too large")
    return b"".join((head, _signature(secret, head, body), body))


def opened(body: bytes, receiver: str, secrets: Mapping[str, bytes]) -> tuple[str, Message]:
    """The sender and the message. `secrets` has that of each peer who may speak to us.

    Raises RefusedError for one that is malformed, too large, for somebody else, from nobody we know or not signed by
    whom it claims to be from.
    """
    if len(body) > LARGEST:
        raise RefusedError(f"it is larger than {LARGEST:,} bytes")
    sender, to, start, compressed = _head(body)
    if to != receiver:
        raise RefusedError("it is for another engine", sender)
    secret = secrets.get(sender)
    if not secret:
        raise RefusedError("it is from an engine that this one does not know", sender)
    view = memoryview(body)
    given, content = view[start : start + _MAC], view[start + _MAC :]
    if not hmac.compare_digest(given, _signature(secret, view[:start], content)):
        raise RefusedError("its signature does not fit", sender)
    try:
        return sender, _message(read_json(_inflated(content) if compressed else content))
    except Malformed as error:
        raise RefusedError(f"it is malformed: {error}", sender) from None


def _signature(secret: bytes, head: bytes | memoryview, body: bytes | memoryview) -> bytes:
    # The head tells its own length, so that nothing can be moved between it and the body.
    signing = hmac.new(secret, _DOMAIN, "sha256")
    signing.update(head)
    signing.update(body)
    return signing.digest()


def _head(body: bytes) -> tuple[str, str, int, bool]:
    """Sender, receiver, where the signature begins, and whether the body is compressed."""
    if len(body) < _HEAD.size + _MAC:
        raise RefusedError("it is too short")
    magic, compressed, of_sender, of_receiver = _HEAD.unpack_from(body)
    middle = _HEAD.size + of_sender
    end = middle + of_receiver
    if magic != _MAGIC or compressed not in (0, 1) or len(body) < end + _MAC:
        raise RefusedError("it is no message of this version")
    try:
        sender, receiver = body[_HEAD.size : middle].decode(), body[middle:end].decode()
    except UnicodeDecodeError:
        raise RefusedError("its names are no text") from None
    if not _NAME.fullmatch(sender) or not _NAME.fullmatch(receiver):
        raise RefusedError("its names are no names of engines")
    return sender, receiver, end, bool(compressed)


def _inflated(content: memoryview) -> bytes:
    inflating = zlib.decompressobj()
    try:
        text = inflating.decompress(content, LARGEST_TEXT + 1)
    except zlib.error:
        raise Malformed("its compression is broken") from None
    if len(text) > LARGEST_TEXT:
        raise Malformed(f"its body is larger than {LARGEST_TEXT:,} bytes")
    if not inflating.eof or inflating.unused_data:
        raise Malformed("its compression is broken")
    return text


def _document(message: Message) -> Mapping[str, object]:
    match message:
        case Patch(at, changes, part, parts):
            tables = {name: [delta.insert, delta.delete] for name, delta in changes.items()}
            return {"kind": "patch", "at": _pair(at), "part": part, "parts": parts, "changes": tables}
        case Part(at, part, parts, relations, asked):
            described = {"at": _pair(at), "part": part, "parts": parts, "asked": _pair(asked)}
            return {"kind": "part", **described, "relations": relations}
        case Alive(at, have, beat, asked):
            return {"kind": "alive", "at": _pair(at), "have": _pair(have), "beat": beat, "asked": _pair(asked)}
        case Again(asked, seen):
            return {"kind": "again", "asked": _pair(asked), "seen": _pair(seen)}
        case Ask(id_, what, body):
            return {"kind": "ask", "id": id_, "what": what, "body": body}
        case Answer(id_, part, parts, text, error):
            return {"kind": "answer", "id": id_, "part": part, "parts": parts, "text": text, "error": error}


def _pair(at: Position | None) -> tuple[int, int] | None:
    return None if at is None else (at.epoch, at.number)


def _message(document: object) -> Message:
    """The message of a document. Raises Malformed."""
    read = Reader(document)
    kind = read.text("kind")
    made = _MADE.get(kind)
    if made is None:
        raise Malformed("it is of a kind that this version does not know")
    message = made(read)
    read.end()
    return message


def _position(read: Reader, name: str) -> Position | None:
    pair = read.pair(name)
    return None if pair is None else Position(*pair)


def _place(read: Reader, name: str) -> Position:
    position = _position(read, name)
    if position is None:
        raise Malformed(f"`{name}` is missing")
    return position


def _of_parts(read: Reader) -> tuple[int, int]:
    part, parts = read.number("part"), read.number("parts")
    if part >= parts:
        raise Malformed("it is a part beyond the last one")
    return part, parts


def _patch(read: Reader) -> Patch:
    return Patch(_place(read, "at"), read.deltas("changes"), *_of_parts(read))


def _part(read: Reader) -> Part:
    return Part(_place(read, "at"), *_of_parts(read), read.relations("relations"), _place(read, "asked"))


def _alive(read: Reader) -> Alive:
    return Alive(_place(read, "at"), _position(read, "have"), read.number("beat"), _position(read, "asked"))


def _again(read: Reader) -> Again:
    return Again(_place(read, "asked"), _position(read, "seen"))


def _ask(read: Reader) -> Ask:
    return Ask(read.text("id"), read.text("what"), read.mapping("body", DEEPEST))


def _answer(read: Reader) -> Answer:
    return Answer(read.text("id"), *_of_parts(read), read.text("text"), read.flag("error"))


_MADE: Mapping[str, Callable[[Reader], Message]] = {
    "patch": _patch,
    "part": _part,
    "alive": _alive,
    "again": _again,
    "ask": _ask,
    "answer": _answer,
}
