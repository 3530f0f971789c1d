"""A simulation by a server: the steps go there, and what it says of them is told of the texts here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from congresslite.cli.client.findings import diagnostics, undetermined
from congresslite.cli.client.http import Client, at
from congresslite.diagnostics import Diagnostic, Source
from congresslite.server.schemas.simulate import Simulation


def simulate_there(
    client: Client, sources: Sequence[Source], limit: int
) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
    """Ask; gives the document, and the findings as values. Raises ServerError."""
    texts = {f"step {number}": source for number, source in enumerate(sources, start=1)}
    body = {"steps": [source.text for source in sources], "limit": limit}
    reply = client.send("POST", at("simulate"), Simulation, body, texts=texts)
    found = (*diagnostics(reply.body.findings, texts), *undetermined(reply.body.undetermined))
    return reply.document, found
