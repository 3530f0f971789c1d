"""
Asking: questions to the engines below, beside the streams, and the answers to those of the engine above.

A question travels to the engine that it is about, link by link; whoever passes it on waits a little less long than
whoever asked. The rule to keep: a question that is not answered in time is answered by that; nobody waits for ever.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import structlog

from congresslite.diagnostics import CongressliteError, Diagnostic
from congresslite.federation.messages import Answer, Ask, Message

log = structlog.get_logger("congresslite.tiers")

PATIENCE = 10.0  # seconds
HOP = 0.8  # the share of the patience that is left to the next engine
SIZE = 1_000_000  # characters of a part of an answer
MOST = 64  # questions that are being answered or wait for it
WORKERS = 8

Body = Mapping[str, Any]
# Answers a question of a neighbour: what it asks, its body. Raises what it cannot answer for.
Answering = Callable[[str, str, Body], Mapping[str, Any]]
SendTo = Callable[[str, Message], None]


class NoAnswerError(CongressliteError):
    """An engine that did not answer, or answered that it cannot."""


@dataclass
class _Waiting:
    """A question that is under way, and the parts of its answer."""

    peer: str
    done: threading.Event = field(default_factory=threading.Event)
    parts: dict[int, Answer] = field(default_factory=dict)


class Asking:
    """The questions of one engine, and its answers. Any thread may ask; `hear` is called with what comes."""

    def __init__(self, engine: str, send: SendTo, answering: Answering) -> None:
        self._engine, self._send, self._answering = engine, send, answering
        self._waiting: dict[str, _Waiting] = {}
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix=f"{engine}-answers")
        self._busy = threading.BoundedSemaphore(MOST)

    def ask(self, peer: str, what: str, body: Body, patience: float) -> Mapping[str, Any]:
        """Ask a neighbour, and wait for the answer. Raises NoAnswerError."""
        known = uuid.uuid4().hex
        waiting = self._waiting[known] = _Waiting(peer)
        try:
            self._send(peer, Ask(known, what, {**body, "patience": patience * HOP}))
            if not waiting.done.wait(patience):
                raise NoAnswerError(no_answer(peer, f"it did not answer within {patience:g} s"))
            return self._read(waiting)
        finally:
            del self._waiting[known]

    def hear(self, peer: str, message: Ask | Answer) -> None:
        """Take a question, to be answered by another thread, or a part of an answer."""
        if isinstance(message, Answer):
            waiting = self._waiting.get(message.id)
            if waiting is not None and waiting.peer == peer:
                waiting.parts[message.part] = message
                if len(waiting.parts) == message.parts:
                    waiting.done.set()
        elif self._busy.acquire(blocking=False):
            self._pool.submit(self._answer, peer, message)
        # Whoever asks more than can be answered will see that there is no answer.

    def close(self) -> None:
        """Answer no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _read(self, waiting: _Waiting) -> Mapping[str, Any]:
        parts = [waiting.parts[number] for number in sorted(waiting.parts)]
        text = "".join(part.text for part in parts)
        if any(part.error for part in parts):
            raise NoAnswerError(no_answer(waiting.peer, text))
        try:
            document = json.loads(text)
        except ValueError:
            raise NoAnswerError(no_answer(waiting.peer, "its answer cannot be read")) from None
        if not isinstance(document, dict):
            raise NoAnswerError(no_answer(waiting.peer, "its answer cannot be read"))
        return document

    def _answer(self, peer: str, asked: Ask) -> None:
        error = False
        try:
            text = json.dumps(self._answering(peer, asked.what, asked.body), default=str)
        except CongressliteError as refused:
            error, text = True, "; ".join(each.message for each in refused.diagnostics)
        except Exception:
            log.exception("a question could not be answered", engine=self._engine, peer=peer, what=asked.what)
            error, text = True, "it failed to find the answer"
        finally:
            self._busy.release()
        cuts = range(0, max(1, len(text)), SIZE)
        for number, start in enumerate(cuts):
            self._send(peer, Answer(asked.id, number, len(cuts), text[start : start + SIZE], error))


def no_answer(engine: str, why: str) -> Diagnostic:
    """The finding about an engine that was asked in vain."""
    return Diagnostic(
        "CL367", f"engine `{engine}` does not answer: {why}", None, "ask again, or ask there", place=engine
    )
