"""Every operation of the OpenAPI document: who may call it, and what it does with whoever may not."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from flask.testing import FlaskClient

from congresslite.config.models import Config
from congresslite.diagnostics.codes import CODES
from congresslite.live import LiveEstate
from congresslite.server.app import create_app
from congresslite.server.contract import ROLES
from tests.server.conftest import TOKENS, bearer, config_of, running, with_tokens
from tests.server.issuer import AUDIENCE, Issuer, serving_issuer

DOCUMENT: dict[str, Any] = cast(dict[str, Any], create_app(cast(LiveEstate, object()), Config()).spec)
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
NAMED = [f"{method} {path}" for method, path, _ in OPERATIONS]
GUARDED = [each for each in OPERATIONS if each[2]["x-required-role"] != "open"]
CALLS = itertools.count()
OPEN = {"/health/live", "/health/ready", "/health/esc", "/openapi.json", "/docs/errors/{code}"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with serving_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[FlaskClient]:
    """A client of a server that wants to know who asks."""
    oidc = {"issuer": issuer.url, "audience": AUDIENCE, "roles": {role: role for role in ROLES}}
    config = config_of(tmp_path_factory.mktemp("closed"), auth=with_tokens(oidc=oidc))
    with running(config) as estate:
        yield create_app(estate, config).test_client()


def ask(client: FlaskClient, method: str, path: str, headers: dict[str, str]) -> Any:
    """Call an operation with made-up names and an empty body, each time from another address."""
    address = re.sub(r"\{[^}]+\}", "none", path.replace("{version}", "1"))
    body: dict[str, Any] | None = {} if method in ("POST", "PUT") else None
    number = next(CALLS)
    remote = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return client.open(address, method=method, json=body, headers=headers, environ_base={"REMOTE_ADDR": remote})


def test_what_is_open() -> None:
    """Nothing is open to everybody but what tells nothing of the estate."""
    assert {path for _, path, operation in OPERATIONS if operation["x-required-role"] == "open"} == OPEN
    assert {operation["x-required-role"] for _, _, operation in GUARDED} == set(ROLES)
    for _, _, operation in OPERATIONS:
        assert bool(operation["security"]) == (operation["x-required-role"] != "open")


@pytest.mark.parametrize(("method", "path", "operation"), GUARDED, ids=[f"{each[0]} {each[1]}" for each in GUARDED])
def test_nobody_comes_in_who_should_not(
    closed: FlaskClient, issuer: Issuer, method: str, path: str, operation: dict[str, Any]
) -> None:
    """Without a token, with a wrong one or an old one nobody comes in, and with too low a role not either."""
    now = int(time.time())
    strangers = {
        "nothing": {},
        "a wrong token": {"Authorization": "Bearer wrong"},
        "an empty token": {"Authorization": "Bearer "},
        "a token in another scheme": {"Authorization": f"Basic {TOKENS['admin']}"},
        "a cookie": {"Cookie": f"token={TOKENS['admin']}; congresslite_console={TOKENS['admin']}"},
        "a token in the address": {},
        "an expired JWT": {"Authorization": f"Bearer {issuer.token(exp=now - 3600, roles=['admin'])}"},
        "an unsigned JWT": {"Authorization": f"Bearer {issuer.unsigned()}"},
        "a JWT for others": {"Authorization": f"Bearer {issuer.token(aud='x', roles=['admin'])}"},
    }
    for what, headers in strangers.items():
        address = f"{path}?access_token={TOKENS['admin']}" if what == "a token in the address" else path
        response = ask(closed, method, address, headers)
        assert (response.status_code, response.get_json()["code"]) == (401, "CL556"), what
        assert "Bearer" in response.headers["WWW-Authenticate"]
    needed = ROLES.index(operation["x-required-role"])
    for role in ROLES[:needed]:
        for headers in (bearer(role), {"Authorization": f"Bearer {issuer.token(roles=[role])}"}):
            response = ask(closed, method, path, headers)
            assert (response.status_code, response.get_json()["code"]) == (403, "CL557"), role
    if path != "/v1/violations:watch":
        for role in ROLES[needed:]:
            assert ask(closed, method, path, bearer(role)).status_code not in (401, 403, 500), role


def test_whoever_is_bound_to_a_tenant(closed: FlaskClient) -> None:
    """Whoever is bound to a tenant may call only what answers with the tenant's own, and changes nothing."""
    for method, path, operation in GUARDED:
        own = operation["x-for-tenants"]
        assert not own or (method, operation["x-required-role"]) == ("GET", "viewer")
        if path != "/v1/violations:watch":
            status = ask(closed, method, path, {"Authorization": "Bearer tenant-token"}).status_code
            assert (status != 403) == own, path


def test_the_document_is_openapi() -> None:
    """The document is OpenAPI 3.1 whose references lead somewhere, and whose schemas are schemas."""
    assert DOCUMENT["openapi"] == "3.1.0"
    text = str(DOCUMENT)
    names = set(re.findall(r"#/components/schemas/([\w.]+)", text))
    assert names == set(DOCUMENT["components"]["schemas"])
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMED)
def test_operations_are_described(method: str, path: str, operation: dict[str, Any]) -> None:
    """Each operation says what it is for and how it can fail, always as a problem document."""
    assert operation["summary"].endswith(".")
    assert operation["tags"]
    for parameter in re.findall(r"\{([^}]+)\}", path):
        assert any(each["name"] == parameter and each["required"] for each in operation["parameters"])
    for status, response in operation["responses"].items():
        assert response["description"]
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]
    if method in ("POST", "PUT") and not path.endswith(":apply"):
        assert operation["requestBody"]["required"] == (not path.endswith(":refresh"))


def test_bodies_are_bounded() -> None:
    """Every text, list and object that a caller may send has a bound, and no model takes keys that it does not know."""
    unbounded: list[str] = []

    def look(schema: dict[str, Any], place: str) -> None:
        if schema.get("type") == "string" and not {"maxLength", "pattern", "enum", "format"} & schema.keys():
            unbounded.append(place)
        if schema.get("type") == "array" and "maxItems" not in schema:
            unbounded.append(place)
        if "properties" in schema and schema.get("additionalProperties") is not False:
            unbounded.append(place)
        for kind in ("anyOf", "items", "additionalProperties"):
            nested = schema.get(kind)
            for each in nested if isinstance(nested, list) else [nested]:
                if isinstance(each, dict):
                    look(each, f"{place}/{kind}")
        for name, each in schema.get("properties", {}).items():
            look(each, f"{place}/{name}")

    for method, path, operation in OPERATIONS:
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            reference = content["schema"].get("$ref")
            if reference is not None:
                look(DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]], f"{method} {path} {kind}")
        for parameter in operation["parameters"]:
            if parameter["in"] == "query" and parameter["name"] != "columns":
                look(parameter["schema"], f"{method} {path}?{parameter['name']}")
    assert unbounded == []


def test_a_route_without_a_role_is_no_application(reader: FlaskClient) -> None:
    """A route that says no role fails when the application is made, and when somebody adds one later."""
    from congresslite.server.contract import check_contracts

    app = create_app(cast(LiveEstate, object()), Config())
    app.add_url_rule("/backdoor", "backdoor", lambda: "in")
    with pytest.raises(TypeError, match="backdoor"):
        check_contracts(app)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert app.test_client().get("/backdoor").status_code == 500


def test_the_reference_has_every_operation() -> None:
    """The page on REST lists each operation, and no other."""
    page = (Path(__file__).parents[2] / "docs/reference/rest.md").read_text("utf-8")
    listed = re.findall(r"^\| `([A-Z]+) (/[^` ]+)` \|", page, re.MULTILINE)
    assert set(listed) == {(method, path) for method, path, _ in OPERATIONS}


def test_every_code_of_the_server_can_be_looked_up(reader: FlaskClient) -> None:
    """The type of each problem leads to its page."""
    for code in (code for code in CODES if "CL550" <= code < "CL570"):
        response = reader.get(f"/docs/errors/{code}")
        assert response.get_data(as_text=True).startswith(f"# {code}: {CODES[code]}")
    assert reader.get("/docs/errors/..%2F..%2Fsetup").status_code == 404
