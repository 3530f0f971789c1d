"""
A pre-commit check by a server, of policies of this machine, and committing one that a server has kept.

What the server says of texts is told of the files that they come from.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from congresslite.cli.client.errors import ServerError
from congresslite.cli.client.findings import diagnostics
from congresslite.cli.client.http import Client, at
from congresslite.cli.client.proposed import by_file, read_proposed
from congresslite.cli.exits import Exit
from congresslite.cli.prechecked import remark_apply, write_checked
from congresslite.cli.settings import Settings
from congresslite.cli.terminal import number, remark, tell
from congresslite.server.schemas.checks import Applied, Report

# A refusal that says something of the check, and not of the request.
_REFUSED = ("CL332", "CL333")


def check_policies(
    client: Client,
    settings: Settings,
    paths: tuple[Path, ...],
    *,
    remove: tuple[str, ...],
    max_affected: str | None,
    limit: int,
) -> Exit:
    """Ask, and write the report. Raises PolicyError, ServerError, UsageError."""
    proposed = read_proposed(paths) if paths else {}
    texts = by_file(proposed)
    body: dict[str, Any] = {
        "policies": {name: source.text for name, source in proposed.items()},
        "remove": list(remove),
        "limit": limit,
    }
    if max_affected is not None:
        share = max_affected.endswith("%")
        body["max_affected"] = {"percent": float(max_affected[:-1])} if share else {"amount": int(max_affected)}
    reply = client.send("POST", at("policies:check"), Report, body, texts=texts)
    findings = diagnostics(reply.body.findings, texts)
    tell(findings, settings)
    code = write_checked(reply.document, settings, findings=findings, texts=texts)
    remark_apply(reply.document, _option(settings), settings)
    return code


def apply_check(client: Client, check: str, settings: Settings) -> Exit:
    """Let a server commit a check that it has kept. Raises ServerError for all but a check that is refused."""
    try:
        reply = client.send("POST", at("checks", f"{check}:apply"), Applied, {})
    except ServerError as error:
        if not any(each.code in _REFUSED for each in error.diagnostics):
            raise
        tell(error.diagnostics, settings)
        return Exit.BLOCKING
    remark(f"{number(len(reply.body.policies), 'policy', 'policies')} as checked", settings)
    return Exit.CLEAN


def _option(settings: Settings) -> str:
    """The option that names the server, where the environment does not."""
    return f" --server {shlex.quote(settings.server or '')}" if settings.server_named else ""
