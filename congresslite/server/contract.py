"""
The contract of each operation: its role, what it takes, what it answers, what of it is audited.

The rule to keep: no operation without a declared role. Everything that holds
for an operation is said once, where it is routed; the guard reads it to let
callers in, the audit to know what is a change, and the OpenAPI document shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from apiflask import APIBlueprint
from apiflask.schema_adapters import registry
from flask import Flask, Response
from pydantic import BaseModel

from congresslite.server.intake import RequestAdapter

Role = Literal["viewer", "author", "operator", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "author", "operator", "admin")
OPEN: Literal["open"] = "open"  # to everybody, known or not

_CONTRACTS = "congresslite.contracts"
_SMALL = 1_000_000

registry.register("pydantic", RequestAdapter)


@dataclass(frozen=True, slots=True)
class Contract:
    """What holds for an operation. `action` names the change that it makes; `body_limit` None is the server's own.

    `tenants`: it answers with what belongs to the caller's tenant, so that whoever is bound to one may call it.
    """

    role: Role | Literal["open"]
    tenants: bool = False
    action: str | None = None
    body_limit: int | None = _SMALL
    body_optional: bool = False
    # What the framework cannot say of the operation: bodies and answers that are no JSON, parameters of any name.
    document: Mapping[str, Any] = field(default_factory=dict)


# What everybody who may see something may see of it.
READ = Contract("viewer", tenants=True)


def declare(app: Flask, endpoint: str, contract: Contract) -> None:
    """Say what holds for the view of an endpoint."""
    app.extensions.setdefault(_CONTRACTS, {})[endpoint] = contract


def contract_of(app: Flask, endpoint: str) -> Contract | None:
    """What was declared of the view of an endpoint."""
    found = app.extensions.get(_CONTRACTS, {}).get(endpoint)
    return found if isinstance(found, Contract) else None


class Resource(APIBlueprint):
    """The operations on one kind of thing, under /v1 unless said otherwise."""

    def __init__(self, name: str, *, prefix: str = "/v1") -> None:
        super().__init__(name, __name__, tag=name.capitalize(), url_prefix=prefix)

    def operation(
        self,
        method: str,
        path: str,
        contract: Contract,
        *,
        replies: type[BaseModel] | None = None,
        status: int = 200,
        query: type[BaseModel] | None = None,
        body: type[BaseModel] | None = None,
        fails: Sequence[int] = (),
    ) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """Route a view that is given `query` and `body` as models, and make it part of the document."""

        def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
            wrapped: Callable[..., Response] = self.doc(
                responses=dict.fromkeys((status, *fails) if status == 204 else fails, ""),
                extensions={"x-required-role": contract.role, "x-for-tenants": contract.tenants},
                operation_id=f"{self.name}_{view.__name__}",
            )(view)
            if replies is not None:
                wrapped = self.output(replies, status)(wrapped)
            if body is not None:
                wrapped = self.input(body, location="json", arg_name="body")(wrapped)
            if query is not None:
                wrapped = self.input(query, location="query", arg_name="query")(wrapped)
            endpoint = f"{self.name}.{view.__name__}"
            self.record(lambda state: declare(cast(Flask, state.app), endpoint, contract))
            return self.route(path, methods=[method])(wrapped)

        return decorate


def check_contracts(app: Flask) -> None:
    """Raise TypeError if a route says no role: it would be closed to everybody, or open by mistake."""
    missing = sorted({rule.endpoint for rule in app.url_map.iter_rules() if contract_of(app, rule.endpoint) is None})
    if missing:
        raise TypeError(f"routes without a role: {', '.join(missing)}")


def allows(role: str, needed: Role) -> bool:
    """Whether a role is enough: each one may do all that those before it may."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)
