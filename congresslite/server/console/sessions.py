"""
Sessions: who has signed in to the console.

A browser holds a random key and nothing else. The token that was signed in with
stays here, in memory, and is looked at anew for each request: one that expired
or was withdrawn opens nothing any more, and there is one place alone that
decides what a token may do. After a restart, people sign in again.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from congresslite.live import Caller
from congresslite.server.problems import ProblemError

# Whose a token is. Raises ProblemError for one that is refused, and where that cannot be told now.
Authenticate = Callable[[str], Caller]

IDLE = 3600.0  # seconds without a request
LONGEST = 12 * 3600.0
MOST = 1000  # sessions that are kept; the one that was idle for longest goes first


@dataclass(slots=True)
class Session:
    """One browser that signed in. `form_key` is what its forms must bring back."""

    token: str = field(repr=False)
    form_key: str = field(repr=False)
    began: float
    used: float


class Sessions:
    """The sessions of one server."""

    def __init__(self, authenticate: Authenticate, clock: Callable[[], float] = time.monotonic) -> None:
        self._authenticate, self._clock = authenticate, clock
        # By a hash of the key: who reads this memory's dump cannot use what it shows as a cookie.
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self, token: str) -> str:
        """The key of a new session. Raises ProblemError as `authenticate` does."""
        self._authenticate(token)
        key, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            while len(self._sessions) >= MOST:
                del self._sessions[min(self._sessions, key=lambda each: self._sessions[each].used)]
            self._sessions[_hashed(key)] = Session(token, secrets.token_urlsafe(32), now, now)
        return key

    def find(self, key: str) -> tuple[Session, Caller] | None:
        """The session of a key and whose it is, if it lasts and its token still is accepted."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_hashed(key))
        if session is None:
            return None
        if now - session.used > IDLE or now - session.began > LONGEST:
            self.end(key)
            return None
        try:
            caller = self._authenticate(session.token)
        except ProblemError:  # the session stays: perhaps its issuer is out of reach for a moment
            return None
        session.used = now
        return session, caller

    def end(self, key: str) -> None:
        """Forget a session."""
        with self._lock:
            self._sessions.pop(_hashed(key), None)


def _hashed(key: str) -> str:
    return sha256(key.encode()).hexdigest()
