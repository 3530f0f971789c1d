"""
The process that pyDatalog runs in, seen from outside.

It takes a while to start, so it serves one request after the other; when one
of them takes too long it is killed, and the next request starts a new one.
Only JSON goes in and out.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from congresslite.diagnostics import Diagnostic, EvaluationError
from congresslite.engine.reference.clauses import layers
from congresslite.language.program import Program
from congresslite.schema import Row

_CHUNK = 1 << 20


class ReferenceProcess:
    """A process that evaluates programs with pyDatalog; a context manager that ends it."""

    def __init__(self) -> None:
        if find_spec("pyDatalog") is None:
            raise EvaluationError(
                Diagnostic(
                    "CL511",
                    "the reference engine needs pyDatalog, which is not installed",
                    hint="run `pip install 'congresslite[reference]'`",
                )
            )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ReferenceProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            # Also closes the pipes, and waits, so that nothing is left behind.
            self._process.communicate()
            self._process = None

    def evaluate(
        self, program: Program, tables: Mapping[str, Sequence[Row]], *, timeout_s: float, clock: str
    ) -> Mapping[str, list[Row]]:
        """As `evaluate_reference`. The time limit is for this request, with the start of a new process if need be."""
        deadline = time.monotonic() + timeout_s
        arities = {name: schema.arity for name, schema in (*program.base.items(), *program.tables.items())}
        rows = {name: [*tables.get(name, ()), *program.facts.get(name, ())] for name in arities}
        reply: dict[str, Any] | None = None
        # What pyDatalog never finishes in the quick way, it may finish in the slow one.
        for whole, until in ((False, deadline - timeout_s / 2), (True, deadline)):
            request = {"layers": layers(program, whole=whole), "tables": rows, "arities": arities, "clock": clock}
            reply = self._ask(json.dumps(request).encode() + b"\n", until)
            if reply is not None:
                break
        if reply is None:
            raise EvaluationError(
                Diagnostic(
                    "CL510",
                    f"no verdict: the reference engine did not answer within {timeout_s:g} s",
                    hint="evaluate with the default engine, or fewer rows; the reference engine is for small estates",
                )
            )
        if "error" in reply:
            raise EvaluationError(Diagnostic("CL512", f"pyDatalog failed: {reply['error']}"))
        return {name: [tuple(row) for row in found] for name, found in reply["tables"].items()}

    def _ask(self, request: bytes, deadline: float) -> dict[str, Any] | None:
        """The reply to a request, or None if the time is up; the process is ended then."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = _start()
        reply = _exchange(self._process, request, deadline)
        if reply is None:
            self.close()
            return None
        if not reply:
            self.close()
            return {"error": "its process ended without an answer"}
        return dict(json.loads(reply))


def _start() -> subprocess.Popen[bytes]:
    """Start the process with this interpreter and this copy of the package, whatever the working directory holds."""
    root = str(Path(__file__).parents[3])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "congresslite.engine.reference"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )


def _exchange(process: subprocess.Popen[bytes], request: bytes, deadline: float) -> bytes | None:
    """Send a line and receive one. None if the time is up; empty if the process ended."""
    assert process.stdin is not None and process.stdout is not None
    source, target = process.stdout.fileno(), process.stdin.fileno()
    os.set_blocking(target, False)
    pending, received = memoryview(request), bytearray()
    while not received.endswith(b"\n"):
        left = deadline - time.monotonic()
        readable, writable, _ = select.select([source], [target] if pending else [], [], max(0.0, left))
        if left <= 0:
            return None
        try:
            if writable:
                pending = pending[os.write(target, pending[:_CHUNK]) :]
        except BrokenPipeError:
            return b""
        if readable:
            chunk = os.read(source, _CHUNK)
            if not chunk:
                return b""
            received += chunk
    return bytes(received)
