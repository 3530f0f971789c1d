"""Policies over REST: texts and versions."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, g

from congresslite.live import LiveEstate
from congresslite.server.contract import READ, Contract, Resource
from congresslite.server.problems import known
from congresslite.server.replies import exchanging, expected, nothing, reply
from congresslite.server.routes.names import ETAG, IF_MATCH, checked_name
from congresslite.server.schemas.policies import Policy, PolicyIn, PolicyList, PolicySummary
from congresslite.store.records import PolicyVersion

BIG = 16_000_000


def policies(estate: LiveEstate) -> Resource:
    """The operations on policies."""
    bp = Resource("policies")

    def current(name: str) -> PolicyVersion | None:
        return next((each for each in estate.policies() if each.name == name and each.text is not None), None)

    def etag(name: str) -> str | None:
        found = current(name)
        return None if found is None else found.etag

    @bp.operation("GET", "/policies", READ, replies=PolicyList)
    def listed() -> Response:
        """List the policies, without their texts."""
        items = [PolicySummary.of(each) for each in estate.policies() if each.text is not None]
        return reply(PolicyList(items=items, next=None))

    @bp.operation("GET", "/policies/<name>", replace(READ, document=ETAG), replies=Policy, fails=(304,))
    def read(name: str) -> Response:
        """Read a policy."""
        with known("policy", name):
            found = current(name)
            if found is None:
                raise KeyError(name)
        return reply(Policy.of(found), etag=found.etag)

    @bp.operation(
        "PUT", "/policies/<name>", Contract("author", action="policy.put", body_limit=BIG, document=IF_MATCH),
        body=PolicyIn, replies=Policy, fails=(201, 409, 412, 428),
    )  # fmt: skip
    def put(name: str, body: PolicyIn) -> Response:
        """Add a policy, or replace the version that `If-Match` names."""
        what = f"the policy `{checked_name(name)}`"
        given = expected(etag(name), what)
        with exchanging(given, lambda: etag(name), what):
            version = estate.put_policy(g.caller, name, body.text, given)
        location = f"/v1/policies/{name}" if given is None else None
        return reply(Policy.of(version), 201 if given is None else 200, etag=version.etag, location=location)

    @bp.operation(
        "DELETE", "/policies/<name>", Contract("author", action="policy.remove", document=IF_MATCH),
        status=204, fails=(409, 412, 422, 428),
    )  # fmt: skip
    def remove(name: str) -> Response:
        """Remove a policy; its violations are resolved."""
        what = f"the policy `{name}`"
        with known("policy", name):
            now = etag(name)
            if now is None:
                raise KeyError(name)
            given = expected(now, what)
            assert given is not None
            with exchanging(given, lambda: etag(name), what):
                estate.remove_policy(g.caller, name, given)
        return nothing()

    @bp.operation("GET", "/policies/<name>/versions", READ, replies=PolicyList)
    def versions(name: str) -> Response:
        """List the versions of a policy, the latest first."""
        with known("policy", name):
            items = [PolicySummary.of(each) for each in estate.policy_versions(name)]
        return reply(PolicyList(items=items, next=None))

    @bp.operation("GET", "/policies/<name>/versions/<int:version>", READ, replies=Policy)
    def version(name: str, version: int) -> Response:
        """Read a version of a policy."""
        with known("version", f"{name}-{version}"):
            found = {each.version: each for each in estate.policy_versions(name)}
            return reply(Policy.of(found[version]))

    return bp
