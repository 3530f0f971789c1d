"""
Serving: the application behind gunicorn's threads, in this one process, from its first request to its last.

The rule to keep: one process holds the estate. There is no process that watches
over it: what runs services (systemd, Kubernetes) starts it again, and a kill is
a kill. A stop ends event streams, lets requests finish, and writes what is
pending; a second Ctrl-C does not wait. A process that stands by answers that it
does, and holds no estate until it leads; one whose lease is lost ends at once.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.config import Config as GunicornConfig
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from congresslite.config import origins
from congresslite.config.models import Config
from congresslite.diagnostics import render
from congresslite.live import NOT_PULLED, LiveEstate, open_estate
from congresslite.live.logs import LogLines
from congresslite.live.standby import Standby, lease_of
from congresslite.server.app import create_app
from congresslite.server.listening import check_state, listener, tls_context
from congresslite.server.standing_by import create_standby_app
from congresslite.server.tracing import configure_logs
from congresslite.store.errors import TakenError
from congresslite.store.lease import LeaseHeldError, LeaseLostError, SharedLease

GRACE = 10  # seconds in which requests may finish
_OPENING = 60  # seconds in which an estate that is being opened can be stopped in good order
_KEEPALIVE = 15
_FIRST_PULLS = 5.0  # seconds that whoever started us waits for the first rows, at most
_LOST = 1  # the exit code of a process whose lease is lost

log = structlog.get_logger(__name__)

# Told the URL, once requests are answered; and before that, if this process stands by, the URL and who leads.
Ready = Callable[[str], None]
Waiting = Callable[[str, str], None]


def serve(
    config: Config,
    base: Path,
    ready: Ready,
    waiting: Waiting = lambda url, leader: None,
    hidden: Collection[origins.Path] = (),
) -> int:
    """Serve until a signal ends it; relative paths of sources begin at `base`. Raises CongressliteError.

    What stands at `hidden` places of the configuration is shown to nobody.

    Returns how many connections had not ended by then: their threads would keep the process. A process that leads and
    whose lease is lost does not return: it ends with 1, or begins anew, to stand by.
    """
    lines = LogLines(config.log.keep)
    configure_logs(config.log, keep=lines.take)
    check_state(config.state)
    if config.server.tls is not None:
        tls_context(config.server.tls)
    with listener(config) as listening:
        service = _Service(config, base, listening, lines)
        service.ready, service.waiting, service.hidden = ready, waiting, hidden
        try:
            service.worker.init_process()
        finally:
            service.stop()
        if service.failure is not None:
            raise service.failure
    cut = int(service.worker.nr_conns)
    if cut:
        log.warning("connections were cut", connections=cut)
    return cut


class _Service(BaseApplication):
    """What the worker asks for: its settings and the application, made in the order in which things must happen."""

    ready: Ready
    waiting: Waiting
    hidden: Collection[origins.Path]

    def __init__(self, config: Config, base: Path, listening: socket.socket, lines: LogLines) -> None:
        self._config, self._base, self._listening, self._lines = config, base, listening, lines
        self.estate: LiveEstate | None = None
        self.failure: Exception | None = None  # why it cannot lead, though it is its turn
        self._lease: SharedLease | None = None
        self._standby: Standby | None = None
        self._app: Any = None
        self._ending = threading.Event()
        self._turn = threading.Thread(target=self._take_turn, name="standby", daemon=True)
        super().__init__()
        log = _Log(self.cfg)
        self.worker = _Worker(1, os.getppid(), [listening], self, 0, self.cfg, log)

    def load_config(self) -> None:
        """Settings of ours alone: gunicorn has files and variables of its own, which are left alone."""
        for name, value in _settings(self._config).items():
            self.cfg.set(name, value)
        self.cfg.set("post_worker_init", self._announce)

    def load(self) -> Any:
        """Load the estate, and the application over it; where another process leads, one that says so."""
        self._lease = lease_of(self._config, self._lost)
        try:
            self._app = self._opened()
        except TakenError as taken:
            if self._lease is None:
                raise
            self._standby = Standby(self._config, self._lease)
            if self._config.standby.enabled:
                self._app = create_standby_app(self._standby, self._config)
            elif isinstance(taken, LeaseHeldError):
                self._standby.outlast(taken)
                self._standby = None
                self._app = self._opened()
            else:
                raise
        return self._answer

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer

    def _opened(self) -> Any:
        estate = open_estate(self._config, self._base, self._lease, self.hidden)
        # Stopped whatever follows, as it writes what is pending.
        self.estate = estate
        estate.keep_log(self._lines)
        app = create_app(estate, self._config)
        estate.start()
        # What is loaded stays: whoever collects garbage need not look at millions of objects each time.
        gc.collect()
        gc.freeze()
        return app

    def _take_turn(self) -> None:
        """Wait for the place of the leader, and take it; an estate that cannot be opened then ends the process."""
        assert self._standby is not None
        try:
            while self._standby.wait(self._ending):
                began = time.monotonic()
                try:
                    self._app = self._opened()
                except TakenError as taken:  # somebody was faster
                    log.info("it is not this one's turn", why=taken.diagnostics[0].message)
                    continue
                self._tell_taken(time.monotonic() - began)
                self._greet(self._url())
                return
        except Exception as error:
            log.error("this process cannot lead", why=str(error))
            self.failure = error
            os.kill(os.getpid(), signal.SIGTERM)

    def _tell_taken(self, seconds: float) -> None:
        lease = self._lease
        assert lease is not None
        log.info(
            "took over", name=lease.me.label, epoch=lease.epoch, seconds=round(seconds, 3),
            former="has ended" if lease.proved_dead else "may still live",
        )  # fmt: skip

    def _lost(self, error: LeaseLostError) -> None:
        """Do nothing more, not even what a stop does: another process has the estate."""
        found = error.diagnostics[0]
        log.error("the lease is lost", why=found.message)
        sys.stderr.write(f"{render(found)}\n")
        sys.stderr.flush()
        if self._config.standby.after_loss == "standby":
            # The same process from its beginning: nothing that it thinks to know of the estate is left.
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
        os._exit(_LOST)

    def _announce(self, worker: _Worker) -> None:
        del worker
        if self._standby is not None:
            self.waiting(self._url(), self._standby.ready()[1])
            self._turn.start()
        else:
            threading.Thread(target=self._greet, args=(self._url(),), name="greeting", daemon=True).start()

    def _url(self) -> str:
        scheme = "http" if self._config.server.tls is None else "https"
        host, port = self._listening.getsockname()[:2]
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    def _greet(self, url: str) -> None:
        """Say where we are, once there is something to see: what is pulled first mostly takes no second."""
        until = time.monotonic() + _FIRST_PULLS
        while self.estate is not None and time.monotonic() < until:
            if all(each.health != "pending" or each.why != NOT_PULLED for each in self.estate.undetermined()):
                break
            time.sleep(0.05)
        self.ready(url)

    def stop(self) -> None:
        """Let the estate write what is pending, and give up the lease once nothing is done any more."""
        self._ending.set()
        if self._turn.is_alive():
            self._turn.join(_OPENING)
        if self.estate is not None:
            self.estate.stop()
        if self._lease is not None:
            self._lease.release()


class _Worker(ThreadWorker):
    """Threads that answer requests; stops as a service should, without another process that tells it to."""

    app: _Service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: no new connections, and every event stream ends."""
        super().handle_exit(sig, frame)
        # Not here: a signal comes anywhere, and the estate may be held by a lock.
        self.method_queue.defer(self._close_streams)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C: as above, and the second time at once. What was acknowledged is durable anyhow."""
        if not self.alive:
            os._exit(128 + signal.SIGINT)
        self.handle_exit(sig, frame)

    def is_parent_alive(self) -> bool:
        """Whoever started it may go."""
        return True

    def _close_streams(self) -> None:
        if self.app.estate is not None:
            self.app.estate.close_streams()


class _Log(Logger):
    """What gunicorn tells goes where everything is told; requests are logged by the application."""

    def setup(self, cfg: GunicornConfig) -> None:
        """Take no handlers of its own."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.propagate = True

    def access(self, *args: Any) -> None:
        """Say nothing twice."""


def _settings(config: Config) -> dict[str, Any]:
    threads = config.server.threads + config.server.streams
    values: dict[str, Any] = {
        # An open stream holds a thread, so that it takes none from requests.
        "threads": threads,
        "worker_connections": max(1000, 2 * threads),
        "keepalive": _KEEPALIVE,
        "graceful_timeout": GRACE,
        "limit_request_line": 8190,
        "limit_request_fields": 64,
        "limit_request_field_size": 16_384,
    }
    tls = config.server.tls
    if tls is not None:
        values |= {
            "certfile": str(tls.certificate),
            "keyfile": str(tls.key),
            "ssl_context": lambda settings, usual: tls_context(tls),
        }
    return values
