"""
Logs and traces: one line of JSON for each request, under the trace id that the caller gave or a new one.

The rule to keep: a line says who did what to which kind of thing and how it
ended. Headers, bodies, parameters and the names within an address are not
logged, because secrets travel in them.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import IO, Any

import structlog
from flask import Flask, Response, g, request

from congresslite.config.models import LogSettings
from congresslite.live.logs import SECRET
from congresslite.server.metrics import Requests

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")

log = structlog.get_logger("congresslite.request")


# Told of each line that is written, by any thread: it must neither wait nor fail.
Keep = Callable[[Mapping[str, Any]], None]


def configure_logs(settings: LogSettings, out: IO[str] | None = None, keep: Keep | None = None) -> None:
    """Send what is logged, by us and by libraries, to one stream in one form, and to whoever keeps it."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _mask,
        *([] if keep is None else [_keeping(keep)]),
    ]
    last: list[structlog.typing.Processor]
    if settings.format == "console":
        colors = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        # Plain tracebacks: rich ones show the values of variables, secrets too.
        last = [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    # Libraries tell of trouble only: what they say beside it may hold addresses and tokens.
    logging.basicConfig(handlers=[handler], level=max(logging.WARNING, _LEVELS[settings.level]), force=True)
    logging.getLogger("congresslite").setLevel(_LEVELS[settings.level])
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _mask(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Blank whatever is named like a secret, should anybody log one by mistake."""
    for name in event:
        if SECRET.search(name):
            event[name] = "***"
    return event


def _keeping(keep: Keep) -> structlog.typing.Processor:
    def kept(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        keep(event)
        return event

    return kept


class Tracing:
    """Gives each request its trace id, and tells how it ended."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def install(self, app: Flask) -> None:
        """Stand around every request of an application, before the guard and after it."""
        app.before_request(self.begin)
        app.after_request(self.end)

    def begin(self) -> None:
        """Take the caller's trace id, or make one."""
        match = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
        given = match[1] if match and match[1] != "0" * 32 and match[2] != "0" * 16 else None
        g.trace_id = given or secrets.token_hex(16)
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(trace_id=g.trace_id)

    def end(self, response: Response) -> Response:
        """Count and log a request, a stream once it has ended."""
        if "trace_id" not in g:
            self.begin()
        response.headers["X-Trace-Id"] = g.trace_id
        route = "none" if request.url_rule is None else request.url_rule.rule
        caller = g.get("caller")
        told = {
            "trace_id": g.trace_id,
            "method": request.method if request.url_rule is not None else "other",
            "route": route,
            "status": response.status_code,
            "actor": None if caller is None else caller.name,
        }
        began = g.began
        if response.is_streamed:
            response.call_on_close(lambda: self._tell(told, began))
        else:
            self._tell(told, began)
        return response

    def _tell(self, told: Mapping[str, Any], began: float) -> None:
        seconds = time.perf_counter() - began
        self._requests.count(told["method"], told["route"], told["status"], seconds)
        log.info("request", **{**told, "ms": round(seconds * 1000, 1)})
