"""Simulation over REST: what actions and changes of rows would do."""

from __future__ import annotations

from flask import Response, g

from congresslite.analysis.documents import simulation_document
from congresslite.live import LiveEstate
from congresslite.server.contract import Contract, Resource
from congresslite.server.replies import reply
from congresslite.server.schemas.simulate import SimulateIn, Simulation


def simulations(estate: LiveEstate) -> Resource:
    """The operation that simulates."""
    bp = Resource("simulations")

    @bp.operation("POST", "/simulate", Contract("author"), body=SimulateIn, replies=Simulation)
    def simulate(body: SimulateIn) -> Response:
        """Say what these steps would do, one after the other; nothing changes."""
        return reply(Simulation.of(simulation_document(estate.simulate(g.caller, body.steps, limit=body.limit))))

    return bp
