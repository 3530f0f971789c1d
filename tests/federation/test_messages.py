"""Messages: exactly what was sent comes out, or nothing does."""

from __future__ import annotations

import hmac
import json
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.federation import messages
from congresslite.federation.messages import (
    Again,
    Alive,
    Answer,
    Ask,
    Message,
    Part,
    Patch,
    Position,
    RefusedError,
    opened,
    sealed,
)
from congresslite.schema import INT_MAX, INT_MIN, Delta, Row, Scalar
from tests.examples import few

SECRET = b"between pop_a and hub"
SECRETS = {"pop_a": SECRET, "pop_b": b"between pop_b and hub", "silent": b""}

texts = st.text(st.characters(), max_size=12)  # surrogates too
scalars: st.SearchStrategy[Scalar] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(INT_MIN, INT_MAX),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
rows: st.SearchStrategy[list[Row]] = st.lists(st.lists(scalars, max_size=4).map(tuple), max_size=4)
naturals = st.integers(0, INT_MAX)
positions = st.builds(Position, naturals, naturals)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
of_parts = st.tuples(st.integers(0, 5), st.integers(6, 9))
all_messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        lambda at, changes, parts: Patch(at, changes, parts[0], parts[1]),
        positions,
        st.dictionaries(texts, st.builds(Delta, rows, rows), max_size=3),
        of_parts,
    ),
    st.builds(
        lambda at, parts, relations, asked: Part(at, parts[0], parts[1], relations, asked),
        positions,
        of_parts,
        st.dictionaries(texts, rows, max_size=3),
        positions,
    ),
    st.builds(Alive, positions, st.none() | positions, naturals, st.none() | positions),
    st.builds(Again, positions, st.none() | positions),
    st.builds(Ask, texts, texts, st.dictionaries(texts, json_values, max_size=3)),
    st.builds(
        lambda id_, parts, text, error: Answer(id_, parts[0], parts[1], text, error),
        texts,
        of_parts,
        texts,
        st.booleans(),
    ),
)


def signed(body: bytes, *, compressed: int = 0, sender: bytes = b"pop_a", receiver: bytes = b"hub") -> bytes:
    """Any body as a message with a signature that fits: what somebody who has the secret could send."""
    head = struct.pack(">4sBHH", b"CLt1", compressed, len(sender), len(receiver)) + sender + receiver
    return head + hmac.digest(SECRET, b"congresslite tiers message 1\0" + head + body, "sha256") + body


def refusal(body: bytes, receiver: str = "hub") -> RefusedError:
    """Why a message is not taken."""
    with pytest.raises(RefusedError) as caught:
        opened(body, receiver, SECRETS)
    assert "between pop" not in str(caught.value)
    return caught.value


@few(300)
@given(all_messages)
def test_what_is_sealed_is_opened(message: Message) -> None:
    """Every message comes out as it went in, each value of its own type, and each text with its code points."""
    sender, got = opened(sealed(message, "pop_a", "hub", SECRET), "hub", SECRETS)
    assert sender == "pop_a"
    # repr tells 1 from 1.0 and from True, and 0.0 from -0.0.
    assert repr(got) == repr(message)


def test_large_messages_are_compressed() -> None:
    """Many rows that are alike take little place on the bus, and come out as they went in."""
    rows: list[Row] = [(f"vm{number}", "host", number) for number in range(20_000)]
    message = Part(Position(1, 2), 0, 1, {"table:services": rows}, Position(3, 4))
    body = sealed(message, "pop_a", "hub", SECRET)
    assert len(body) < 200_000
    assert opened(body, "hub", SECRETS) == ("pop_a", message)


@few(300)
@given(all_messages, st.data())
def test_any_other_byte_is_refused(message: Message, data: st.DataObject) -> None:
    """No byte of a message can be changed, left out, or put in."""
    body = sealed(message, "pop_a", "hub", SECRET)
    place = data.draw(st.integers(0, len(body) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != body[place]))
    refusal(body[:place] + bytes([byte]) + body[place + 1 :])
    refusal(body[:place])
    refusal(body + bytes([byte]))
    refusal(body[:place] + body[place + 1 :])


@few(300)
@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    """Bytes from anybody are refused, and nothing else happens; those that a peer has signed too."""
    refusal(noise)
    refusal(signed(noise))
    refusal(signed(noise, compressed=1))


def test_nobody_speaks_for_somebody_else() -> None:
    """A child that knows its own secret only can claim no other child's name, nor the parent's."""
    again = Again(Position(1, 1), None)
    forged = refusal(sealed(again, "pop_b", "hub", SECRET))
    assert (str(forged), forged.peer) == ("its signature does not fit", "pop_b")
    refusal(sealed(again, "hub", "hub", SECRET))
    stranger = refusal(sealed(again, "pop_z", "hub", SECRET))
    assert (str(stranger), stranger.peer) == ("it is from an engine that this one does not know", "pop_z")


def test_nothing_comes_back_or_to_somebody_else() -> None:
    """What was recorded is of no use to anybody but its receiver, even where two links have one secret."""
    body = sealed(Again(Position(1, 1), None), "pop_a", "hub", SECRET)
    with pytest.raises(RefusedError, match="for another engine"):
        opened(body, "pop_a", {"hub": SECRET})
    with pytest.raises(RefusedError, match="for another engine"):
        opened(body, "other", {"pop_a": SECRET})


def test_an_empty_secret_is_none() -> None:
    """A peer whose secret is empty cannot speak, since anybody could sign for it."""
    with pytest.raises(ValueError, match="without a secret"):
        sealed(Again(Position(1, 1), None), "silent", "hub", b"")
    body = sealed(Again(Position(1, 1), None), "silent", "hub", b"x")
    assert "does not know" in str(refusal(body))


AT, ASKED = [1, 2], [3, 4]
FINE: dict[str, dict[str, Any]] = {
    "patch": {"kind": "patch", "at": AT, "part": 0, "parts": 1, "changes": {"t": [[[1]], []]}},
    "part": {"kind": "part", "at": AT, "part": 0, "parts": 1, "asked": ASKED, "relations": {"t": [[1]]}},
    "alive": {"kind": "alive", "at": AT, "have": None, "beat": 1, "asked": None},
    "again": {"kind": "again", "asked": ASKED, "seen": None},
    "ask": {"kind": "ask", "id": "1", "what": "explain", "body": {}},
    "answer": {"kind": "answer", "id": "1", "part": 0, "parts": 1, "text": "{}", "error": False},
}


@pytest.mark.parametrize("kind", FINE)
def test_the_fine_ones_of_the_table_are_fine(kind: str) -> None:
    """What the next test spoils is taken as it is here; so the next test refuses what it means to refuse."""
    opened(signed(json.dumps(FINE[kind]).encode()), "hub", SECRETS)


@pytest.mark.parametrize(
    ("kind", "change", "why"),
    [
        ("patch", {"kind": "push"}, "a kind that this version does not know"),
        ("patch", {"kind": 3}, "`kind` is no text"),
        ("patch", {"more": 1}, "fields that its kind has not"),
        ("patch", {"at": None}, "`at` is missing"),
        ("patch", {"at": [1]}, "`at` is no pair"),
        ("patch", {"at": [1, -1]}, "no number from 0"),
        ("patch", {"at": [1, True]}, "no number from 0"),
        ("patch", {"at": [1, 2.0]}, "no number from 0"),
        ("patch", {"part": 1}, "beyond the last one"),
        ("patch", {"parts": 0}, "beyond the last one"),
        ("patch", {"changes": []}, "`changes` is no object"),
        ("patch", {"changes": {"t": [[]]}}, "not two lists"),
        ("patch", {"changes": {"t": [[], {}]}}, "no lists of scalars"),
        ("patch", {"changes": {"t": [[[[]]], []]}}, "no lists of scalars"),
        ("patch", {"changes": {"t": [["row"], []]}}, "no lists of scalars"),
        ("patch", {"changes": {"t": [[[2**63]], []]}}, "a number out of range"),
        ("patch", {"changes": {"t": [[[float("nan")]], []]}}, "a number out of range"),
        ("patch", {"changes": {"t": [[[float("-inf")]], []]}}, "a number out of range"),
        ("part", {"relations": {"t": [[{}]]}}, "no lists of scalars"),
        ("part", {"asked": None}, "`asked` is missing"),
        ("alive", {"beat": "1"}, "no number from 0"),
        ("alive", {"have": 1}, "`have` is no pair"),
        ("again", {"asked": []}, "`asked` is no pair"),
        ("ask", {"id": None}, "`id` is no text"),
        ("ask", {"body": "x"}, "`body` is no object"),
        ("answer", {"error": 0}, "`error` is no boolean"),
        ("answer", {"text": None}, "`text` is no text"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else None,
)
def test_the_wrong_shape_is_refused(kind: str, change: dict[str, Any], why: str) -> None:
    """A peer that is broken, or of another version, is told from one that is not."""
    assert why in str(refusal(signed(json.dumps(FINE[kind] | change).encode())))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"kind":"again"}',
        b'{"kind":"again","asked":[1,1],"seen":null}x',
        b'{"kind":"again","asked":[1,1],"seen":\xff}',
        b'{"kind":"again","seen":null,"asked":[1,' + b"9" * 5000 + b"]}",
        b'{"kind":"patch","at":[1,1],"part":0,"parts":1,"changes":{"t":[[[1e999]],[]]}}',
        b"[" * 100_000,
        b'{"kind":"ask","id":"","what":"","body":{"a":' + b"[" * 80 + b"]" * 80 + b"}}",
    ],
    ids=[
        "nothing",
        "a list",
        "half",
        "a field is missing",
        "something after it",
        "no UTF-8",
        "a very long number",
        "a number that would be infinite",
        "very deep",
        "a deep question",
    ],
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    """Whatever a peer signs, the engine goes on."""
    assert "malformed" in str(refusal(signed(body)))


@pytest.mark.parametrize(
    "sender",
    [b"", b"pop-a", b"pop a", b"pop_a\n", b"\xff", b"../x"],
    ids=["empty", "dash", "space", "line", "raw", "path"],
)
def test_names_are_names(sender: bytes) -> None:
    """What is told of a stranger, and may stand in a log, is a name or nothing."""
    found = refusal(signed(b"{}", sender=sender))
    assert (found.peer, "names" in str(found)) == ("", True)


def test_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message over the limit is refused unread, a body that grows over it when inflated is not inflated further."""
    assert "larger than" in str(refusal(b"\0" * (messages.LARGEST + 1)))
    monkeypatch.setattr(messages, "LARGEST_TEXT", 100_000)
    for size, taken in ((90_000, True), (100_001, False), (50_000_000, False)):
        text = json.dumps(FINE["again"]).encode()
        body = signed(zlib.compress(text + b" " * (size - len(text))), compressed=1)
        if taken:
            opened(body, "hub", SECRETS)
        else:
            assert "its body is larger" in str(refusal(body))
    with pytest.raises(ValueError, match="too large"):
        sealed(Answer("1", 0, 1, "x" * 100_000), "pop_a", "hub", SECRET)


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=str)
def test_what_no_table_can_hold_is_not_sent(value: float) -> None:
    """A value that no receiver would take is an error at home, and not a message that is refused elsewhere."""
    with pytest.raises(ValueError, match="JSON"):
        sealed(Patch(Position(1, 1), {"t": Delta([(value,)])}), "pop_a", "hub", SECRET)
